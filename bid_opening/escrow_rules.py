"""备份启封 on request (R3.09, R3.20): a bidder asks, the centre's duty officer confirms, the custodians open.

Which seats custodians are to open follows from the state alone: ``RoomState.escrow_due``.
"""

from __future__ import annotations

from datetime import datetime

from bid_opening import rules
from bid_opening.ceremony import RoomState
from bid_opening.errors import AlreadyDone, EscrowNotOnRequest, NothingProposed, SecondPersonNeeded, TooLate
from bid_opening.states import Phase
from foundation.events import Event
from foundation.events import bid_opening as e


def request_escrow(state: RoomState, org_id: str, by: str, reason: str, at: datetime) -> tuple[Event, ...]:
    """备份启封申请: within the window, where the tender document has escrow on request; repeated, it changes nothing.

    Raises EscrowNotOnRequest with the document's rule, NotNow, TooLate, NoSeat, AlreadyDone, InvalidInput.
    """
    if state.escrow_rule != "on_request":
        raise EscrowNotOnRequest(rule=state.escrow_rule)
    rules.require_phase(state, Phase.DECRYPTING)
    seat = rules.seat_for(state, org_id)
    rules.require_not_refused(seat)
    if seat.is_recoverable:
        raise AlreadyDone(what="released")
    if seat.escrow_asked_at is not None:
        return ()
    if state.window_ended_at is not None:
        raise TooLate(until=state.window_ended_at, at=at)
    rules.require_time(state, at)
    return (e.EscrowRequested(state.lot, seat.number, org_id, seat.bid, by, rules.text_of(reason)),)


def confirm_escrow(state: RoomState, number: int, by: str, at: datetime) -> tuple[Event, ...]:
    """The second person to a bidder's request: in the window, or while the custodians are still waited for.

    Raises NotNow, TooLate, NothingProposed (no such seat, or it did not ask), SecondPersonNeeded, AlreadyDone.
    """
    rules.require_phase(state, Phase.DECRYPTING)
    seat = next((one for one in state.seats if one.number == number), None)
    if seat is None or seat.escrow_asked_at is None:
        raise NothingProposed
    if seat.escrow_asked_by == by:
        raise SecondPersonNeeded(act="escrow")
    if seat.is_recoverable:
        raise AlreadyDone(what="released")
    if seat.escrow_confirmed_at is not None:
        return ()
    if state.window_ended_at is not None:  # until then whoever asked in time is waited for anyway
        rules.require_time(state, at)
    return (e.EscrowRequestConfirmed(state.lot, seat.number, seat.org_id, seat.bid, by),)
