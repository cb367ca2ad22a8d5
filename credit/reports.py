"""Reports from openings: bids that two people attributed to their bidders (视为撤销). Nothing is recorded by itself.

An attribution is a fact of the journal; whether it becomes a record is for an authority to decide (R3.33, R7.16). Until
a record of that act and lot is entered the report stands on the desk's page, as the draft of one.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from accounts.facade import organisation
from credit import lots
from credit.acts import Act
from credit.models import CreditRecord
from credit.states import RecordState
from foundation.errors import NotFound
from foundation.events import bid_opening as e
from foundation.journal.models import JournalEntry
from foundation.journal.read import entry_of
from foundation.store.unit import Unit

REPORTS_MAX: Final = 100
BIDDER: Final = "bidder"


@dataclass(frozen=True, slots=True)
class OpeningReport:
    """What an opening found of one bidder. ``facts``: the reason that was published there."""

    entry_id: str
    uscc: str
    name: str
    act: Act
    lot_id: str
    lot_code: str
    lot_name: str
    facts: str
    found_at: datetime

    @property
    def document_reference(self) -> str:
        return f"/log/entries/{self.entry_id}"


def open_reports(unit: Unit) -> tuple[OpeningReport, ...]:
    """Reports without a record of their act and lot yet, newest first. The caller has checked who asks."""
    rows = unit.session.scalars(
        select(JournalEntry)
        .where(JournalEntry.type == e.FaultAttributed.TYPE)
        .order_by(JournalEntry.id.desc())
        .limit(REPORTS_MAX)
    )
    found = [report for row in rows if (report := _report(unit, row)) is not None]
    return tuple(one for one in found if not _is_recorded(unit, one))


def report_of(unit: Unit, entry_id: str) -> OpeningReport:
    """The report of one attribution. Raises NotFound for any other entry."""
    row = unit.session.get(JournalEntry, entry_id)
    found = _report(unit, row) if row is not None and row.type == e.FaultAttributed.TYPE else None
    if found is None:
        raise NotFound(what="report")
    return found


def _report(unit: Unit, row: JournalEntry) -> OpeningReport | None:
    told = entry_of(row).event
    if not isinstance(told, e.FaultAttributed) or told.culprit != BIDDER:
        return None
    lot, bidder = lots.lot_of_id(unit, told.lot), organisation(unit, told.org_id)
    return OpeningReport(
        entry_id=row.id,
        uscc=bidder.uscc,
        name=bidder.name,
        act=Act.BID_REVOKED,
        lot_id=told.lot,
        lot_code=lot.lot_code if lot is not None else "",
        lot_name=lot.name if lot is not None else "",
        facts=told.why,
        found_at=row.recorded_at,
    )


def _is_recorded(unit: Unit, report: OpeningReport) -> bool:
    known = select(CreditRecord.id).where(
        CreditRecord.uscc == report.uscc,
        CreditRecord.act == report.act,
        CreditRecord.lot_id == report.lot_id,
        CreditRecord.state != RecordState.DROPPED,
    )
    return unit.session.scalar(known.limit(1)) is not None
