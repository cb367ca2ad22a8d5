"""Standing: a published rule from grounds to a level, with every ground named. There is no score (R7.14).

The level is that of the gravest ground that counts at the instant. Facts come in, nothing is read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from credit.states import Level

BAN: Final = "ban"

_ORDER: Final = {level: place for place, level in enumerate(Level)}


@dataclass(frozen=True, slots=True)
class Ground:
    """One ban or record, which counts in [from, until).

    ``kind``: "ban" or an act; ``id``: of the ban or record; ``level``: what it makes of the standing meanwhile.
    """

    kind: str
    id: str
    level: Level
    authority: str
    decision_no: str
    clause: str
    from_at: datetime
    until_at: datetime
    is_objected: bool = False

    def counts_at(self, at: datetime) -> bool:
        return self.from_at <= at < self.until_at


@dataclass(frozen=True, slots=True)
class Change:
    """From ``at`` on the level is ``level``, if nothing else happens."""

    at: datetime
    level: Level


@dataclass(frozen=True, slots=True)
class Standing:
    """``reasons``: what lowers it, gravest first; ``kept``: commitments kept; ``changes``: what time alone will do."""

    at: datetime
    level: Level
    reasons: tuple[Ground, ...]
    kept: tuple[Ground, ...]
    changes: tuple[Change, ...]


def standing_at(grounds: Iterable[Ground], at: datetime) -> Standing:
    """The standing at the instant ``at``. Grounds that do not count then lower nothing."""
    every = tuple(grounds)
    now = [ground for ground in every if ground.counts_at(at)]
    reasons = sorted(
        (ground for ground in now if ground.level is not Level.GOOD),
        key=lambda ground: (-_ORDER[ground.level], ground.from_at, ground.id),
    )
    kept = sorted((one for one in now if one.level is Level.GOOD), key=lambda one: (one.from_at, one.id), reverse=True)
    return Standing(at, _level(every, at), tuple(reasons), tuple(kept), tuple(_changes(every, at)))


def _level(grounds: Iterable[Ground], at: datetime) -> Level:
    return max(
        (ground.level for ground in grounds if ground.counts_at(at)),
        key=lambda level: _ORDER[level],
        default=Level.GOOD,
    )


def _changes(grounds: tuple[Ground, ...], at: datetime) -> list[Change]:
    edges = sorted({edge for one in grounds for edge in (one.from_at, one.until_at) if edge > at})
    changes: list[Change] = []
    before = _level(grounds, at)
    for edge in edges:
        after = _level(grounds, edge)
        if after is not before:
            changes.append(Change(edge, after))
        before = after
    return changes
