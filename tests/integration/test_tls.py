"""A demonstration centre with ``--tls``: both ports, every client, and a browser that is given its cryptography."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.sync_api import Browser, WebSocket
from websockets.asyncio.client import connect

from centre.up import ROLE_NAMES
from sandbox import cast
from sandbox.cli import centre_certificate
from sandbox.story import Story, StoryOptions, begin, leave, stages
from sandbox.story_centre import Started, is_demo, started_centre

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
NAMES = ("localhost", *(f"{name}.localhost" for name in ROLE_NAMES))
NOBODYS_LOT = "01a21084-516d-71d2-8274-17ae9edb68a3"


@dataclass(frozen=True)
class Secured:
    """A running centre, and who trusts its certificate and nothing else."""

    centre: Started
    web_port: int
    room_port: int
    trust: ssl.SSLContext


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    with started_centre(tmp_path_factory.mktemp("tls"), print, options=("--tls",)) as centre:
        port = urlsplit(centre.url).port
        assert port is not None
        assert centre.certificate is not None
        yield Secured(centre, port, port + 1, ssl.create_default_context(cafile=str(centre.certificate)))


@pytest.fixture(scope="module")
def story(secured: Secured, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    """The story up to a room with people in it: agents made keys, the bank sent its notice, bids came by socket."""
    options = StoryOptions(secured.centre.url, bidders=3, certificate=secured.centre.certificate)
    made = begin(options, tmp_path_factory.mktemp("home"), print)
    try:
        for name, stage in stages():
            stage(made)
            if name == "check_in":
                break
        yield made
    finally:
        leave(made)


def test_everybody_in_the_cast_opens_under_a_name_of_the_certificate() -> None:
    companies = (*cast.AGENCIES, *cast.TENDEREES, cast.CENTRE, cast.REGULATOR, cast.AUDIT, cast.NEWCOMER)
    companies += (*(bidder.company for bidder in cast.BIDDERS), *cast.CUSTODIANS, *cast.OTHERS)
    assert {person.host for company in companies for person in company.people} <= set(NAMES)


@pytest.mark.parametrize("name", [*NAMES, "127.0.0.1"])
def test_pages_answer_over_tls_under_each_name(secured: Secured, name: str) -> None:
    # Browsers know these names, other programs may not: the address is given, the name is what is asked and verified.
    headers, names = {"Host": f"{name}:{secured.web_port}"}, {"sni_hostname": name}
    with httpx.Client(verify=secured.trust, trust_env=False) as client:
        answer = client.get(f"https://127.0.0.1:{secured.web_port}/", headers=headers, extensions=names)
    assert answer.status_code == 200
    assert "公共资源交易" in answer.text
    assert all("secure" in cookie.lower() for cookie in answer.headers.get_list("set-cookie"))


def test_who_does_not_trust_the_certificate_is_not_served(secured: Secured) -> None:
    with httpx.Client(trust_env=False) as client, pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        client.get(f"{secured.centre.url}/")
    assert not is_demo(secured.centre.url)
    assert is_demo(secured.centre.url, secured.centre.certificate)


@pytest.mark.parametrize("port", ["web_port", "room_port"])
def test_neither_port_speaks_plain_http(secured: Secured, port: str) -> None:
    with httpx.Client(trust_env=False) as client, pytest.raises(httpx.TransportError):
        client.get(f"http://localhost:{getattr(secured, port)}/healthz")


def test_a_client_that_connects_and_says_nothing_keeps_nobody_out(secured: Secured) -> None:
    silent = [socket.create_connection(("127.0.0.1", secured.web_port)) for _ in range(3)]
    try:
        with httpx.Client(verify=secured.trust, trust_env=False, timeout=10) as client:
            assert client.get(f"{secured.centre.url}/healthz").status_code == 200
    finally:
        for one in silent:
            one.close()


@pytest.mark.parametrize("name", ["localhost", "bidder.localhost"])
def test_the_room_port_shakes_hands_over_wss(secured: Secured, name: str) -> None:
    url = f"wss://{name}:{secured.room_port}/rooms/{NOBODYS_LOT}"
    origin = f"https://{name}:{secured.web_port}"
    # Asked on a line of its own: the room hangs up on the other one at once, and a closed line has no version.
    bare = socket.create_connection(("127.0.0.1", secured.room_port))
    with secured.trust.wrap_socket(bare, server_hostname=name) as shaken:
        assert shaken.version() == "TLSv1.3"

    async def hung_up_with() -> int | None:
        """One thread for reading and writing: with two on one TLS line a handshake in some hundreds got no answer."""
        plain = socket.create_connection(("127.0.0.1", secured.room_port))
        headers = {"Origin": origin}
        async with connect(url, sock=plain, ssl=secured.trust, proxy=None, additional_headers=headers) as line:
            async with asyncio.timeout(60):
                await line.wait_closed()
            return line.close_code

    with ThreadPoolExecutor(1) as apart:  # a browser that is still open has an event loop in this thread
        assert apart.submit(lambda: asyncio.run(hung_up_with())).result() == 4404


def test_the_demonstrations_own_processes_trust_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("CENTRE_TLS_CERTIFICATE", raising=False)
    assert centre_certificate() is None
    monkeypatch.setenv("CENTRE_TLS_CERTIFICATE", str(tmp_path / "certificate.pem"))
    assert centre_certificate() == tmp_path / "certificate.pem"


def test_agents_bank_uploads_and_rooms_work_over_tls(story: Story) -> None:
    assert all(bidder.kept.rev >= 1 for bidder in story.bidders)
    assert story.refusals[1]["tried"] == "an organisation that is not verified seals"
    for watch in (story.gallery, story.host, *(bidder.watch for bidder in story.bidders)):
        assert watch is not None
        assert watch.connections > 0  # that one of them asked the pages as well, after a line got lost, is no fault


@pytest.mark.browser
def test_a_browser_gets_its_cryptography_and_the_rooms_socket(secured: Secured, story: Story, browser: Browser) -> None:
    base = f"https://bidder.localhost:{secured.web_port}"
    context = browser.new_context(ignore_https_errors=True, base_url=base)
    try:
        page = context.new_page()
        lines: list[WebSocket] = []
        page.on("websocket", lambda line: lines.append(line))  # noqa: PLW0108 - Playwright marks what it is given
        page.goto(f"/demo?as={cast.BIDDERS[0].login}")
        page.locator(f'form[action="/demo/sign-in-as/{cast.BIDDERS[0].login}"] button').click()
        page.locator(".who").wait_for()
        assert all(cookie["secure"] for cookie in context.cookies())
        assert page.evaluate("window.isSecureContext")
        made = page.evaluate(
            "crypto.subtle.generateKey({name: 'ECDH', namedCurve: 'P-256'}, false, ['deriveBits'])"
            ".then((pair) => pair.privateKey.type)"
        )
        assert made == "private"
        with page.expect_websocket() as opened:
            page.goto(f"/rooms/{story.lot_id}")
        assert opened.value.url.startswith(f"wss://bidder.localhost:{secured.room_port}/rooms/{story.lot_id}")
        if not opened.value.is_closed():
            with opened.value.expect_event("framereceived") as heard:
                pass
            assert heard.value
        assert not lines[-1].is_closed()
    finally:
        context.close()
