"""Who of the official side attends an opening (R3.01, R3.21): supervisors, witnesses, the tenderee's own people."""

from __future__ import annotations

from typing import Final

from bid_opening.ceremony import LIVE, RoomState
from foundation.events import Event
from foundation.events import bid_opening as e

ROLES: Final = ("supervisor", "witness", "tenderee")
"""In this order: who has several attends in the first. A tenderee attends its own lots only."""


def join(state: RoomState, user_id: str, role: str, organisation: str, name: str) -> tuple[Event, ...]:
    """Somebody came; once a person, and only while the room is live: from the deadline to the end."""
    if state.phase not in LIVE or any(one.user_id == user_id for one in state.attendants):
        return ()
    return (e.StaffJoined(state.lot, role, organisation, name, user_id),)
