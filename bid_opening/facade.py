"""What later stages may ask of an opening, in business words. Frozen results; rows never leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bid_opening.ceremony import RoomState, Seat
from bid_opening.services import rooms
from bid_opening.states import Phase
from foundation.errors import NotFound, NotPermitted
from foundation.money import Money
from foundation.store.unit import Unit

__all__ = ["DrawnValue", "OpenedBid", "OpeningResult", "phase_of", "result_of"]


@dataclass(frozen=True, slots=True)
class OpenedBid:
    """One bid as it was read out. ``total`` is None for a bid that was not opened, with the reason in ``fault``.

    ``consequence``: ``revoked`` or ``withdrawn``, as two people decided of a bid that was not opened (R1.14).
    """

    seat: int
    bid: str
    org_id: str
    name: str
    total: Money | None
    duration_days: int | None
    quality: str
    project_manager: str
    remarks: tuple[str, ...]
    fault: str
    consequence: str = ""


@dataclass(frozen=True, slots=True)
class DrawnValue:
    """A coefficient as drawn, decimal text."""

    name: str
    value: str
    transcript: str


@dataclass(frozen=True, slots=True)
class OpeningResult:
    closed_at: datetime
    bids: tuple[OpenedBid, ...]
    draws: tuple[DrawnValue, ...]
    record_sha256: str


def phase_of(unit: Unit, lot_id: str) -> Phase | None:
    """Where the opening of a lot stands; None where it has no room."""
    return rooms.state_of(unit, lot_id).phase if rooms.has_room(unit, lot_id) else None


def result_of(unit: Unit, lot_id: str) -> OpeningResult:
    """What a closed opening brought. Raises NotFound without a room, NotPermitted before it is closed."""
    if not rooms.has_room(unit, lot_id):
        raise NotFound(what="room")
    state = rooms.state_of(unit, lot_id)
    closed_at = state.entered_at(Phase.CLOSED)
    if closed_at is None:
        raise NotPermitted(what="prices before the opening is closed")
    return OpeningResult(closed_at, _bids(state), _draws(state), state.record_sha256)


def _bids(state: RoomState) -> tuple[OpenedBid, ...]:
    return tuple(
        OpenedBid(
            seat=seat.number,
            bid=seat.bid,
            org_id=seat.org_id,
            name=seat.name,
            total=Money.yuan(seat.total) if seat.total is not None else None,
            duration_days=seat.duration_days,
            quality=seat.quality,
            project_manager=seat.project_manager,
            remarks=seat.remarks,
            fault=_fault(seat),
            consequence=seat.attribution.consequence if seat.attribution is not None else "",
        )
        for seat in state.seats
    )


def _fault(seat: Seat) -> str:
    """``<whose>.<what>``: what decryption found, else whose it was that nothing was released, as it was decided."""
    if seat.fault or seat.is_recoverable:
        return seat.fault
    if seat.refusal is not None:
        return f"law.{seat.refusal.ground}"
    decided = seat.attribution
    return f"{decided.culprit if decided is not None else 'bidder'}.not_released"


def _draws(state: RoomState) -> tuple[DrawnValue, ...]:
    return tuple(DrawnValue(one.name, one.value, one.transcript) for one in state.draws)
