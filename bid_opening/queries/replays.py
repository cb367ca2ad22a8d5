"""The whole story of a room for one reader: its frames in one order, of the audiences the reader belongs to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from bid_opening import access, frames
from bid_opening.models import RoomFrame
from bid_opening.services import rooms
from bid_opening.states import ROOM_MACHINE, Phase
from foundation.errors import NotFound
from foundation.store.unit import Unit
from tendering import facade as tendering

FORMAT: Final = "etender-room-frames/v1"


@dataclass(frozen=True, slots=True)
class ReplayPage:
    """What the player starts from. ``audiences`` are those shown, ``may_see`` all the reader belongs to."""

    lot_id: str
    lot_code: str
    lot_name: str
    project_name: str
    tenderee_name: str
    ceiling: str
    phase: Phase
    opens_at: datetime | None
    is_over: bool
    has_record: bool
    audiences: tuple[str, ...]
    may_see: tuple[str, ...]
    count: int


def replay_page(unit: Unit, lot_id: str, *, is_own: bool) -> ReplayPage:
    """The public story, or with ``is_own`` all that the asker was told besides. Raises NotFound without a room."""
    may_see = access.audiences_of(unit, lot_id)
    shown = may_see if is_own else (frames.PUBLIC,)
    state, card = rooms.state_of(unit, lot_id), tendering.lot_card(unit, lot_id)
    return ReplayPage(
        lot_id=lot_id,
        lot_code=card.lot_code,
        lot_name=card.name,
        project_name=card.project_name,
        tenderee_name=card.tenderee_name,
        ceiling=card.ceiling.text() if card.ceiling.fen else "",
        phase=state.phase,
        opens_at=state.opens_at,
        is_over=ROOM_MACHINE.is_final(state.phase),
        has_record=bool(state.record_sha256),
        audiences=shown,
        may_see=may_see,
        count=sum(rooms.heads_of(unit, lot_id, shown).values()),
    )


def story_text(unit: Unit, lot_id: str, audiences: Sequence[str]) -> str:
    """Every frame of these audiences as one JSON text, in the order of a replay: by instant, the public first.

    The frames are the very bytes of the socket. Raises NotFound for an audience the asker does not belong to: that it
    has one is nobody else's matter.
    """
    may_see = access.audiences_of(unit, lot_id)
    if any(audience not in may_see for audience in audiences):
        raise NotFound(what="audience")
    rank = {audience: place for place, audience in enumerate(may_see)}
    rows = unit.session.execute(
        select(RoomFrame.at, RoomFrame.audience, RoomFrame.seq, RoomFrame.frame).where(
            RoomFrame.lot_id == lot_id, RoomFrame.audience.in_(audiences)
        )
    ).all()
    told = sorted(rows, key=lambda row: (row.at, rank[row.audience], row.seq))
    heads = rooms.heads_of(unit, lot_id, audiences)
    head = {"format": FORMAT, "lot": lot_id, "lot_code": tendering.lot_card(unit, lot_id).lot_code, "heads": heads}
    text = json.dumps(head, ensure_ascii=False, separators=(",", ":"))
    return f'{text[:-1]},"frames":[{",".join(row.frame for row in told)}]}}'
