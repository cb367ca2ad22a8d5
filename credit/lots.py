"""What credit knows of a lot: its publication in the journal, because tendering stands above this package."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select

from foundation.events.tendering import LotPublished
from foundation.journal.models import JournalEntry
from foundation.journal.read import entry_of
from foundation.store.unit import Unit


@dataclass(frozen=True, slots=True)
class LotName:
    id: str
    lot_code: str
    name: str


def lot_of_code(unit: Unit, lot_code: str) -> LotName | None:
    """The published lot with this code; None where there is none."""
    rows = unit.session.scalars(
        select(JournalEntry).where(
            JournalEntry.type == LotPublished.TYPE, JournalEntry.data.contains(lot_code, autoescape=True)
        )
    )
    return next((found for found in map(_named, rows) if found is not None and found.lot_code == lot_code), None)


def lot_of_id(unit: Unit, lot_id: str) -> LotName | None:
    rows = unit.session.scalars(
        select(JournalEntry).where(JournalEntry.stream == f"lot:{lot_id}", JournalEntry.type == LotPublished.TYPE)
    )
    return next((found for found in map(_named, rows) if found is not None), None)


def _named(row: JournalEntry) -> LotName | None:
    event = entry_of(row).event
    return LotName(event.lot, event.lot_code, event.name) if isinstance(event, LotPublished) else None
