"""What follows for a deposit when two people decided who answers for a bid that was not opened (R1.14, R3.33)."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import select

from deposits import cases, desk, facade, worklist
from deposits.errors import NoSuchCase
from deposits.models import LedgerTransfer, Refund, RefundBlock
from deposits.services import blocks
from deposits.states import Purpose, RefundGround, RefundState
from foundation.actor import Actor
from foundation.events import bid_opening as b
from foundation.money import Money
from tests.support.tender_world import DEPOSIT, TESTS, OpenLot
from tests.unit.deposits.world import DepositWorld, make_deposits


@pytest.fixture
def world(tmp_path: Path) -> DepositWorld:
    return make_deposits(tmp_path)


@pytest.fixture
def lot(world: DepositWorld) -> OpenLot:
    return world.lot()


@pytest.fixture
def bidder(world: DepositWorld, lot: OpenLot) -> Actor:
    one = world.bidder("常州澄岳建设工程有限公司")
    world.open(lot, one)
    world.pay(lot, one, DEPOSIT)
    return one


def attributed(lot: OpenLot, bidder: Actor, culprit: str) -> b.FaultAttributed:
    return b.FaultAttributed(
        lot=lot.id,
        seat=3,
        org_id=str(bidder.org_id),
        bid="0" * 32,
        culprit=culprit,
        consequence="revoked" if culprit == "bidder" else "withdrawn",
        why="窗口内没有操作",
        proposed_by="host",
        by="supervisor",
    )


def tell(world: DepositWorld, lot: OpenLot, bidder: Actor, culprit: str) -> None:
    """As the room does: into its stream, where the consumer's job is written with it."""
    world.tell(lot, attributed(lot, bidder, culprit), stream=f"room:{lot.id}")


def refunds_of(world: DepositWorld) -> list[tuple[RefundState, RefundGround]]:
    with world.units.read() as unit:
        return [(row.state, row.ground) for row in unit.session.scalars(select(Refund))]


def moved(world: DepositWorld) -> int:
    with world.units.read() as unit:
        rows = unit.session.scalars(select(LedgerTransfer).where(LedgerTransfer.purpose == Purpose.REFUND))
        return len(rows.all())


def test_the_bidders_fault_opens_a_case_and_moves_no_money(world: DepositWorld, lot: OpenLot, bidder: Actor) -> None:
    world.freeze(lot)
    tell(world, lot, bidder, "bidder")
    tell(world, lot, bidder, "bidder")  # a job may run twice
    assert (refunds_of(world), moved(world)) == ([], 0)
    with world.units.read() as unit:
        (case,) = cases.open_cases(unit, [lot.id])
        assert (case.org_id, case.held, case.reference) == (str(bidder.org_id), DEPOSIT, "R3.33 #03")
        assert case.why == "窗口内没有操作"
        assert desk.desk(unit).cases == desk.lot_desk(unit, lot.id).cases == (case,)
        staff = world.town.organisation("武进区公共资源交易中心", "centre_staff")
    with world.units.read(staff) as unit:
        (item,) = [one for one in worklist.work(unit, staff) if one.rule_id == "R3.33"]
        assert item.url == f"/finance/deposits/{lot.id}"
    # What falls due later waits for the decision.
    with world.units.begin(TESTS) as unit:
        facade.refund_due(unit, lot.id, None, RefundGround.LOT_FAILED)
    assert refunds_of(world) == [(RefundState.DUE, RefundGround.LOT_FAILED)]
    assert moved(world) == 0


def test_a_case_ended_for_the_bidder_lets_the_money_go_back(world: DepositWorld, lot: OpenLot, bidder: Actor) -> None:
    world.freeze(lot)
    tell(world, lot, bidder, "bidder")
    with world.units.begin(TESTS) as unit:
        facade.refund_due(unit, lot.id, None, RefundGround.LOT_FAILED)
        with pytest.raises(NoSuchCase):
            cases.end_case(unit, lot.id, str(bidder.org_id), "R3.33 #09", "别的事")
        cases.end_case(unit, lot.id, str(bidder.org_id), "R3.33 #03", "招标人决定退还")
    assert refunds_of(world) == [(RefundState.ORDERED, RefundGround.LOT_FAILED)]
    with world.units.read() as unit:
        assert cases.open_cases(unit, [lot.id]) == ()
        (row,) = unit.session.scalars(select(RefundBlock))
        assert row.lifted_at is not None


def test_another_cause_sends_the_deposit_back_and_holds_nothing(
    world: DepositWorld, lot: OpenLot, bidder: Actor
) -> None:
    world.freeze(lot)
    tell(world, lot, bidder, "platform")
    assert refunds_of(world) == [(RefundState.ORDERED, RefundGround.WITHDRAWN)]
    with world.units.read() as unit:
        assert blocks.standing(unit, lot.id, str(bidder.org_id)) == []
        (refund,) = unit.session.scalars(select(Refund))
        assert refund.interest == Money(0)
    world.send_all()
    world.deliver()
    assert refunds_of(world) == [(RefundState.PAID, RefundGround.WITHDRAWN)]
