"""What a room knows of a bidder besides its bid: absence, identity checks, refusal; and how its clock ran. Folded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Absence:
    """Why a bidder did not sign in: ``reason`` is late, abandoned or other; ``by`` a user's id."""

    reason: str
    text: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class IdentityCheck:
    """The last word on one thing (person, letter, certificate) of one bidder; ``by`` is a user's id."""

    what: str
    is_passed: bool
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class RefusalAsked:
    """The first person wants the bid refused on this ground of law."""

    ground: str
    why: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class BidRefusal:
    """Two persons refused the bid: it stays sealed."""

    ground: str
    why: str
    by: str
    confirmed_by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Interval:
    """A pause (the clock stood) or an extension (the limit moved from ``starts`` to ``ends``).

    ``ends`` is None while a pause lasts; ``cause`` and ``why`` are those of the suspension.
    """

    kind: str
    starts: datetime
    ends: datetime | None
    cause: str
    why: str

    @property
    def seconds(self) -> int | None:
        """Whole seconds, rounded to the nearest; None while it lasts."""
        return None if self.ends is None else round((self.ends - self.starts).total_seconds())
