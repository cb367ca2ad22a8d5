"""Events of the centre itself."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from foundation.events.base import Audience, Event, event_type


@event_type
@dataclass(frozen=True)
class DemoClockMoved(Event):
    """Somebody moved, paused or ran the clock of a demonstration centre."""

    TYPE: ClassVar[str] = "centre.demo_clock_moved"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("before", "after", "running", "why")

    before: datetime
    after: datetime
    running: bool
    why: str


@event_type
@dataclass(frozen=True)
class DrillStarted(Event):
    """A rehearsal of a lot's opening began (its own stream ``drill:<drill>``; private, no part of the lot's story).

    ``attempt`` counts from 1; a drill whose worker was killed begins anew.
    """

    TYPE: ClassVar[str] = "centre.drill_started"

    drill: str
    lot: str
    attempt: int


@event_type
@dataclass(frozen=True)
class DrillEnded(Event):
    """What a rehearsal found: ``verdict`` is ready, not_ready or interrupted; ``failed`` the checks that fell short."""

    TYPE: ClassVar[str] = "centre.drill_ended"

    drill: str
    lot: str
    verdict: str
    failed: tuple[str, ...]
