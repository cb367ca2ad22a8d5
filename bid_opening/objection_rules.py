"""Taking an objection back on the spot (R3.49); raising and answering are in ``rules``."""

from __future__ import annotations

from datetime import datetime

from bid_opening import rules
from bid_opening.ceremony import RoomState
from bid_opening.errors import AlreadyDone
from bid_opening.states import Phase
from foundation.errors import NotFound
from foundation.events import Event
from foundation.events import bid_opening as e


def withdraw(state: RoomState, org_id: str, objection: str, at: datetime) -> tuple[Event, ...]:
    """Who raised it takes it back, before it is answered and within the time; again changes nothing.

    Another bidder's objection is not found. Raises NotNow, TooLate, NoSeat, NotFound, AlreadyDone once it is answered.
    """
    rules.require_phase(state, Phase.QUERY)
    rules.require_time(state, at)
    seat = rules.seat_for(state, org_id)
    remark = next((one for one in state.objections if one.id == objection), None)
    if remark is None or remark.org_id != org_id:
        raise NotFound(what="objection")
    if remark.is_withdrawn:
        return ()
    if remark.answered_at is not None:
        raise AlreadyDone(what="answered")
    return (e.ObjectionWithdrawn(state.lot, objection, seat.number, org_id),)
