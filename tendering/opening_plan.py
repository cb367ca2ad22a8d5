"""When the openings of one host begin and are likely to end: which lots open together, and where two would clash.

Pure. Two openings of one host at overlapping times are allowed (there may be two people): they are pointed out, never
refused (R3.43). How long an opening takes is an estimate for this purpose alone; no legal instant follows from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

BETWEEN_MINUTES: Final = 10
"""Taken for what has no published limit: opening the gate, the draw, reading out."""


@dataclass(frozen=True, slots=True)
class PlannedOpening:
    """The opening of one lot. Instants are aware; ``number`` is the lot's place in its project."""

    lot_id: str
    lot_name: str
    project_id: str
    project_name: str
    number: int
    starts_at: datetime
    minutes: int
    """Of its decryption window, its time for objections and its time to confirm, together."""

    @property
    def ends_at(self) -> datetime:
        """About when it is over, if nothing is extended."""
        return self.starts_at + timedelta(minutes=self.minutes + BETWEEN_MINUTES)


@dataclass(frozen=True, slots=True)
class PlannedSession:
    """Lots of one project with the same deadline (开标场次), in the order of their numbers (R3.41)."""

    lots: tuple[PlannedOpening, ...]

    @property
    def starts_at(self) -> datetime:
        return self.lots[0].starts_at

    @property
    def ends_at(self) -> datetime:
        """When the longest of its lots is over: they run side by side."""
        return max(lot.ends_at for lot in self.lots)

    @property
    def name(self) -> str:
        """The lot's name, or the project's where several open together."""
        return self.lots[0].lot_name if len(self.lots) == 1 else self.lots[0].project_name


def sessions_of(openings: Iterable[PlannedOpening]) -> tuple[PlannedSession, ...]:
    """Openings by the session they belong to, in the order of time; ties by the id of their project."""

    def session(one: PlannedOpening) -> tuple[datetime, str]:
        return one.starts_at, one.project_id

    ordered = sorted(openings, key=lambda one: (*session(one), one.number, one.lot_id))
    return tuple(PlannedSession(tuple(lots)) for _, lots in groupby(ordered, key=session))


def clashes_of(one: PlannedSession, others: Sequence[PlannedSession]) -> tuple[PlannedSession, ...]:
    """Those of ``others`` that run while ``one`` does; half-open, so that one may begin when the other ends."""
    return tuple(
        other
        for other in others
        if other is not one and other.starts_at < one.ends_at and one.starts_at < other.ends_at
    )
