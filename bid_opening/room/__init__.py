"""The opening room at its socket: holds no truth, moves bytes. What happened is in ``room_frames``."""

from bid_opening.room.server import RoomServer

__all__ = ["RoomServer"]
