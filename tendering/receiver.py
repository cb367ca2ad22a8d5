"""Takes ciphertext segments over sockets, for many slow bidders at once (sender: ``static/js/sealing/upload.js``).

Bytes go from the socket to the store as they come: nothing is kept but the frame at hand and the store's own gathering.
The database is asked in threads, before a segment and after it, never in between. What was announced is compared with
what came before the store gives it its name, so damage on the way leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from foundation.actor import Actor
from foundation.errors import NotFound, Refusal, SignInRequired, Unavailable
from foundation.ids import parse_id
from foundation.runtime import Runtime
from foundation.sealing.segments import SEGMENT_BYTES
from foundation.sealing.suite import Hasher, Suite
from foundation.storage import ObjectDiffers
from tendering.bid_errors import DigestMismatch, SegmentDiffers, SegmentRefused
from tendering.bid_rules import HeldSegment
from tendering.facade import segment_name
from tendering.services import uploads

log = structlog.get_logger("receiver")
CONNECTIONS_MAX: Final = 6000
CONNECTIONS_PER_ORGANISATION: Final = 6
IDLE_SECONDS: Final = 120.0
"""A frame is at most 256 KiB: whoever needs longer for one is gone, or slower than 2 kB/s."""
SLOWEST_BYTES_PER_SECOND: Final = 2048
"""A segment has IDLE_SECONDS and one second more for each of these, however small its frames are."""
ORDER_LENGTH_MAX: Final = 1024
READ_BYTES: Final = 64 * 1024
CLOSE_SIGN_IN, CLOSE_NOT_YOURS, CLOSE_NO_UPLOAD, CLOSE_TOO_MANY, CLOSE_MALFORMED = 4401, 4403, 4404, 4429, 4400


@dataclass(frozen=True, slots=True)
class Put:
    """The announcement of one segment."""

    part: str
    segment: HeldSegment

    @property
    def place(self) -> dict[str, object]:
        return {"part": self.part, "index": self.segment.number}


class BrokenProtocol(Exception):
    """The client does not keep to the protocol; the connection ends."""


class UploadReceiver:
    """One per process. ``handle`` serves one connection to its end."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._open: Counter[str] = Counter()

    async def handle(self, connection: ServerConnection, upload_id: str, actor: Actor) -> None:
        """Serve ``/uploads/<upload_id>`` for the actor of the handshake."""
        # A slow line answers a ping only behind the frames it has queued: data arriving is the sign of life here.
        connection.ping_timeout = None
        organisation = actor.org_id or ""
        if not actor.is_signed_in:
            await _refuse(connection, SignInRequired.code, CLOSE_SIGN_IN)
            return
        if self._open.total() >= CONNECTIONS_MAX or self._open[organisation] >= CONNECTIONS_PER_ORGANISATION:
            await connection.close(CLOSE_TOO_MANY, "too many")
            return
        self._open[organisation] += 1
        try:
            await self._serve(connection, upload_id, actor)
        except ConnectionClosed:
            return
        except TimeoutError:
            await connection.close(CLOSE_MALFORMED, "idle")
        except BrokenProtocol:
            await _refuse(connection, SegmentRefused.code, CLOSE_MALFORMED)
        except Unavailable as error:
            # Not the bidder's doing: the client waits, connects again and resumes.
            log.warning("upload_interrupted", error=error.code)
            await connection.close(1013, "try again")
        finally:
            self._open[organisation] -= 1
            if not self._open[organisation]:
                del self._open[organisation]

    async def _serve(self, connection: ServerConnection, upload_id: str, actor: Actor) -> None:
        try:
            held = await asyncio.to_thread(self._held, upload_id, actor)
        except NotFound as error:
            await _refuse(connection, error.code, CLOSE_NO_UPLOAD)
            return
        await _send(connection, {"held": held})
        while True:
            put = await _next_put(connection)
            try:
                await self._take(connection, upload_id, actor, put)
            except Refusal as refusal:
                await _send(connection, {"refused": {**put.place, "code": refusal.code}})
            else:
                await _send(connection, {"stored": put.place})

    def _held(self, upload_id: str, actor: Actor) -> uploads.Held:
        with self._runtime.units.read(actor) as unit:
            return uploads.held(unit, parse_id(upload_id))

    async def _take(self, connection: ServerConnection, upload_id: str, actor: Actor, put: Put) -> None:
        """Read the bytes of one announced segment and store them; always reads all of them, so frames stay in step."""
        frames = _Frames(connection, put.segment)
        async with asyncio.timeout(IDLE_SECONDS + put.segment.size_bytes / SLOWEST_BYTES_PER_SECOND):
            await self._take_frames(frames, upload_id, actor, put)

    async def _take_frames(self, frames: _Frames, upload_id: str, actor: Actor, put: Put) -> None:
        try:
            suite = await asyncio.to_thread(self._admit, upload_id, actor, put)
            if suite is None:
                await frames.drain()
                return
            digests = Digests(suite)
            name = segment_name(upload_id, put.part, put.segment.number)
            try:
                chunks = frames.verified(digests)
                await self._runtime.objects.put_stream_async(name, chunks, sha256=lambda: digests.sha256)
            except ObjectDiffers as error:
                raise SegmentDiffers(part=put.part, number=put.segment.number) from error
            stored = replace(put.segment, leaf=digests.leaf)
            await asyncio.to_thread(record, self._runtime, actor, upload_id, put.part, stored, name)
        except Refusal:
            # Not where time has run out: whoever drips would be listened to for ever.
            await frames.drain()
            raise

    def _admit(self, upload_id: str, actor: Actor, put: Put) -> Suite | None:
        with self._runtime.units.read(actor) as unit:
            return uploads.admit_segment(unit, upload_id, put.part, put.segment)


def record(runtime: Runtime, actor: Actor, upload_id: str, part: str, segment: HeldSegment, name: str) -> None:
    """Note a stored segment. Where the upload was discarded meanwhile its bytes go too."""
    try:
        with runtime.units.begin(actor) as unit:
            uploads.record_segment(unit, upload_id, part, segment)
    except SegmentDiffers:
        raise
    except Refusal:
        runtime.objects.delete_prefix(name)
        raise


def take(
    runtime: Runtime, actor: Actor, upload_id: str, part: str, segment: HeldSegment, read: Callable[[int], bytes]
) -> None:
    """One segment of a plain HTTP body, by the same rules as over the socket. ``read`` gives b"" at the end."""
    with runtime.units.read(actor) as unit:
        suite = uploads.admit_segment(unit, upload_id, part, segment)
    if suite is None:
        return
    digests = Digests(suite)
    name = segment_name(upload_id, part, segment.number)
    try:
        runtime.objects.put_stream(name, _verified_body(segment, digests, read))
    except ObjectDiffers as error:
        raise SegmentDiffers(part=part, number=segment.number) from error
    record(runtime, actor, upload_id, part, replace(segment, leaf=digests.leaf), name)


class Digests:
    """Of one segment as it comes: SHA-256, as it was announced, and the suite's own where that is another."""

    def __init__(self, suite: Suite) -> None:
        self._suite = suite
        self._hashers: dict[str, Hasher] = {"sha256": hashlib.sha256()}
        if suite.hash_name not in self._hashers:
            self._hashers[suite.hash_name] = suite.hasher()

    def update(self, block: bytes) -> None:
        for hasher in self._hashers.values():
            hasher.update(block)

    @property
    def sha256(self) -> str:
        return self._hashers["sha256"].digest().hex()

    @property
    def leaf(self) -> str:
        """What the signed root stands over."""
        return self._hashers[self._suite.hash_name].digest().hex()


def _verified_body(segment: HeldSegment, digests: Digests, read: Callable[[int], bytes]) -> Iterator[bytes]:
    left = segment.size_bytes
    while left and (block := read(min(READ_BYTES, left))):
        digests.update(block)
        left -= len(block)
        yield block
    if left or digests.sha256 != segment.sha256:
        raise DigestMismatch


class _Frames:
    """The binary frames of one segment."""

    def __init__(self, connection: ServerConnection, segment: HeldSegment) -> None:
        self._connection = connection
        self._segment = segment
        self._left = segment.size_bytes

    async def verified(self, digests: Digests) -> AsyncIterator[bytes]:
        """The frames as they come. Raises DigestMismatch in place of the end, so that the store keeps nothing."""
        while self._left:
            frame = await self._next()
            digests.update(frame)
            yield frame
        if digests.sha256 != self._segment.sha256:
            raise DigestMismatch

    async def drain(self) -> None:
        """Read and drop what was not wanted."""
        while self._left:
            await self._next()

    async def _next(self) -> bytes:
        frame = await _receive(self._connection)
        if not isinstance(frame, bytes) or not 0 < len(frame) <= self._left:
            self._left = 0
            raise BrokenProtocol
        self._left -= len(frame)
        return frame


async def _next_put(connection: ServerConnection) -> Put:
    text = await _receive(connection)
    if not isinstance(text, str) or len(text) > ORDER_LENGTH_MAX:
        raise BrokenProtocol
    try:
        order: Any = json.loads(text)["put"]
        part, number, size, sha256 = (order[name] for name in ("part", "index", "size", "sha256"))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BrokenProtocol from error
    texts_fit = isinstance(part, str) and isinstance(sha256, str)
    if not texts_fit or type(number) is not int or type(size) is not int or not 0 < size <= SEGMENT_BYTES:
        raise BrokenProtocol
    return Put(part, HeldSegment(number, size, sha256))


async def _receive(connection: ServerConnection) -> str | bytes:
    async with asyncio.timeout(IDLE_SECONDS):
        return await connection.recv()


async def _send(connection: ServerConnection, message: object) -> None:
    await connection.send(json.dumps(message, separators=(",", ":")))


async def _refuse(connection: ServerConnection, code: str, close_code: int) -> None:
    try:
        await _send(connection, {"refused": {"code": code}})
        await connection.close(close_code, code)
    except ConnectionClosed:
        return
