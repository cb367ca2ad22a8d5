"""The demonstration's clock from read-out to refund: which limit is next, by which rule, and what it waits for."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from centre.demo_limits import REFUND_WORDS, NextMoment, limits, what_runs
from centre.demo_moments import CALM, book_of, next_moment, refuse_while_running
from centre.errors import NothingToWaitFor, SomethingRuns
from deposits import facade as deposits
from deposits.rules import TERMS
from deposits.states import BlockGround, RefundGround
from evaluation.models import CommitteeSeat
from evaluation.services import award, committee, report, review, sheets
from evaluation.states import SeatState
from foundation import i18n
from foundation.events import tendering as e
from tendering.models import Lot
from tests.support.tender_world import DEPOSIT, TESTS
from tests.support_evaluation import Evaluation, make_evaluation
from tests.unit.deposits.world import DepositWorld


@pytest.fixture
def told(tmp_path: Path) -> Evaluation:
    return make_evaluation(tmp_path)


def moment(told: Evaluation) -> NextMoment:
    with told.world.units.read() as unit:
        return next_moment(unit, unit.session.get_one(Lot, told.lot_id))


def runs(told: Evaluation) -> str:
    with told.world.units.read() as unit:
        return what_runs(unit, unit.session.get_one(Lot, told.lot_id), CALM)


def assert_next(told: Evaluation, key: str, rule_id: str, at: datetime | None) -> None:
    found = moment(told)
    assert (found.key, found.rule_id, found.at) == (key, rule_id, at)
    assert found.source
    assert found.clause_zh
    assert found.clause_en
    languages: tuple[i18n.Lang, ...] = (i18n.ZH, i18n.EN)
    for language in languages:
        assert i18n.sentence("terms", f"demo_moment.{key}", {}, language) != f"demo_moment.{key}"


def assert_nothing(told: Evaluation) -> None:
    with pytest.raises(NothingToWaitFor):
        moment(told)


def test_every_limit_from_the_committee_to_the_contract_is_the_next_moment_in_its_turn(told: Evaluation) -> None:
    assert_nothing(told)
    told.to_drawn()
    (until,) = {seat.answer_until for seat in told.seats(SeatState.INVITED)}
    assert_next(told, "committee_answer_limit", "R4.07", until)
    told.accept_all()
    assert_nothing(told)
    told.act(told.host, review.start_review)
    assert told.run_jobs() == []
    for member in told.members():
        told.act(member, sheets.submit, told.passes())
    assert_next(told, "report_signing_end", "R4.11", told.case().signing_until)
    for member in told.members():
        told.act(member, report.sign)
    assert told.run_jobs() == []
    assert_next(told, "publicity_start_limit", "R1.40", told.case().publish_by)
    told.act(told.host, award.publish_candidates)
    assert told.run_jobs() == []
    assert_next(told, "publicity_end", "R1.40", told.case().publicity_until)
    told.pass_publicity()
    assert_nothing(told)
    told.act(told.tenderee, award.award)
    assert told.run_jobs() == []
    assert_next(told, "contract_limit", "R1.44", told.case().contract_until)
    for actor in (told.tenderee, told.winner()):
        told.act(actor, award.sign_contract, told.contract_digest())
    assert_nothing(told)


def test_an_open_objection_is_a_limit_of_its_own_while_publicity_runs(told: Evaluation) -> None:
    told.to_publicity()
    objection = told.act(told.opening.bidders[0].actor, award.raise_objection, "业绩有误。")

    def keys() -> list[str]:
        with told.world.units.read() as unit:
            lot = unit.session.get_one(Lot, told.lot_id)
            return [one.key for one in limits(unit, lot, book_of(lot))]

    assert sorted(keys()) == ["objection_answer_limit", "publicity_end"]
    told.act(told.host, award.answer_objection, objection, "业绩属实。")
    assert keys() == ["publicity_end"]


def test_the_clock_waits_for_the_draw_for_people_and_for_programs(told: Evaluation) -> None:
    told.act(told.host, committee.request_committee, 5)
    assert runs(told) == "people"
    told.act(told.tenderee, committee.contribute, "一")
    told.act(told.supervisor, committee.contribute, "二")
    told.world.clock.step(2 * CALM)
    assert runs(told) == "committee_draw"
    with told.world.units.read() as unit, pytest.raises(SomethingRuns) as refused:
        refuse_while_running(unit, unit.session.get_one(Lot, told.lot_id))
    assert refused.value.fields["what"] == "committee_draw"


def test_a_job_that_is_due_is_waited_for_and_one_of_later_is_not(told: Evaluation) -> None:
    told.to_publicity()
    told.world.clock.step(2 * CALM)
    assert told.run_jobs() == []  # what follows a publication some seconds later, where its consumers are loaded
    assert runs(told) == "", "the end of publicity is a job of later"
    until = told.case().publicity_until
    assert until is not None
    told.world.clock.set(until)
    assert runs(told) == "job"
    assert told.run_jobs() == []
    assert runs(told) == ""


def paid(told: Evaluation) -> DepositWorld:
    """A bidder's money is with the centre."""
    bank, lot = DepositWorld(told.world), told.opening.lot
    with told.world.units.begin(TESTS) as unit:
        published = e.LotPublished(
            lot=lot.id,
            tender=lot.tender_code,
            lot_code=lot.lot_code,
            unified_deal_code="A01",
            name="武进高级中学新校区修缮工程（施工）",
            deadline_at=lot.deadline_at,
            ceiling="12860000.00",
            deposit=DEPOSIT.text(),
            rulebook="works-2026",
            method="jiangsu-1",
            escrow_rule="none",
            keyset="0" * 64,
            documents=(),
        )
        unit.append(f"lot:{lot.id}", published)
    bidder = told.opening.bidders[0].actor
    bank.open(lot, bidder)
    bank.pay(lot, bidder)
    return bank


def refund(told: Evaluation, ground: RefundGround) -> None:
    """It falls due while a court holds it."""
    with told.world.units.begin(TESTS) as unit:
        deposits.block(unit, told.lot_id, BlockGround.COURT_FREEZE, "（2026）苏 0412 号")
        deposits.refund_due(unit, told.lot_id, None, ground)


def test_a_refund_that_waits_has_its_limit_and_one_at_the_bank_stops_the_clock(told: Evaluation) -> None:
    bank = paid(told)
    refund(told, RefundGround.CONTRACT_SIGNED)
    told.world.clock.step(2 * CALM)
    assert told.run_jobs() == []
    found = moment(told)
    assert (found.key, found.rule_id, found.source) == ("refund_limit", "R2.11", "REG 57")
    assert found.at - told.world.clock.now() > timedelta(days=4)
    assert runs(told) == ""
    with told.world.units.begin(TESTS) as unit:
        deposits.unblock(unit, told.lot_id, BlockGround.COURT_FREEZE, "（2026）苏 0412 号")
    assert runs(told) == "refund"
    bank.send_all()
    assert_nothing(told)


def test_every_ground_of_a_refund_says_its_rule() -> None:
    assert {term.clause for term in TERMS.values()} == {*REFUND_WORDS, "R2.11"}


def test_before_the_list_is_fixed_the_clock_tells_nobody_that_somebody_has_paid_or_withdrawn(tmp_path: Path) -> None:
    told = make_evaluation(tmp_path, open_bids=False)
    paid(told)
    refund(told, RefundGround.WITHDRAWN)
    with told.world.units.read() as unit:
        lot = unit.session.get_one(Lot, told.lot_id)
        assert list(limits(unit, lot, book_of(lot))) == []
        assert what_runs(unit, lot, CALM) == ""
        assert unit.session.query(CommitteeSeat).count() == 0
