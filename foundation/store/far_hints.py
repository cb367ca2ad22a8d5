"""Wake-up calls between machines, by LISTEN/NOTIFY of the database they share. They may be lost; nobody relies on them.

A NOTIFY inside a business transaction makes PostgreSQL commit one at a time (measured: writes fall to a half, on a slow
disk to a ninth). So the hint is sent after the commit, on a connection and by a thread of its own, and several at once
become one. Processes of one machine have datagrams (``foundation.hints``), which are quicker; a hint that comes back to
the machine it was sent from is passed over.
"""

from __future__ import annotations

import contextlib
import hashlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

import psycopg
import structlog
from sqlalchemy import Engine

from foundation.clock import pause
from foundation.hints import UnixHints
from foundation.store.engine import is_sqlite

log = structlog.get_logger("hints")
CHANNEL: Final = "centre_hints"
TOPICS: Final = frozenset({"room"})
"""What somebody on another machine waits for; jobs and journal are looked at every second anyway."""
AGAIN_SECONDS: Final = 1.0
WAIT_SECONDS: Final = 2.0
GATHER_SECONDS: Final = 0.005
"""Hints that come within this time after one was sent become the next one: many writers cost no more than one."""
CONNECT_SECONDS: Final = 5


def address_of(engine: Engine) -> str | None:
    """Where to connect for hints: None on SQLite, whose processes stand on one machine."""
    if is_sqlite(engine):
        return None
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def machine_name(run_dir: Path) -> str:
    """Names this machine's run folder to the others."""
    return hashlib.sha256(f"{socket.gethostname()}:{run_dir.resolve()}".encode()).hexdigest()[:16]


class FarHints:
    """Pokes listeners here by datagram, and those elsewhere by NOTIFY. A poke never waits for the database."""

    def __init__(self, run_dir: Path, address: str) -> None:
        self._near = UnixHints(run_dir)
        self._address = address
        self._machine = machine_name(run_dir)
        self._pending: set[str] = set()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_over = False

    def close(self) -> None:
        """Send nothing more."""
        with self._changed:
            self._is_over = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join(CONNECT_SECONDS)
        self._near.close()

    def poke(self, topics: frozenset[str]) -> None:
        self._near.poke(topics)
        far = topics & TOPICS
        if not far:
            return
        with self._changed:
            self._pending |= far
            if self._thread is None or not self._thread.is_alive():  # none yet, or this is a fork of its process
                self._thread = threading.Thread(target=self._run, name="far-hints", daemon=True)
                self._thread.start()
            self._changed.notify()

    def _run(self) -> None:
        while not self._is_over:
            try:
                with psycopg.connect(self._address, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
                    self._send(connection)
            except psycopg.Error as error:
                log.warning("hint_lost", reason=type(error).__name__)
                pause(AGAIN_SECONDS)

    def _send(self, connection: psycopg.Connection) -> None:
        while True:
            with self._changed:
                while not (self._pending or self._is_over):
                    self._changed.wait()
                if self._is_over:
                    return
                topics, self._pending = self._pending, set()
            for topic in topics:
                connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, f"{topic} {self._machine}"))
            pause(GATHER_SECONDS)


class FarListener:
    """Calls ``ring`` (from its own thread) when another machine pokes, and whenever the line to the database is new."""

    def __init__(self, run_dir: Path, address: str, ring: Callable[[], object]) -> None:
        self._address = address
        self._machine = machine_name(run_dir)
        self._ring = ring
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="far-listener", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop; the line to the database ends within WAIT_SECONDS."""
        self._over.set()

    def join(self) -> None:
        """Wait until it has stopped."""
        self._thread.join(2 * WAIT_SECONDS)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                with psycopg.connect(self._address, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
                    connection.execute(f"LISTEN {CHANNEL}")
                    self._say()  # something may have happened while nobody listened
                    self._listen(connection)
            except psycopg.Error as error:
                log.warning("hints_away", reason=type(error).__name__)
                self._over.wait(AGAIN_SECONDS)

    def _listen(self, connection: psycopg.Connection) -> None:
        while not self._over.is_set():
            for told in connection.notifies(timeout=WAIT_SECONDS, stop_after=1):
                topic, _, machine = told.payload.partition(" ")
                if topic in TOPICS and machine != self._machine:
                    self._say()

    def _say(self) -> None:
        with contextlib.suppress(RuntimeError):  # the loop it rings in may just have ended
            self._ring()
