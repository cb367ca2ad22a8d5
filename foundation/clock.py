"""Two clocks.

The *civil clock* gives every legal instant: aware UTC, read once per Unit. In a demonstration centre it is the machine
clock plus an offset that people may move; nowhere else. The *machine clock* runs leases, sessions, retries and
time-outs and is never stepped. No other module may read the time of day (``ruff`` TID251).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Final, Protocol

BEIJING: Final = timezone(timedelta(hours=8), "Asia/Shanghai")
"""China has used one zone without daylight saving since 1991, so a fixed offset is exact."""


class Clock(Protocol):
    """Whatever can tell the civil instant."""

    def now(self) -> datetime:
        """The civil instant, aware, UTC."""
        ...


def machine_now() -> datetime:
    """The machine clock as an instant (UTC). For leases, sessions and retries, shared between processes."""
    return datetime.now(UTC)


def monotonic() -> float:
    """Seconds that never go back, within one process."""
    return time.monotonic()


def pause(seconds: float) -> None:
    """Let a background loop rest; nothing legal may depend on it."""
    time.sleep(seconds)


class SystemClock:
    """Civil time is machine time: the only clock of a production centre."""

    def now(self) -> datetime:
        return machine_now()


class SteppingClock:
    """A clock for tests: stands still until it is told to move."""

    def __init__(self, start: datetime) -> None:
        if start.tzinfo is None:
            raise ValueError("a clock needs an aware instant")
        self._now = start.astimezone(UTC)

    def now(self) -> datetime:
        return self._now

    def step(self, by: timedelta) -> datetime:
        """Move forward (or back, to test jumps) and return the new instant."""
        self._now += by
        return self._now

    def set(self, to: datetime) -> None:
        self._now = to.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class ClockPosition:
    """Where a demonstration clock stands.

    While ``running``, civil = ``civil`` + (machine − ``machine``); while paused, civil = ``civil``.
    """

    civil: datetime
    machine: datetime
    running: bool

    def at(self, machine: datetime) -> datetime:
        return self.civil + (machine - self.machine) if self.running else self.civil


class DemoClock:
    """Civil time of a demonstration centre, read from one shared position.

    ``read`` returns the position that all processes share; it is asked again after ``CACHE_SECONDS``. A process that
    still sees the old position gives instants *before* the jump, never after it, and reports itself undrained by the
    same clock, so a freeze waits for it (``tendering.intake``).
    """

    CACHE_SECONDS: Final = 0.1

    def __init__(self, read: Callable[[], ClockPosition]) -> None:
        self._read = read
        self._position: ClockPosition | None = None
        self._read_at = 0.0

    def now(self) -> datetime:
        position = self._position
        if position is None or monotonic() - self._read_at > self.CACHE_SECONDS:
            self._position = position = self._read()
            self._read_at = monotonic()
        # A local name: another thread may refresh between the question and the answer.
        return position.at(machine_now())

    def refresh(self) -> None:
        """Forget the cached position (after moving the clock in this process)."""
        self._position = None


def to_beijing(instant: datetime) -> datetime:
    """The same instant as people in China read it."""
    return instant.astimezone(BEIJING)


def iso(instant: datetime) -> str:
    """RFC 3339 text in UTC with microseconds and ``Z``: one text for one instant."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_iso(text: str) -> datetime:
    """Inverse of :func:`iso`; any RFC 3339 text with a zone is accepted.

    Raises ValueError for texts without a zone.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"no time zone in {text!r}")
    return instant.astimezone(UTC)
