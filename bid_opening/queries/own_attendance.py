"""What a bidder sees of its own sign-in, checks and refusal: nobody else's, and before the list nothing of others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bid_opening import identity_rules
from bid_opening.ceremony import RoomState
from bid_opening.queries.attendance import CheckView, RefusalView, SpanView, checks_of, refusal_of, spans_of
from bid_opening.services import identity
from foundation.errors import Refusal
from foundation.store.unit import Unit


@dataclass(frozen=True, slots=True)
class OwnAttendance:
    """``emergency_from``: from when papers are taken; ``may_use_papers``: that is now."""

    emergency_from: datetime | None
    may_use_papers: bool
    is_emergency: bool
    checks: tuple[CheckView, ...]
    refusal: RefusalView | None
    spans: tuple[SpanView, ...]


def own_attendance(unit: Unit, state: RoomState, org_id: str) -> OwnAttendance:
    """For the people of this organisation only."""
    seat = state.seat_of(org_id)
    return OwnAttendance(
        emergency_from=identity_rules.emergency_from(state),
        may_use_papers=_may_use_papers(state, unit.at),
        is_emergency=identity.was_by_papers(unit, state.lot, org_id),
        checks=checks_of(unit, seat) if seat is not None else (),
        refusal=refusal_of(unit, seat) if seat is not None else None,
        spans=spans_of(unit, state.lot, org_id),
    )


def _may_use_papers(state: RoomState, at: datetime) -> bool:
    try:
        identity_rules.may_sign_in_by_papers(state, at)
    except Refusal:
        return False
    return True
