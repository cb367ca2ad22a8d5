"""What the opening record's remarks say of bids that were not opened and of the platform's health (R3.08, R3.32)."""

from __future__ import annotations

from bid_opening.ceremony import RoomState, Seat
from foundation.i18n import ZH, sentence


def notes_of_seat(seat: Seat) -> list[str]:
    """Who answers for it, as two people decided, with the published reason and the consequence."""
    decided = seat.attribution
    if decided is None:
        return []
    params = {
        "seat": f"{seat.number:02d}",
        "culprit": decided.culprit,
        "consequence": decided.consequence,
        "why": decided.why,
    }
    return [sentence("terms", "record_remark.attributed", params, ZH)]


def notes_of_health(state: RoomState) -> list[str]:
    """Every part of the platform that stopped working while keys were released, and when it worked again."""
    return [
        sentence("terms", "record_remark.outage", {"part": one.part, "state": one.state, "at": one.at}, ZH)
        for one in state.health
    ]
