"""What a bidder confirms, from the state of the room: the same that its own device makes from the public frames."""

from __future__ import annotations

from bid_opening.ceremony import RoomState, Seat
from foundation.sealing.confirmation import (
    NOT_OPENED,
    Shown,
    ShownDraw,
    ShownLine,
    ShownObjection,
    confirmation_note,
    shown_digest,
)

__all__ = ["note_for", "shown_of", "shown_sha256"]


def shown_of(lot_code: str, state: RoomState) -> Shown:
    """Every line, draw and objection as the room showed them."""
    return Shown(
        lot_code,
        tuple(_line(seat) for seat in state.seats),
        tuple(ShownDraw(one.name, one.value, one.seed) for one in state.draws),
        tuple(
            ShownObjection(one.id, one.seat, one.text, one.answer, is_withdrawn=one.is_withdrawn)
            for one in state.objections
        ),
    )


def note_for(lot_code: str, state: RoomState, seat: Seat) -> bytes:
    """The bytes this seat's device signs (R3.48)."""
    return confirmation_note(shown_of(lot_code, state), seat.bid)


def shown_sha256(lot_code: str, state: RoomState) -> str:
    """The digest of the whole result, which the record sheet prints."""
    return shown_digest(shown_of(lot_code, state))


def _line(seat: Seat) -> ShownLine:
    if seat.total is None:
        return ShownLine(seat=seat.number, bid=seat.bid, name=seat.name, fault=seat.fault or NOT_OPENED)
    return ShownLine(
        seat=seat.number,
        bid=seat.bid,
        name=seat.name,
        total=seat.total,
        total_words=seat.total_words,
        duration_days=seat.duration_days or 0,
        quality=seat.quality,
        project_manager=seat.project_manager,
        marks=seat.remarks,
    )
