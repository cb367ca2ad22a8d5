"""Oversight listens to the opening: payers once the list is fixed, texts once the bids are open."""

from __future__ import annotations

from foundation.events.bid_opening import OpeningClosed
from foundation.events.tendering import LotFrozen
from foundation.jobs.registry import JobContext
from foundation.journal.consumers import consumer
from foundation.journal.heard import heard
from oversight.services import scans


@consumer("oversight.look_at_payers", on=LotFrozen)
def look_at_payers(context: JobContext) -> None:
    with context.runtime.units.begin(scans.PLATFORM) as unit:
        scans.scan_payers(unit, heard(unit.session, context, LotFrozen).event.lot)


@consumer("oversight.look_at_bids", on=OpeningClosed)
def look_at_bids(context: JobContext) -> None:
    """The bank's last notices may have come after the freeze: payers are looked at once more."""
    with context.runtime.units.begin(scans.PLATFORM) as unit:
        lot_id = heard(unit.session, context, OpeningClosed).event.lot
        scans.scan_payers(unit, lot_id)
        scans.order(unit, lot_id)
