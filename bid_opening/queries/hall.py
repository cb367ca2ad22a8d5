"""The hall of openings, and what anybody needs to draw again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final

from sqlalchemy import select

from bid_opening.ceremony import Drawn
from bid_opening.models import OpeningRoom
from bid_opening.services import draws, rooms
from bid_opening.states import ROOM_MACHINE, Phase
from foundation.clock import to_beijing
from foundation.draws import Beacon, FrozenBid, freeze_text
from foundation.errors import NotFound
from foundation.events import bid_opening as e
from foundation.store.unit import Unit
from tendering import facade as tendering
from tendering.states import LotState

HALL_LIMIT: Final = 200
SHOWN_BACK: Final = timedelta(days=7)
"""How long a finished opening stays in the hall."""


@dataclass(frozen=True, slots=True)
class HallRow:
    """One opening in the hall. ``bidders`` is None until the list is published: nobody learns how many come."""

    lot_id: str
    lot_code: str
    lot_name: str
    project_name: str
    tenderee_name: str
    opens_at: datetime
    state: str
    phase: Phase
    until: datetime | None
    bidders: int | None
    number: int
    session_id: str
    """The first lot shown of those that open together, and how many do: 1 for most."""
    session_lots: int


@dataclass(frozen=True, slots=True)
class Hall:
    """Openings by day (Beijing): under way, today, to come, over."""

    live: tuple[HallRow, ...]
    today: tuple[HallRow, ...]
    coming: tuple[HallRow, ...]
    over: tuple[HallRow, ...]
    server_now: datetime


def hall(unit: Unit) -> Hall:
    """Every opening that is to come, is under way, or ended within the last days. The same for everybody."""
    rows = unit.session.scalars(
        select(OpeningRoom)
        .where(OpeningRoom.opens_at.is_not(None), OpeningRoom.opens_at >= unit.at - SHOWN_BACK)
        .order_by(OpeningRoom.opens_at, OpeningRoom.id)
        .limit(HALL_LIMIT)
    ).all()
    cards = {card.id: card for card in tendering.lots_in(unit, *LotState)}
    live, today, coming, over = [], [], [], []
    for shown, row in _by_session(rows, cards):
        if ROOM_MACHINE.is_final(row.state):
            over.append(shown)
        elif row.state not in {Phase.SCHEDULED, Phase.CHECK_IN}:
            live.append(shown)
        elif to_beijing(shown.opens_at).date() == to_beijing(unit.at).date():
            today.append(shown)
        else:
            coming.append(shown)
    return Hall(tuple(live), tuple(today), tuple(coming), tuple(over), unit.at)


def _by_session(
    rows: Sequence[OpeningRoom], cards: Mapping[str, tendering.LotCard]
) -> Iterator[tuple[HallRow, OpeningRoom]]:
    """In the order of time; lots of one project that open together follow each other in the order of their numbers."""
    known = [(row, card, row.opens_at) for row in rows if (card := cards.get(row.id)) and row.opens_at]
    known.sort(key=lambda one: (one[2], one[1].project_id, one[1].number))
    for _, together in groupby(known, key=lambda one: (one[2], one[1].project_id)):
        lots = list(together)
        for row, card, opens_at in lots:
            yield _hall_row(row, card, opens_at, session=(lots[0][0].id, len(lots))), row


def _hall_row(row: OpeningRoom, card: tendering.LotCard, opens_at: datetime, *, session: tuple[str, int]) -> HallRow:
    # The snapshot is enough for a count; folding every room of the hall would not be.
    seats = (row.folded or {}).get("seats", ())
    return HallRow(
        lot_id=row.id,
        lot_code=card.lot_code,
        lot_name=card.name,
        project_name=card.project_name,
        tenderee_name=card.tenderee_name,
        opens_at=opens_at,
        state=row.state.name,
        phase=row.state,
        until=row.until,
        bidders=len(seats) if seats else None,
        number=card.number,
        session_id=session[0],
        session_lots=session[1],
    )


@dataclass(frozen=True, slots=True)
class Replay:
    """What anybody needs to draw again: the frozen list (and its hash), each draw's pool and transcript.

    ``draw_ids``: coefficient → the name its transcript must carry. ``contributions``: bid → 64 hex digits, the half of
    its content key that the gate gave back, or its commitment where that is malformed. ``beacon``: the announced one.
    """

    lot_id: str
    draw_ids: dict[str, str]
    contributions: dict[str, str]
    is_beacon_announced: bool
    beacon: Beacon | None
    frozen: tuple[e.FrozenBid, ...]
    freeze_hash: str
    gate_holders: tuple[int, ...]
    draws: tuple[Drawn, ...]


def replay(unit: Unit, lot_id: str) -> Replay:
    """Raises NotFound before anything was drawn."""
    state = rooms.state_of(unit, lot_id)
    if not state.draws:
        raise NotFound(what="draws")
    lines = [FrozenBid(one.bid, one.rev, one.leaf_index, one.envelope_hash) for one in state.frozen]
    card = tendering.lot_card(unit, lot_id)
    return Replay(
        lot_id=lot_id,
        draw_ids={one.name: draws.draw_id(card, one.name) for one in state.draws},
        contributions=draws.contributions_of(unit, lot_id),
        is_beacon_announced=bool(state.beacon),
        beacon=state.beacon_value,
        frozen=state.frozen,
        freeze_hash=freeze_text(lines),
        gate_holders=state.gate_holders,
        draws=state.draws,
    )
