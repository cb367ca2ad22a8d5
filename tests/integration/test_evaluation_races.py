"""Several people act on one evaluation at the same instant: one order, nothing twice; on both databases."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evaluation.queries import draws
from evaluation.services import award, cases, report, seats, sheets
from evaluation.states import SEATED, CaseState, SeatState
from foundation.errors import Refusal
from foundation.events import Event
from foundation.events import evaluation as e
from foundation.events.tendering import StayPlaced
from foundation.journal import read_stream, verify_stream
from foundation.store.unit import Unit
from tendering import facade as tendering
from tests.support.tender_world import TESTS
from tests.support_evaluation import Evaluation, make_evaluation

SEATS = 5


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def told(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Evaluation]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    made = make_evaluation(tmp_path, url=url)
    yield made
    made.world.engine.dispose()


def at_once(told: Evaluation, acts: Sequence[tuple[object, Callable[[Unit], object]]]) -> list[str]:
    """Every act in a thread and a Unit of its own, begun together; the code of each refusal, or ""."""
    gate = threading.Barrier(len(acts))

    def do(one: tuple[object, Callable[[Unit], object]]) -> str:
        actor, act = one
        gate.wait()
        try:
            with told.world.units.begin(actor) as unit:  # type: ignore[arg-type]
                act(unit)
        except Refusal as refused:
            return refused.code
        return ""

    with ThreadPoolExecutor(max_workers=len(acts)) as pool:
        return list(pool.map(do, acts))


def public_events(told: Evaluation) -> list[Event]:
    with told.world.units.read() as unit:
        stream = cases.public_stream(told.lot_id)
        assert verify_stream(unit.session, stream)
        return [one.event for one in read_stream(unit.session, stream)]


def count(told: Evaluation, kind: type[Event]) -> int:
    return sum(isinstance(one, kind) for one in public_events(told))


def test_three_who_decline_at_once_are_replaced_by_three_others_in_the_order_of_the_draw(told: Evaluation) -> None:
    told.to_drawn()
    leaving = told.seats(SeatState.INVITED)[:3]
    codes = at_once(
        told,
        [(told.experts[seat.user_id], lambda unit: seats.decline(unit, told.lot_id, "当日出差")) for seat in leaving],
    )
    assert codes == ["", "", ""]
    standing = told.seats(*SEATED)
    assert len(standing) == len({seat.expert_id for seat in standing}) == SEATS
    assert len({seat.expert_id for seat in told.seats()}) == SEATS + len(leaving), "nobody is asked twice"
    offered = [one.blinded for one in public_events(told) if isinstance(one, e.SeatOffered)]
    with told.world.units.read() as unit:
        (drawn,) = draws.draw_page(unit, told.lot_id).draws
    assert drawn.is_verified
    assert [one.blinded for one in drawn.tickets[: len(offered)]] == offered


def test_one_expert_who_answers_three_ways_at_once_has_given_one_answer(told: Evaluation) -> None:
    told.to_drawn()
    seat = told.seats(SeatState.INVITED)[0]
    actor = told.experts[seat.user_id]
    at_once(
        told,
        [
            (actor, lambda unit: seats.decline(unit, told.lot_id, "当日出差")),
            (actor, lambda unit: seats.decline(unit, told.lot_id, "当日出差")),
            (actor, lambda unit: seats.recuse(unit, told.lot_id, "亲属关系")),
        ],
    )
    assert count(told, e.SeatVacated) == 1
    assert len(told.seats(*SEATED)) == SEATS
    assert len(told.seats()) == SEATS + 1


def test_all_sheets_handed_in_at_once_are_checked_once(told: Evaluation) -> None:
    told.to_review()
    given = told.passes()
    codes = at_once(told, [(member, lambda unit: sheets.submit(unit, told.lot_id, given)) for member in told.members()])
    assert codes == [""] * SEATS
    case = told.case()
    assert (case.state, case.round) == (CaseState.SIGNING, 1)


def test_all_signatures_at_once_conclude_the_report_once(told: Evaluation) -> None:
    told.to_signing()
    members = told.members()
    codes = at_once(told, [(member, lambda unit: report.sign(unit, told.lot_id)) for member in [*members, *members]])
    assert Counter(codes)[""] == SEATS
    assert told.case().state is CaseState.REPORTED
    assert count(told, e.ReportConcluded) == 1
    assert told.run_jobs() == []


def test_an_award_and_a_stay_at_once_are_one_before_the_other(told: Evaluation) -> None:
    """Whichever comes first: nobody is awarded while a stay stands, and two who award at once award once."""
    told.to_publicity()
    told.pass_publicity()
    award_codes = {"", "tendering.lot_stayed", "foundation.wrong_state"}
    codes = at_once(
        told,
        [
            (told.tenderee, lambda unit: award.award(unit, told.lot_id)),
            (TESTS, lambda unit: tendering.place_stay(unit, told.lot_id, "complaint:1")),
            (told.tenderee, lambda unit: award.award(unit, told.lot_id)),
        ],
    )
    assert set(codes) <= award_codes
    assert codes[1] == ""
    kinds = [type(one) for one in public_events(told) if isinstance(one, e.AwardDecided | StayPlaced)]
    is_awarded = told.case().state is CaseState.AWARDED
    assert kinds == ([e.AwardDecided, StayPlaced] if is_awarded else [StayPlaced])
    assert Counter(codes)[""] == len(kinds)


def test_an_objection_and_its_answer_leave_no_stay_behind(told: Evaluation) -> None:
    told.to_publicity()
    bidders = [one.actor for one in told.opening.bidders]
    codes = at_once(
        told,
        [(actor, lambda unit: award.raise_objection(unit, told.lot_id, "评分有误，请复核。")) for actor in bidders],
    )
    assert codes == [""] * len(bidders)
    raised = [one.objection for one in public_events(told) if isinstance(one, e.ResultObjected)]
    assert len(set(raised)) == len(bidders)

    def answer(objection: str) -> Callable[[Unit], object]:
        return lambda unit: award.answer_objection(unit, told.lot_id, objection, "复核无误。")

    codes = at_once(told, [(told.host, answer(one)) for one in raised * 2])
    assert Counter(codes) == {"": len(raised), "evaluation.already_answered": len(raised)}
    with told.world.units.read() as unit:
        assert not tendering.has_stay(unit, told.lot_id)


def test_both_parties_sign_at_once_and_the_contract_is_concluded_once(told: Evaluation) -> None:
    told.to_awarded()
    digest = told.contract_digest()
    parties = [told.tenderee, told.winner()]
    codes = at_once(
        told, [(actor, lambda unit: award.sign_contract(unit, told.lot_id, digest)) for actor in parties * 2]
    )
    assert Counter(codes)[""] == len(parties)
    assert told.case().state is CaseState.CONTRACTED
    assert count(told, e.ContractSigned) == 1
