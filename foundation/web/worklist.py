"""The work list every role begins at: what waits for me, until when, one link to do it; then the lots that concern me.

Each package registers its providers in its ``web.register``. A provider reads in the given Unit, answers for its actor
alone (before an opening's list is fixed nothing here may tell who or how many bid, R1.05) and needs a few queries
however many lots there are. ``/desk`` (``accounts``) shows what they gave.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, cast

from flask import current_app

from foundation.actor import Actor
from foundation.clock import to_beijing
from foundation.store.unit import Unit
from foundation.web.lot_life import Stage, lot_life, present_stage

SOON: Final = timedelta(days=3)
ITEMS_MAX: Final = 100
LOTS_MAX: Final = 30
_MOMENT: Final = timedelta(microseconds=1)
_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class Urgency(StrEnum):
    """How pressing something is; the order of the list. A term ``urgency.<value>`` each."""

    NOW = "now"
    OVERDUE = "overdue"
    TODAY = "today"
    SOON = "soon"
    LATER = "later"
    OPEN = "open"
    """No date binds it."""


_ORDER: Final = {urgency: place for place, urgency in enumerate(Urgency)}


@dataclass(frozen=True, slots=True)
class WorkItem:
    """Something that waits for the asker.

    ``subject``: the name of what it is about, as it stands in the data. ``due``: the legal instant it must be done
    before, with the rule it follows from (``rule_id``, a row of docs/reference/rules.md). ``urgency`` None: it follows
    from ``due``.
    """

    title_zh: str
    title_en: str
    url: str
    subject: str = ""
    due: datetime | None = None
    rule_id: str = ""
    urgency: Urgency | None = None


@dataclass(frozen=True, slots=True)
class ShownItem:
    """An item with how pressing it is at the moment of asking."""

    item: WorkItem
    urgency: Urgency


@dataclass(frozen=True, slots=True)
class OwnLot:
    """A lot the asker has to do with. ``url``: its own place there, such as its bid."""

    lot_id: str
    name: str
    url: str


WorkProvider = Callable[[Unit, Actor], Iterable[WorkItem]]
LotProvider = Callable[[Unit, Actor], Iterable[OwnLot]]


class WorkList:
    """The registry at ``app.extensions["worklist"]``."""

    def __init__(self) -> None:
        self._work: list[WorkProvider] = []
        self._lots: list[LotProvider] = []

    def add(self, provider: WorkProvider) -> None:
        self._work.append(provider)

    def add_lots(self, provider: LotProvider) -> None:
        self._lots.append(provider)

    def items(self, unit: Unit) -> list[ShownItem]:
        """Everything that waits for the Unit's actor, the most pressing first; at most :data:`ITEMS_MAX`."""
        found = [item for provider in self._work for item in provider(unit, unit.actor)]
        return ordered(found, unit.at)[:ITEMS_MAX]

    def lots(self, unit: Unit) -> list[OwnLot]:
        """Each lot once, by the first provider that names it."""
        found: dict[str, OwnLot] = {}
        for provider in self._lots:
            for lot in provider(unit, unit.actor):
                found.setdefault(lot.lot_id, lot)
        return list(found.values())


@dataclass(frozen=True, slots=True)
class RunningLot:
    """A lot under way and the stage it is in."""

    lot: OwnLot
    stage: Stage


def worklist() -> WorkList:
    return cast("WorkList", current_app.extensions["worklist"])


def running_lots(unit: Unit) -> list[RunningLot]:
    """The asker's lots that are not over, at most :data:`LOTS_MAX`, the nearest date of their stage first."""
    own = worklist().lots(unit)
    life = lot_life().stages(unit, [lot.lot_id for lot in own])
    found = [RunningLot(lot, stage) for lot in own if (stage := present_stage(life[lot.lot_id])) is not None]
    return sorted(found, key=lambda one: (one.stage.at or _NEVER, one.lot.lot_id))[:LOTS_MAX]


def urgency_of(due: datetime | None, at: datetime) -> Urgency:
    """How pressing a date makes something. What ends at 24:00 still ends today; ``due`` itself is late."""
    if due is None:
        return Urgency.OPEN
    if at >= due:
        return Urgency.OVERDUE
    if to_beijing(due - _MOMENT).date() == to_beijing(at).date():
        return Urgency.TODAY
    return Urgency.SOON if due - at <= SOON else Urgency.LATER


def ordered(items: Iterable[WorkItem], at: datetime) -> list[ShownItem]:
    """By urgency, then the nearest date, then the subject: the same list in the same order every time."""
    shown = [ShownItem(item, item.urgency or urgency_of(item.due, at)) for item in items]
    return sorted(shown, key=_place)


def _place(shown: ShownItem) -> tuple[int, datetime, str, str, str]:
    item = shown.item
    return _ORDER[shown.urgency], item.due or _NEVER, item.subject, item.title_en, item.url
