"""When the clock stood still and by how much it was prolonged (R3.06, R3.40): intervals, folded from events. Pure."""

from __future__ import annotations

import dataclasses
from datetime import datetime

from bid_opening.identity_state import Interval
from bid_opening.room_state import RoomState
from foundation.events import Event
from foundation.events import bid_opening as e

PAUSE = "pause"
EXTENSION = "extension"


def with_intervals(state: RoomState, event: Event, at: datetime) -> RoomState:
    """``state`` with the interval this event begins, ends or adds; to be called before the event is folded otherwise.

    A pause runs from the suspension to the reconvening (or to the abort); an extension from the limit that was to the
    limit that is.
    """
    match event:
        case e.OpeningSuspended():
            begun = Interval(PAUSE, at, None, event.cause, event.why)
            return dataclasses.replace(state, intervals=(*state.intervals, begun))
        case e.OpeningReconvened() | e.OpeningAborted():
            ended = tuple(dataclasses.replace(one, ends=at) if one.ends is None else one for one in state.intervals)
            return dataclasses.replace(state, intervals=ended)
        case e.WindowExtended() if state.until is not None:
            added = Interval(EXTENSION, state.until, event.until, "", "")
            return dataclasses.replace(state, intervals=(*state.intervals, added))
        case _:
            return state


def total_seconds(state: RoomState, kind: str) -> int:
    """How long all finished intervals of one kind were, in seconds."""
    return sum(one.seconds or 0 for one in state.intervals if one.kind == kind)
