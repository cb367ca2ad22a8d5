"""How the room's sockets are set up: one kind of deflate for all, and when each was last heard."""

from __future__ import annotations

from typing import Any

from websockets.asyncio.server import ServerConnection
from websockets.http11 import Request

from bid_opening.room.wire import SharedDeflate
from foundation.clock import monotonic


class RoomConnection(ServerConnection):
    """A connection that knows when it last heard anything, be it only the answer to a ping."""

    heard_at = 0.0

    def data_received(self, data: bytes) -> None:
        self.heard_at = monotonic()
        super().data_received(data)


def options() -> dict[str, Any]:
    """What ``websockets.serve`` needs for it."""
    return {"create_connection": RoomConnection, "compression": None, "extensions": [SharedDeflate()]}


def prepare(connection: ServerConnection, request: Request, *, is_room: bool) -> None:
    """Called in the handshake, before anything is agreed.

    A room asks after its lines itself, many at once (``Pulse``): the library's keep-alive is a task for every one of
    ten thousand. Every other service keeps that, and nothing is deflated there: ciphertext does not get smaller.
    """
    if is_room:
        connection.ping_interval = None
    elif "Sec-WebSocket-Extensions" in request.headers:
        del request.headers["Sec-WebSocket-Extensions"]
