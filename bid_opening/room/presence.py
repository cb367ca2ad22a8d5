"""Who was in the line from when to when: written by a thread of its own, in batches, never by the loop.

A link that breaks changes no right (R3.18). So presence may be lost when the database is away for long; the
loop that serves the room may not. The same thread says that this process lives, once for all who are in the line, and
ends the spans of processes that do not say so any more.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bid_opening.presence import BEAT_SECONDS, Edge, beat, bury, dead_lives, write_edges
from foundation.actor import system
from foundation.clock import monotonic
from foundation.entropy import url_token
from foundation.errors import Unavailable
from foundation.store.unit import Unit, Units

log = structlog.get_logger("room")
MAX_WAITING: Final = 20_000
MAX_BATCH: Final = 500
GATHER_SECONDS: Final = 0.5


Write = Callable[[Unit, Sequence[Edge]], None]


def presence_writer(units: Units) -> PresenceWriter:
    """The writer of one room process, under a name of its own."""
    life = url_token(units.entropy, 16)
    return PresenceWriter(units, lambda unit, edges: write_edges(unit, edges, life), life=life)


class PresenceWriter:
    """Takes edges without waiting; writes them when it can. Without ``life`` it gives no sign of life."""

    def __init__(self, units: Units, write: Write, *, life: str = "", beat_seconds: float = BEAT_SECONDS) -> None:
        self._units = units
        self._write = write
        self._life = life
        self._beat_seconds = beat_seconds
        self._beaten_at = 0.0
        self._present: set[tuple[str, str]] = set()
        self._waiting: queue.Queue[Edge | None] = queue.Queue(MAX_WAITING)
        self._thread: threading.Thread | None = None
        self.lost = 0

    def put(self, edge: Edge) -> None:
        """Never waits: what does not fit is counted and lost."""
        try:
            self._waiting.put_nowait(edge)
        except queue.Full:
            self.lost += 1

    def start(self) -> None:
        self._thread = threading.Thread(target=self._run, name="room-presence", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 2.0) -> None:
        """Write what is there, but wait no longer than ``seconds``."""
        if self._thread is None:
            return
        try:
            self._waiting.put_nowait(None)
        except queue.Full:
            return
        self._thread.join(seconds)

    def _run(self) -> None:
        is_over = False
        while not is_over:
            batch, is_over = self._gather()
            if batch:
                self._try(batch)
            if self._life and not is_over and monotonic() - self._beaten_at >= self._beat_seconds:
                self._live_on()

    def _gather(self) -> tuple[list[Edge], bool]:
        """The next edges; waits for the first one only, and not longer than until the next sign of life."""
        batch: list[Edge] = []
        until: float | None = None
        while len(batch) < MAX_BATCH:
            try:
                wait = self._beat_seconds if until is None else max(0.0, until - monotonic())
                edge = self._waiting.get(timeout=wait)
            except queue.Empty:
                break
            if edge is None:
                return batch, True
            batch.append(edge)
            until = until or monotonic() + GATHER_SECONDS
        return batch, False

    def _try(self, batch: list[Edge]) -> None:
        try:
            with self._units.begin(system("room")) as unit:
                self._write(unit, batch)
                if self._life:
                    beat(unit, self._life)
        except (SQLAlchemyError, Unavailable) as error:
            self.lost += len(batch)
            log.warning("presence_lost", edges=len(batch), reason=type(error).__name__)
            return
        for edge in batch:
            (self._present.add if edge.came else self._present.discard)((edge.lot_id, edge.org_id))

    def _live_on(self) -> None:
        """One sign of life for all who are in the line, and the end of those who gave none; quiet, it only reads."""
        self._beaten_at = monotonic()
        try:
            if not self._present and not self._anybody_died():
                return
            with self._units.begin(system("room")) as unit:
                if self._present:
                    beat(unit, self._life)
                bury(unit)
        except (SQLAlchemyError, Unavailable) as error:
            log.warning("presence_beat_failed", reason=type(error).__name__)

    def _anybody_died(self) -> bool:
        with self._units.read(system("room")) as unit:
            return bool(dead_lives(unit))
