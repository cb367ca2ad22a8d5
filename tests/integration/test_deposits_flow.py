"""From the sub-account to the refunded deposit: services, journal, ledger and the bank's own book."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from accounts.errors import NoticeDiffers
from deposits import audit, facade
from deposits.errors import BankContradicts, DepositsHidden, NotRejected, NotReturnable
from deposits.gateway import StatementLine
from deposits.models import Refund
from deposits.services import refunds
from deposits.services.refunds import BankAnswer, BankStatus
from deposits.states import BlockGround, DepositStatus, Outcome, RefundGround, RefundState
from foundation.actor import Actor
from foundation.errors import NotFound
from foundation.events import evaluation as v
from foundation.events import tendering as e
from foundation.jobs.models import Job
from foundation.journal import read_stream
from foundation.money import Money
from tests.support.tender_world import DEADLINE, DEPOSIT, TESTS, OpenLot
from tests.unit.deposits.world import DepositWorld, make_deposits

NAMES = ("常州澄岳建设工程有限公司", "常州恒远建筑安装有限公司", "常州天宁市政工程有限公司")
SAMPLE = 1_000_000_00


@pytest.fixture
def world(tmp_path: Path) -> DepositWorld:
    return make_deposits(tmp_path)


@pytest.fixture
def lot(world: DepositWorld) -> OpenLot:
    return world.lot()


@pytest.fixture
def bidders(world: DepositWorld, lot: OpenLot) -> list[Actor]:
    made = [world.bidder(name) for name in NAMES]
    for one in made:
        world.open(lot, one)
    return made


def sign(world: DepositWorld, lot: OpenLot, awardee: Actor, *, days: int) -> None:
    world.town.clock.step(timedelta(days=days))
    signed = v.ContractSigned(lot.id, str(awardee.org_id), world.town.clock.now(), "12345678.00", is_late=False)
    world.tell(lot, signed)


def test_winner_and_losers_get_principal_and_interest_back_to_the_payer(
    world: DepositWorld, lot: OpenLot, bidders: list[Actor]
) -> None:
    serials = [world.pay(lot, one) for one in bidders]
    assert [world.status(lot, one) for one in bidders] == [DepositStatus.ARRIVED] * 3
    world.freeze(lot)
    sign(world, lot, bidders[0], days=50)
    assert [world.status(lot, one) for one in bidders] == [DepositStatus.REFUNDED] * 3
    world.send_all()
    for serial, one in zip(serials, bidders, strict=True):
        refund = world.refund(serial)
        assert refund is not None
        assert refund.state is RefundState.PAID
        assert refund.interest == Money(121_53)  # 250,000.00 × 0.35 % × 50 / 360
        assert world.at_bank(one.org_name) == SAMPLE + 121_53
    world.deliver()  # the bank's own notices say it again
    world.assert_book_holds()


def test_the_interest_of_v7_is_what_arrives(world: DepositWorld) -> None:
    lot, actor = world.lot(deposit=Money(20_000_000)), world.bidder(NAMES[0])
    world.open(lot, actor)
    world.pay(lot, actor, Money(20_000_000))
    world.freeze(lot)
    sign(world, lot, actor, days=50)
    world.send_all()
    assert world.at_bank(actor.org_name) == SAMPLE + 97_22
    world.assert_book_holds()


def test_the_same_notice_counts_once_and_another_under_its_number_is_refused(
    world: DepositWorld, lot: OpenLot, bidders: list[Actor]
) -> None:
    serial = world.pay(lot, bidders[0], deliver=False)
    ((_, body, _),) = world.bank.book.waiting()
    assert [world.hand_in(body) for _ in range(3)] == [Outcome.MATCHED] * 3
    changed = json.dumps({**json.loads(body), "amount": "1.00"})
    with pytest.raises(NoticeDiffers):
        world.hand_in(changed)
    with world.units.read() as unit:
        told = [one.event for one in read_stream(unit.session, f"bid:{lot.id}:{bidders[0].org_id}")]
    assert [one.TYPE for one in told] == ["deposits.account_opened", "deposits.arrived"]
    assert told[1].serial == serial  # type: ignore[attr-defined]
    world.assert_book_holds()


def test_money_up_to_the_deadline_counts_and_a_moment_later_it_does_not(
    world: DepositWorld, lot: OpenLot, bidders: list[Actor]
) -> None:
    world.town.clock.set(DEADLINE)
    just = world.pay(lot, bidders[0])
    world.town.clock.step(timedelta(microseconds=1))
    late = world.pay(lot, bidders[1])
    assert (world.outcome(just), world.outcome(late)) == (Outcome.MATCHED, Outcome.LATE)
    assert world.status(lot, bidders[1]) is DepositStatus.LATE


def test_a_moved_deadline_is_the_one_that_counts(world: DepositWorld, lot: OpenLot, bidders: list[Actor]) -> None:
    after = DEADLINE + timedelta(days=3)
    world.tell(lot, e.DeadlineMoved(lot.id, DEADLINE, after, "R1.06"))
    world.town.clock.set(after)
    assert world.outcome(world.pay(lot, bidders[0])) is Outcome.MATCHED


def test_too_little_is_mismatched_until_the_rest_arrives(
    world: DepositWorld, lot: OpenLot, bidders: list[Actor]
) -> None:
    world.pay(lot, bidders[0], DEPOSIT - Money(1))
    assert world.status(lot, bidders[0]) is DepositStatus.MISMATCHED
    world.pay(lot, bidders[0], Money(1))
    assert world.status(lot, bidders[0]) is DepositStatus.ARRIVED


def test_money_of_another_name_waits_for_a_decision_and_goes_back_to_whoever_paid(
    world: DepositWorld, lot: OpenLot, bidders: list[Actor]
) -> None:
    serial = world.pay(lot, bidders[0], payer="某个人")
    assert world.outcome(serial) is Outcome.NAME_DIFFERS
    world.freeze(lot)
    sign(world, lot, bidders[0], days=1)
    assert world.refund(serial) is None, "a mismatch blocks its refund (R2.19)"
    with world.units.begin(bidders[0]) as unit:
        refunds.return_arrival(unit, serial)
    world.send_all()
    assert world.at_bank("某个人") == SAMPLE
    with world.units.begin(bidders[0]) as unit, pytest.raises(NotReturnable):
        refunds.return_arrival(unit, serial)
    world.assert_book_holds()


def test_a_matched_deposit_cannot_be_called_back(world: DepositWorld, lot: OpenLot, bidders: list[Actor]) -> None:
    serial = world.pay(lot, bidders[0])
    with world.units.begin(bidders[0]) as unit, pytest.raises(NotReturnable):
        refunds.return_arrival(unit, serial)
    assert world.status(lot, bidders[0]) is DepositStatus.ARRIVED


def test_money_for_nobodys_account_goes_back_at_once(world: DepositWorld) -> None:
    world.bank.open_sub_account("3204128000000000000")
    serial = world.pay_into("3204128000000000000", "某个人", Money(500))
    world.send_all()
    refund = world.refund(serial)
    assert refund is not None
    assert refund.state is RefundState.PAID
    assert world.at_bank("某个人") == SAMPLE
    world.assert_book_holds()


def test_a_withdrawn_bid_gets_its_deposit_back_without_interest_within_five_days(
    world: DepositWorld, lot: OpenLot, bidders: list[Actor]
) -> None:
    serial = world.pay(lot, bidders[0])
    kept = world.pay(lot, bidders[1])
    org_id = str(bidders[0].org_id)
    withdrawn = e.BidWithdrawn(lot.id, org_id, "0" * 32, 1, world.town.clock.now())
    world.tell(lot, withdrawn, stream=f"bid:{lot.id}:{org_id}")
    world.send_all()
    refund = world.refund(serial)
    assert refund is not None
    assert refund.state is RefundState.PAID
    assert refund.interest == Money(0)
    assert refund.ground is RefundGround.WITHDRAWN
    # Five days end on a Saturday: 24:00 Beijing of Monday, 30 November (R0.03).
    assert refund.due_at == datetime(2026, 11, 30, 16, 0, tzinfo=UTC)
    assert world.refund(kept) is None
    again = world.pay(lot, bidders[0])  # it bids once more, and pays once more
    assert world.outcome(again) is Outcome.MATCHED
    assert world.status(lot, bidders[0]) is DepositStatus.ARRIVED
    world.assert_book_holds()


@pytest.mark.parametrize("how", ["failed", "cancelled", "no_award"])
def test_a_lot_that_comes_to_nothing_gives_everything_back_even_what_comes_later(
    world: DepositWorld, lot: OpenLot, bidders: list[Actor], how: str
) -> None:
    first = world.pay(lot, bidders[0])
    events = {
        "failed": e.LotFailed(lot.id, "too_few"),
        "cancelled": e.LotCancelled(lot.id, "资金未落实"),
        "no_award": v.EvaluationFailed(lot.id, ()),
    }
    world.town.clock.step(timedelta(days=36))
    world.tell(lot, events[how])
    later = world.pay(lot, bidders[1])
    world.send_all()
    for serial in (first, later):
        refund = world.refund(serial)
        assert refund is not None
        assert refund.state is RefundState.PAID
    assert world.at_bank(bidders[0].org_name) == SAMPLE + 87_50
    world.assert_book_holds()


def test_a_stay_holds_refunds_of_this_lot_only_and_its_end_lets_them_go(
    world: DepositWorld, lot: OpenLot, bidders: list[Actor]
) -> None:
    other = world.lot()
    world.open(other, bidders[0])
    stayed, free = world.pay(lot, bidders[0]), world.pay(other, bidders[0])
    world.tell(lot, e.StayPlaced(lot.id, "objection:1"), e.StayPlaced(lot.id, "objection:2"))
    for one in (lot, other):
        sign(world, one, bidders[0], days=1)
    world.send_all()
    assert world.refund(stayed).state is RefundState.DUE  # type: ignore[union-attr]
    assert world.refund(free).state is RefundState.PAID  # type: ignore[union-attr]
    world.tell(lot, e.StayLifted(lot.id, "objection:1"))
    assert world.refund(stayed).state is RefundState.DUE, "one objection is still open"  # type: ignore[union-attr]
    world.tell(lot, e.StayLifted(lot.id, "objection:2"))
    world.send_all()
    assert world.refund(stayed).state is RefundState.PAID  # type: ignore[union-attr]
    world.assert_book_holds()


def test_who_is_no_candidate_is_refunded_when_publicity_ends_and_candidates_wait_for_the_contract(
    world: DepositWorld, lot: OpenLot, bidders: list[Actor]
) -> None:
    """R2.17, R2.11."""
    serials = [world.pay(lot, one) for one in bidders]
    world.freeze(lot)
    world.town.clock.step(timedelta(days=20))
    candidate, *others = bidders
    for _ in range(2):
        world.tell(lot, v.PublicityEnded(lot.id, (str(candidate.org_id),)))
    world.send_all()
    found = [world.refund(serial) for serial in serials]
    assert found[0] is None
    for refund in found[1:]:
        assert refund is not None
        assert (refund.state, refund.ground) == (RefundState.PAID, RefundGround.NOT_CANDIDATE)
        assert refund.interest == Money(48_61)  # 250,000.00 × 0.35 % × 20 / 360
    sign(world, lot, candidate, days=10)
    world.send_all()
    last = world.refund(serials[0])
    assert last is not None
    assert (last.state, last.ground) == (RefundState.PAID, RefundGround.CONTRACT_SIGNED)
    assert [world.at_bank(one.org_name) for one in others] == [SAMPLE + 48_61] * 2
    world.assert_book_holds()


def test_a_stay_or_a_court_keeps_even_those_who_are_no_candidates_waiting(
    world: DepositWorld, lot: OpenLot, bidders: list[Actor]
) -> None:
    """R2.19: a complaint after the end of publicity comes before what is not ordered yet."""
    frozen, other = world.pay(lot, bidders[1]), world.pay(lot, bidders[2])
    world.freeze(lot)
    with world.units.begin(TESTS) as unit:
        facade.block(unit, lot.id, BlockGround.COURT_FREEZE, "苏0412执2号", str(bidders[1].org_id))
    world.tell(lot, e.StayPlaced(lot.id, "complaint:1"), v.PublicityEnded(lot.id, (str(bidders[0].org_id),)))
    assert [world.refund(one).state for one in (frozen, other)] == [RefundState.DUE] * 2  # type: ignore[union-attr]
    world.tell(lot, e.StayLifted(lot.id, "complaint:1"))
    assert world.refund(frozen).state is RefundState.DUE  # type: ignore[union-attr]
    assert world.refund(other).state is RefundState.ORDERED  # type: ignore[union-attr]


def test_a_block_of_one_bidder_holds_that_bidder_alone(world: DepositWorld, lot: OpenLot, bidders: list[Actor]) -> None:
    held, free = world.pay(lot, bidders[0]), world.pay(lot, bidders[1])
    org_id = str(bidders[0].org_id)
    with world.units.begin(TESTS) as unit:
        for _ in range(2):
            facade.block(unit, lot.id, BlockGround.COURT_FREEZE, "苏0412执1号", org_id)
    sign(world, lot, bidders[1], days=1)
    assert world.refund(held).state is RefundState.DUE  # type: ignore[union-attr]
    assert world.refund(free).state is RefundState.ORDERED  # type: ignore[union-attr]
    with world.units.begin(TESTS) as unit:
        facade.unblock(unit, lot.id, BlockGround.COURT_FREEZE, "苏0412执1号", org_id)
    assert world.refund(held).state is RefundState.ORDERED  # type: ignore[union-attr]


def test_a_declined_refund_is_held_again_and_paid_under_a_new_order(
    world: DepositWorld, lot: OpenLot, bidders: list[Actor]
) -> None:
    serial = world.pay(lot, bidders[0])
    world.bank.faults.reject_orders = 1
    sign(world, lot, bidders[0], days=50)
    world.send_all()
    refund = world.refund(serial)
    assert refund is not None
    assert (refund.state, refund.why) == (RefundState.REJECTED, "account_closed")
    world.deliver()
    world.assert_book_holds()
    with world.units.begin(TESTS) as unit:
        refunds.order_again(unit, refund.id)
    with world.units.begin(TESTS) as unit:  # a late word on the first order changes nothing
        late = BankAnswer(f"{refund.id}-1", BankStatus.REJECTED, why="account_closed")
        assert refunds.settle(unit, late) is RefundState.ORDERED
    world.send_all()
    assert world.bank.sent == [f"{refund.id}-1", f"{refund.id}-2"]
    assert world.at_bank(bidders[0].org_name) == SAMPLE + 121_53
    with world.units.begin(TESTS) as unit, pytest.raises(NotRejected):
        refunds.order_again(unit, refund.id)
    world.assert_book_holds()


@pytest.mark.parametrize("fault", ["lose_answers", "drop_orders"])
def test_an_order_without_an_answer_is_asked_about_and_paid_once(
    world: DepositWorld, lot: OpenLot, bidders: list[Actor], fault: str
) -> None:
    world.pay(lot, bidders[0])
    setattr(world.bank.faults, fault, 2)
    sign(world, lot, bidders[0], days=50)
    for _ in range(4):
        world.send_all()
    assert len(world.bank.sent) == (1 if fault == "lose_answers" else 3)
    assert world.at_bank(bidders[0].org_name) == SAMPLE + 121_53
    world.deliver()
    world.assert_book_holds()


def test_a_delayed_order_is_settled_by_the_notice_before_anybody_asks(
    world: DepositWorld, lot: OpenLot, bidders: list[Actor]
) -> None:
    serial = world.pay(lot, bidders[0])
    world.bank.faults.delay_orders_s = 0.01
    sign(world, lot, bidders[0], days=50)
    world.send_all()
    assert world.refund(serial).state is RefundState.ORDERED  # type: ignore[union-attr]
    from foundation.clock import pause

    pause(0.02)
    assert world.bank.book.carry_out_ready() == 1
    world.assert_book_holds(is_quiet=False)
    world.deliver()
    assert world.refund(serial).state is RefundState.PAID  # type: ignore[union-attr]
    world.assert_book_holds()


@pytest.mark.parametrize("word", ["paid_otherwise", "rejected", "unknown"])
def test_a_bank_that_contradicts_itself_changes_nothing(
    world: DepositWorld, lot: OpenLot, bidders: list[Actor], word: str
) -> None:
    serial = world.pay(lot, bidders[0])
    sign(world, lot, bidders[0], days=50)
    world.send_all()
    refund = world.refund(serial)
    assert refund is not None
    said = {
        "paid_otherwise": BankAnswer(f"{refund.id}-1", BankStatus.PAID, serial="DB9999999999"),
        "rejected": BankAnswer(f"{refund.id}-1", BankStatus.REJECTED, why="account_closed"),
        "unknown": BankAnswer(f"{refund.id}-2", BankStatus.PAID, serial="DB9999999999"),
    }[word]
    with pytest.raises(NotFound if word == "unknown" else BankContradicts), world.units.begin(TESTS) as unit:
        refunds.settle(unit, said)
    world.assert_book_holds()


def test_nobody_learns_who_paid_before_the_freeze(world: DepositWorld, lot: OpenLot, bidders: list[Actor]) -> None:
    world.pay(lot, bidders[0])
    with world.units.read() as unit:
        for ask in (facade.deposit_rows, facade.payer_accounts):
            with pytest.raises(DepositsHidden):
                ask(unit, lot.id)
        rows = [f"{job.task} {job.key} {json.dumps(job.payload)}" for job in unit.session.scalars(select(Job))]
        assert not any(str(bidders[0].org_id) in row for row in rows)
    world.freeze(lot)
    with world.units.read() as unit:
        found = facade.deposit_rows(unit, lot.id)
        accounts = facade.payer_accounts(unit, lot.id)
    assert [(row.org_name, row.status) for row in found if row.amount.fen] == [(NAMES[0], DepositStatus.ARRIVED)]
    assert len(found) == 3
    assert [one.digest for one in accounts] == [row.payer_digest for row in found if row.payer_digest]


def test_two_bidders_paid_from_one_account_have_one_digest(
    world: DepositWorld, lot: OpenLot, bidders: list[Actor]
) -> None:
    for one in bidders[:2]:
        world.pay(lot, one, payer="共同的付款人")
    world.freeze(lot)
    with world.units.read() as unit:
        found = facade.payer_accounts(unit, lot.id)
    assert len(found) == 2
    assert len({one.digest for one in found}) == 1


def test_a_repeated_event_refunds_nothing_twice(world: DepositWorld, lot: OpenLot, bidders: list[Actor]) -> None:
    world.pay(lot, bidders[0])
    for _ in range(3):
        sign(world, lot, bidders[0], days=1)
        world.send_all()
    with world.units.read() as unit:
        assert len(unit.session.scalars(select(Refund)).all()) == 1
    world.assert_book_holds()


def test_the_reconciliation_names_what_one_book_has_alone_once_it_is_no_longer_on_its_way(
    world: DepositWorld, lot: OpenLot, bidders: list[Actor]
) -> None:
    booked = world.pay(lot, bidders[0])
    untold = world.pay(lot, bidders[1], deliver=False)
    statement = world.bank.statement()

    def compare(lines: tuple[StatementLine, ...], grace: timedelta) -> audit.Reconciliation:
        with world.units.read() as unit:
            return audit.reconcile(unit, lines, grace=grace)

    assert compare(statement, audit.GRACE).is_equal
    assert compare((), audit.GRACE).is_equal
    world.town.clock.step(audit.GRACE)
    assert compare(statement, audit.GRACE).not_in_book == (untold,)
    assert compare((), audit.GRACE).not_at_bank == (booked,)
    changed = (replace(statement[0], amount=Money(1)), *statement[1:])
    assert compare(changed, audit.GRACE).differing == (booked,)
    twice = (statement[0], *statement)
    assert compare(twice, audit.GRACE).differing == (booked,)
