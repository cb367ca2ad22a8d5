"""The committee: a draw anyone can replay, recusal before and after the opening, refusals, and never a second draw."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

import evaluation.tasks
from evaluation import recusal
from evaluation.errors import (
    AnsweredTooLate,
    CommitteeKnown,
    CommitteeNotReady,
    CommitteeUnlawful,
    ContributionKnown,
    ExpertKnown,
    NotAnExpert,
    OathMissing,
    PoolTooSmall,
)
from evaluation.models import CommitteeSeat, EvaluationCase, Expert, SheetMark
from evaluation.services import cases, committee, draws, library, review, seats, sheets
from evaluation.states import CaseState, DrawState, SeatState
from foundation.draws import replay
from foundation.errors import InvalidInput, NotFound, NotPermitted
from foundation.events import evaluation as e
from foundation.events import public_projection
from foundation.journal import JournalEntry, read_stream
from foundation.machine import WrongState
from foundation.store.unit import Unit
from tests.support.tender_world import TESTS
from tests.support_evaluation import Evaluation, make_evaluation


@pytest.fixture
def told(tmp_path: Path) -> Evaluation:
    return make_evaluation(tmp_path)


def events_of(told: Evaluation, kind: type[Any]) -> list[Any]:
    found = []
    with told.world.units.read() as unit:
        for stream in (f"lot:{told.lot_id}", f"evaluation:{told.lot_id}"):
            found += [one.event for one in read_stream(unit.session, stream) if isinstance(one.event, kind)]
    return found


def blinded_of(told: Evaluation, expert_user: str) -> str:
    with told.world.units.read() as unit:
        expert = unit.session.scalars(select(Expert.id).where(Expert.user_id == expert_user)).one()
        return committee.blinded_id(unit.session.get_one(EvaluationCase, told.lot_id).expert_salt, expert)


def test_anybody_replays_the_draw_from_public_events_alone(told: Evaluation) -> None:
    told.to_drawn()
    (fixed,), (drawn,) = events_of(told, e.ExpertPoolFixed), events_of(told, e.CommitteeDrawn)
    public = public_projection(fixed), public_projection(drawn)
    assert public[0] is not None
    assert public[1] is not None
    ranking = replay(public[1]["transcript"], public[0]["pool"])
    assert [one.blinded for one in events_of(told, e.SeatOffered)] == list(ranking.drawn)
    transcript = ranking.transcript
    assert transcript.first == 5
    assert transcript.checkpoint
    assert [one.id for one in transcript.contributions] == ["centre", "supervisor", "tenderee"]
    committed = {one.contributor: one.commitment for one in events_of(told, e.ContributionCommitted)}
    committed["centre"] = fixed.commitment
    assert {one.id: committee.commitment_to(one.value) for one in transcript.contributions} == committed


def test_the_draw_waits_until_the_log_covers_pool_and_commitments(told: Evaluation) -> None:
    told.act(told.host, committee.request_committee, 5)
    told.act(told.tenderee, committee.contribute, "一")
    told.opening.publish()
    evaluation.tasks.look(told.world.runtime)
    assert events_of(told, e.CommitteeDrawn) == []
    told.act(told.supervisor, committee.contribute, "二")
    evaluation.tasks.look(told.world.runtime)
    assert events_of(told, e.CommitteeDrawn) == []
    told.opening.publish()
    told.opening.publish()
    evaluation.tasks.look(told.world.runtime)
    evaluation.tasks.look(told.world.runtime)
    (drawn,) = events_of(told, e.CommitteeDrawn)
    with told.world.units.read() as unit:
        row = committee.last_draw(unit, told.lot_id)
        assert row is not None
        entry = unit.session.get_one(JournalEntry, row.last_entry_id)
        assert entry.type == e.ContributionCommitted.TYPE
        first = draws.covering_checkpoint(unit, row.last_entry_id)
    # The first checkpoint over the last commitment, not the newest: nobody waits for one that suits.
    assert f"checkpoint {first}" in drawn.transcript


def test_no_value_is_told_before_the_draw(told: Evaluation) -> None:
    told.act(told.host, committee.request_committee, 5)
    told.act(told.tenderee, committee.contribute, "梧桐更兼细雨")
    with told.world.units.read() as unit:
        text = "\n".join(unit.session.scalars(select(JournalEntry.data)))
        row = committee.last_draw(unit, told.lot_id)
        assert row is not None
        values = draws.contributions(unit, row)
    assert set(values) == {"centre", "tenderee"}
    assert not any(value in text for value in values.values())
    assert "梧桐" not in text


def test_nobody_draws_twice_or_contributes_twice(told: Evaluation) -> None:
    told.act(told.host, committee.request_committee, 5)
    with pytest.raises(CommitteeKnown):
        told.act(told.host, committee.request_committee, 5)
    told.act(told.tenderee, committee.contribute, "一")
    with pytest.raises(ContributionKnown):
        told.act(told.tenderee, committee.contribute, "另一句")
    for stranger in (told.host, told.opening.staff, told.opening.bidders[0].actor):
        with pytest.raises(NotPermitted):
            told.act(stranger, committee.contribute, "我也要")
    told.act(told.supervisor, committee.contribute, "二")
    with pytest.raises(ContributionKnown):
        told.act(told.supervisor, committee.contribute, "三")
    told.opening.publish()
    evaluation.tasks.look(told.world.runtime)
    with pytest.raises(CommitteeKnown):
        told.act(told.host, committee.request_committee, 5)


@pytest.mark.parametrize("size", [4, 3, 1, 6, 17])
def test_a_committee_that_breaks_the_law_is_not_drawn(told: Evaluation, size: int) -> None:
    """Invariant 11: even, too small, too large."""
    with pytest.raises(CommitteeUnlawful) as refused:
        told.act(told.host, committee.request_committee, size)
    assert all(one.clause == "R4.01" for one in refused.value.objections)
    assert events_of(told, e.ExpertPoolFixed) == []


def test_whoever_does_not_run_the_lot_asks_for_no_committee(told: Evaluation) -> None:
    for stranger in (told.tenderee, told.supervisor, told.opening.bidders[0].actor):
        with pytest.raises(NotPermitted):
            told.act(stranger, committee.request_committee, 5)


def test_a_pool_below_three_times_the_seats_is_refused(tmp_path: Path) -> None:
    told = make_evaluation(tmp_path, experts=14)
    with pytest.raises(PoolTooSmall) as refused:
        told.act(told.host, committee.request_committee, 5)
    assert refused.value.fields == {"count": 14, "needed": 15}
    told.add_experts(1)
    told.act(told.host, committee.request_committee, 5)


def test_only_those_of_the_wanted_speciality_are_in_the_pool(told: Evaluation) -> None:
    told.add_experts(15, specialities=("A06", "B01"))
    told.act(told.host, committee.request_committee, 5, ["A06"])
    assert len(events_of(told, e.ExpertPoolFixed)[0].pool) == 15


# --- recusal --------------------------------------------------------------------------


def test_recused_experts_are_logged_and_in_no_pool(told: Evaluation) -> None:
    bidder = told.opening.bidders[0].actor
    (works_for_tenderee,) = told.add_experts(1, employer="常州市武进区教育局 ")
    (works_for_agency,) = told.add_experts(1, employer_org_id=str(told.host.org_id))
    (works_for_bidder,) = told.add_experts(1, employer=bidder.org_name)
    (too_young,) = told.add_experts(1, years=7)
    (suspended,) = told.add_experts(1)
    with told.world.units.begin(told.opening.staff) as unit:
        expert = unit.session.scalars(select(Expert.id).where(Expert.user_id == suspended.user_id)).one()
        library.suspend(unit, expert, is_suspended=True)
    told.act(told.host, committee.request_committee, 5)
    (fixed,), (excluded,) = events_of(told, e.ExpertPoolFixed), events_of(told, e.ExpertsExcluded)
    grounds = {one.blinded: one.ground for one in excluded.excluded}
    expected = {
        works_for_tenderee: "employed_by_tenderee",
        works_for_agency: "employed_by_agency",
        works_for_bidder: "employed_by_bidder",
        too_young: "too_few_years",
        suspended: "suspended",
    }
    assert grounds == {blinded_of(told, str(actor.user_id)): ground for actor, ground in expected.items()}
    assert not set(grounds) & set(fixed.pool)
    assert public_projection(excluded) is None
    assert excluded.draw == fixed.draw  # in the transaction that fixes the pool


def test_before_the_opening_bidders_are_unknown_and_recusal_runs_again_after_it(tmp_path: Path) -> None:
    """R4.05: a draw before the opening must not tell who bids; its members are looked at when the list is public."""
    told = make_evaluation(tmp_path, open_bids=False)
    bidder = told.opening.bidders[0].actor
    told.add_experts(12, employer=bidder.org_name)
    told.act(told.host, committee.request_committee, 5)
    (fixed,) = events_of(told, e.ExpertPoolFixed)
    assert len(fixed.pool) == 28  # nobody was excluded for a bidder
    told.act(told.tenderee, committee.contribute, "一")
    told.act(told.supervisor, committee.contribute, "二")
    told.opening.publish()
    evaluation.tasks.look(told.world.runtime)
    told.accept_all()
    with pytest.raises((NotPermitted, NotFound)):
        told.act(told.host, review.start_review)
    told.opening.to_closed()
    assert told.run_jobs() == []
    vacated = [one.ground for one in events_of(told, e.SeatVacated)]
    passed = [one.ground for one in events_of(told, e.TicketPassed)]
    with told.world.units.read() as unit:
        parties = cases.parties_of(unit, told.lot_id)
        seated = [
            seat.expert_id for seat in committee.seats_of(unit, told.lot_id, SeatState.ACCEPTED, SeatState.INVITED)
        ]
        assert not any(recusal.ground_of(one, parties) for one in library.candidates(unit, seated))
    assert set(vacated) <= {"employed_by_bidder"}
    assert set(passed) <= {"employed_by_bidder", "employer_twice"}
    assert len(told.seats(SeatState.ACCEPTED, SeatState.INVITED)) == 5
    told.accept_all()
    told.act(told.host, review.start_review)
    assert told.case().state is CaseState.REVIEW


def test_one_expert_of_an_employer_sits_at_most(tmp_path: Path) -> None:
    told = make_evaluation(tmp_path, experts=4)
    told.add_experts(14, employer="江苏省建筑设计研究院")
    told.act(told.host, committee.request_committee, 5)
    told.act(told.tenderee, committee.contribute, "一")
    told.act(told.supervisor, committee.contribute, "二")
    told.opening.publish()
    evaluation.tasks.look(told.world.runtime)
    with told.world.units.read() as unit:
        seated = [seat.expert_id for seat in committee.seats_of(unit, told.lot_id, SeatState.INVITED)]
        employers = [one.employer for one in library.candidates(unit, seated)]
    assert len(employers) == len(set(employers)) == 5


def test_a_recused_member_stops_the_start_until_it_is_replaced(told: Evaluation) -> None:
    """Invariant 11."""
    told.to_drawn()
    told.accept_all()
    first = told.seats(SeatState.ACCEPTED)[0]
    with told.world.units.begin(TESTS) as unit:
        unit.session.get_one(Expert, first.expert_id).employer = told.opening.bidders[1].actor.org_name
    with pytest.raises(CommitteeNotReady) as refused:
        told.act(told.host, review.start_review)
    assert [one.code for one in refused.value.objections] == ["evaluation.member_recused"]
    told.act(told.host, committee.rerun_recusal)
    with pytest.raises(CommitteeNotReady) as refused:
        told.act(told.host, review.start_review)
    assert [one.code for one in refused.value.objections] == ["evaluation.seats_empty"]
    told.accept_all()
    told.act(told.host, review.start_review)


def test_the_review_starts_only_by_its_host_with_every_seat_taken(told: Evaluation) -> None:
    with pytest.raises(CommitteeNotReady):
        told.act(told.host, review.start_review)
    told.to_drawn()
    with pytest.raises(CommitteeNotReady):
        told.act(told.host, review.start_review)
    told.accept_all()
    with pytest.raises(NotPermitted):
        told.act(told.tenderee, review.start_review)
    with pytest.raises(NotFound):
        told.act(told.supervisor, review.start_review)
    told.act(told.host, review.start_review)
    with pytest.raises(WrongState):
        told.act(told.host, review.start_review)


# --- answers --------------------------------------------------------------------------


def test_a_refusal_takes_the_next_ticket_and_never_a_new_seed(told: Evaluation) -> None:
    told.to_drawn()
    (fixed,), (drawn,) = events_of(told, e.ExpertPoolFixed), events_of(told, e.CommitteeDrawn)
    order = replay(drawn.transcript, fixed.pool).order
    first = told.seats(SeatState.INVITED)[0]
    told.act(told.experts[first.user_id], seats.decline, "出差")
    second = told.seats(SeatState.INVITED)[0]
    told.act(told.experts[second.user_id], seats.recuse, "亲属在投标人单位任职")
    third = told.seats(SeatState.INVITED)[0]
    told.world.clock.set(third.answer_until)
    assert told.run_jobs() == []
    asked = [one.blinded for one in events_of(told, e.SeatOffered)]
    assert asked == list(order[: len(asked)])
    assert len(events_of(told, e.CommitteeDrawn)) == 1
    grounds = {one.blinded: one.ground for one in events_of(told, e.SeatVacated)}
    assert grounds[first.blinded] == "declined"
    assert grounds[second.blinded] == "declared"
    assert grounds[third.blinded] == "not_answered"
    public = [public_projection(one) for one in events_of(told, e.SeatVacated)]
    assert not any("亲属" in str(one) for one in public)


def test_acceptance_needs_oath_and_statement_and_comes_in_time(told: Evaluation) -> None:
    told.to_drawn()
    seat = told.seats(SeatState.INVITED)[0]
    expert = told.experts[seat.user_id]
    for sworn, free in ((False, True), (True, False), (False, False)):
        with pytest.raises(OathMissing):
            told.act(expert, seats.accept, is_sworn=sworn, is_free=free)
    told.world.clock.set(seat.answer_until)
    with pytest.raises(AnsweredTooLate):
        told.act(expert, seats.accept, is_sworn=True, is_free=True)


def test_a_seat_answers_to_its_own_expert_alone(told: Evaluation) -> None:
    told.to_drawn()
    seated = {seat.user_id for seat in told.seats()}
    outsider = next(actor for user, actor in told.experts.items() if user not in seated)
    for stranger in (outsider, told.host, told.opening.staff, told.supervisor):
        for act, kwargs in ((seats.accept, {"is_sworn": True, "is_free": True}), (seats.decline, {"reason": ""})):
            with pytest.raises(NotFound):
                told.act(stranger, act, **kwargs)
    told.accept_all()
    member = told.members()[0]
    with pytest.raises(WrongState):
        told.act(member, seats.accept, is_sworn=True, is_free=True)


def test_a_member_that_leaves_takes_its_marks_along_and_the_new_one_gets_a_sheet(told: Evaluation) -> None:
    """R4.08."""
    told.to_review()
    members = told.members()
    for member in members:
        if member is not members[-1]:
            told.act(member, sheets.submit, told.passes())
    gone = next(seat for seat in told.seats(SeatState.ACCEPTED) if seat.user_id == str(members[0].user_id))
    told.act(members[0], seats.recuse, "发现与投标人有利害关系")
    with told.world.units.read() as unit:
        assert unit.session.scalars(select(SheetMark).where(SheetMark.sheet_id == gone.id)).all() == []
    told.act(members[-1], sheets.submit, told.passes())
    assert told.case().state is CaseState.REVIEW  # the empty seat is waited for
    told.accept_all()
    newcomer = next(one for one in told.members() if one not in members)
    told.act(newcomer, sheets.submit, told.passes())
    assert told.case().state is CaseState.SIGNING


def test_when_every_ticket_is_spent_a_further_draw_fills_the_empty_seats(tmp_path: Path) -> None:
    told = make_evaluation(tmp_path, experts=15)
    told.to_drawn()
    while told.seats(SeatState.INVITED):
        seat = told.seats(SeatState.INVITED)[0]
        if len(told.seats(SeatState.ACCEPTED)) < 4:
            told.act(told.experts[seat.user_id], seats.accept, is_sworn=True, is_free=True)
        else:
            told.act(told.experts[seat.user_id], seats.decline, "")
    with told.world.units.read() as unit:
        row = committee.last_draw(unit, told.lot_id)
        assert row is not None
        assert row.state is DrawState.EXHAUSTED
    with pytest.raises(PoolTooSmall):
        told.act(told.host, committee.request_committee, 5)  # everybody was asked before
    told.add_experts(3)
    told.to_drawn()
    (seat,) = told.seats(SeatState.INVITED)
    told.act(told.experts[seat.user_id], seats.accept, is_sworn=True, is_free=True)
    told.act(told.host, review.start_review)
    assert [one.draw.rpartition("/")[2] for one in events_of(told, e.CommitteeDrawn)] == ["1", "2"]


# --- the library ------------------------------------------------------------------------


def test_the_library_is_kept_by_the_centre_alone(told: Evaluation) -> None:
    expert = next(iter(told.experts.values()))
    bidder = told.opening.bidders[0].actor

    def new(actor: Any) -> library.NewExpert:
        return library.NewExpert(str(actor.user_id), "某院", ("A08",), "高工", 10)

    def enter(unit: Unit, lot_id: str, actor: Any) -> None:
        library.enter_expert(unit, new(actor))

    with pytest.raises(ExpertKnown):
        told.act(told.opening.staff, enter, expert)
    with pytest.raises(NotAnExpert):
        told.act(told.opening.staff, enter, bidder)
    for stranger in (told.host, told.supervisor, expert):
        with pytest.raises(NotPermitted):
            told.act(stranger, enter, bidder)
    with pytest.raises(InvalidInput), told.world.units.read() as unit:
        library.user_of_login(unit, "nobody")


def test_a_killed_draw_is_made_once(told: Evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever dies inside the Unit leaves nothing; the next look makes the same draw."""
    told.act(told.host, committee.request_committee, 5)
    told.act(told.tenderee, committee.contribute, "一")
    told.act(told.supervisor, committee.contribute, "二")
    told.opening.publish()

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(committee, "fill_seats", die)
        with pytest.raises(KeyboardInterrupt):
            evaluation.tasks.look(told.world.runtime)
    with told.world.units.read() as unit:
        assert unit.session.scalars(select(CommitteeSeat)).all() == []
    told.opening.publish()
    evaluation.tasks.look(told.world.runtime)
    assert len(events_of(told, e.CommitteeDrawn)) == 1
    assert len(told.seats(SeatState.INVITED)) == 5


def test_answer_times_are_counted_from_the_invitation(told: Evaluation) -> None:
    told.to_drawn()
    assert {seat.answer_until - seat.invited_at for seat in told.seats()} == {timedelta(hours=1)}
