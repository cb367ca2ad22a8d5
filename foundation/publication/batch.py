"""Step 1: committed journal entries become leaves, each exactly once, in one transaction.

Within a stream, entries of one audience get leaf indexes in the order of their numbers. A public entry does not wait
for a private one before it: the wait would be as long as the tick, and would tell that there is one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from foundation.events import Audience
from foundation.journal.models import JournalEntry
from foundation.machine import LostRace
from foundation.publication import ticks
from foundation.publication.entries import public_leaf
from foundation.publication.models import STATE_ROW, LogLeaf, LogNode, LogPlacement, LogState
from foundation.publication.tree import frontier_of, grow
from foundation.store.unit import Unit
from foundation.transparency.merkle import leaf_hash

PUBLIC_MAX: Final = 500
"""Public entries one transaction takes."""


@dataclass(slots=True)
class _Leaves:
    """Leaves on their way into the rows."""

    first: int
    leaves: list[dict[str, Any]] = field(default_factory=list)
    placements: list[dict[str, Any]] = field(default_factory=list)

    def add(self, entry: bytes, journal_entry_id: str | None) -> int:
        index = self.first + len(self.leaves)
        self.leaves.append(
            {
                "leaf_index": index,
                "entry": entry,
                "leaf_hash": leaf_hash(entry),
                "journal_entry_id": journal_entry_id,
            }
        )
        return index


def unpublished(session: Session, audience: Audience, limit: int) -> Sequence[JournalEntry]:
    """The publisher's work list; the partial index over ``leaf_index IS NULL`` keeps its cost apart from history."""
    return session.scalars(
        select(JournalEntry)
        .where(JournalEntry.leaf_index.is_(None), JournalEntry.audience == audience)
        .order_by(JournalEntry.recorded_at, JournalEntry.stream, JournalEntry.seq)
        .limit(limit)
    ).all()


def has_unpublished(session: Session, audience: Audience) -> bool:
    found = select(JournalEntry.id).where(JournalEntry.leaf_index.is_(None), JournalEntry.audience == audience)
    return session.scalar(found.limit(1)) is not None


def is_tick_due(unit: Unit, state: LogState | None, machine: datetime, tick_seconds: int) -> bool:
    """Whether this interval still lacks its tick and something asks for one."""
    if not ticks.is_open_interval(machine, tick_seconds, state.ticked_at if state else None):
        return False
    return ticks.must_tick(unit) or has_unpublished(unit.session, Audience.PRIVATE)


def take_batch(unit: Unit, *, machine: datetime, tick_seconds: int) -> bool:
    """Give leaf indexes to what waits; True when more public entries may be waiting.

    The row lock on the state (PostgreSQL; SQLite has one writer) lets two publishers pass one after the other, and the
    compare-and-swap on its size makes it impossible that both write the same indexes.
    """
    session = unit.session
    state = session.scalars(
        select(LogState).where(LogState.id == STATE_ROW).with_for_update().execution_options(populate_existing=True)
    ).one()
    if state.alarm is not None:
        return False
    new = _Leaves(state.size)
    ticked_at = state.ticked_at
    if is_tick_due(unit, state, machine, tick_seconds):
        ticked_at = ticks.interval_start(machine, tick_seconds)
        _add_tick(unit, new)
    waiting = unpublished(session, Audience.PUBLIC, PUBLIC_MAX)
    for row in waiting:
        row.leaf_index = new.add(public_leaf(row), row.id)
    if new.leaves:
        _write(session, state, new, ticked_at)
        unit.topics.add("log")
    return len(waiting) == PUBLIC_MAX


def _add_tick(unit: Unit, new: _Leaves) -> None:
    entry, placed = ticks.make_tick(unit, unpublished(unit.session, Audience.PRIVATE, ticks.ENTRIES_MAX))
    index = new.add(entry, None)
    for row, placement in placed:
        row.leaf_index = index
        new.placements.append(
            {
                "journal_entry_id": row.id,
                "leaf_index": index,
                "slot": placement.slot,
                "path": b"".join(placement.hashes),
            }
        )


def _write(session: Session, state: LogState, new: _Leaves, ticked_at: datetime | None) -> None:
    grown, nodes = grow(frontier_of(state), (leaf["leaf_hash"] for leaf in new.leaves))
    moved = session.execute(
        update(LogState)
        .where(LogState.id == STATE_ROW, LogState.size == new.first)
        .values(size=grown.size, frontier=[peak.hex() for peak in grown.peaks], ticked_at=ticked_at)
        .execution_options(synchronize_session=False)
    )
    if moved.rowcount != 1:  # type: ignore[attr-defined]
        raise LostRace(machine="log", state=str(new.first), trigger="grow")
    session.execute(insert(LogLeaf), new.leaves)
    if nodes:
        session.execute(
            insert(LogNode),
            [{"tile_level": level, "node_index": index, "node_hash": value} for level, index, value in nodes],
        )
    if new.placements:
        session.execute(insert(LogPlacement), new.placements)
    session.flush()
