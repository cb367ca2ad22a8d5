"""An expert answers an invitation, or steps down later: oath, recusal, acceptance, refusal (R4.04, R4.07)."""

from __future__ import annotations

from evaluation import access, recusal
from evaluation.errors import AnsweredTooLate, OathMissing
from evaluation.models import ScoreSheet
from evaluation.services import cases, committee, library
from evaluation.states import CaseState, SeatState, SeatTrigger, SheetState
from foundation.errors import Objection
from foundation.events import evaluation as e
from foundation.store.unit import Unit

OPEN = (CaseState.FORMING, CaseState.REVIEW)


def accept(unit: Unit, lot_id: str, *, is_sworn: bool, is_free: bool) -> None:
    """Take the seat. ``is_sworn``: the oath; ``is_free``: no ground for recusal is known to the expert.

    Whom the platform finds to be recused meanwhile loses the seat instead. Raises OathMissing, AnsweredTooLate.
    """
    case, seat = access.seat_in_case(unit, lot_id, *OPEN)
    missing = [
        Objection(code, field, {}, clause)
        for code, field, clause, is_given in (
            ("evaluation.oath_missing", "oath", "R4.60", is_sworn),
            ("evaluation.recusal_undeclared", "free", "R4.04", is_free),
        )
        if not is_given
    ]
    if missing:
        raise OathMissing(objections=missing)
    if seat.state is SeatState.INVITED and unit.at >= seat.answer_until:
        raise AnsweredTooLate(until=seat.answer_until)
    found = library.candidates(unit, [seat.expert_id])
    ground = recusal.ground_of(found[0], cases.parties_of(unit, lot_id)) if found else "account_closed"
    if ground:
        committee.vacate(unit, case, seat, SeatTrigger.REMOVE, ground, "")
        return
    seat.answered_at = unit.at
    unit.transition(seat, SeatTrigger.ACCEPT, cases.public_stream(lot_id), e.SeatTaken(lot_id, seat.blinded))
    if case.state is CaseState.REVIEW:
        add_sheet(unit, lot_id, seat.id)


def decline(unit: Unit, lot_id: str, reason: str) -> None:
    """Can not come: the next ticket is asked."""
    case, seat = access.seat_in_case(unit, lot_id, *OPEN)
    committee.vacate(unit, case, seat, SeatTrigger.DECLINE, "declined", reason)


def recuse(unit: Unit, lot_id: str, reason: str) -> None:
    """Declare a ground for recusal, before or during the review; what was marked so far is void (R4.08)."""
    case, seat = access.seat_in_case(unit, lot_id, *OPEN)
    committee.vacate(unit, case, seat, SeatTrigger.RECUSE, "declared", reason)


def add_sheet(unit: Unit, lot_id: str, seat_id: str) -> None:
    sheet = ScoreSheet(id=seat_id, lot_id=lot_id, state=SheetState.DRAFT, saved_at=None, submitted_at=None)
    unit.session.add(sheet)
    unit.session.flush()
