"""The room's side of the trial upload: speaks as the receiver of bids does, compares the digest, keeps nothing.

A bidder's page uses the very transport of a real upload (``static/js/sealing/transports.js``), so what works here
works in earnest. It touches neither store nor database.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter, deque
from typing import Any, Final

from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from foundation.actor import Actor
from foundation.clock import monotonic
from foundation.errors import NotPermitted, Refusal, SignInRequired
from tendering.bid_errors import DigestMismatch
from tendering.readiness_errors import TooManyTrials, TrialRefused
from tendering.self_check import demand_trial

TRIALS_PER_MINUTE: Final = 20
"""Of one organisation."""
AT_ONCE: Final = 64
"""Trials of everybody together; real uploads have places of their own."""
IDLE_SECONDS: Final = 30.0
ORDER_LENGTH_MAX: Final = 1024
MINUTE: Final = 60.0
CLOSE_SIGN_IN, CLOSE_NOT_YOURS, CLOSE_TOO_MANY, CLOSE_MALFORMED = 4401, 4403, 4429, 4400


class TrialReceiver:
    """One per process. ``handle`` serves one connection to its end: one trial segment."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._begun: dict[str, deque[float]] = {}

    async def handle(self, connection: ServerConnection, actor: Actor) -> None:
        """Serve ``/self-check`` for the actor of the handshake."""
        organisation = actor.org_id or ""
        if not actor.is_signed_in:
            await _end(connection, SignInRequired.code, CLOSE_SIGN_IN)
        elif not actor.has_role("bidder"):
            await _end(connection, NotPermitted.code, CLOSE_NOT_YOURS)
        elif self._open.total() >= AT_ONCE or not self._may_begin(organisation):
            await _end(connection, TooManyTrials.code, CLOSE_TOO_MANY)
        else:
            self._open[organisation] += 1
            try:
                await _serve(connection)
            except ConnectionClosed:
                return
            except TimeoutError:
                await connection.close(CLOSE_MALFORMED, "idle")
            finally:
                self._open[organisation] -= 1
                if not self._open[organisation]:
                    del self._open[organisation]

    def _may_begin(self, organisation: str) -> bool:
        now = monotonic()
        self._begun = {name: times for name, times in self._begun.items() if times and times[-1] > now - MINUTE}
        begun = self._begun.setdefault(organisation, deque(maxlen=TRIALS_PER_MINUTE))
        if len(begun) == TRIALS_PER_MINUTE and begun[0] > now - MINUTE:
            return False
        begun.append(now)
        return True


async def _serve(connection: ServerConnection) -> None:
    await _send(connection, {"held": {}})
    order = _order(await _receive(connection))
    if order is None:
        await _end(connection, TrialRefused.code, CLOSE_MALFORMED)
        return
    place = {"part": str(order["part"])[:40], "index": order["index"]}
    try:
        await _take(connection, order)
    except Refusal as refusal:
        await _send(connection, {"refused": {**place, "code": refusal.code}})
        await connection.close(CLOSE_MALFORMED, refusal.code)
        return
    await _send(connection, {"stored": place})
    async with asyncio.timeout(IDLE_SECONDS):
        await connection.wait_closed()


async def _take(connection: ServerConnection, order: dict[str, Any]) -> None:
    demand_trial(order["part"], order["index"], order["size"], order["sha256"])
    left, digest = order["size"], hashlib.sha256()
    while left:
        frame = await _receive(connection)
        if not isinstance(frame, bytes) or not 0 < len(frame) <= left:
            raise TrialRefused
        digest.update(frame)
        left -= len(frame)
    if digest.hexdigest() != order["sha256"]:
        raise DigestMismatch


def _order(text: str | bytes) -> dict[str, Any] | None:
    if not isinstance(text, str) or len(text) > ORDER_LENGTH_MAX:
        return None
    try:
        order = json.loads(text)["put"]
        part, index, size, sha256 = (order[name] for name in ("part", "index", "size", "sha256"))
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    fits = isinstance(part, str) and isinstance(sha256, str) and type(index) is int and type(size) is int
    return {"part": part, "index": index, "size": size, "sha256": sha256} if fits else None


async def _receive(connection: ServerConnection) -> str | bytes:
    async with asyncio.timeout(IDLE_SECONDS):
        return await connection.recv()


async def _send(connection: ServerConnection, message: object) -> None:
    await connection.send(json.dumps(message, separators=(",", ":")))


async def _end(connection: ServerConnection, code: str, close_code: int) -> None:
    try:
        await _send(connection, {"refused": {"code": code}})
        await connection.close(close_code, code)
    except ConnectionClosed:
        return
