"""Where the opening's pages stand among the other pages of a lot."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from bid_opening.models import OpeningRoom
from bid_opening.states import Phase
from foundation.actor import Actor
from foundation.store.unit import Unit
from foundation.web.lot_life import LotLink

_BEFORE: Final = frozenset({Phase.SCHEDULED, Phase.CHECK_IN, Phase.INTAKE_CLOSED, Phase.FROZEN})
"""Nothing has been shown yet that could be seen again."""


def links(unit: Unit, actor: Actor, lot_id: str) -> Iterator[LotLink]:  # noqa: ARG001 - the same for everybody
    """The replay, from the list of bidders on: for the award pages, objections and complaints."""
    room = unit.session.get(OpeningRoom, lot_id)
    if room is not None and room.state not in _BEFORE:
        yield LotLink("开标回放", "Replay of the opening", f"/rooms/{lot_id}/replay", 40, "eye")
