"""The lines of a drill's bidders: who is connected, what each has read, and what it still lacks.

A line takes frames with the client's own rule (:class:`foundation.roomwire.Position`): a hole raises FrameLost.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field

from bid_opening import frames
from bid_opening.drill.cast import Bidder
from foundation.roomwire import Position


@dataclass(slots=True)
class Hall:
    """What the room has told so far, by audience; number ``n`` stands at ``n - 1``."""

    told: dict[str, list[str]] = field(default_factory=dict)

    def tell(self, audience: str, text: str) -> None:
        self.told.setdefault(audience, []).append(text)

    def next_number(self, audience: str) -> int:
        return len(self.told.get(audience, ())) + 1


@dataclass(slots=True)
class Line:
    """One bidder's line. ``resumed`` counts how often it came back and asked for what it lacked."""

    bidder: Bidder
    hall: Hall
    is_open: bool = False
    is_reading: bool = True
    resumed: int = 0
    joined_late: int = 0
    """Frames that had been told before it first came."""
    _position: Position = field(default_factory=Position)
    _has_been: bool = False

    @property
    def audiences(self) -> tuple[str, str]:
        return (frames.PUBLIC, frames.bidder(self.bidder.org_id))

    def connect(self) -> None:
        """Come, or come back: ask for everything after the last number of each audience."""
        self.is_open = self.is_reading = True
        if self._has_been:
            self.resumed += 1
        else:
            self.joined_late = sum(len(self.hall.told.get(audience, ())) for audience in self.audiences)
            self._has_been = True
        self.read()

    def drop(self) -> None:
        self.is_open = False

    def stick(self) -> None:
        """The line stays open, and nothing is read from it."""
        self.is_reading = False

    def wake(self) -> None:
        self.is_reading = True
        self.resumed += 1
        self.read()

    def read(self) -> None:
        """Take what has come. Raises FrameLost for a hole."""
        if not (self.is_open and self.is_reading):
            return
        for audience in self.audiences:
            for text in self.hall.told.get(audience, ())[self._position.heads.get(audience, 0) :]:
                self._position.take(json.loads(text))

    @property
    def lacks(self) -> int:
        """Frames it does not have."""
        return sum(len(self.hall.told.get(one, ())) - self._position.heads.get(one, 0) for one in self.audiences)
