"""Webhooks, SMS and mail over TLS, against servers that listen: signatures, certificates, doors that stay shut."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from accounts.notices import addressing, queries, rules, ways
from accounts.notices.errors import HookUnfit, NoHook, TooManyCodes
from accounts.notices.states import DeliveryState
from centre.tls import Certificate, ensure_certificate
from foundation.actor import system
from foundation.clock import machine_now
from foundation.events.bid_opening import BidsFrozen
from foundation.notices.configured import SMS_KEY_FILE, SMTP_PASSWORD_FILE
from foundation.notices.message import Channel
from foundation.notices.posting import MESSAGE_HEADER, SIGNATURE_HEADER
from foundation.store.base import Base
from tests.integration.support_notices import CODE, Post, make_post
from tests.support.hook_server import HookServer, start_hook_server
from tests.support.mail_server import Conduct, make_mail_server

LOT = "019323aa-0000-7000-8000-000000000001"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return ensure_certificate(tmp_path_factory.mktemp("tls"), ["localhost"], at=machine_now())


@pytest.fixture
def server(certificate: Certificate) -> Iterator[HookServer]:
    made = start_hook_server((certificate.certificate, certificate.key))
    yield made
    made.stop()


@pytest.fixture
def post(tmp_path: Path, certificate: Certificate) -> Post:
    return make_post(tmp_path, notice_private_targets=True, notice_roots=certificate.certificate)


def set_hook(post: Post, url: str) -> str:
    with post.town.units.begin(post.bidder) as unit:
        return addressing.set_hook(unit, post.runtime.settings, url)


def is_signed(server: HookServer, key: str) -> bool:
    got = server.posted[-1]
    parts = dict(part.split("=", 1) for part in got.headers[SIGNATURE_HEADER].split(","))
    age = abs(machine_now().timestamp() - int(parts["t"]))
    expected = hmac.new(key.encode(), f"{parts['t']}.".encode() + got.body, hashlib.sha256).hexdigest()
    return age < 60 and hmac.compare_digest(parts["v1"], expected)


# --- webhooks ----------------------------------------------------------------


def test_a_webhook_is_tried_at_once_and_signed_with_the_key_that_was_shown(post: Post, server: HookServer) -> None:
    key = set_hook(post, server.url())
    assert post.send(Channel.WEBHOOK) == 1
    assert is_signed(server, key)
    assert not is_signed(server, "another key")
    assert json.loads(server.posted[-1].body)["kind"] == "trial"
    post.tell()
    assert post.send(Channel.WEBHOOK) == 1
    said = json.loads(server.posted[-1].body)
    assert (said["code"], said["kind"]) == ("inbox.second_claim", "account")
    assert "冒名公司" in said["text"]["zh-Hans"]
    assert server.posted[-1].headers[MESSAGE_HEADER] == said["id"]


def test_the_key_is_in_no_table_and_a_new_setting_has_another(post: Post, server: HookServer) -> None:
    key = set_hook(post, server.url())
    with post.town.units.read() as unit:
        kept = [str(row) for table in Base.metadata.sorted_tables for row in unit.session.execute(select(table))]
    assert kept
    assert not any(key in row for row in kept)
    assert set_hook(post, server.url()) != key


def test_before_the_freeze_a_webhook_names_no_lot(post: Post, server: HookServer) -> None:
    set_hook(post, server.url())
    post.tell("inbox.opening_sign_in", f"/rooms/{LOT}/seat", lot="漕桥厂房", opens_at="2026-12-11T01:30:00.000Z")
    post.send(Channel.WEBHOOK)
    assert "漕桥" not in server.posted[-1].body.decode()
    assert LOT not in server.posted[-1].body.decode()
    assert json.loads(server.posted[-1].body)["code"] == ""
    with post.town.units.begin(system("test")) as unit:
        unit.append(f"room:{LOT}", BidsFrozen(lot=LOT, bids=(), tree_size=1))
    post.tell("inbox.opening_window", f"/rooms/{LOT}/seat", lot="漕桥厂房", until="2026-12-11T02:00:00.000Z")
    post.send(Channel.WEBHOOK)
    assert "漕桥厂房" in json.loads(server.posted[-1].body)["text"]["zh-Hans"]


def test_what_is_addressed_to_a_person_does_not_go_to_the_organisations_webhook(post: Post, server: HookServer) -> None:
    from accounts.inbox import add_to_inbox

    set_hook(post, server.url())
    post.send(Channel.WEBHOOK)
    with post.town.units.begin(system("test")) as unit:
        add_to_inbox(unit, str(post.bidder.user_id), "inbox.second_claim", {}, "/account")
    assert post.send(Channel.WEBHOOK) == 0
    assert len(server.posted) == 1


@pytest.mark.parametrize(
    ("status", "reason", "state"),
    [
        (500, "busy", DeliveryState.QUEUED),
        (429, "busy", DeliveryState.QUEUED),
        (401, "not_let_in", DeliveryState.QUEUED),
        (404, "refused", DeliveryState.GIVEN_UP),
        (307, "redirected", DeliveryState.GIVEN_UP),
    ],
)
def test_an_answer_decides_whether_it_is_tried_again(
    post: Post, server: HookServer, status: int, reason: str, state: DeliveryState
) -> None:
    server.status, server.location = status, server.url("/elsewhere") if status == 307 else ""
    set_hook(post, server.url())
    assert post.send(Channel.WEBHOOK) == 0
    (row,) = post.deliveries()
    assert (row.reason, row.state) == (reason, state)
    assert [one.path for one in server.posted] == ["/hook"], "no redirection is followed"
    server.status = 204
    post.ahead = timedelta(seconds=rules.BACKOFF[0] + 1)
    assert post.send(Channel.WEBHOOK) == (1 if state is DeliveryState.QUEUED else 0)


def test_one_organisations_broken_webhook_does_not_hold_up_anothers(post: Post, server: HookServer) -> None:
    other = post.town.organisation("另一家公司", "91320412MA1N00001M", "执照")
    with post.town.units.begin(other) as unit:
        addressing.set_hook(unit, post.runtime.settings, "https://localhost:1/hook")
    set_hook(post, server.url())
    assert post.send(Channel.WEBHOOK) == 1


def test_a_certificate_nobody_knows_is_not_believed(tmp_path: Path, server: HookServer) -> None:
    post = make_post(tmp_path, notice_private_targets=True)
    set_hook(post, server.url())
    assert post.send(Channel.WEBHOOK) == 0
    assert [row.reason for row in post.deliveries()] == ["tls_failed"]
    assert server.posted == []


def test_without_the_setting_nothing_is_sent_to_this_machine(tmp_path: Path, server: HookServer) -> None:
    post = make_post(tmp_path)
    for url in ("https://127.0.0.1/hook", "http://firm.example/hook", "https://[::1]/"):
        with pytest.raises(HookUnfit):
            set_hook(post, url)
    set_hook(post, server.url())  # a name: it is looked up when something is sent
    assert post.send(Channel.WEBHOOK) == 0
    assert [(row.state, row.reason) for row in post.deliveries()] == [(DeliveryState.GIVEN_UP, "target_forbidden")]
    assert server.posted == []


def test_trials_are_few_and_a_removed_webhook_gets_nothing(post: Post, server: HookServer) -> None:
    with pytest.raises(NoHook), post.town.units.begin(post.bidder) as unit:
        addressing.try_hook(unit)
    set_hook(post, server.url())
    for _ in range(rules.CODES_PER_HOUR - 1):
        with post.town.units.begin(post.bidder) as unit:
            addressing.try_hook(unit)
    with pytest.raises(TooManyCodes), post.town.units.begin(post.bidder) as unit:
        addressing.try_hook(unit)
    with post.town.units.begin(post.bidder) as unit:
        addressing.remove_hook(unit)
    post.tell()
    assert post.send(Channel.WEBHOOK) == 0
    assert {row.reason for row in post.deliveries()} == {"address_gone"}


# --- SMS ---------------------------------------------------------------------


def test_an_sms_is_handed_to_the_gateway_signed_and_without_a_link(
    tmp_path: Path, certificate: Certificate, server: HookServer
) -> None:
    post = make_post(tmp_path, sms_url=server.url("/send"), notice_roots=certificate.certificate)
    key = post.runtime.settings.secrets_dir / SMS_KEY_FILE
    key.write_text("a key both sides know, long enough")
    key.chmod(0o600)
    address_id = post.add("138 1234 5678", Channel.SMS)
    assert post.send(Channel.SMS) == 1
    assert is_signed(server, "a key both sides know, long enough")
    sent = json.loads(server.posted[-1].body)
    assert sent["to"] == "+8613812345678"
    assert post.verify(address_id, CODE.findall(sent["text"])[0]) is None
    post.tell("inbox.opening_suspended", f"/rooms/{LOT}", lot="甲")
    assert post.send(Channel.SMS) == 1
    assert "http" not in json.loads(server.posted[-1].body)["text"]


def test_a_gateway_without_its_key_is_a_closed_way_and_staff_sees_it(tmp_path: Path, server: HookServer) -> None:
    post = make_post(tmp_path, sms_url=server.url("/send"))
    post.add("13812345678", Channel.SMS)
    assert post.send(Channel.SMS) == 0
    ways.check_ways(post.runtime)
    with post.town.units.read() as unit:
        trouble = {one.channel: one.trouble for one in queries.desk(unit, post.runtime.settings).channels}
    assert trouble["sms"] == "not_configured"


# --- mail over TLS -----------------------------------------------------------


@pytest.mark.parametrize("scheme", ["smtps", "smtp+starttls"])
def test_mail_goes_over_tls_to_a_server_that_asks_who_we_are(
    tmp_path: Path, certificate: Certificate, scheme: str
) -> None:
    conduct = Conduct(starttls=scheme == "smtp+starttls", user="centre", password="a password")
    server = make_mail_server(conduct, tls=(certificate.certificate, certificate.key)).start()
    post = make_post(
        tmp_path, smtp_url=f"{scheme}://centre@localhost:{server.port}", notice_roots=certificate.certificate
    )
    secret = post.runtime.settings.secrets_dir / SMTP_PASSWORD_FILE
    secret.write_text("a wrong password")
    secret.chmod(0o600)
    post.verified("zhou@firm.example")
    post.tell()
    try:
        assert post.send() == 0
        assert [row.reason for row in post.deliveries()] == ["not_let_in"]
        secret.write_text("a password")
        post.ahead = timedelta(seconds=rules.BACKOFF[0] + 1)
        assert post.send() == 1
        assert server.envelopes[0][1] == ["zhou@firm.example"]
    finally:
        server.stop()


def test_a_server_that_offers_no_starttls_gets_nothing(tmp_path: Path) -> None:
    server = make_mail_server().start()
    post = make_post(tmp_path, smtp_url=f"smtp+starttls://localhost:{server.port}")
    post.verified("zhou@firm.example")
    post.tell()
    try:
        assert post.send() == 0
        assert [row.reason for row in post.deliveries()] == ["tls_failed"]
        assert server.taken == []
    finally:
        server.stop()
