"""Who may open which page of deposits and what it shows; and that before the freeze nobody sees anything."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

import accounts.web
import deposits.web
import tendering.web
from accounts import sessions
from accounts.roles import GRANTED, Role
from deposits import desk_views, views
from deposits.models import DepositAccount, DepositArrival, Refund
from deposits.states import RefundState
from foundation.actor import Actor
from foundation.events import bid_opening as b
from foundation.events import evaluation as v
from foundation.money import Money
from foundation.web.access import rule_of
from foundation.web.kit import WebSettings, complete, create_web
from tests.support.tender_world import DEPOSIT, TESTS, OpenLot
from tests.unit.deposits.world import SECRET, DepositWorld, make_deposits

BIDDER, STAFF, VIEW = {"bidder"}, {"centre_staff"}, {"centre_staff", "supervisor"}
EVERYBODY = None
MATRIX: dict[str, set[str] | None] = {
    "deposits.own_deposits": BIDDER,
    "deposits.show_deposit": BIDDER,
    "deposits.open_account": BIDDER,
    "deposits.pay_deposit": BIDDER,
    "deposits.return_arrival": BIDDER,
    "deposits.order_again": BIDDER,
    "deposits.receipt": BIDDER,
    "deposit_desk.show_desk": VIEW,
    "deposit_desk.show_ledger": VIEW,
    "deposit_desk.show_lot": VIEW,
    "deposit_desk.return_arrival": STAFF,
    "deposit_desk.order_again": STAFF,
    "deposit_desk.end_case": STAFF,
    "deposit_desk.back_to_lot": STAFF,
    "deposit_desk.bank_arrival": EVERYBODY,
    "deposit_desk.bank_order": EVERYBODY,
}
NAME, RIVAL = "常州澄岳建设工程有限公司", "常州恒远建筑安装有限公司"
REMOVED = re.compile(
    r'(name="csrf_token" value|name="csrf-token" content)="[^"]*"'
    r'|编号 <span class="code">[^<]*</span>|· [0-9a-f]{12}</p>'
)
"""Tokens, and the number of a request on a page that refuses."""


class Centre:
    """Accounts, tendering and deposits in one application, over the town's database."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.world: DepositWorld = make_deposits(folder)
        self.town = self.world.town
        self.app: Flask = create_web("centre", WebSettings(secret_key="x" * 32, room_port=1))
        self.app.extensions["runtime"] = self.town.runtime
        self.app.extensions["civil_now"] = self.town.clock.now
        for package in (accounts, tendering, deposits):
            package.web.register(self.app)
        complete(self.app)
        for limiter in self.app.extensions["limiter"]:
            limiter.enabled = False
        self.app.config["WTF_CSRF_ENABLED"] = False
        for module in (views, desk_views):
            monkeypatch.setattr(module, "gateway_of", lambda _runtime: self.world.bank)
        self.lot: OpenLot = self.world.lot()
        self.bidder, self.rival = self.world.bidder(NAME), self.world.bidder(RIVAL)
        self.people = {str(role): self.town.organisation(f"单位{role}", role) for role in GRANTED}
        self._tokens: dict[str, str] = {}

    def client(self, actor: Actor | None, *, lang: str = "zh-CN", html: bool = False) -> FlaskClient:
        client = self.app.test_client(use_cookies=False)
        client.environ_base["HTTP_ACCEPT"] = "text/html" if html else "application/json"
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = lang
        if actor is not None:
            token = self._tokens.get(str(actor.user_id))
            if token is None:
                with self.world.units.begin(actor) as unit:
                    _, token = sessions.open_session(unit, str(actor.user_id), source="tests", user_agent="tests")
                self._tokens[str(actor.user_id)] = token
            client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        return client

    def get(self, actor: Actor | None, path: str, **how: object) -> TestResponse:
        return self.client(actor, **how).get(path)  # type: ignore[arg-type]

    def post(self, actor: Actor | None, path: str) -> TestResponse:
        return self.client(actor).post(path, json={})

    def notice(self, path: str, said: dict[str, object], secret: bytes = SECRET) -> TestResponse:
        body = json.dumps(said, ensure_ascii=False).encode()
        signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
        headers = {"X-Bank-Signature": signature, "Content-Type": "application/json"}
        return self.client(None).post(path, data=body, headers=headers)

    def own(self) -> str:
        return f"/lots/{self.lot.id}/deposit"


@pytest.fixture
def centre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Centre]:
    made = Centre(tmp_path, monkeypatch)
    yield made
    made.town.engine.dispose()


def test_every_route_has_its_row_and_its_roles(centre: Centre) -> None:
    found = {one for one in centre.app.view_functions if one.partition(".")[0] in {"deposits", "deposit_desk"}}
    assert found == set(MATRIX)
    for endpoint, roles in MATRIX.items():
        rule = rule_of(centre.app, endpoint)
        assert rule is not None
        assert rule.everybody is (roles is None), endpoint
        assert roles is None or set(rule.roles) == roles, endpoint


@pytest.mark.parametrize("endpoint", sorted(name for name, roles in MATRIX.items() if roles is not None))
def test_other_roles_are_refused_and_strangers_must_sign_in(centre: Centre, endpoint: str) -> None:
    names = {"lot_id": centre.lot.id, "serial": "DB1", "refund_id": centre.lot.id}
    rule = next(one for one in centre.app.url_map.iter_rules() if one.endpoint == endpoint)
    path = centre.app.url_map.bind("localhost").build(endpoint, {name: names[name] for name in rule.arguments})
    ask = centre.get if "GET" in (rule.methods or ()) else centre.post
    for role, actor in centre.people.items():
        status = ask(actor, path).status_code
        assert (status == 403) is (role not in (MATRIX[endpoint] or ())), (role, status)
    assert ask(None, path).status_code == 401


def test_a_bidder_opens_its_account_pays_and_reads_its_receipt(centre: Centre) -> None:
    page = centre.get(centre.bidder, centre.own()).get_json()["deposit"]
    assert (page["status"], page["number"], page["required"]["amount"]) == ("unpaid", "", DEPOSIT.text())
    for _ in range(2):
        assert centre.post(centre.bidder, centre.own()).status_code == 201
    with centre.world.units.read() as unit:
        assert len(unit.session.scalars(select(DepositAccount)).all()) == 1
    assert centre.post(centre.bidder, f"{centre.own()}/pay").status_code == 404, "only a demonstration pays by itself"
    serial = centre.world.pay(centre.lot, centre.bidder)
    page = centre.get(centre.bidder, centre.own()).get_json()["deposit"]
    assert (page["status"], page["paid"]["amount"]) == ("arrived", DEPOSIT.text())
    for lang, words in (("zh-CN", "贰拾伍万元整"), ("en", "Receipt for a bid deposit")):
        shown = centre.get(centre.bidder, f"{centre.own()}/receipts/{serial}", lang=lang, html=True)
        assert shown.status_code == 200
        assert words in shown.get_data(as_text=True)
    assert [one["lot_id"] for one in centre.get(centre.bidder, "/deposits").get_json()["deposits"]] == [centre.lot.id]


def test_another_bidder_sees_neither_page_nor_receipt_nor_refund(centre: Centre) -> None:
    centre.post(centre.bidder, centre.own())
    serial = centre.world.pay(centre.lot, centre.bidder, payer="某个人")
    assert centre.get(centre.rival, centre.own()).get_json()["deposit"]["arrivals"] == []
    assert centre.get(centre.rival, f"{centre.own()}/receipts/{serial}").status_code == 404
    assert centre.post(centre.rival, f"{centre.own()}/arrivals/{serial}/return").status_code == 404
    assert centre.post(centre.bidder, f"{centre.own()}/arrivals/{serial}/return").status_code == 200
    refund = centre.world.refund(serial)
    assert refund is not None
    assert centre.post(centre.rival, f"{centre.own()}/refunds/{refund.id}/again").status_code == 404
    assert centre.post(centre.bidder, f"{centre.own()}/refunds/{refund.id}/again").status_code == 409


def test_the_demonstration_pays_through_its_own_door_once(centre: Centre) -> None:
    paid: list[tuple[str, str, str, str]] = []
    centre.app.extensions[views.DEMO_PAY] = lambda *order: paid.append(order) or "DB1"
    assert centre.post(centre.bidder, f"{centre.own()}/pay").status_code == 409, "no account yet"
    centre.post(centre.bidder, centre.own())
    shown = centre.get(centre.bidder, centre.own(), html=True).get_data(as_text=True)
    assert "支付保证金" in shown
    assert centre.post(centre.bidder, f"{centre.own()}/pay").status_code == 200
    assert centre.post(centre.bidder, f"{centre.own()}/pay").status_code == 200
    assert paid[0] == paid[1], "a second click is the same order"
    assert paid[0][0] == NAME
    assert paid[0][2] == DEPOSIT.text()
    centre.world.pay(centre.lot, centre.bidder)
    assert centre.post(centre.bidder, f"{centre.own()}/pay").status_code == 409
    assert "支付保证金" not in centre.get(centre.bidder, centre.own(), html=True).get_data(as_text=True)


def test_a_closed_lot_gives_no_accounts_and_a_lot_without_deposit_has_no_page(centre: Centre) -> None:
    free = centre.world.lot(deposit=Money(0))
    assert centre.get(centre.bidder, f"/lots/{free.id}/deposit").status_code == 404
    centre.town.clock.set(centre.lot.deadline_at + timedelta(seconds=1))
    assert centre.post(centre.bidder, centre.own()).status_code == 409


def everything(centre: Centre) -> dict[tuple[str, str], str]:
    """What everybody but the bidder reads of deposits, without what changes at every request."""
    paths = ["/finance/deposits", "/finance/deposits/ledger", f"/finance/deposits/{centre.lot.id}", "/deposits"]
    paths += [centre.own(), f"{centre.own()}/receipts/DB0000000001"]
    readers = {**centre.people, "rival": centre.rival}
    return {
        (name, path): f"{answer.status_code} {REMOVED.sub('', answer.get_data(as_text=True))}"
        for name, actor in readers.items()
        for path in paths
        for answer in (centre.get(actor, path, html=True),)
    }


def test_before_the_freeze_no_page_differs_by_a_byte_whoever_pays(centre: Centre) -> None:
    before = everything(centre)
    centre.post(centre.bidder, centre.own())
    serial = centre.world.pay(centre.lot, centre.bidder)
    centre.world.pay(centre.lot, centre.bidder, payer="某个人")
    after = everything(centre)
    assert [key for key in before if before[key] != after[key]] == []
    staff = centre.people[Role.CENTRE_STAFF]
    assert centre.get(staff, f"/finance/deposits/{centre.lot.id}").status_code == 404
    assert centre.post(staff, f"/finance/deposits/arrivals/{serial}/return").status_code == 404


def test_an_exception_is_counted_after_an_hour_and_never_before_the_list_is_published(centre: Centre) -> None:
    centre.post(centre.bidder, centre.own())
    centre.world.pay(centre.lot, centre.bidder, payer="某个人")
    staff = centre.people[Role.CENTRE_STAFF]
    centre.town.clock.step(timedelta(hours=1, seconds=1))
    shown = centre.get(staff, "/finance/deposits").get_json()["desk"]
    assert (shown["exceptions"], shown["lots"], shown["stand"]["received"]["amount"]) == (0, [], "0.00")
    centre.world.freeze(centre.lot)
    assert centre.get(staff, "/finance/deposits").get_json()["desk"]["exceptions"] == 1


def test_after_the_freeze_the_desk_shows_who_paid_what_is_due_and_the_equation(centre: Centre) -> None:
    for one in (centre.bidder, centre.rival):
        centre.post(one, centre.own())
        centre.world.pay(centre.lot, one)
    stray = centre.world.pay(centre.lot, centre.rival, Money(100), payer="某个人")
    centre.world.freeze(centre.lot)
    staff, supervisor = centre.people[Role.CENTRE_STAFF], centre.people[Role.SUPERVISOR]
    lot = centre.get(supervisor, f"/finance/deposits/{centre.lot.id}").get_json()["desk"]
    assert [one["org_name"] for one in lot["bidders"]] == sorted([NAME, RIVAL])
    assert centre.post(supervisor, f"/finance/deposits/arrivals/{stray}/return").status_code == 403
    assert centre.post(staff, f"/finance/deposits/arrivals/{stray}/return").status_code == 200
    centre.town.clock.step(timedelta(days=50))
    signed = v.ContractSigned(
        centre.lot.id, str(centre.bidder.org_id), centre.town.clock.now() - timedelta(days=8), "1.00", is_late=False
    )
    centre.world.tell(centre.lot, signed)
    desk = centre.get(staff, "/finance/deposits").get_json()["desk"]
    assert [one["refund"]["is_overdue"] for one in desk["refunds"]] == [True, True, True]
    stand = {name: Money.yuan(one["amount"]) for name, one in desk["stand"].items()}
    assert stand["received"] == DEPOSIT + DEPOSIT + Money(100)
    assert stand["received"] + stand["interest"] == Money.sum(
        stand[name] for name in ("paid_out", "in_flight", "held", "suspended")
    )
    centre.world.bank.faults.reject_orders = 1
    centre.world.send_all()
    with centre.world.units.read() as unit:
        declined = unit.session.scalars(select(Refund).where(Refund.state == RefundState.REJECTED)).one()
    for lang in ("zh-CN", "en"):
        for path in ("/finance/deposits", f"/finance/deposits/{centre.lot.id}", "/finance/deposits/ledger"):
            assert centre.get(staff, path, lang=lang, html=True).status_code == 200
    assert centre.post(staff, f"/finance/deposits/refunds/{declined.id}/again").status_code == 200
    centre.world.send_all()
    centre.world.deliver()
    centre.world.assert_book_holds()
    proof = centre.get(staff, "/finance/deposits/ledger").get_json()["proof"]
    assert proof["is_equal"] is True
    assert all(holds for _, holds in proof["checks"])
    assert proof["total"]["amount"] == "0.00"
    for actor in (centre.bidder, centre.rival):
        assert "已退还" in centre.get(actor, centre.own(), html=True).get_data(as_text=True)


def arrival(centre: Centre, **changes: object) -> dict[str, object]:
    with centre.world.units.read() as unit:
        number = unit.session.scalars(select(DepositAccount.number)).one()
    return {
        "kind": "arrival",
        "serial": "DB77",
        "number": number,
        "payer_name": NAME,
        "payer_account": "3204121234567890",
        "amount": DEPOSIT.text(),
        "currency": "CNY",
        "value_at": "2026-11-23T08:00:00.000000Z",
        **changes,
    }


def test_a_signed_notice_is_taken_once_and_its_value_time_kept(centre: Centre) -> None:
    centre.post(centre.bidder, centre.own())
    said = arrival(centre)
    answers = [centre.notice("/bank/arrivals", said) for _ in range(2)]
    assert [one.get_json()["outcome"] for one in answers] == ["matched", "matched"]
    with centre.world.units.read() as unit:
        row = unit.session.scalars(select(DepositArrival)).one()
    assert (row.amount, row.value_at.isoformat()) == (DEPOSIT, "2026-11-23T08:00:00+00:00")
    assert centre.notice("/bank/arrivals", {**said, "amount": "1.00"}).status_code == 409


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"amount": "0.00"}, 422),
        ({"amount": "-1.00"}, 422),
        ({"amount": "1.001"}, 422),
        ({"currency": "USD"}, 422),
        ({"value_at": "yesterday"}, 422),
        ({"number": "x"}, 422),
        ({"serial": ""}, 422),
    ],
)
def test_a_notice_that_cannot_be_read_leaves_nothing(centre: Centre, changes: dict[str, object], status: int) -> None:
    centre.post(centre.bidder, centre.own())
    assert centre.notice("/bank/arrivals", arrival(centre, **changes)).status_code == status
    with centre.world.units.read() as unit:
        assert unit.session.scalars(select(DepositArrival)).all() == []


@pytest.mark.parametrize("path", ["/bank/arrivals", "/bank/orders"])
def test_a_notice_with_another_signature_is_refused(centre: Centre, path: str) -> None:
    centre.post(centre.bidder, centre.own())
    assert centre.notice(path, arrival(centre), secret=b"another secret of thirty-two chars").status_code == 403
    with centre.world.units.read() as unit:
        assert unit.session.scalars(select(DepositArrival)).all() == []


def test_the_notice_of_an_order_settles_it_and_a_stranger_is_not_found(centre: Centre) -> None:
    centre.post(centre.bidder, centre.own())
    serial = centre.world.pay(centre.lot, centre.bidder, payer="某个人")
    centre.post(centre.bidder, f"{centre.own()}/arrivals/{serial}/return")
    refund = centre.world.refund(serial)
    assert refund is not None
    said = {"kind": "order", "order": f"{refund.id}-1", "status": "paid", "serial": "DB88", "at": "", "why": ""}
    assert centre.notice("/bank/orders", {**said, "serial": ""}).status_code == 422
    assert centre.notice("/bank/orders", {**said, "order": f"{centre.lot.id}-1"}).status_code == 404
    for _ in range(2):
        assert centre.notice("/bank/orders", said).get_json()["outcome"] == "paid"
    assert centre.notice("/bank/orders", {**said, "serial": "DB99"}).status_code == 422, "tampering is no success"
    with centre.world.units.begin(TESTS) as unit:
        assert unit.session.get_one(Refund, refund.id).bank_serial == "DB88"


@pytest.mark.parametrize(
    ("lang", "title", "done"),
    [("zh-CN", "不予退还的认定", "已经结案"), ("en", "Cases of forfeiture", "it was ended already")],
)
def test_the_desk_lists_a_case_with_its_reason_and_ends_it_with_a_decision(
    centre: Centre, lang: str, title: str, done: str
) -> None:
    centre.post(centre.bidder, centre.own())
    centre.world.pay(centre.lot, centre.bidder)
    centre.world.freeze(centre.lot)
    org_id, why = str(centre.bidder.org_id), "窗口内没有任何操作"
    told = b.FaultAttributed(centre.lot.id, 3, org_id, "0" * 32, "bidder", "revoked", why, "host", "supervisor")
    centre.world.tell(centre.lot, told, stream=f"room:{centre.lot.id}")
    staff, supervisor = centre.people[Role.CENTRE_STAFF], centre.people[Role.SUPERVISOR]
    path = f"/finance/deposits/{centre.lot.id}"
    for url in ("/finance/deposits", path):
        for who in (staff, supervisor):
            text = centre.client(who, html=True, lang=lang).get(url).get_data(as_text=True)
            assert title in text
            assert why in text
            assert ("<form" in text.split('id="cases"')[-1]) is (who is staff and url == path)
    case = {"org_id": org_id, "reference": "R3.33 #03", "why": "招标人决定退还"}
    assert centre.client(staff).post(f"{path}/case", json={**case, "why": " "}).status_code == 422
    assert centre.client(staff).post(f"{path}/case", json=case).status_code == 200
    assert title not in centre.client(staff, html=True, lang=lang).get(path).get_data(as_text=True)
    again = centre.client(staff, lang=lang).post(f"{path}/case", json=case)
    assert again.status_code == 409
    assert done in again.get_data(as_text=True)
