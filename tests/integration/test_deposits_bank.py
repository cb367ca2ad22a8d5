"""The bank and the centre as servers: money in, money back, over HTTP, with everything that may go wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import httpx
import pytest

import accounts.web
import deposits.web
import tendering.web
from accounts.services.bank import SIGNATURE_HEADER, signature_of
from deposits import tasks
from deposits.errors import BankAway
from deposits.gateway import HttpBank, PaymentOrder
from deposits.services import arrivals
from deposits.services.refunds import BankStatus
from deposits.states import DepositStatus, RefundState
from foundation.clock import monotonic, pause
from foundation.errors import Unavailable
from foundation.events import evaluation as v
from foundation.money import Money
from foundation.web.kit import WebSettings, complete, create_web
from sandbox.bank import BankServer, CentreClock
from sandbox.bank_deposits import DepositBook
from sandbox.clients.bank import BankClient
from sandbox.errors import TransferRefused
from tests.support.tender_world import DEPOSIT, OpenLot
from tests.unit.deposits.world import SECRET, DepositWorld, make_deposits

NAME = "常州澄岳建设工程有限公司"
SAMPLE = 1_000_000_00


class Silent(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Nothing."""


class Pair:
    """Both servers, each in a thread, each with its own book."""

    def __init__(self, folder: Path) -> None:
        self.world: DepositWorld = make_deposits(folder)
        app = create_web("centre", WebSettings(secret_key="x" * 32, room_port=1))
        app.extensions["runtime"] = self.world.town.runtime
        app.extensions["civil_now"] = self.world.town.clock.now
        for package in (accounts, tendering, deposits):
            package.web.register(app)
        complete(app)
        self.centre: WSGIServer = make_server("127.0.0.1", 0, app, handler_class=Silent)
        url = f"http://127.0.0.1:{self.centre.server_port}"
        self.book = DepositBook(folder / "bank.db", clock=CentreClock(url))
        self.bank = BankServer("127.0.0.1", 0, self.book, url, folder / "secrets" / "bank-notices.key")
        self.url = f"http://127.0.0.1:{self.bank.port}"
        self.world.town.runtime.settings.bank_url = self.url
        self.client = BankClient(self.url)
        self.gateway = HttpBank(self.url, SECRET)
        self.threads = [
            threading.Thread(target=self.centre.serve_forever, args=(0.05,)),
            threading.Thread(target=self.bank.serve),
        ]
        for thread in self.threads:
            thread.start()

    def close(self) -> None:
        self.bank.stop()
        self.threads[1].join()
        self.centre.shutdown()
        self.threads[0].join()
        self.centre.server_close()

    def until(self, holds: Callable[[], bool]) -> None:
        ends = monotonic() + 30
        while not holds():
            assert monotonic() < ends, "it did not happen"
            pause(0.05)

    def paid_lot(self) -> tuple[OpenLot, str]:
        """A lot whose one bidder has paid over HTTP; the notice has arrived."""
        world = self.world
        lot, actor = world.lot(), world.bidder(NAME)
        number = arrivals.sub_account_number(SECRET, lot.id, str(actor.org_id))
        self.gateway.open_sub_account(number)
        with world.units.begin(actor) as unit:
            arrivals.note_account(unit, lot.id, str(actor.org_id), number)
        serial = self.client.pay_deposit(NAME, number, DEPOSIT.text(), "deposit-1")
        assert self.client.pay_deposit(NAME, number, DEPOSIT.text(), "deposit-1") == serial
        self.until(lambda: world.status(lot, actor) is DepositStatus.ARRIVED)
        return lot, serial


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize(
    "faults",
    [
        {},
        {"lose_answers": 2},
        {"drop_orders": 2},
        {"repeat_notices": 5},
        {"delay_orders_s": 0.5},
        {"delay_notices_s": 0.5, "lose_answers": 1},
    ],
    ids=lambda one: "-".join(one) or "sound",
)
def test_a_deposit_comes_and_goes_once_whatever_the_bank_does(pair: Pair, faults: dict[str, float]) -> None:
    pair.client.set_faults(**faults)
    lot, serial = pair.paid_lot()
    world = pair.world
    world.town.clock.step(timedelta(days=50))
    world.freeze(lot)
    signed = v.ContractSigned(
        lot.id, "01900000-0000-7000-8000-000000000000", world.town.clock.now(), "1.00", is_late=False
    )
    world.tell(lot, signed)

    def is_paid() -> bool:
        tasks.ask_bank(world.town.runtime)
        refund = world.refund(serial)
        return refund is not None and refund.state is RefundState.PAID

    pair.until(is_paid)
    assert world.at_bank(NAME) == SAMPLE + 121_53
    pair.until(lambda: not pair.book.waiting())
    world.assert_book_holds()
    assert len(pair.gateway.statement()) == 2


def test_the_value_time_is_of_the_centres_calendar(pair: Pair) -> None:
    pair.paid_lot()
    with pair.world.units.read() as unit:
        from sqlalchemy import select

        from deposits.models import DepositArrival

        value_at: datetime = unit.session.scalars(select(DepositArrival.value_at)).one()
    assert abs(value_at - pair.world.town.clock.now()) < timedelta(minutes=1)


def test_an_order_that_is_not_signed_by_the_centre_moves_nothing(pair: Pair) -> None:
    body = b'{"order":"x-1","payee_name":"a","payee_account":"1","principal":"1.00","interest":"0.00"}'
    for secret in (b"", b"another secret of thirty-two chars"):
        headers = {SIGNATURE_HEADER: signature_of(secret, body)} if secret else {}
        for path in ("/orders", "/orders/ask", "/sub-accounts", "/statement"):
            assert httpx.post(f"{pair.url}{path}", content=body, headers=headers, trust_env=False).status_code == 403
    assert pair.book.order("x-1") is None


def test_the_same_key_is_one_order_and_may_not_say_something_else(pair: Pair) -> None:
    pair.paid_lot()
    account = pair.client.account_of(NAME)
    order = PaymentOrder("k-1", NAME, account, Money(100), Money(3))
    first, again = pair.gateway.pay(order), pair.gateway.pay(order)
    assert first == again
    assert first.status is BankStatus.PAID
    with pytest.raises(BankAway):
        pair.gateway.pay(PaymentOrder("k-1", NAME, account, Money(101), Money(3)))
    assert pair.gateway.ask("k-1") == first
    assert pair.gateway.ask("k-2") is None
    assert pair.world.at_bank(NAME) == SAMPLE - DEPOSIT.fen + 103


@pytest.mark.parametrize(
    ("holder", "account", "why"),
    [("某个人", "", "name_differs"), (NAME, "999999999999", "account_closed")],
)
def test_a_payee_that_does_not_fit_is_declined_and_nothing_moves(
    pair: Pair, holder: str, account: str, why: str
) -> None:
    pair.paid_lot()
    payee = account or pair.client.account_of(NAME)
    answer = pair.gateway.pay(PaymentOrder("k-1", holder, payee, Money(100), Money(3)))
    assert (answer.status, answer.why) == (BankStatus.REJECTED, why)
    assert pair.world.at_bank(NAME) == SAMPLE - DEPOSIT.fen


def test_a_payment_to_a_number_nobody_opened_is_refused_by_the_bank(pair: Pair) -> None:
    with pytest.raises(TransferRefused):
        pair.client.pay_deposit(NAME, "3204128999999999999", "1.00", "r")
    assert pair.world.at_bank(NAME) == SAMPLE


def test_without_a_bank_the_centre_says_so_and_keeps_its_money(tmp_path: Path) -> None:
    world = make_deposits(tmp_path)
    world.town.runtime.settings.bank_url = "http://127.0.0.1:9"
    lot, actor = world.lot(), world.bidder(NAME)
    world.open(lot, actor)
    serial = world.pay(lot, actor)
    world.tell(lot, v.EvaluationFailed(lot.id, ()))
    tasks.ask_bank(world.town.runtime)
    refund = world.refund(serial)
    assert refund is not None
    assert refund.state is RefundState.ORDERED
    world.assert_book_holds(is_quiet=False)
    with pytest.raises(Unavailable):
        BankClient("http://127.0.0.1:9").account_of(NAME)
