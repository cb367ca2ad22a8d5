"""What later stages add to a lot's pages: how far its life has gone, and where else the reader may go from it.

Tendering owns the page of a lot and knows nothing of what comes after the opening. Packages above and below it register
here, in their ``web.register``; pages ask for the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, cast

from flask import current_app, request

from foundation.actor import Actor
from foundation.store.unit import Unit
from foundation.web.access import current_actor
from foundation.web.runtime import units

STAGES: Final = ("notice", "clarify", "bidding", "opening", "evaluation", "publicity", "contract", "refund")
"""The life of a lot in order; the last one ends when its deposits are back. A term ``lot_stage.<key>`` each."""


@dataclass(frozen=True, slots=True)
class Stage:
    """``state``: done, now or "". ``at``: when it ended, or is to end; None where nobody knows yet."""

    key: str
    at: datetime | None
    state: str


@dataclass(frozen=True, slots=True)
class LotLink:
    """A page about the lot that this reader may open. ``order`` sorts; ``icon`` is one of the kit's."""

    zh: str
    en: str
    url: str
    order: int
    icon: str = "go"


StageProvider = Callable[[Unit, Sequence[str]], Mapping[str, Iterable[Stage]]]
"""For these lots what the package knows better than those before it; lots it knows nothing of are left out."""
LinkProvider = Callable[[Unit, Actor, str], Iterable[LotLink]]


class LotLife:
    """The registry at ``app.extensions["lot_life"]``."""

    def __init__(self) -> None:
        self._stages: list[tuple[int, StageProvider]] = []
        self._links: list[LinkProvider] = []

    def add_stages(self, provider: StageProvider, order: int) -> None:
        """A provider of a higher ``order`` has the last word on the stages it names."""
        self._stages.append((order, provider))
        self._stages.sort(key=lambda pair: pair[0])

    def add_links(self, provider: LinkProvider) -> None:
        self._links.append(provider)

    def stages(self, unit: Unit, lot_ids: Sequence[str]) -> dict[str, tuple[Stage, ...]]:
        """All of :data:`STAGES` for each lot; a few queries however many lots."""
        known: dict[str, dict[str, Stage]] = {lot_id: {} for lot_id in lot_ids}
        for _, provider in self._stages:
            for lot_id, stages in provider(unit, lot_ids).items():
                known[lot_id].update({stage.key: stage for stage in stages})
        return {
            lot_id: tuple(found.get(key, Stage(key, None, "")) for key in STAGES) for lot_id, found in known.items()
        }

    def links(self, unit: Unit, actor: Actor, lot_id: str) -> list[LotLink]:
        """Where this reader may go; each address once."""
        found: dict[str, LotLink] = {}
        for provider in self._links:
            for link in provider(unit, actor, lot_id):
                found.setdefault(link.url, link)
        return sorted(found.values(), key=lambda link: (link.order, link.url))


def lot_life() -> LotLife:
    return cast("LotLife", current_app.extensions["lot_life"])


def present_stage(stages: Iterable[Stage]) -> Stage | None:
    """Where a lot is now; None once everything is done, and for one that ended before its time."""
    return next((stage for stage in stages if stage.state == "now"), None)


def lot_links(lot_id: str) -> list[LotLink]:
    """For templates: the reader's links of a lot, without the page that is being shown."""
    with units().read(current_actor()) as unit:
        return [link for link in lot_life().links(unit, unit.actor, lot_id) if link.url != request.path]
