"""When detectors look at a lot: ordered with the events of the opening, done once, told in the journal."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import select

from deposits import facade as deposits
from foundation.actor import system
from foundation.errors import NotFound
from foundation.events import oversight as e
from foundation.store.unit import Unit
from oversight import detectors, evidence, shared_payer
from oversight.detectors import Detector
from oversight.models import CollusionScan
from oversight.services.alerts import raise_alert
from oversight.severity import Severity
from tendering import facade as tendering
from tendering.states import LotState

PLATFORM: Final = system("oversight")
COMPARE: Final = "oversight.compare_texts"
LISTED: Final = (LotState.FROZEN, LotState.OPENED)


def stream_of(lot_id: str) -> str:
    """Private facts of oversight about a lot."""
    return f"oversight:{lot_id}"


def order(unit: Unit, lot_id: str, *, key: str = "") -> None:
    """Ask for the texts of the lot to be compared; nothing when they are. ``key`` asks again after a failed job."""
    row = scan_of(unit, lot_id, detectors.COPIED_TEXT)
    if row is None:
        _add(unit, lot_id, detectors.COPIED_TEXT)
    if row is None or row.finished_at is None:
        unit.enqueue(COMPARE, key or lot_id, {"lot": lot_id})


def scan_payers(unit: Unit, lot_id: str) -> None:
    """D12. From the freeze on, and again at the end of the opening: an alert is raised once (R6.12)."""
    bids = {one.org_id: one for one in tendering.live_bids(unit, lot_id)}
    payments = _payments(unit, lot_id)
    raised = 0
    for found in shared_payer.find(payments, bids):
        bidders = [{"org_id": one, "name": bids[one].org_name, "bid": bids[one].bid} for one in found.org_ids]
        raised += raise_alert(
            unit, lot_id, detectors.SHARED_PAYER, found.digest, Severity.RED, bidders, evidence.of_account(found)
        )
    row = scan_of(unit, lot_id, detectors.SHARED_PAYER) or _add(unit, lot_id, detectors.SHARED_PAYER)
    is_first = row.finished_at is None
    row.finished_at, row.summary = unit.at, {"bids": len(bids), "payments": len(payments)}
    unit.session.flush()
    if is_first or raised:
        tell(unit, lot_id, detectors.SHARED_PAYER, bids=len(bids), unread=0, alerts=raised)


def _payments(unit: Unit, lot_id: str) -> list[shared_payer.Payment]:
    try:
        rows = deposits.payer_accounts(unit, lot_id)
    except NotFound:  # deposits know of no such lot: nobody paid anything for it
        return []
    return [shared_payer.Payment(one.org_id, one.serial, one.holder, one.account_tail, one.digest) for one in rows]


def finish(unit: Unit, row: CollusionScan, summary: dict[str, Any], *, bids: int, unread: int, alerts: int) -> None:
    """The comparison of texts is done."""
    row.finished_at, row.summary = unit.at, summary
    unit.session.flush()
    tell(unit, row.lot_id, detectors.COPIED_TEXT, bids=bids, unread=unread, alerts=alerts)


def tell(unit: Unit, lot_id: str, detector: Detector, *, bids: int, unread: int, alerts: int) -> None:
    event = e.CollusionScanned(lot_id, detector.id, detectors.VERSION, bids, unread, alerts)
    unit.append(stream_of(lot_id), event)


def scan_of(unit: Unit, lot_id: str, detector: Detector) -> CollusionScan | None:
    return unit.session.scalar(
        select(CollusionScan).where(CollusionScan.lot_id == lot_id, CollusionScan.detector == detector.id)
    )


def _add(unit: Unit, lot_id: str, detector: Detector) -> CollusionScan:
    row = CollusionScan(
        id=unit.new_id(), lot_id=lot_id, detector=detector.id, ordered_at=unit.at, finished_at=None, summary={}
    )
    unit.session.add(row)
    unit.session.flush()
    return row


def missed(unit: Unit) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(lots without a look at their payers, lots without a finished comparison): for the look-round."""
    done = select(CollusionScan.lot_id, CollusionScan.detector).where(CollusionScan.finished_at.is_not(None))
    seen = {(lot_id, detector) for lot_id, detector in unit.session.execute(done)}
    listed = tendering.lot_ids_in(unit, *LISTED)
    opened = tendering.lot_ids_in(unit, LotState.OPENED)
    return (
        tuple(one for one in listed if (one, detectors.SHARED_PAYER.id) not in seen),
        tuple(one for one in opened if (one, detectors.COPIED_TEXT.id) not in seen),
    )
