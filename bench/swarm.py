"""Many listeners in one process: ``python -m bench.swarm PORT PATH COUNT [deflate]``. Knows nothing of the product.

Says ``connected`` when all are in. Then each line ``FIRST COUNT`` on standard input asks for the frames numbered from
FIRST: once everybody has them (or 30 s went by) one JSON line tells what was lost, doubled or out of order and when,
on the monotonic clock, each frame reached each listener. A frame's number is its ``"seq"``. The line ``return SECONDS``
means that the server has gone and another comes on the same port: everybody comes back after a random part of SECONDS,
tries again until it is in, and one line tells how long it took from now to the last.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import os
import random  # noqa: TID251 - when somebody comes back, nothing that is drawn
import re
import resource
import sys
import time
import zlib
from typing import Final, cast

import uvloop

KEY: Final = base64.b64encode(bytes(16)).decode()
NUMBER: Final = re.compile(rb'"seq":\s*(\d+)')
WINDOW: Final = 64
"""Handshakes under way at once."""
WAIT_SECONDS: Final = 30.0
CONNECT_SECONDS: Final = 120.0
PER_ADDRESS: Final = 2500
"""Listeners from one address: rooms bound them, and so does the number of ports."""
FIRST_RETRY_SECONDS: Final = 0.5
LONGEST_RETRY_SECONDS: Final = 15.0
DEFLATE: Final = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


class Swarm:
    """What all listeners together have heard."""

    def __init__(self) -> None:
        self.arrivals: dict[int, list[int]] = {}
        self.doubled = 0
        self.unordered = 0
        self.closed = 0
        self.heard = 0
        self.reads = 0
        self.texts: dict[bytes, bytes] = {}
        """Deflated payloads that were met, and what they say: a shared frame is inflated once here too."""


class Listener(asyncio.Protocol):
    """One connection: shakes hands, then reads frames (servers send them unmasked)."""

    def __init__(self, swarm: Swarm, request: bytes) -> None:
        self.swarm = swarm
        self.request = request
        self.buffer = b""
        self.last = 0
        self.is_open = False
        self.inflater: zlib._Decompress | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by class
        self.transport.write(self.request)

    def connection_lost(self, exc: Exception | None) -> None:
        self.swarm.closed += 1
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("closed in the handshake"))

    def data_received(self, data: bytes) -> None:
        now = time.monotonic_ns()
        self.buffer = self.buffer + data if self.buffer else data
        if not self.is_open:
            head, end, rest = self.buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self.is_open, self.buffer = True, rest
            if b"permessage-deflate" in head and b"server_no_context_takeover" not in head:
                self.inflater = zlib.decompressobj(-15)
            if b" 101 " in head.split(b"\r\n", 1)[0]:
                self.opened.set_result(None)
            else:
                self.opened.set_exception(ConnectionError(head.decode("latin-1")))
        self._frames(now)

    def _frames(self, now: int) -> None:
        buffer, at, size, heard = self.buffer, 0, len(self.buffer), self.swarm.heard
        while size - at >= 2:
            length, start = buffer[at + 1] & 127, at + 2
            if length == 126:
                length, start = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
            elif length == 127:
                length, start = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
            if start > size or size - start < length:
                break
            payload = buffer[start : start + length]
            self._frame(buffer[at] & 15, self._text(payload) if buffer[at] & 0x40 else payload, now)
            at = start + length
        self.buffer = buffer[at:]
        self.swarm.reads += self.swarm.heard > heard

    def _text(self, payload: bytes) -> bytes:
        """What a deflated message says."""
        if self.inflater is not None:
            return self.inflater.decompress(payload + b"\x00\x00\xff\xff")
        known = self.swarm.texts
        if payload not in known:
            known[payload] = zlib.decompress(payload + b"\x00\x00\xff\xff\x03\x00", -15)
        return known[payload]

    def _frame(self, opcode: int, payload: bytes, now: int) -> None:
        if opcode == PING and self.transport is not None:
            self.transport.write(bytes((0x80 | PONG, 0x80 | len(payload), 0, 0, 0, 0)) + payload)
        found = NUMBER.search(payload) if opcode == TEXT else None
        if found is None:
            return
        number = int(found[1])
        swarm = self.swarm
        if number == self.last:
            swarm.doubled += 1
        elif self.last and number != self.last + 1:
            swarm.unordered += 1
        self.last = number
        swarm.heard += 1
        swarm.arrivals.setdefault(number, []).append(now)


class Crowd:
    """Everybody's way in."""

    def __init__(self, swarm: Swarm, port: int, path: str, count: int, *, is_deflated: bool) -> None:
        self.swarm, self.port, self.path, self.count = swarm, port, path, count
        self.more = DEFLATE if is_deflated else ""
        self.window = asyncio.Semaphore(WINDOW)

    async def come(self, number: int, path: str) -> Listener:
        request = (
            f"GET {path} HTTP/1.1\r\nHost: localhost:{self.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\n{self.more}\r\n"
        ).encode()
        address = (f"127.0.0.{2 + number // PER_ADDRESS}", 0)
        async with self.window:
            _, listener = await asyncio.get_running_loop().create_connection(
                lambda: Listener(self.swarm, request), "127.0.0.1", self.port, local_addr=address
            )
            await listener.opened
            return listener

    async def all(self) -> list[Listener]:
        return await asyncio.gather(*(self.come(number, self.path) for number in range(self.count)))

    async def come_back(self, number: int, last: int, seconds: float) -> Listener:
        """As a page does: after a time by chance, with its position, and again and again, each time waiting longer."""
        path = f"{self.path.partition('?')[0]}?after=public:{last}"
        wait = FIRST_RETRY_SECONDS
        await asyncio.sleep(random.random() * seconds)  # noqa: S311
        while True:
            await asyncio.sleep(wait / 2 + random.random() * wait / 2)  # noqa: S311
            wait = min(LONGEST_RETRY_SECONDS, 2 * wait)
            with contextlib.suppress(OSError):
                return await self.come(number, path)

    async def all_back(self, listeners: list[Listener], seconds: float) -> list[Listener]:
        back = (self.come_back(number, one.last, seconds) for number, one in enumerate(listeners))
        return await asyncio.gather(*back)


async def report(swarm: Swarm, listeners: list[Listener], first: int, count: int) -> dict[str, object]:
    """Wait for COUNT frames at every listener, then tell."""
    until = time.monotonic() + WAIT_SECONDS
    while swarm.heard < count * len(listeners) and time.monotonic() < until:  # noqa: ASYNC110 - one event for 48,000 would be no gain
        await asyncio.sleep(0.02)
    await asyncio.sleep(0.2)  # what comes twice comes now
    wanted = range(first, first + count)
    return {
        "lost": sum(len(listeners) - len(swarm.arrivals.get(number, ())) for number in wanted),
        "doubled": swarm.doubled,
        "unordered": swarm.unordered,
        "closed": swarm.closed,
        "reads": swarm.reads,
        "foreign": sum(len(times) for number, times in swarm.arrivals.items() if number not in wanted),
        "arrivals": {number: swarm.arrivals.get(number, []) for number in wanted},
    }


async def main(port: int, path: str, count: int, *options: str) -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    swarm = Swarm()
    crowd = Crowd(swarm, port, path, count, is_deflated="deflate" in options)
    async with asyncio.timeout(CONNECT_SECONDS):
        listeners = await crowd.all()
    print("connected", flush=True)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        if line.startswith("return"):
            began = time.monotonic()
            async with asyncio.timeout(CONNECT_SECONDS):
                listeners = await crowd.all_back(listeners, float(line.split()[1]))
            swarm.closed = 0
            print(json.dumps({"seconds": time.monotonic() - began, "back": len(listeners)}), flush=True)
            continue
        first, wanted = map(int, line.split())
        print(json.dumps(await report(swarm, listeners, first, wanted)), flush=True)
    os._exit(0)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), *sys.argv[4:]))
