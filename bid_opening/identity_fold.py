"""What the events of identity, absence and refusal make of a seat: part of ``ceremony.fold``, pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from bid_opening.identity_state import Absence, BidRefusal, IdentityCheck, RefusalAsked
from bid_opening.room_state import RoomState
from bid_opening.states import Phase
from foundation.events import Event
from foundation.events import bid_opening as e

CHECKED_IN: Final = frozenset(
    {Phase.LIST_PUBLISHED, Phase.DECRYPTING, Phase.WINDOW_CLOSED, Phase.GATE_RELEASED, Phase.PARAM_DRAWN}
)
"""Between the list and the reading identities are checked."""
EXPLAINED_IN: Final = CHECKED_IN | {Phase.READING, Phase.QUERY, Phase.CONFIRMING}
REFUSED_IN: Final = frozenset({Phase.LIST_PUBLISHED})
"""Before any key is asked for; from then on a bid is the committee's to reject, nobody's to refuse."""
HAPPENS_IN: Final[dict[type[Event], frozenset[Phase]]] = {
    e.AbsenceExplained: EXPLAINED_IN,
    e.IdentityChecked: CHECKED_IN,
    e.RefusalProposed: REFUSED_IN,
    e.RefusalWithdrawn: REFUSED_IN,
    e.BidRefused: REFUSED_IN,
}
"""As ``ceremony.HAPPENS_IN``, of which it is a part."""


def fold_identity(state: RoomState, event: Event, at: datetime) -> RoomState | None:
    """The state after the event; None for an event that is not of these."""
    match event:
        case e.AbsenceExplained():
            return state.with_seat(event.seat, absence=Absence(event.reason, event.text, event.by, at))
        case e.IdentityChecked():
            seat = next(one for one in state.seats if one.number == event.seat)
            check = IdentityCheck(event.what, event.is_passed, event.reason, event.by, at)
            others = tuple(one for one in seat.checks if one.what != event.what)
            return state.with_seat(event.seat, checks=(*others, check))
        case e.RefusalProposed():
            return state.with_seat(event.seat, refusal_asked=RefusalAsked(event.ground, event.why, event.by, at))
        case e.RefusalWithdrawn():
            return state.with_seat(event.seat, refusal_asked=None)
        case e.BidRefused():
            refusal = BidRefusal(event.ground, event.why, event.by, event.confirmed_by, at)
            return state.with_seat(event.seat, refusal_asked=None, refusal=refusal)
        case _:
            return None
