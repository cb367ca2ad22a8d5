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
