"""Checking a key with its backup, and checking the device, in a real Chromium against the real server."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from cheroot.wsgi import Server
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select
from websockets.asyncio.server import ServerConnection, serve

from accounts.sessions import COOKIE, actor_of_token
from foundation.actor import PUBLIC
from foundation.sealing import SUITES, KeyFile, KeyUse, recover_r_bid
from tendering.queries.rehearsals import Rehearsed, own_rehearsal
from tendering.readiness_models import BidRehearsal, SelfCheck
from tendering.self_check import LINES
from tendering.self_check_receiver import TrialReceiver
from tendering.services import rehearsals
from tests.support.keyboard import unseen_stops
from tests.support.page_checks import axe_faults, catalogue_codes, sideways, text_faults
from tests.support.tender_world import OpenLot, TenderWorld, make_world
from tests.support_bids import Bidder, SealedFiles, make_app, make_bidder, token_of
from tests.support_rehearsals import ask, file, statement_of

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "九层之台，起于累土 2026"


class Room:
    """The trial side of the room on a loop of its own; ``is_open`` shuts the door."""

    def __init__(self, world: TenderWorld) -> None:
        self.world = world
        self.is_open = True
        self.loop = asyncio.new_event_loop()
        self.port = 0
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._start())
        self.loop.run_forever()

    async def _start(self) -> None:
        self.trials = TrialReceiver()
        self.server = await serve(self._handle, "127.0.0.1", 0, max_size=256 * 1024, compression=None)
        self.port = self.server.sockets[0].getsockname()[1]
        self._ready.set()

    async def _handle(self, connection: ServerConnection) -> None:
        if not self.is_open:
            return
        assert connection.request is not None
        assert connection.request.path == "/self-check"
        jar = SimpleCookie(connection.request.headers.get("Cookie", ""))
        with self.world.units.read() as unit:
            actor = actor_of_token(unit, jar[COOKIE].value) or PUBLIC
        await self.trials.handle(connection, actor)

    def close(self) -> None:
        async def stop() -> None:
            self.server.close(close_connections=True)
            await self.server.wait_closed()

        asyncio.run_coroutine_threadsafe(stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


@dataclass
class Site:
    world: TenderWorld
    lot: OpenLot
    bidder: Bidder
    made: SealedFiles
    room: Room
    origin: str
    bodies: list[bytes]
    """Of every request of the page."""

    @property
    def rehearsed(self) -> Rehearsed:
        with self.world.units.read(self.bidder.actor) as unit:
            card = own_rehearsal(unit, self.lot.id)
        assert card is not None
        return card.rehearsed


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Site]:
    subprocess.run([sys.executable, str(ROOT / "tools" / "vendor.py")], check=True, capture_output=True)
    suite = SUITES[getattr(request, "param", "S1")]
    world = make_world(tmp_path)
    room = Room(world)
    server = Server(("127.0.0.1", 0), make_app(world, room_port=room.port), numthreads=6)
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    lot = world.open_lot(suite=suite)
    bidder = make_bidder(world, suite=suite)
    made = bidder.seal(lot)
    bidder.hand_in(lot, made)
    yield Site(world, lot, bidder, made, room, f"http://localhost:{server.bind_addr[1]}", [])
    server.stop()
    thread.join(10)
    room.close()
    world.engine.dispose()


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    made = browser.new_context(accept_downloads=True, locale="zh-CN", viewport={"width": 1280, "height": 900})
    made.add_cookies([{"name": COOKIE, "value": token_of(site.world, site.bidder.actor), "url": site.origin}])
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, site: Site) -> Iterator[Page]:
    """A page whose violations of the content policy and uncaught errors fail the test."""
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if "Content Security" in said.text else None)
    opened.on("request", lambda sent: site.bodies.append(sent.post_data_buffer or b""))
    yield opened
    assert complaints == []


@pytest.mark.parametrize("site", SUITES, indirect=True)
def test_a_key_is_checked_with_its_backup_and_never_leaves_the_page(page: Page, site: Site, tmp_path: Path) -> None:
    lot, bidder = site.lot, site.bidder
    backup = tmp_path / "opening.age"
    made_at = site.world.clock.now()
    KeyFile(KeyUse.OPENING, lot.tender_code, lot.lot_code, bidder.uscc, made_at, bidder.opening).save(
        backup, PASSPHRASE
    )
    page.goto(f"{site.origin}/lots/{lot.id}/bid")
    page.get_by_role("button", name="验证我的密钥").click()
    expect(page.locator("[data-rehearsed]")).to_contain_text("没有本标段的密钥")  # this browser never held it
    assert site.rehearsed is Rehearsed.NEVER

    page.get_by_role("link", name="用备份文件验证").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name="验证").click()
    expect(dialog).to_contain_text("请先选择备份文件")
    dialog.get_by_label("备份文件").set_input_files(backup)
    dialog.get_by_label("备份口令").fill("another passphrase")
    dialog.get_by_role("button", name="验证").click()
    expect(dialog).to_contain_text("密钥或口令不对", timeout=30_000)
    dialog.get_by_label("备份口令").fill(PASSPHRASE)
    dialog.get_by_role("button", name="验证").click()
    expect(dialog).to_contain_text("成功", timeout=30_000)
    assert site.rehearsed is Rehearsed.FILED

    header = site.made.sealed.header
    r_bid = recover_r_bid(header, bidder.opening)
    with site.world.units.begin(bidder.actor) as unit:  # what the browser filed is what an honest client files
        rehearsals.check_rehearsals(unit, lot.id, site.made.bid, r_bid)
        assert unit.session.scalars(select(BidRehearsal.is_right)).all() == [True]
    sent = b"\n".join(site.bodies)
    assert b"challenge" in sent
    assert r_bid.hex().encode() not in sent
    assert r_bid not in sent
    page.reload()
    expect(page.get_by_text("已核对相符")).to_be_visible()


def check(page: Page, site: Site) -> dict[str, str]:
    """Run the check to its end; the state of every line as it is kept."""
    page.goto(f"{site.origin}/self-check")
    page.get_by_role("button", name="开始自检").press("Enter")
    expect(page.locator("[data-kept]")).to_contain_text("只有本单位看得到", timeout=60_000)
    with site.world.units.read() as unit:
        newest = unit.session.scalars(select(SelfCheck).order_by(SelfCheck.id.desc()).limit(1)).one()
        return {str(line["id"]): str(line["state"]) for line in newest.lines}


def test_a_device_in_order_is_ready_and_its_result_can_be_kept(page: Page, site: Site) -> None:
    states = check(page, site)
    # Headless Chromium grants no persistence; the clock of the tests' centre stands in its own time.
    unsure = {"persistent", "storage", "clock"}
    assert {name: states[name] for name in LINES if name not in unsure} == {
        name: "ok" for name in LINES if name not in unsure
    }
    expect(page.get_by_text("可以投标", exact=True).first).to_be_visible()
    expect(page.locator('[data-line="round"] [data-measured]')).to_contain_text("1 MiB")
    with page.expect_download() as download:
        page.get_by_role("link", name="下载结果（文本）").click()
    text = download.value.path().read_text(encoding="utf-8")
    assert "结论：可以投标" in text
    assert "[正常] 试加密、上传、解密 · 1 MiB" in text
    page.reload()
    expect(page.locator("#check-list")).to_contain_text("可以投标")


def test_without_sockets_the_trial_goes_by_the_fallback(page: Page, site: Site) -> None:
    site.room.is_open = False
    states = check(page, site)
    assert (states["socket"], states["http"], states["round"]) == ("warn", "ok", "ok")
    expect(page.locator('[data-line="socket"] [data-advice]')).to_be_visible()
    expect(page.get_by_text("可以投标", exact=True).first).to_be_visible()


def test_without_any_channel_the_device_is_not_ready_and_the_page_says_what_to_do(page: Page, site: Site) -> None:
    site.room.is_open = False
    page.route("**/self-check/uploads/**", lambda route: route.abort())
    states = check(page, site)
    assert (states["socket"], states["http"], states["round"]) == ("warn", "warn", "bad")
    expect(page.get_by_text("还不能投标", exact=True).first).to_be_visible()
    expect(page.locator('[data-line="round"] [data-advice]')).to_be_visible()


@pytest.mark.parametrize("lang", ["zh-Hans", "en"])
def test_the_pages_hold_in_both_languages_wide_and_narrow_and_by_keyboard(
    context: BrowserContext, page: Page, site: Site, lang: str
) -> None:
    context.add_cookies([{"name": "lang", "value": lang, "url": site.origin}])
    data = {site.bidder.actor.org_name, site.bidder.actor.display_name, "武进区教育局", "合格", "中文"}
    data.add("武进高级中学新校区修缮工程（施工）")

    def assert_holds(where: str) -> None:
        found = [*text_faults(page, lang, catalogue_codes(), data), *axe_faults(page), *sideways(page)]
        page.set_viewport_size({"width": 390, "height": 800})
        found += sideways(page)
        assert found == [], where
        page.set_viewport_size({"width": 1280, "height": 900})

    page.goto(f"{site.origin}/lots/{site.lot.id}/bid")
    assert_holds("unverified")
    opener = page.locator('[data-opens="rehearse-backup"]')
    opener.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_holds("dialog")
    page.keyboard.press("Escape")
    expect(opener).to_be_focused()
    file(site.bidder, site.lot, statement_of(site.bidder, site.made, ask(site.bidder, site.lot)))
    page.reload()
    assert_holds("verified")
    page.goto(f"{site.origin}/self-check")
    assert_holds("before")
    page.locator("#check-now").press("Enter")
    expect(page.locator("#check-text")).to_be_visible(timeout=60_000)
    assert_holds("after")
    expect(page.locator("#verdict")).to_be_focused()
    assert unseen_stops(page)[1] == []
