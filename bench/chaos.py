"""A line that can be harmed on command: a TCP proxy between listeners and room processes, for tests and measurements.

In the manner of toxiproxy, in one loop with who uses it. Nothing happens by chance here: who is harmed, when and how
is the caller's schedule, so a run can be repeated.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto
from itertools import count
from types import TracebackType
from typing import Self

PIECE = 64 * 1024


class Harm(Enum):
    """What a link does with bytes."""

    NONE = auto()
    HOLE = auto()
    """Swallows both ways; nobody is told (a network partition)."""
    DEAF = auto()
    """What the client says arrives, nothing comes back (half open)."""


@dataclass(eq=False)
class Link:
    """One connection through the proxy."""

    client: asyncio.StreamWriter
    server: asyncio.StreamWriter
    harm: Harm = Harm.NONE
    is_up: bool = True

    def reset(self) -> None:
        """Both ends see "connection reset"."""
        self.is_up = False
        for writer in (self.client, self.server):
            _reset(writer)


@dataclass
class Chaos:
    """Listens on ``port`` and hands connections to ``targets`` in turn; a target that refuses is passed over."""

    targets: tuple[int, ...]
    host: str = "127.0.0.1"
    port: int = 0
    is_down: bool = False
    """New connections are refused."""
    latency_seconds: float = 0.0
    links: set[Link] = field(default_factory=set)
    made: int = 0
    _turn: Iterator[int] = field(default_factory=count)
    _server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.host, 0, backlog=4096)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cut()
        if self._server is not None:
            self._server.close()

    @property
    def url(self) -> str:
        return f"ws://{self.host}:{self.port}"

    def cut(self) -> int:
        """Reset every connection now; how many there were."""
        links = tuple(self.links)
        for link in links:
            link.reset()
        return len(links)

    def harm(self, harm: Harm) -> None:
        """Do this to every connection there is; new ones are sound."""
        for link in self.links:
            link.harm = harm

    async def outage(self, seconds: float) -> int:
        """Reset everybody and refuse everybody for so long; how many were cut."""
        self.is_down = True
        cut = self.cut()
        await asyncio.sleep(seconds)
        self.is_down = False
        return cut

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ways = None if self.is_down else await self._connect()
        if ways is None:
            _reset(writer)
            return
        back, onward = ways
        link = Link(writer, onward)
        self.links.add(link)
        self.made += 1
        try:
            await asyncio.gather(self._pump(reader, onward, link, Harm.HOLE), self._pump(back, writer, link, Harm.DEAF))
        finally:
            self.links.discard(link)
            for end in (writer, onward):
                end.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        start = next(self._turn)
        for step in range(len(self.targets)):
            port = self.targets[(start + step) % len(self.targets)]
            with contextlib.suppress(OSError):
                return await asyncio.open_connection(self.host, port)
        return None

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, link: Link, swallowed_by: Harm
    ) -> None:
        """Carry bytes one way until an end is reached. A hole swallows both ways, a deaf link only the way back."""
        with contextlib.suppress(OSError):
            while piece := await reader.read(PIECE):
                if link.harm is Harm.HOLE or link.harm is swallowed_by:
                    continue
                if self.latency_seconds:
                    await asyncio.sleep(self.latency_seconds)
                writer.write(piece)
                await writer.drain()
        if link.harm is Harm.NONE and link.is_up:
            with contextlib.suppress(OSError, RuntimeError):
                writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    line = writer.get_extra_info("socket")
    if line is not None:
        with contextlib.suppress(OSError):
            line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
