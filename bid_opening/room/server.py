"""The rooms of this process: who listens, what they get, and the look that finds new frames.

It holds no truth: after ``kill -9`` another process goes on from ``room_frames``. Nothing here waits for a reader, for
the database or for a written presence; reading runs in threads, presence in a thread of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any, Final

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request

from bid_opening.presence import Edge
from bid_opening.room.channel import NEAR_BYTES, NEAR_FRAMES, Channel
from bid_opening.room.civil import CivilTime
from bid_opening.room.presence import PresenceWriter, presence_writer
from bid_opening.room.pulse import ASK_SECONDS, PRESENCE_SECONDS, SESSION_SECONDS, TIME_SECONDS, Pulse, spread_ms
from bid_opening.room.query import parse_query, speaks_ours
from bid_opening.room.reader import Bucket, Limits, Reader, address_of, close
from bid_opening.room.rooms import Room
from bid_opening.room.source import NEWER_LIMIT, Frames, Key, Source, SqlSource
from bid_opening.room.wake import Wake
from bid_opening.room.wire import raw_text
from foundation.actor import Actor
from foundation.clock import monotonic
from foundation.errors import InvalidInput
from foundation.i18n import iso
from foundation.roomwire import VERSION, Code
from foundation.runtime import Runtime
from foundation.store.far_hints import address_of as address_of_hints

log = structlog.get_logger("room")
LOOK_SECONDS: Final = 1.0
GATHER_SECONDS: Final = 0.02
"""Frames that come within this time go out together."""
FORGET_SECONDS: Final = 300.0
FEW_CHANNELS: Final = 50
"""So many sequences are asked for what is new in one query; for more, their heads are read before."""
LOOK_AGAIN_SECONDS: Final = 0.5
"""How often a client that claims to be ahead of this process makes it look, whoever and however many claim it."""
CATCH_UP_SECONDS: Final = 30.0
SHAKEN: Final = Request("", Headers())
"""Stands for a request that was answered; the library takes None for a handshake that is still to come."""


class Closed(Exception):
    """The connection is to be closed with this code."""

    def __init__(self, code: Code, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class RoomServer:
    """Serves ``/rooms/<lot_id>?after=…``."""

    def __init__(
        self,
        runtime: Runtime,
        *,
        source: Source | None = None,
        presence: PresenceWriter | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.source: Source = source or SqlSource(runtime.units)
        self.presence = presence or presence_writer(runtime.units)
        self.limits = limits or Limits()
        self.civil = CivilTime(runtime.clock)
        self.rooms: dict[str, Room] = {}
        self._wake = Wake(runtime.settings.run_dir, address_of_hints(runtime.units.engine))
        self._opening: dict[str, asyncio.Task[Room | None]] = {}
        self._addresses: Counter[str] = Counter()
        self._sessions: Counter[str] = Counter()
        self._total = 0
        self._numbers = itertools.count()
        self.pulse = Pulse(self.rooms, self.civil, self.source)

    # --- one connection -------------------------------------------------------------------------------------------

    async def handle(self, connection: ServerConnection, lot_id: str, query: str, actor: Actor) -> None:
        """Serve one client until it leaves."""
        try:
            with self.counted(address_of(connection), actor):
                await self._serve(connection, lot_id, query, actor)
        except Closed as reason:
            await close(connection, reason.code, reason.reason)
        except ConnectionClosed:
            return

    @contextlib.contextmanager
    def counted(self, address: str, actor: Actor) -> Iterator[None]:
        """Hold a place for one connection. Raises Closed where there is none."""
        session = str(actor.session_id or "")
        limits = self.limits
        if (
            self._total >= limits.total
            or self._addresses[address] >= limits.per_address
            or (session and self._sessions[session] >= limits.per_session)
        ):
            raise Closed(Code.TOO_MANY, "too many connections")
        self._total += 1
        self._addresses[address] += 1
        self._sessions[session] += 1
        try:
            yield
        finally:
            self._total -= 1
            for counter, key in ((self._addresses, address), (self._sessions, session)):
                counter[key] -= 1
                if counter[key] <= 0:
                    del counter[key]

    async def _serve(self, connection: ServerConnection, lot_id: str, query: str, actor: Actor) -> None:
        room, after = await self.enter(lot_id, query, actor)
        reader = Reader(connection, actor, self.limits, after, next(self._numbers))
        # The headers of the handshake have been read; kept for as long as it listens they are a tenth of its memory.
        connection.request, connection.response = SHAKEN, None
        async with self._listening(room, reader):
            await self._listen(reader)

    async def enter(self, lot_id: str, query: str, actor: Actor) -> tuple[Room, dict[str, int]]:
        """The room that is asked for, and the audiences with their positions. Raises Closed."""
        try:
            is_understood, wanted = speaks_ours(query), parse_query(query)
        except InvalidInput as bad:
            raise Closed(Code.BAD_REQUEST, bad.code) from bad
        if not is_understood:
            raise Closed(Code.OLD_VERSION, "reload")
        room = await self._room(lot_id)
        if room is None:
            raise Closed(Code.NO_ROOM, "no room")
        return room, await self._admit(room, wanted, actor)

    async def _admit(self, room: Room, wanted: dict[str, int], actor: Actor) -> dict[str, int]:
        """The audiences this actor gets, and after which number each. The public costs no query."""
        if not actor.is_signed_in:
            if any(audience != "public" for audience in wanted):
                raise Closed(Code.SIGN_IN, "sign in")
            return wanted or {"public": 0}
        if set(wanted) == {"public"}:
            return wanted
        may_see = await asyncio.to_thread(self.source.audiences, room.lot_id, actor)
        if any(audience not in may_see for audience in wanted):
            raise Closed(Code.NOT_YOURS, "not yours")
        return wanted or dict.fromkeys(may_see, 0)

    @contextlib.asynccontextmanager
    async def _listening(self, room: Room, reader: Reader) -> AsyncIterator[None]:
        """Say where it starts, send what is missing; from then on it is one of the readers."""
        channels = await self.channels_of(room, reader.sent)
        hello = await self._hello(reader, channels)
        reader.write(raw_text(hello))
        for channel in channels:
            await self._bring_near(room, reader, channel)
        # No await between here and the last line: what is sent and what will be sent meet without a gap.
        for channel in channels:
            channel.join(reader, reader.sent[channel.audience])
        room.readers.add(reader)
        self._note_presence(room, reader, came=True)
        try:
            yield
        finally:
            room.readers.discard(reader)
            for channel in channels:
                channel.leave(reader)
            room.idle_since = monotonic()
            self._note_presence(room, reader, came=False)

    async def channels_of(self, room: Room, after: dict[str, int]) -> list[Channel]:
        """The channels of these audiences; a position that this history does not have becomes 0 (begin again)."""
        channels = [await self._channel(room, audience) for audience in after]
        if any(after[channel.audience] > channel.head for channel in channels):
            await self._look_again(room)  # it may have polled frames this process has not looked at yet
        for channel in channels:
            if after[channel.audience] > channel.head:
                after[channel.audience] = 0
        return channels

    async def _look_again(self, room: Room) -> None:
        async with room.loading:
            if monotonic() - room.looked_at > LOOK_AGAIN_SECONDS:
                await self._look([room])
                room.looked_at = monotonic()

    async def _hello(self, reader: Reader, channels: list[Channel]) -> str:
        now = await self.civil.now()
        told: dict[str, Any] = {
            "version": VERSION,
            "server_time": iso(now),
            "heads": {channel.audience: channel.head for channel in channels},
            "from": dict(reader.sent),
            "spread_ms": spread_ms(self._total) if reader.is_gallery else 0,
        }
        return json.dumps({"hello": told}, separators=(",", ":"))

    async def _bring_near(self, room: Room, reader: Reader, channel: Channel) -> None:
        """Send a long history in pieces, at the speed of this socket, until the rest fits in one write."""
        audience = channel.audience
        try:
            async with asyncio.timeout(CATCH_UP_SECONDS):
                while (number := reader.sent[audience]) < channel.head and not self._is_near(reader, channel):
                    if number < channel.floor:
                        old = await asyncio.to_thread(self.source.frames, room.lot_id, audience, number, NEAR_FRAMES)
                        number, piece = old[-1][0], b"".join(raw_text(text) for _, text in old)
                    else:
                        number, piece = channel.piece_after(number, reader.coding)
                    if not reader.write(piece):
                        return
                    reader.sent[audience] = number
                    await reader.connection.drain()
        except TimeoutError as late:
            raise Closed(Code.TOO_SLOW, "too slow") from late

    @staticmethod
    def _is_near(reader: Reader, channel: Channel) -> bool:
        number = reader.sent[channel.audience]
        if number < channel.floor or channel.head - number > NEAR_FRAMES:
            return False
        return len(channel.bytes_after(number, reader.coding)) <= NEAR_BYTES or channel.head - number == 1

    async def _listen(self, reader: Reader) -> None:
        """A client has nothing to say here but a ping; people act over HTTP."""
        bucket = Bucket(self.limits.messages_per_second, self.limits.burst)
        async for message in reader.connection:
            if not bucket.take():
                raise Closed(Code.TOO_MANY, "too many messages")
            if len(message) > self.limits.message_bytes:
                raise Closed(Code.TOO_BIG, "too big")
            if (ping := _ping_of(message)) is not None:
                now = await self.civil.now()
                reader.write(raw_text(json.dumps({"pong": ping, "time": iso(now)})))

    # --- rooms and channels -----------------------------------------------------------------------------------------

    async def _room(self, lot_id: str) -> Room | None:
        """The room, read once however many people come at the same moment; None when there is no such room."""
        if (room := self.rooms.get(lot_id)) is not None:
            room.idle_since = monotonic()  # somebody is on the way in: do not forget it now
            return room
        task = self._opening.get(lot_id)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._open_room(lot_id))
            self._opening[lot_id] = task
            task.add_done_callback(lambda _: self._opening.pop(lot_id, None))
        return await asyncio.shield(task)

    async def _open_room(self, lot_id: str) -> Room | None:
        if not await asyncio.to_thread(self.source.has_room, lot_id):
            return None
        room = Room(lot_id, idle_since=monotonic())
        self.rooms[lot_id] = room
        return room

    async def _channel(self, room: Room, audience: str) -> Channel:
        async with room.loading:
            channel = room.channels.get(audience)
            if channel is None:
                head, frames = await asyncio.to_thread(self.source.recent, room.lot_id, audience)
                channel = Channel(audience, head - len(frames))
                channel.append(frames)
                room.take_phase(frames)
                room.channels[audience] = channel
        return channel

    # --- the look ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Look for new frames on every hint and every second; tell the time; ask whether sessions still live."""
        self._wake.open()
        self.presence.start()
        helpers = [
            asyncio.create_task(self._every(seconds, act), name=f"room-{act.__name__}")
            for seconds, act in (
                (TIME_SECONDS, self.pulse.tell_time),
                (PRESENCE_SECONDS, self.pulse.tell_presence),
                (ASK_SECONDS, self.pulse.ask_lines),
                (SESSION_SECONDS, self.pulse.ask_sessions),
            )
        ]
        try:
            while True:
                await self._wake.wait(LOOK_SECONDS)
                self._forget_empty_rooms()
                await self._try("look", self._look([room for room in self.rooms.values() if room.is_watched]))
                await asyncio.sleep(GATHER_SECONDS)
        finally:
            for helper in helpers:
                helper.cancel()
            self._wake.close()
            self.presence.stop()

    async def _every(self, seconds: float, act: Any) -> None:
        while True:
            await asyncio.sleep(seconds)
            await self._try(act.__name__, act())

    async def _try(self, what: str, act: Any) -> None:
        """A database that does not answer must not end the room: what is missed now is found by the next look."""
        try:
            await act
        except self.source.failures as error:
            log.warning("room_look_failed", what=what, reason=type(error).__name__)

    async def _look(self, rooms: list[Room]) -> None:
        """Read what is new. With many rooms their heads come first, in one query: most have nothing new."""
        if not rooms:
            return
        if sum(len(room.channels) for room in rooms) <= FEW_CHANNELS:
            while await self._take_newer(_heads(rooms)) >= NEWER_LIMIT:
                pass
            return
        heads = await asyncio.to_thread(self.source.heads, [room.lot_id for room in rooms])
        while behind := _behind(rooms, heads):
            if not await self._take_newer(behind):
                return  # the heads of a restored database; the next look asks again

    async def _take_newer(self, behind: dict[Key, int]) -> int:
        """Take the frames after these numbers, at most NEWER_LIMIT; how many came."""
        fresh = await asyncio.to_thread(self.source.newer, behind)
        for (lot_id, audience), frames in fresh.items():
            self._take(lot_id, audience, frames)
        return sum(len(frames) for frames in fresh.values())

    def _take(self, lot_id: str, audience: str, frames: Frames) -> None:
        room = self.rooms.get(lot_id)
        channel = room.channels.get(audience) if room else None
        if room is not None and channel is not None and channel.append(frames):
            room.take_phase(frames)
            channel.flush_soon()

    def _forget_empty_rooms(self) -> None:
        now = monotonic()
        for lot_id in [
            lot_id
            for lot_id, room in self.rooms.items()
            if not room.is_watched and not room.loading.locked() and now - room.idle_since > FORGET_SECONDS
        ]:
            del self.rooms[lot_id]

    def _note_presence(self, room: Room, reader: Reader, *, came: bool) -> None:
        org_id = next((a.removeprefix("bidder:") for a in reader.sent if a.startswith("bidder:")), None)
        if org_id is None:
            return
        if room.count_seat(org_id, came=came, at=iso(self.civil.estimate())):
            self.presence.put(Edge(room.lot_id, org_id, came=came))


def _heads(rooms: Iterable[Room]) -> dict[Key, int]:
    """The last number of every channel that is here."""
    return {(room.lot_id, audience): channel.head for room in rooms for audience, channel in room.channels.items()}


def _behind(rooms: Iterable[Room], heads: dict[Key, int]) -> dict[Key, int]:
    """Channels with frames in the table that are not here yet, and the last number that is."""
    return {key: number for key, number in _heads(rooms).items() if heads.get(key, 0) > number}


def _ping_of(message: str | bytes) -> int | None:
    try:
        said = json.loads(message)
    except (ValueError, RecursionError):
        return None
    ping = said.get("ping") if isinstance(said, dict) else None
    return ping if isinstance(ping, int) else None
