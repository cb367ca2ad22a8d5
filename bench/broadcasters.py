"""The limits a room is compared with: ``python -m bench.broadcasters KIND``. Prints its port, then sends what it reads.

``bare``: the least a Python server can do: one frame made once, written to every transport, nothing else known.
``websockets``: the library's own ``broadcast()``, without compression; ``deflated``: with its default one. Each line of
standard input is sent to all and answered with the monotonic instant before sending, in nanoseconds. The library's
servers know two groups: who connected to ``/small`` gets the lines that begin with ``/small``, the others the rest.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import sys
import time
from collections.abc import Callable
from typing import cast

import uvloop
from websockets.asyncio.server import ServerConnection, broadcast, serve

MAGIC = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
BACKLOG = 4096
SMALL = "/small"


class BareConnection(asyncio.Protocol):
    """Answers the handshake by hand."""

    def __init__(self, live: set[asyncio.Transport]) -> None:
        self.live = live
        self.request = b""
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by class

    def data_received(self, data: bytes) -> None:
        if self.transport is None or self.transport in self.live:
            return
        self.request += data
        if not self.request.endswith(b"\r\n\r\n"):
            return
        lines = (line.partition(b":") for line in self.request.split(b"\r\n"))
        key = next(value.strip() for name, _, value in lines if name.lower() == b"sec-websocket-key")
        accept = base64.b64encode(hashlib.sha1(key + MAGIC, usedforsecurity=False).digest())
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.request = b""
        self.live.add(self.transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        if self.transport is not None:
            self.live.discard(self.transport)


async def bare() -> None:
    live: set[asyncio.Transport] = set()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: BareConnection(live), "127.0.0.1", 0, backlog=BACKLOG)

    def send(text: str) -> None:
        raw = text.encode()
        frame = b"\x81\x7e" + len(raw).to_bytes(2, "big") + raw
        for transport in live:
            transport.write(frame)

    await obey(server.sockets[0].getsockname()[1], send)


async def library(compression: str | None) -> None:
    groups: dict[bool, set[ServerConnection]] = {True: set(), False: set()}

    async def handle(connection: ServerConnection) -> None:
        live = groups[connection.request is not None and connection.request.path == SMALL]
        live.add(connection)
        try:
            await connection.wait_closed()
        finally:
            live.discard(connection)

    def send(text: str) -> None:
        broadcast(groups[text.startswith(SMALL)], text.removeprefix(SMALL))

    async with serve(handle, "127.0.0.1", 0, compression=compression, backlog=BACKLOG) as server:
        await obey(server.sockets[0].getsockname()[1], send)


async def obey(port: int, send: Callable[[str], None]) -> None:
    print(port, flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        at = time.monotonic_ns()
        send(line.rstrip("\n"))
        print(at, flush=True)


if __name__ == "__main__":
    kind, _, loop_kind = sys.argv[1].partition("-")
    run = uvloop.run if loop_kind == "uvloop" else asyncio.run
    run(bare() if kind == "bare" else library("deflate" if kind == "deflated" else None))
