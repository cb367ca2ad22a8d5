"""One connection: whom it belongs to, how far it has read, and when it is cut."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from dataclasses import dataclass, field
from typing import Any, Final

from websockets.asyncio.server import ServerConnection
from websockets.protocol import State

from bid_opening.room.channel import Channel
from bid_opening.room.wire import coding_of
from foundation.actor import Actor
from foundation.clock import monotonic
from foundation.roomwire import Code

CLOSE_SECONDS: Final = 2
OPEN: Final = State.OPEN


@dataclass(frozen=True, slots=True)
class Limits:
    """What one reader, one person and one address may take. A bidders' hall may sit behind one address."""

    total: int = 20_000
    per_address: int = 3_000
    per_session: int = 12
    pending_bytes: int = 64 * 1024
    message_bytes: int = 1024
    messages_per_second: float = 5.0
    burst: int = 20


@dataclass(slots=True)
class Bucket:
    """Messages a client may still send: refills by the second."""

    rate: float
    burst: float
    left: float = field(default=0.0)
    at: float = field(default=0.0)

    def take(self) -> bool:
        now = monotonic()
        self.left = self.burst if self.at == 0.0 else min(self.burst, self.left + (now - self.at) * self.rate)
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


class Reader:
    """A connection in a room. ``sent`` is, by audience, the last number written before it joined the channel."""

    __slots__ = (
        *("_closing", "_pending_bytes", "_protocol", "_transport", "_write"),
        *("actor", "coding", "connection", "is_gallery", "number", "sent"),
    )

    def __init__(
        self, connection: ServerConnection, actor: Actor, limits: Limits, sent: dict[str, int], number: int = 0
    ) -> None:
        self.connection = connection
        self.actor = actor
        self.sent = sent
        self.number = number
        self.is_gallery = sent.keys() == {"public"}
        self.coding = coding_of(connection.protocol.extensions)
        self._transport: Any = connection.transport
        self._write = self._transport.write
        self._protocol = connection.protocol
        self._pending_bytes = limits.pending_bytes
        self._closing: asyncio.Task[None] | None = None
        limit_kernel_buffer(self._transport, limits.pending_bytes)

    @property
    def heard_at(self) -> float:
        """The monotonic instant of its last sign of life; 0 where nobody notes it."""
        return getattr(self.connection, "heard_at", 0.0)

    @property
    def is_open(self) -> bool:
        return self._closing is None and self.connection.state is State.OPEN

    def catch_up(self, channel: Channel) -> None:
        """Write what this reader does not have yet of ``channel``; never waits. A reader that does not read is cut."""
        # Every call here is made two thousand times a frame: hence no is_open, no write, nothing asked twice.
        if self._closing is not None or self._protocol.state is not OPEN:
            return
        head, readers = channel.head, channel.readers
        number = readers.get(self, head)
        if number >= head:
            return
        raw = channel.joined[self.coding].get(number) or channel.bytes_after(number, self.coding)
        if len(raw) > self._pending_bytes:  # a burst: a piece now, the rest when the others have had theirs
            head, raw = channel.piece_after(number, self.coding)
            channel.behind.add(self)
        pending = self._transport.get_write_buffer_size()
        if pending and pending + len(raw) > self._pending_bytes:
            self.close(Code.TOO_SLOW, "too slow")
            return
        self._write(raw)
        readers[self] = head

    def write(self, raw: bytes) -> bool:
        """Hand ready-made frames to the socket. False when this reader is being closed."""
        if not self.is_open:
            return False
        pending = self._transport.get_write_buffer_size()
        if pending and pending + len(raw) > self._pending_bytes:
            self.close(Code.TOO_SLOW, "too slow")
            return False
        self._transport.write(raw)
        return True

    def close(self, code: Code, reason: str) -> None:
        """Close without waiting; the socket is torn down if the other side does not answer."""
        if self._closing is None:
            self._closing = asyncio.get_running_loop().create_task(close(self.connection, code, reason))

    def cut(self) -> None:
        """Let go at once: nobody is there to be told why."""
        self._transport.abort()


def limit_kernel_buffer(transport: Any, size: int) -> None:
    """Let the kernel hold no more unsent bytes for a reader than we do; by itself it takes megabytes."""
    line = transport.get_extra_info("socket")
    if line is not None:
        with contextlib.suppress(OSError):
            line.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, size // 2)  # the kernel doubles it


async def close(connection: ServerConnection, code: Code, reason: str) -> None:
    """Say why, wait a little for the answer, then let go."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS):
            await connection.close(code, reason)
            return
    connection.transport.abort()


def address_of(connection: ServerConnection) -> str:
    remote = connection.remote_address
    return str(remote[0]) if isinstance(remote, tuple) else "local"
