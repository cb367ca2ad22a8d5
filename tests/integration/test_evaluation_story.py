"""From an opened lot to its contract: V1 to the cent, with a real draw, real jobs and real papers."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from accounts import facade as accounts
from credit.models import Ban
from evaluation import facade
from evaluation.errors import (
    ConfirmedAlready,
    ContractDiffers,
    MarksRefused,
    NotInPublicity,
    PublicityRuns,
    SheetClosed,
    SignedAlready,
)
from evaluation.queries import desk
from evaluation.services import award, cases, papers, report, review, sheets
from evaluation.states import CaseState, SeatState
from foundation.documents.reading import read_pdf
from foundation.errors import NotFound, NotPermitted
from foundation.events import evaluation as e
from foundation.events import public_projection
from foundation.journal import read_stream, verify_stream
from foundation.machine import WrongState
from foundation.money import Money
from foundation.store.unit import Unit
from tendering import facade as tendering
from tendering.facade import LotStayed
from tendering.models import PastDeal
from tests.support_evaluation import CEILING, S10, Evaluation, make_evaluation

V1_POINTS = ["92.20", "93.54", "94.98", "95.91", "96.63", "97.56", "98.39", "99.83", "99.08", "95.85"]


@pytest.fixture
def told(tmp_path: Path) -> Evaluation:
    return make_evaluation(tmp_path)


def events_of(told: Evaluation, stream: str) -> list[object]:
    with told.world.units.read() as unit:
        return [entry.event for entry in read_stream(unit.session, stream)]


def paper_text(told: Evaluation, kind: str, org_id: str = "") -> str:
    with told.world.units.read() as unit:
        row = papers.paper(unit, told.lot_id, kind, org_id)
    assert row is not None, kind
    content = told.world.runtime.objects.get(row.object_name)
    return re.sub(r"\s", "", "".join(read_pdf(content).page_texts))


def test_v1_through_the_whole_path_to_the_cent(tmp_path: Path) -> None:
    totals = [f"{price}.00" for price in S10]
    told = make_evaluation(tmp_path, totals=totals, ceiling=CEILING, params={"K": ["0.970"]})
    told.to_contracted()
    with told.world.units.read() as unit:
        result = facade.result_of(unit, told.lot_id)
        deal = unit.session.get_one(PastDeal, told.lot_id)
        for stream in (f"lot:{told.lot_id}", f"evaluation:{told.lot_id}"):
            verify_stream(unit.session, stream)
    assert result.benchmark == Money.yuan("8723533.33")
    by_price = {line.price: line for line in result.lines}
    for price, points in zip(S10, V1_POINTS, strict=True):
        assert str(by_price[Money.yuan(f"{price}.00")].total) == points
    ranked = [line.price.decimal() for line in result.lines if line.price]
    assert ranked[:3] == [Decimal("8740000.00"), Decimal("8590000.00"), Decimal("8880000.00")]
    assert [line.rank for line in result.lines if line.is_candidate] == [1, 2, 3]
    assert (result.state, result.amount) == (CaseState.CONTRACTED, Money.yuan("8740000.00"))
    assert (deal.amount, deal.saved) == (Money.yuan("8740000.00"), Money.yuan("1260000.00"))
    signed = [one for one in events_of(told, f"lot:{told.lot_id}") if isinstance(one, e.ContractSigned)]
    assert [(one.awardee_org_id, one.amount) for one in signed] == [(told.winner().org_id, "8740000.00")]
    text = paper_text(told, "report")
    assert "8993333.333333×0.970=8,723,533.33" in text
    assert "报价分=100−0.19×0.90=99.83" in text
    assert "捌佰柒拾肆万元整" in paper_text(told, "award", str(told.winner().org_id))
    loser = next(one.actor for one in told.opening.bidders if one.actor.org_id != told.winner().org_id)
    assert "名次" in paper_text(told, "loser", str(loser.org_id))
    assert told.winner().org_name in paper_text(told, "contract")


def test_an_invalid_bid_never_enters_the_benchmark(tmp_path: Path) -> None:
    """Invariant 9: rejected by the committee, above the ceiling; the rest is scored as if they were not there."""
    totals = ["8740000.00", "8590000.00", "8880000.00", "8120000.00", "10000000.01"]
    told = make_evaluation(tmp_path, totals=totals, ceiling=CEILING, params={"K": ["0.980"]})
    told.to_review()
    out = told.codes()[told.opening.sealed[3].bid]
    for member in told.members():
        told.act(member, sheets.submit, told.passes([out]))
    with told.world.units.read() as unit:
        rows = {row.price: row for row in review.ranked_rows(unit, told.lot_id)}
        case = told.case()
    # Three are left: A is the second-lowest, 8740000.
    assert case.result is not None
    assert case.result["benchmark"] == "8565200.00"
    assert rows[Money.yuan("8120000.00")].clause == "3.2.4"
    assert rows[Money.yuan("10000000.01")].clause == "REG 51"
    assert [rows[Money.yuan(p)].rank for p in totals] == [2, 1, 3, None, None]


def test_a_rejection_needs_a_majority_a_clause_and_a_reason(told: Evaluation) -> None:
    """Invariant 14, and R4.52: two of five reject nobody."""
    told.to_review()
    code = min(told.codes().values())
    members = told.members()
    for clause, reason in (("", "工期超过规定"), ("3.2.4", ""), ("  ", "理由")):
        given = [*told.passes()[1:], sheets.Given(code, "qualification", verdict="fail", clause=clause, reason=reason)]
        for act in (sheets.save, sheets.submit):
            with pytest.raises(MarksRefused) as refused:
                told.act(members[0], act, given)
            assert {o.code for o in refused.value.objections} <= {
                "evaluation.clause_missing",
                "evaluation.reason_missing",
            }
    for number, member in enumerate(members):
        told.act(member, sheets.submit, told.passes([code] if number < 2 else []))
    with told.world.units.read() as unit:
        assert all(row.is_valid for row in review.ranked_rows(unit, told.lot_id))


def test_three_of_five_reject(told: Evaluation) -> None:
    told.to_review()
    code = min(told.codes().values())
    for number, member in enumerate(told.members()):
        told.act(member, sheets.submit, told.passes([code] if number < 3 else []))
    with told.world.units.read() as unit:
        out = [row for row in review.ranked_rows(unit, told.lot_id) if not row.is_valid]
    assert [(row.code, row.clause, row.reason) for row in out] == [(code, "3.2.4", "工期超过规定")]


def test_objective_items_that_differ_and_outliers_come_back_before_the_lock(tmp_path: Path) -> None:
    """Invariant 13 and R4.56: nobody signs until they agree or say why."""
    told = make_evaluation(tmp_path, params={"full_points": "86.00"})
    told.to_review()
    members = told.members()
    told.act(members[0], sheets.submit, told.passes(points={"commitments": "1"}))
    for member in members[1:-1]:
        told.act(member, sheets.submit, told.passes())
    told.act(members[-1], sheets.submit, told.passes(points={"plan_method": "1"}))
    case = told.case()
    assert case.state is CaseState.REVIEW
    assert {one["kind"] for one in case.findings} == {"objective_differs", "outlier_low"}
    with pytest.raises(WrongState):
        told.act(members[0], report.sign)
    assert "outlier_low" in {one["kind"] for one in case.findings}
    # Every member is asked about the objective item; the outlier is confirmed with a reason.
    for member in members[:-1]:
        told.act(member, sheets.submit, told.passes())
    low = [
        sheets.Given(one.code, one.item, one.points, one.verdict, one.clause, "方案照抄规范，没有针对性")
        if one.item == "plan_method"
        else one
        for one in told.passes(points={"plan_method": "1"})
    ]
    told.act(members[-1], sheets.submit, low)
    assert told.case().state is CaseState.SIGNING
    with told.world.units.read() as unit:
        row = review.ranked_rows(unit, told.lot_id)[0]
    # Means of five: (5+5+5+5+1)/5 = 4.20, 4 and 3, and 2 objective points.
    assert row.technical == Decimal("13.20")


def test_a_member_alone_sees_and_changes_only_its_own_sheet(told: Evaluation) -> None:
    told.to_review()
    members = told.members()
    told.act(members[0], sheets.submit, told.passes())
    with pytest.raises(SheetClosed):
        told.act(members[0], sheets.save, told.passes())
    outsider = next(one for one in told.experts.values() if one not in members)
    with pytest.raises(NotFound):
        told.act(outsider, sheets.save, told.passes())
    with pytest.raises(NotFound):
        told.act(told.host, sheets.save, told.passes())


def test_everybody_signs_dissent_is_kept_and_silence_agrees(told: Evaluation) -> None:
    told.to_signing()
    members = told.members()
    told.act(members[0], report.sign, "第二名的工期承诺不现实")
    with pytest.raises(SignedAlready):
        told.act(members[0], report.sign)
    for member in members[1:4]:
        told.act(member, report.sign)
    assert told.case().state is CaseState.SIGNING
    until = told.case().signing_until
    assert until is not None
    told.world.clock.set(until - timedelta(seconds=1))
    told.run_jobs()
    assert told.case().state is CaseState.SIGNING
    told.world.clock.set(until)
    assert told.run_jobs() == []
    assert told.case().state is CaseState.REPORTED
    text = paper_text(told, "report")
    assert "第二名的工期承诺不现实" in text
    assert "逾期未签署，视为同意" in text
    assert not any(member.display_name in text for member in members)
    assert [seat.is_silent for seat in told.seats(SeatState.ACCEPTED)].count(True) == 1


def test_an_objection_stays_award_and_contract_of_this_lot_until_its_answer(told: Evaluation) -> None:
    """Invariant 16: placed in the very transaction of the objection."""
    told.to_publicity()
    loser = next(one.actor for one in told.opening.bidders if one.actor.org_id != told.winner().org_id)
    objection = told.act(loser, award.raise_objection, "第一名的项目经理有在建工程。")
    with told.world.units.read() as unit:
        assert tendering.has_stay(unit, told.lot_id)
    told.pass_publicity()
    with pytest.raises(LotStayed):
        told.act(told.tenderee, award.award)
    with pytest.raises(NotInPublicity):
        told.act(loser, award.raise_objection, "再提一次")
    told.act(told.host, award.answer_objection, objection, "经核查，该项目已竣工备案。")
    told.act(told.tenderee, award.award)
    assert told.run_jobs() == []
    with told.world.units.begin(told.supervisor) as unit:
        tendering.place_stay(unit, told.lot_id, "complaint:1")
        tendering.place_stay(unit, told.lot_id, "complaint:1")
    with pytest.raises(LotStayed):
        told.act(told.tenderee, award.sign_contract, told.contract_digest())
    with told.world.units.begin(told.supervisor) as unit:
        tendering.lift_stay(unit, told.lot_id, "complaint:1")
        tendering.lift_stay(unit, told.lot_id, "complaint:1")
        assert not tendering.has_stay(unit, told.lot_id)
    told.act(told.tenderee, award.sign_contract, told.contract_digest())
    stays = [type(one).__name__ for one in events_of(told, f"lot:{told.lot_id}") if "Stay" in type(one).__name__]
    assert stays == ["StayPlaced", "StayLifted"] * 2
    public = [
        public_projection(one) for one in events_of(told, f"lot:{told.lot_id}") if isinstance(one, e.ResultObjected)
    ]
    assert public
    assert not any(str(loser.org_id) in str(one) for one in public)


def test_the_end_of_publicity_is_told_once_and_waits_for_every_stay(told: Evaluation) -> None:
    """R2.17: from this event on the deposits of all but the candidates go back."""

    def ends() -> list[e.PublicityEnded]:
        return [one for one in events_of(told, f"lot:{told.lot_id}") if isinstance(one, e.PublicityEnded)]

    told.to_publicity()
    objection = told.act(told.winner(), award.raise_objection, "第二名的报价有误。")
    told.act(told.host, award.answer_objection, objection, "经复核，报价无误。")
    assert told.run_jobs() == []
    assert ends() == [], "a stay lifted within publicity ends nothing"
    for ground in ("complaint:1", "complaint:2"):
        with told.world.units.begin(told.supervisor) as unit:
            tendering.place_stay(unit, told.lot_id, ground)
    told.pass_publicity()
    assert ends() == []
    for ground, seen in (("complaint:1", 0), ("complaint:2", 1)):
        with told.world.units.begin(told.supervisor) as unit:
            tendering.lift_stay(unit, told.lot_id, ground)
        assert told.run_jobs() == []
        assert len(ends()) == seen
    for _ in range(2):
        with told.world.units.begin(cases.PLATFORM) as unit:
            award.tell_publicity_ended(unit, told.lot_id)
    (end,) = ends()
    with told.world.units.read() as unit:
        left = {row.org_id for row in review.ranked_rows(unit, told.lot_id) if row.is_candidate}
    assert set(end.candidates) == left
    assert public_projection(end) == {"lot": told.lot_id}
    told.act(told.tenderee, award.award)
    assert len(ends()) == 1


def test_an_award_ahead_of_the_job_tells_the_end_of_publicity_itself(told: Evaluation) -> None:
    told.to_publicity()
    until = told.case().publicity_until
    assert until is not None
    told.world.clock.set(until)
    told.act(told.tenderee, award.award)
    assert told.run_jobs() == []
    kinds = [type(one).__name__ for one in events_of(told, f"lot:{told.lot_id}")]
    assert kinds.count("PublicityEnded") == 1
    assert kinds.index("PublicityEnded") < kinds.index("AwardDecided")


def test_publicity_runs_to_its_last_moment(told: Evaluation) -> None:
    told.to_publicity()
    until = told.case().publicity_until
    assert until is not None
    told.world.clock.set(until - timedelta(seconds=1))
    with pytest.raises(PublicityRuns):
        told.act(told.tenderee, award.award)
    told.world.clock.set(until)
    with pytest.raises(NotPermitted):
        told.act(told.host, award.award)
    told.act(told.tenderee, award.award)


def test_a_candidate_banned_during_publicity_is_shown_to_the_tenderee(told: Evaluation) -> None:
    told.to_publicity()
    assert told.act(told.tenderee, desk.desk).bans == ()
    with told.world.units.begin(told.supervisor) as unit:
        first = next(row for row in review.ranked_rows(unit, told.lot_id) if row.rank == 1)
        name = first.name
        unit.session.add(_ban(unit, first.org_id))
    (shown,) = told.act(told.tenderee, desk.desk).bans
    assert (shown.name, shown.decision_no) == (name, "苏建罚〔2026〕7 号")


def _ban(unit: Unit, org_id: str) -> Ban:
    """A decision that took effect a second ago."""
    return Ban(
        id=unit.new_id(),
        uscc=accounts.organisation(unit, org_id).uscc,
        name="",
        authority="江苏省住房和城乡建设厅",
        decision_no="苏建罚〔2026〕7 号",
        clause="REG 67",
        starts_at=unit.at - timedelta(seconds=1),
        ends_at=unit.at + timedelta(days=365),
        document_reference="",
        entered_by="",
        entered_at=unit.at,
        annulled_ground="",
    )


def test_the_contract_is_signed_by_its_two_parties_on_the_same_paper(told: Evaluation) -> None:
    told.to_awarded()
    digest = told.contract_digest()
    loser = next(one.actor for one in told.opening.bidders if one.actor.org_id != told.winner().org_id)
    for stranger in (loser, told.host, told.supervisor):
        with pytest.raises(NotFound):
            told.act(stranger, award.sign_contract, digest)
    with pytest.raises(ContractDiffers):
        told.act(told.winner(), award.sign_contract, "0" * 64)
    assert told.act(told.winner(), award.sign_contract, digest) is False
    with pytest.raises(ConfirmedAlready):
        told.act(told.winner(), award.sign_contract, digest)
    until = told.case().contract_until
    assert until is not None
    told.world.clock.set(until)
    assert told.act(told.tenderee, award.sign_contract, digest) is True
    signed = [one for one in events_of(told, f"lot:{told.lot_id}") if isinstance(one, e.ContractSigned)]
    assert [one.is_late for one in signed] == [True]


def test_when_every_bid_is_rejected_nobody_is_a_candidate(told: Evaluation) -> None:
    from evaluation.errors import NothingToPublish

    told.to_review()
    for member in told.members():
        told.act(member, sheets.submit, told.passes(told.codes().values()))
    for member in told.members():
        told.act(member, report.sign)
    assert told.run_jobs() == []
    with pytest.raises(NothingToPublish):
        told.act(told.host, award.publish_candidates)
    told.act(told.host, award.declare_failed)
    assert told.case().state is CaseState.FAILED


def test_equal_points_and_price_wait_for_the_tenderee(tmp_path: Path) -> None:
    from evaluation.errors import TieOrderWrong, TieUndecided

    told = make_evaluation(tmp_path, totals=["8740000.00", "8740000.00", "9000000.00"])
    told.to_reported()
    with pytest.raises(TieUndecided):
        told.act(told.host, award.publish_candidates)
    with told.world.units.read() as unit:
        tied = [row.bid for row in review.ranked_rows(unit, told.lot_id) if row.is_tied]
    assert len(tied) == 2
    with pytest.raises(TieOrderWrong):
        told.act(told.tenderee, report.decide_tie, tied[:1], "信用更好")
    with pytest.raises(NotPermitted):
        told.act(told.host, report.decide_tie, tied, "信用更好")
    told.act(told.tenderee, report.decide_tie, tied[::-1], "信用更好")
    told.act(told.host, award.publish_candidates)
    with told.world.units.read() as unit:
        assert [row.bid for row in review.ranked_rows(unit, told.lot_id)][:2] == tied[::-1]


def test_papers_are_made_once_however_often_the_job_runs(told: Evaluation) -> None:
    told.to_awarded()
    before = len(events_of(told, f"evaluation:{told.lot_id}"))
    for what in (papers.REPORT, papers.CANDIDATES, papers.NOTICES):
        papers.issue(told.world.runtime, told.lot_id, what)
    assert len(events_of(told, f"evaluation:{told.lot_id}")) == before
