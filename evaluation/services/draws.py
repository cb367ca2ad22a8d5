"""Making the draw of experts, once the log covers everything that decides it; and replaying it for anybody."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import select

from evaluation.models import CommitteeDraw, DrawContribution
from evaluation.services import cases, committee
from evaluation.states import DrawState, DrawTrigger
from foundation.draws import Ranking, build, replay
from foundation.events import evaluation as e
from foundation.publication.models import STATE_ROW, LogCheckpoint, LogState
from foundation.publication.proofs import leaf_index_of
from foundation.store.unit import Unit, Units


@dataclass(frozen=True, slots=True)
class Replay:
    """The draw redone from the published transcript and pool. ``is_equal``: it gives what was announced."""

    ranking: Ranking
    is_equal: bool


def due(units: Units) -> list[str]:
    """Lots whose draw waits for the log only."""
    with units.read(cases.PLATFORM) as unit:
        rows = unit.session.scalars(select(CommitteeDraw.lot_id).where(CommitteeDraw.state == DrawState.READY))
        return list(rows)


def draw(unit: Unit, lot_id: str) -> bool:
    """Make the draw of this lot if it can be made now; whether it was. Idempotent."""
    case = cases.locked(unit, lot_id)
    row = committee.last_draw(unit, lot_id)
    if row is None or row.state is not DrawState.READY:
        return False
    checkpoint = covering_checkpoint(unit, row.last_entry_id)
    if checkpoint is None:
        return False
    transcript = build(
        draw_id=row.draw_id,
        first=row.seats,
        pool=row.pool,
        contributions=contributions(unit, row),
        beacon=None,
        is_beacon_waived_by_notice=True,
        checkpoint=checkpoint,
    )
    row.transcript, row.drawn_at = transcript.text, unit.at
    told = e.CommitteeDrawn(lot_id, row.draw_id, transcript.text, transcript.seed)
    unit.transition(row, DrawTrigger.DRAW, cases.public_stream(lot_id), told)
    committee.fill_seats(unit, case, row)
    return True


def contributions(unit: Unit, row: CommitteeDraw) -> Mapping[str, str]:
    rows = unit.session.scalars(select(DrawContribution).where(DrawContribution.draw_row_id == row.id))
    return {one.contributor: one.value for one in rows}


def covering_checkpoint(unit: Unit, entry_id: str) -> str | None:
    """``<size> <root base64>`` of the first published checkpoint over this entry; None while there is none.

    The first, not any: nobody may wait for one whose root suits.
    """
    index = leaf_index_of(unit, entry_id)
    state = unit.session.get(LogState, STATE_ROW)
    if index is None or state is None:
        return None
    query = select(LogCheckpoint).where(LogCheckpoint.size > index, LogCheckpoint.size <= state.published_size)
    if state.needs_cosigner:
        query = query.where(LogCheckpoint.cosigned_at.is_not(None))
    found = unit.session.scalar(query.order_by(LogCheckpoint.size).limit(1))
    return f"{found.size} {base64.b64encode(found.root).decode()}" if found is not None else None


def redo(row: CommitteeDraw, offered: list[str]) -> Replay:
    """Replay from what is published. ``offered``: blinded ids as they were asked or passed over, in order.

    Raises TranscriptMalformed, PoolMismatch.
    """
    ranking = replay(row.transcript, row.pool)
    return Replay(ranking, is_equal=list(ranking.order[: len(offered)]) == offered)
