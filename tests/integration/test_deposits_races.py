"""Several workers, notices and people move one deposit at the same instant: it moves once; on both databases."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import func, select

from deposits import facade
from deposits.gateway import PaymentOrder
from deposits.models import DepositAccount, DepositArrival, LedgerTransfer, Refund
from deposits.services import arrivals, refunds, sending
from deposits.services.refunds import BankAnswer
from deposits.states import BlockGround, DepositStatus, RefundGround, RefundState, TransferKind
from foundation.actor import Actor
from foundation.errors import Refusal
from foundation.money import Money
from foundation.store.unit import Unit
from tests.support.tender_world import TESTS, OpenLot
from tests.unit.deposits.world import SECRET, DepositWorld, make_deposits

NAME = "常州澄岳建设工程有限公司"
THREADS = 4
OWNED = 1_000_000_00
"""What the demonstration's bank gives every company, in fen."""


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[DepositWorld]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    made = make_deposits(tmp_path, url=url)
    yield made
    made.town.engine.dispose()


@pytest.fixture
def lot(world: DepositWorld) -> OpenLot:
    return world.lot()


@pytest.fixture
def payer(world: DepositWorld, lot: OpenLot) -> Actor:
    made = world.bidder(NAME)
    world.open(lot, made)
    return made


def at_once(acts: Sequence[Callable[[], object]]) -> list[object]:
    """Every act in a thread of its own, begun together; what it returned, or the code of its refusal."""
    gate = threading.Barrier(len(acts))

    def do(act: Callable[[], object]) -> object:
        gate.wait()
        try:
            return act()
        except Refusal as refused:
            return refused.code

    with ThreadPoolExecutor(max_workers=len(acts)) as pool:
        return list(pool.map(do, acts))


def in_unit(world: DepositWorld, act: Callable[[Unit], object], actor: Actor = TESTS) -> Callable[[], object]:
    def run() -> object:
        with world.units.begin(actor) as unit:
            return act(unit)

    return run


def kept(world: DepositWorld, table: type, *where: object) -> int:
    with world.units.read() as unit:
        return unit.session.scalar(select(func.count()).select_from(table).where(*where)) or 0  # type: ignore[arg-type]


def test_one_notice_handed_in_four_times_at_once_is_one_arrival(
    world: DepositWorld, lot: OpenLot, payer: Actor
) -> None:
    world.pay(lot, payer, deliver=False)
    ((number, body, _),) = world.bank.book.waiting()
    assert at_once([lambda: world.hand_in(body)] * THREADS) == ["matched"] * THREADS
    world.bank.book.delivered(number, "")
    assert kept(world, DepositArrival) == kept(world, LedgerTransfer) == 1
    world.assert_book_holds()


def test_a_sub_account_asked_for_four_times_at_once_is_one(world: DepositWorld, lot: OpenLot) -> None:
    actor = world.bidder("常州恒远建筑安装有限公司")
    number = arrivals.sub_account_number(SECRET, lot.id, str(actor.org_id))
    note = in_unit(world, lambda unit: arrivals.note_account(unit, lot.id, str(actor.org_id), number), actor)
    assert at_once([note] * THREADS) == [number] * THREADS
    assert kept(world, DepositAccount, DepositAccount.org_id == str(actor.org_id)) == 1


def test_many_who_find_a_refund_due_at_once_order_it_once(world: DepositWorld, lot: OpenLot, payer: Actor) -> None:
    world.pay(lot, payer)
    world.freeze(lot)
    due = in_unit(world, lambda unit: facade.refund_due(unit, lot.id, None, RefundGround.LOT_FAILED))
    at_once([due] * THREADS)
    assert kept(world, Refund) == kept(world, LedgerTransfer, LedgerTransfer.kind == TransferKind.PENDING) == 1
    world.send_all()
    world.deliver()
    world.assert_book_holds()
    assert world.status(lot, payer) is DepositStatus.REFUNDED


def test_several_workers_that_send_one_order_at_once_are_paid_once(
    world: DepositWorld, lot: OpenLot, payer: Actor
) -> None:
    serial = world.pay(lot, payer)
    with world.units.begin(TESTS) as unit:
        facade.refund_due(unit, lot.id, None, RefundGround.LOT_CANCELLED)
    refund = world.refund(serial)
    assert refund is not None
    at_once([lambda: sending.send(world.units, world.bank, refund.id)] * THREADS)
    paid = world.refund(serial)
    assert paid is not None
    assert paid.state is RefundState.PAID
    assert kept(world, LedgerTransfer, LedgerTransfer.kind == TransferKind.POST) == 1
    orders = [line for line in world.bank.statement() if line.order == f"{refund.id}-1"]
    assert len(orders) == 1
    assert world.at_bank(NAME) == OWNED + paid.interest.fen
    world.deliver()
    world.assert_book_holds()


def test_a_workers_answer_and_the_banks_notice_at_once_settle_once(
    world: DepositWorld, lot: OpenLot, payer: Actor
) -> None:
    serial = world.pay(lot, payer, Money(500), payer="某个人")
    refund_id = str(in_unit(world, lambda unit: refunds.return_arrival(unit, serial), payer)())
    order = PaymentOrder(f"{refund_id}-1", "某个人", payer_account(world, serial), Money(500), Money(0))
    answer: BankAnswer = world.bank.pay(order)
    states = at_once([in_unit(world, lambda unit: refunds.settle(unit, answer))] * THREADS)
    assert states == [RefundState.PAID] * THREADS
    assert kept(world, LedgerTransfer, LedgerTransfer.kind == TransferKind.POST) == 1
    world.deliver()
    world.assert_book_holds()


def payer_account(world: DepositWorld, serial: str) -> str:
    with world.units.read() as unit:
        return unit.session.get_one(DepositArrival, serial).payer_account


def test_bidder_and_desk_who_return_one_arrival_at_once_return_it_once(
    world: DepositWorld, lot: OpenLot, payer: Actor
) -> None:
    serial = world.pay(lot, payer, payer="某个人")
    told = at_once([in_unit(world, lambda unit: refunds.return_arrival(unit, serial), payer)] * THREADS)
    assert Counter(one == "deposits.not_returnable" for one in told) == {True: THREADS - 1, False: 1}
    world.send_all()
    world.deliver()
    world.assert_book_holds()


def test_a_block_and_a_refund_at_once_are_one_before_the_other(world: DepositWorld, lot: OpenLot, payer: Actor) -> None:
    """Either the order has left before the block stood, or it waits: never both, and lifting lets it go once."""
    serial = world.pay(lot, payer)
    world.freeze(lot)
    ground, matter = BlockGround.COURT_FREEZE, "（2026）苏 0412 民初 1 号"
    org_id = str(payer.org_id)
    at_once(
        [
            in_unit(world, lambda unit: facade.refund_due(unit, lot.id, None, RefundGround.LOT_FAILED)),
            in_unit(world, lambda unit: facade.block(unit, lot.id, ground, matter, org_id)),
        ]
    )
    refund = world.refund(serial)
    assert refund is not None
    pending = kept(world, LedgerTransfer, LedgerTransfer.kind == TransferKind.PENDING)
    assert (refund.state, pending) in {(RefundState.DUE, 0), (RefundState.ORDERED, 1)}
    lift = in_unit(world, lambda unit: facade.unblock(unit, lot.id, ground, matter, org_id))
    at_once([lift] * THREADS)
    assert kept(world, LedgerTransfer, LedgerTransfer.kind == TransferKind.PENDING) == 1
    world.send_all()
    world.deliver()
    world.assert_book_holds()
    paid = world.refund(serial)
    assert paid is not None
    assert world.at_bank(NAME) == OWNED + paid.interest.fen
