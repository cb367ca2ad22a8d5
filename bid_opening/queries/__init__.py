"""Read models of the opening: a room for one actor, the hall, the replay of a draw."""

from bid_opening.queries.hall import Hall, HallRow, Replay, hall, replay
from bid_opening.queries.offers import Offer
from bid_opening.queries.room import (
    Announcement,
    HaltView,
    LineView,
    OwnView,
    RoomPage,
    RoomSnapshot,
    SeatView,
    room_page,
)

__all__ = [
    "Announcement",
    "Hall",
    "HallRow",
    "HaltView",
    "LineView",
    "Offer",
    "OwnView",
    "Replay",
    "RoomPage",
    "RoomSnapshot",
    "SeatView",
    "hall",
    "replay",
    "room_page",
]
