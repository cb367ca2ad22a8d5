"""The part of ``ceremony.fold`` that is about bids that stay closed."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from datetime import datetime
from typing import Final

from bid_opening.fault_state import Attribution, ClientReport, FaultProposal, HealthMark
from bid_opening.room_state import RoomState, Seat
from bid_opening.states import Phase
from foundation.events import Event
from foundation.events import bid_opening as e

DECIDED_IN: Final = frozenset(
    {
        *(Phase.WINDOW_CLOSED, Phase.GATE_RELEASED, Phase.PARAM_DRAWN, Phase.READING, Phase.QUERY),
        Phase.CONFIRMING,
    }
)
"""From the closed window to the end: before, a bid that is missing may still be released or opened by custodians."""

HAPPENS_IN: Final[dict[type[Event], frozenset[Phase]]] = {
    e.ClientReported: frozenset({Phase.DECRYPTING}),
    e.PlatformHealthMarked: frozenset({Phase.DECRYPTING, Phase.SUSPENDED}),
    e.FaultReasonGiven: DECIDED_IN | {Phase.DECRYPTING},
    e.FaultProposed: DECIDED_IN,
    e.FaultProposalWithdrawn: DECIDED_IN,
    e.FaultAttributed: DECIDED_IN,
}
"""As ``ceremony.HAPPENS_IN``, of which it is a part."""


def fold_fault(state: RoomState, event: Event, at: datetime) -> RoomState | None:
    """The state after an event about a bid that stays closed; None for any other event."""
    match event:
        case e.ClientReported():
            report = ClientReport(event.code, at)
            return _seat(state, event.seat, lambda one: dataclasses.replace(one, reports=(*one.reports, report)))
        case e.PlatformHealthMarked():
            return dataclasses.replace(state, health=(*state.health, HealthMark(at, event.part, event.state)))
        case e.FaultReasonGiven():
            return _change(state, event.seat, own_reason=event.reason, own_reason_at=at)
        case e.FaultProposed():
            proposal = FaultProposal(event.culprit, event.by, event.why, at)
            return _change(state, event.seat, fault_proposal=proposal)
        case e.FaultProposalWithdrawn():
            return _change(state, event.seat, fault_proposal=None)
        case e.FaultAttributed():
            decided = Attribution(event.culprit, event.consequence, event.why, event.proposed_by, event.by, at)
            return _change(state, event.seat, attribution=decided, fault_proposal=None)
        case _:
            return None


def _change(state: RoomState, number: int, **changes: object) -> RoomState:
    return _seat(state, number, lambda seat: dataclasses.replace(seat, **changes))  # type: ignore[arg-type]


def _seat(state: RoomState, number: int, change: Callable[[Seat], Seat]) -> RoomState:
    seats = tuple(change(seat) if seat.number == number else seat for seat in state.seats)
    return dataclasses.replace(state, seats=seats)
