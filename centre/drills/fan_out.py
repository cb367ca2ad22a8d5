"""How fast the real room process brings frames to many lines: over its own sockets, in a channel of the drill's own.

Some lines break on the way and come back with their last number, one is never read until the end. Whatever the room
has told must be on every line, once and in order.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from bid_opening.drill.report import Check, all_of, at_most, failed
from bid_opening.frames import PUBLIC
from centre.drills.channel import PATH, hash_of, name_of
from centre.drills.models import DrillFrame, DrillRun
from centre.drills.probes import DRILLER, Probed, tls_of
from foundation.clock import monotonic
from foundation.entropy import url_token
from foundation.roomwire import FrameLost, Position

TOPIC: Final = "room"
PACE_SECONDS: Final = 0.03
SETTLE_SECONDS: Final = 10.0
OPEN_SECONDS: Final = 5.0
DROPPED: Final = 5
"""One line in so many breaks and comes back."""


@dataclass(slots=True)
class _Listener:
    number: int
    position: Position = field(default_factory=Position)
    heard: dict[int, float] = field(default_factory=dict)
    resumed: int = 0
    socket: ClientConnection | None = None

    @property
    def breaks(self) -> bool:
        return self.number % DROPPED == 1

    @property
    def is_stuck(self) -> bool:
        return self.number == 0


@dataclass(slots=True)
class _Channel:
    url: str
    tls: ssl.SSLContext | None
    listeners: list[_Listener]
    total: int
    written: dict[int, float] = field(default_factory=dict)
    is_written: asyncio.Event = field(default_factory=asyncio.Event)
    came: int = 0

    async def listen(self, one: _Listener) -> None:
        """Until every frame is there."""
        while one.position.heads.get(PUBLIC, 0) < self.total:
            after = one.position.text() or f"{PUBLIC}:0"
            async with connect(
                f"{self.url}?after={after}", open_timeout=OPEN_SECONDS, compression=None, proxy=None, ssl=self.tls
            ) as socket:
                one.socket = socket
                self.came += 1
                if one.is_stuck:
                    await self.is_written.wait()
                await self._read(one, socket)

    async def _read(self, one: _Listener, socket: ClientConnection) -> None:
        while (head := one.position.heads.get(PUBLIC, 0)) < self.total:
            if one.breaks and not one.resumed and head >= self.total // 3:
                one.resumed += 1
                socket.transport.abort()
                return
            try:
                message = json.loads(await socket.recv())
            except ConnectionClosed:
                return
            if "seq" in message and one.position.take(message):
                one.heard[int(message["seq"])] = monotonic()


def probe_room(probed: Probed, frames: Sequence[str]) -> tuple[Check, ...]:
    """Send these frames through the room process and measure from commit to each line."""
    runtime = probed.runtime
    key = url_token(runtime.units.entropy)
    with runtime.units.begin(DRILLER) as unit:
        unit.session.get_one(DrillRun, probed.drill_id).channel_hash = hash_of(key)
    settings = runtime.settings
    scheme = "wss" if settings.tls_certificate else "ws"
    url = f"{scheme}://localhost:{settings.room_port}/{PATH}/{name_of(probed.drill_id, key)}"
    tls = tls_of(runtime)
    channel = _Channel(
        url,
        tls if isinstance(tls, ssl.SSLContext) else None,
        [_Listener(number) for number in range(probed.limits.lines)],
        len(frames),
    )
    try:
        return asyncio.run(_measure(probed, channel, frames))
    except (OSError, TimeoutError, InvalidHandshake):
        return (failed("fan_out", "unreachable", url.partition(f"/{PATH}/")[0]),)
    except FrameLost as lost:
        return (failed("fan_out", "frames_lost", str(lost)),)
    finally:
        with runtime.units.begin(DRILLER) as unit:
            unit.session.get_one(DrillRun, probed.drill_id).channel_hash = ""


async def _measure(probed: Probed, channel: _Channel, frames: Sequence[str]) -> tuple[Check, ...]:
    listening = [asyncio.create_task(channel.listen(one)) for one in channel.listeners]
    try:
        await _all_came(channel, listening)
        for number, text in enumerate(frames, start=1):
            await asyncio.to_thread(_write, probed, number, text)
            channel.written[number] = monotonic()
            await asyncio.sleep(PACE_SECONDS)
        channel.is_written.set()
        done, _ = await asyncio.wait(listening, timeout=SETTLE_SECONDS)
        for task in done:
            task.result()
    finally:
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)
    return _found(probed, channel)


async def _all_came(channel: _Channel, listening: Sequence[asyncio.Task[None]]) -> None:
    """Every line is open. Raises what a line that could not open raised, TimeoutError."""
    async with asyncio.timeout(2 * OPEN_SECONDS):
        while channel.came < len(channel.listeners):
            for task in listening:
                if task.done():
                    task.result()
            await asyncio.sleep(0.02)


def _write(probed: Probed, number: int, text: str) -> None:
    with probed.runtime.units.begin(DRILLER) as unit:
        unit.session.merge(DrillFrame(drill_id=probed.drill_id, seq=number, frame=text))
        unit.topics.add(TOPIC)


def _found(probed: Probed, channel: _Channel) -> tuple[Check, ...]:
    whole = [one for one in channel.listeners if one.position.heads.get(PUBLIC, 0) == channel.total]
    # Lines that were away, or are never read, are late by their own doing.
    prompt: list[Any] = [one for one in channel.listeners if not one.is_stuck and not one.breaks]
    delays = sorted(max(0.0, at - channel.written.get(seq, at)) for one in prompt for seq, at in one.heard.items())
    names = [str(one.number) for one in channel.listeners if one not in whole]
    kept = all_of("room_lines", len(whole), len(channel.listeners), "lines", why="frames_lost", names=names)
    if not delays:
        return (kept, failed("fan_out", "nothing_came"))
    p99 = delays[ceil(0.99 * len(delays)) - 1]
    return (kept, at_most("fan_out", p99, probed.limits.fan_out_p99, "seconds"))
