"""Sign-in in an emergency, absence, identity checks, refusal of a bid: pure decisions over the room's state."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bid_opening import rules
from bid_opening.errors import AlreadyDone, EmergencyNotYet, NothingProposed, SecondPersonNeeded
from bid_opening.identity_fold import CHECKED_IN, EXPLAINED_IN
from bid_opening.room_state import RoomState, Seat
from bid_opening.states import Phase
from foundation.errors import InvalidInput
from foundation.events import Event
from foundation.events import bid_opening as e

ABSENCES: Final = ("late", "abandoned", "other")
"""Why a bidder did not sign in, as the trade's data standard numbers them: 1, 2 and 9 (R3.04)."""
ABSENCE_NUMBERS: Final = {"late": 1, "abandoned": 2, "other": 9}
CHECKS: Final = ("person", "letter", "certificate")
GROUNDS: Final = ("not_prequalified", "late", "not_sealed")
"""All the grounds on which the law lets a bid be refused (REG 36); anything else is for the committee."""


def emergency_from(state: RoomState) -> datetime | None:
    """From when on a bidder may sign in with a photo and a proxy letter."""
    return None if state.opens_at is None else state.opens_at - timedelta(minutes=state.emergency_minutes)


def may_sign_in_by_papers(state: RoomState, at: datetime) -> None:
    """Raises NotNow outside the sign-in, EmergencyNotYet before the last minutes, TooLate from the deadline on."""
    rules.check_in(state, "", "", at)
    begins = emergency_from(state)
    if begins is not None and at < begins:
        raise EmergencyNotYet(begins=begins)


def seat_numbered(state: RoomState, number: int) -> Seat:
    """Raises InvalidInput where no bidder has this seat."""
    seat = next((one for one in state.seats if one.number == number), None)
    if seat is None:
        raise InvalidInput(what="seat")
    return seat


def explain_absence(state: RoomState, number: int, reason: str, text: str, by: str) -> tuple[Event, ...]:
    """Why a bidder did not sign in; only of one who did not. ``other`` needs words. The same again changes nothing."""
    rules.require_phase(state, *EXPLAINED_IN)
    seat = seat_numbered(state, number)
    if reason not in ABSENCES:
        raise InvalidInput(what="reason")
    if seat.is_checked_in:
        raise AlreadyDone(what="checked_in")
    said = rules.text_of(text) if reason == "other" or text.strip() else ""
    if seat.absence is not None and (seat.absence.reason, seat.absence.text) == (reason, said):
        return ()
    return (e.AbsenceExplained(state.lot, number, seat.org_id, reason, said, by),)


def check_identity(
    state: RoomState, number: int, what: str, by: str, reason: str = "", *, is_passed: bool
) -> tuple[Event, ...]:
    """One check of one bidder; what did not pass needs a reason. The same result again changes nothing (R3.16)."""
    rules.require_phase(state, *CHECKED_IN)
    seat = seat_numbered(state, number)
    if what not in CHECKS:
        raise InvalidInput(what="what")
    said = reason.strip() if is_passed and not reason.strip() else rules.text_of(reason)
    before = seat.check_of(what)
    if before is not None and (before.is_passed, before.reason) == (is_passed, said):
        return ()
    return (e.IdentityChecked(state.lot, number, seat.org_id, what, is_passed, said, by),)


def propose_refusal(state: RoomState, number: int, ground: str, why: str, by: str) -> tuple[Event, ...]:
    """The host's word; nothing changes until a second person agrees. Before any key is asked for, never after."""
    rules.require_phase(state, Phase.LIST_PUBLISHED)
    seat = seat_numbered(state, number)
    if ground not in GROUNDS:
        raise InvalidInput(what="ground")
    if seat.refusal is not None:
        raise AlreadyDone(what="refused")
    if seat.refusal_asked is not None:
        raise AlreadyDone(what="proposed")
    return (e.RefusalProposed(state.lot, number, seat.org_id, ground, rules.text_of(why), by),)


def withdraw_refusal(state: RoomState, number: int, by: str) -> tuple[Event, ...]:
    """Only whoever proposed may take it back."""
    asked = _asked(state, number)
    if asked.refusal_asked is None or asked.refusal_asked.by != by:
        raise SecondPersonNeeded(act="withdraw")
    return (e.RefusalWithdrawn(state.lot, number, asked.org_id, by),)


def confirm_refusal(state: RoomState, number: int, by: str) -> tuple[Event, ...]:
    """The second person agrees. Too few bids left: the opening fails before any key is released (R1.36, R3.05)."""
    rules.require_phase(state, Phase.LIST_PUBLISHED)
    seat = _asked(state, number)
    asked = seat.refusal_asked
    if asked is None or asked.by == by:
        raise SecondPersonNeeded(act="refuse")
    refused = e.BidRefused(state.lot, number, seat.org_id, seat.bid, asked.ground, asked.why, asked.by, by)
    left = sum(one.refusal is None for one in state.seats) - 1
    if left < state.min_bidders:
        return (refused, e.OpeningFailed(state.lot, "too_few_bids", left, state.min_bidders))
    return (refused,)


def reject_refusal(state: RoomState, number: int, by: str) -> tuple[Event, ...]:
    """The second person does not agree: the bid takes part as all others do."""
    seat = _asked(state, number)
    if seat.refusal_asked is None or seat.refusal_asked.by == by:
        raise SecondPersonNeeded(act="refuse")
    return (e.RefusalWithdrawn(state.lot, number, seat.org_id, by),)


def _asked(state: RoomState, number: int) -> Seat:
    seat = seat_numbered(state, number)
    if seat.refusal_asked is None:
        raise NothingProposed
    return seat
