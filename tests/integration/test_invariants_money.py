"""The invariants of deposits: where a refund goes, how often and how much (17), and one payer of two bidders (18)."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

import evaluation.consumers  # noqa: F401 - registers what listens to the end of the opening
from bid_opening import facade as bid_opening
from deposits.errors import BankContradicts
from deposits.rules import Rate
from deposits.services import refunds
from deposits.services.refunds import BankAnswer, BankStatus, order_key
from deposits.states import Outcome, RefundState
from evaluation.models import EvaluationCase
from evaluation.states import CaseState
from foundation.actor import Actor
from foundation.events import evaluation as v
from foundation.money import Money
from foundation.working_days import civil_date
from oversight.severity import Severity
from tests.support.oversight_world import make_oversight
from tests.support.tender_world import TESTS, OpenLot
from tests.support_bids import FILES
from tests.support_opening import NAMES
from tests.unit.deposits.world import DepositWorld, make_deposits

SAMPLE = 1_000_000_00
PRINCIPAL = Money.yuan("200000.00")
OTHERS = "无锡梁溪建筑安装工程有限公司"


@pytest.fixture
def world(tmp_path: Path) -> DepositWorld:
    return make_deposits(tmp_path)


def paid(world: DepositWorld, name: str = "常州澄岳建设工程有限公司") -> tuple[OpenLot, Actor, str]:
    """A lot of V7 whose only bidder's deposit has arrived."""
    lot, actor = world.lot(deposit=PRINCIPAL), world.bidder(name)
    world.open(lot, actor)
    return lot, actor, world.pay(lot, actor, PRINCIPAL)


def fall_due(world: DepositWorld, lot: OpenLot, actor: Actor, days: int = 50) -> None:
    """The contract is signed so many days after the arrival."""
    world.freeze(lot)
    world.town.clock.step(timedelta(days=days))
    world.tell(lot, v.ContractSigned(lot.id, str(actor.org_id), world.town.clock.now(), "1.00", is_late=False))


# --- 17 ---------------------------------------------------------------------------------------------------------------


def test_invariant_17_a_refund_goes_to_the_account_it_was_paid_from_and_to_no_other(world: DepositWorld) -> None:
    lot, actor, _ = paid(world)
    number = world.open(lot, actor)
    stray = world.pay_into(number, OTHERS, PRINCIPAL)
    assert world.outcome(stray) is Outcome.NAME_DIFFERS
    with world.units.begin(actor) as unit:
        refunds.return_arrival(unit, stray)
    world.send_all()
    assert world.at_bank(OTHERS) == SAMPLE, "what another paid goes to that other, without interest"
    assert world.at_bank(actor.org_name) == SAMPLE - PRINCIPAL.fen
    fall_due(world, lot, actor)
    world.send_all()
    assert world.at_bank(actor.org_name) == SAMPLE + 97_22
    assert world.at_bank(OTHERS) == SAMPLE
    world.assert_book_holds()


def test_invariant_17_however_often_the_bank_and_the_centre_say_it_a_refund_is_paid_once(world: DepositWorld) -> None:
    lot, actor, serial = paid(world)
    fall_due(world, lot, actor)
    for _ in range(3):
        world.send_all()
        fall_due(world, lot, actor, days=0)
        world.deliver()
    refund = world.refund(serial)
    assert refund is not None
    again = BankAnswer(order_key(refund), BankStatus.PAID, str(refund.bank_serial))
    with world.units.begin(TESTS) as unit:
        assert refunds.settle(unit, again) is RefundState.PAID
    with pytest.raises(BankContradicts), world.units.begin(TESTS) as unit:
        refunds.settle(unit, BankAnswer(order_key(refund), BankStatus.PAID, "DB9999999999"))
    assert [line.kind for line in world.bank.statement()] == ["arrival", "refund"]
    assert world.at_bank(actor.org_name) == SAMPLE + 97_22
    world.assert_book_holds()


def test_invariant_17_principal_and_interest_are_those_of_v7_also_where_the_rate_changed(
    world: DepositWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    lot, actor, serial = paid(world)
    arrived_on = civil_date(world.town.clock.now())
    rates = (Rate(date(2012, 7, 6), Decimal("0.0035")), Rate(arrived_on + timedelta(days=21), Decimal("0.0020")))
    monkeypatch.setattr(refunds, "DEMAND_RATES", rates)
    fall_due(world, lot, actor)
    world.send_all()
    refund = world.refund(serial)
    assert refund is not None
    assert (refund.state, refund.interest) == (RefundState.PAID, Money(73_06))
    assert world.at_bank(actor.org_name) == SAMPLE + 73_06
    world.assert_book_holds()


# --- 18 ---------------------------------------------------------------------------------------------------------------


def test_invariant_18_one_payer_of_two_bidders_is_told_before_there_is_anything_to_evaluate(tmp_path: Path) -> None:
    made = make_oversight(tmp_path, [FILES["technical"]] * 3, payers={2: NAMES[0]}, with_document=False)
    made.opening.to_list()
    assert made.opening.run_jobs() == []
    (alert,) = made.alerts()
    assert (alert.detector, alert.severity) == ("D12", Severity.RED)
    named = {made.opening.bidders[index].actor.org_id for index in (0, 2)}
    assert {row["org_id"] for row in alert.bidders} == named
    with made.world.units.read() as unit:
        assert unit.session.get(EvaluationCase, made.lot_id) is None, "nobody evaluates yet"


def test_invariant_18_it_is_told_once_and_excludes_nobody(tmp_path: Path) -> None:
    made = make_oversight(tmp_path, [FILES["technical"]] * 3, payers={2: NAMES[0]}, with_document=False)
    made.open()
    alert = next(one for one in made.alerts() if one.detector == "D12")
    with made.world.units.read() as unit:
        case = unit.session.get_one(EvaluationCase, made.lot_id)
        opened = bid_opening.result_of(unit, made.lot_id)
    assert (case.state, case.started_at) == (CaseState.FORMING, None)
    assert alert.raised_at < case.opened_at
    assert [one.detector for one in made.alerts()].count("D12") == 1
    assert {bid.org_id for bid in opened.bids} == {one.actor.org_id for one in made.opening.bidders}


def test_invariant_18_bidders_who_pay_for_themselves_are_not_named(tmp_path: Path) -> None:
    made = make_oversight(tmp_path, [FILES["technical"]] * 3, payers={}, with_document=False)
    made.opening.to_list()
    assert made.opening.run_jobs() == []
    assert made.alerts() == []
    assert made.scans()["D12"].finished_at is not None, "it was looked"
