"""Who was in the line from when to when: written by a thread of its own, in batches, never by the loop.

A link that breaks changes no right (R3.18). So presence may be lost when the database is away for long; the
loop that serves the room may not.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from bid_opening.presence import Edge
from foundation.actor import system
from foundation.clock import monotonic
from foundation.errors import Unavailable
from foundation.store.unit import Unit, Units

log = structlog.get_logger("room")
MAX_WAITING: Final = 20_000
MAX_BATCH: Final = 500
GATHER_SECONDS: Final = 0.5


Write = Callable[[Unit, Sequence[Edge]], None]


class PresenceWriter:
    """Takes edges without waiting; writes them when it can."""

    def __init__(self, units: Units, write: Write) -> None:
        self._units = units
        self._write = write
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

    def _gather(self) -> tuple[list[Edge], bool]:
        """The next spans; waits for the first one only."""
        batch: list[Edge] = []
        until: float | None = None
        while len(batch) < MAX_BATCH:
            try:
                edge = self._waiting.get(timeout=None if until is None else max(0.0, until - monotonic()))
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
        except (SQLAlchemyError, Unavailable) as error:
            self.lost += len(batch)
            log.warning("presence_lost", edges=len(batch), reason=type(error).__name__)
