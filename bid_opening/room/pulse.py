"""What a room process says and asks by itself: the time, who is there, whether lines and sessions still live.

Everything goes out in parts with a yield between. A quiet room costs this and nothing else.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Final

from bid_opening.room.channel import chunks
from bid_opening.room.civil import CivilTime
from bid_opening.room.reader import Reader
from bid_opening.room.rooms import Room
from bid_opening.room.source import Source
from bid_opening.room.wire import PING, raw_text
from foundation.clock import monotonic
from foundation.i18n import iso
from foundation.roomwire import Code

TIME_SECONDS: Final = 10.0
PRESENCE_SECONDS: Final = 2.0
SESSION_SECONDS: Final = 30.0
ASK_SECONDS: Final = 5.0
"""A seat is asked for a sign of life so often, so that a black hole is found within SEAT_SILENCE (R3.18)."""
GALLERY_TURNS: Final = 6
"""A spectator is asked every so many turns: once in half a minute."""
SEAT_SILENCE: Final = 15.0
GALLERY_SILENCE: Final = 75.0
SPREAD_MS_PER_READER: Final = 0.8
LONGEST_SPREAD_MS: Final = 10_000


def spread_ms(readers: int) -> int:
    """Over how long the spectators of a process are to come back after a break, so that they are no wave.

    A handshake costs a fifth of a millisecond of processor time; they come at a third of what one core carries.
    """
    return min(LONGEST_SPREAD_MS, int(readers * SPREAD_MS_PER_READER))


class Pulse:
    """Looks at the rooms of a process again and again."""

    def __init__(self, rooms: Mapping[str, Room], civil: CivilTime, source: Source) -> None:
        self._rooms = rooms
        self._civil = civil
        self._source = source
        self._turn = 0
        self._asked_at = 0.0

    @property
    def count(self) -> int:
        return sum(len(room.readers) for room in self._rooms.values())

    async def tell_time(self) -> None:
        """The time to everybody, and to spectators how wide to strew their return."""
        now = iso(await self._civil.now())
        told = {"time": now, "spread_ms": spread_ms(self.count)}
        seat, gallery = (raw_text(json.dumps(one, separators=(",", ":"))) for one in ({"time": now}, told))
        await self._each(lambda reader: reader.write(gallery if reader.is_gallery else seat))

    async def tell_presence(self) -> None:
        """Who is in the room, to staff only, and only once the list is public (R1.05)."""
        for room in list(self._rooms.values()):
            channel = room.channels.get("staff")
            if channel is None or not channel.readers or not room.may_show_presence:
                continue
            message = room.presence_message()
            if message != room.told_presence:
                room.told_presence = message
                await self._each(partial(_write, raw_text(message)), channel.readers)

    async def ask_lines(self) -> None:
        """Ask seats every turn and a sixth of the spectators; cut those that have not been heard for long.

        Nobody is cut for a pause of our own: after a stop of this process everybody would look silent.
        """
        now = monotonic()
        was_asleep = self._asked_at != 0.0 and now - self._asked_at > 2 * ASK_SECONDS
        self._turn, self._asked_at = (self._turn + 1) % GALLERY_TURNS, now

        def ask(reader: Reader) -> None:
            if reader.is_gallery and reader.number % GALLERY_TURNS != self._turn:
                return
            limit = GALLERY_SILENCE if reader.is_gallery else SEAT_SILENCE
            if reader.heard_at and now - reader.heard_at > limit and not was_asleep:
                reader.cut()
            else:
                reader.write(PING)

        await self._each(ask)

    async def ask_sessions(self) -> None:
        """Close the sockets of sessions that ended: one query for all of them."""
        held: dict[str, list[Reader]] = {}
        for room in self._rooms.values():
            for reader in room.readers:
                if reader.actor.session_id is not None:
                    held.setdefault(str(reader.actor.session_id), []).append(reader)
        if not held:
            return
        alive = await asyncio.to_thread(self._source.live_sessions, tuple(held))
        for session, readers in held.items():
            if session not in alive:
                for reader in readers:
                    reader.close(Code.SIGN_IN, "session over")

    async def _each(self, act: Callable[[Reader], object], readers: Iterable[Reader] | None = None) -> None:
        if readers is None:
            readers = (reader for room in self._rooms.values() for reader in room.readers)
        for part in chunks(tuple(readers)):
            for reader in part:
                act(reader)
            await asyncio.sleep(0)


def _write(raw: bytes, reader: Reader) -> None:
    reader.write(raw)
