"""D01 as a job: read every opened technical bid in a limited child, compare, tell. No file can stop it.

Bids are read one after the other, and none of their plaintext outlives its reading: what remains of a bid without an
alert is how it was read and its fingerprints.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import structlog
from sqlalchemy import select

from bid_opening import facade as bid_opening
from evaluation import facade as evaluation
from foundation.documents.errors import UnreadablePdf
from foundation.documents.reading import PdfFacts, read_pdf, read_tables
from foundation.errors import NotFound, Tampering
from foundation.runtime import Runtime
from foundation.storage.errors import ObjectMissing
from foundation.store.unit import Unit
from oversight import copied_text, detectors, evidence
from oversight.copied_text import BidText, Pair
from oversight.models import BidReading
from oversight.public_texts import public_grams
from oversight.services import scans
from oversight.services.alerts import raise_alert
from oversight.winnowing import Text, grams, hidden_marks, read, winnow
from tendering import facade as tendering

log = structlog.get_logger("oversight")
READ_SECONDS: Final = 60
"""Processor and wall clock for one bid: a thousand pages take two."""
BACKGROUND_BIDS: Final = 2_000
"""So many of the latest bids of earlier lots are background."""
TABLE_PAIRS: Final = 20
TOOLS: Final[Mapping[str, str]] = {
    "pypdfium2": version("pypdfium2"),
    "pdfplumber": version("pdfplumber"),
    "rules": detectors.VERSION,
}


@dataclass(frozen=True, slots=True)
class OpenedBid:
    """A bid of the lot that was opened, with its seat number."""

    live: tendering.LiveBid
    seat: int


@dataclass(frozen=True, slots=True)
class ReadBid:
    """How a bid was read. ``fault`` "" or the code that says why it can not be read; ``text`` is None then."""

    bid: OpenedBid
    sha256: str = ""
    facts: PdfFacts | None = None
    text: Text | None = None
    fault: str = ""
    fault_limit: str = ""
    prints_name: str = ""


def compare_lot(runtime: Runtime, lot_id: str) -> None:
    """Compare the technical bids of an opened lot. Run again, it tells nothing twice; done, it does nothing."""
    with runtime.units.read(scans.PLATFORM) as unit:
        scan = scans.scan_of(unit, lot_id, detectors.COPIED_TEXT)
        if scan is None or scan.finished_at is not None:
            return
        bids = _opened(unit, lot_id)
        files = tendering.published_files(unit, lot_id)
        card = tendering.lot_card(unit, lot_id)
    tender, unread_files = _tender_signs(runtime, files, card)
    readings = [_read(runtime, lot_id, one) for one in bids]
    texts = [BidText(one.bid.live.bid, one.bid.live.org_id, one.text) for one in readings if one.text is not None]
    with runtime.units.read(scans.PLATFORM) as unit:
        earlier = _earlier(unit, lot_id)
    pairs = copied_text.compare(
        texts, grams(tender), public_grams(), lambda wanted: _background(runtime, earlier, wanted)
    )
    by_bid = {one.live.bid: one for one in bids}
    found = [
        (pair, _equal_rows(runtime, lot_id, by_bid, pair, tender) if at < TABLE_PAIRS else [])
        for at, pair in enumerate(pairs)
    ]
    summary = {
        "bids": len(bids),
        "read": len(texts),
        "pairs": len(texts) * (len(texts) - 1) // 2,
        "pages": sum(one.facts.page_count for one in readings if one.facts is not None),
        "signs": sum(len(one.text.signs) for one in texts),
        "tender_files": len(files) - unread_files,
        "tender_files_unread": unread_files,
        "tender_signs": len(tender),
        "background_bids": len(earlier),
        "tools": dict(TOOLS),
    }
    with runtime.units.begin(scans.PLATFORM) as unit:
        row = scans.scan_of(unit, lot_id, detectors.COPIED_TEXT)
        if row is None or row.finished_at is not None:
            return
        for one in readings:
            _keep(unit, lot_id, one)
        raised = sum(_raise(unit, lot_id, by_bid, pair, rows) for pair, rows in found)
        scans.finish(unit, row, summary, bids=len(bids), unread=len(bids) - len(texts), alerts=raised)


def _opened(unit: Unit, lot_id: str) -> list[OpenedBid]:
    """By seat, so that the same lot always gives the same evidence."""
    seats = {one.bid: one.seat for one in bid_opening.result_of(unit, lot_id).bids if not one.fault}
    opened = [OpenedBid(one, seats[one.bid]) for one in tendering.live_bids(unit, lot_id) if one.bid in seats]
    return sorted(opened, key=lambda one: one.seat)


def _tender_signs(runtime: Runtime, files: Collection[str], card: tendering.LotCard) -> tuple[str, int]:
    """Everything bidders were given to read, as signs; and how many of the published files can not be read."""
    said = [card.project_name, card.name, card.tenderee_name, card.agency_name, card.quality]
    pages, unread = ["\n".join(said)], 0
    for name in files:
        try:
            pages += read_pdf(runtime.objects.get(name), seconds=READ_SECONDS).page_texts
        except (UnreadablePdf, ObjectMissing) as fault:
            unread += 1
            log.warning("tender_file_unreadable", lot=card.id, file=name, error=fault.code)
    return read(pages).signs, unread


def _read(runtime: Runtime, lot_id: str, bid: OpenedBid) -> ReadBid:
    sha256 = ""
    try:
        with evaluation.technical_file(runtime, lot_id, bid.live) as plain:
            sha256 = _digest(plain)
            facts = read_pdf(plain, seconds=READ_SECONDS)
    except UnreadablePdf as fault:
        return ReadBid(bid, sha256, fault=fault.code, fault_limit=str(fault.fields.get("limit", "")))
    except (NotFound, Tampering, ObjectMissing) as fault:
        log.warning("bid_not_read", lot=lot_id, error=fault.code)
        return ReadBid(bid, fault="oversight.part_missing" if isinstance(fault, NotFound) else "oversight.part_damaged")
    text = read(facts.page_texts)
    content = array("Q", sorted({value for _, value in winnow(text.signs)})).tobytes()
    name = f"oversight/prints/{hashlib.sha256(content).hexdigest()}.bin"
    runtime.objects.put_once(name, content)
    return ReadBid(bid, sha256, facts, text, prints_name=name)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _earlier(unit: Unit, lot_id: str) -> list[tuple[str, str]]:
    """(organisation, fingerprints) of the latest bids of other lots."""
    rows = unit.session.execute(
        select(BidReading.org_id, BidReading.prints_name)
        .where(BidReading.lot_id != lot_id, BidReading.prints_name != "")
        .order_by(BidReading.read_at.desc(), BidReading.id)
        .limit(BACKGROUND_BIDS)
    )
    return [(org_id, name) for org_id, name in rows]


def _background(
    runtime: Runtime, earlier: Collection[tuple[str, str]], wanted: Collection[int]
) -> dict[int, frozenset[str]]:
    """Who used these fingerprints in earlier lots."""
    known: dict[int, frozenset[str]] = {}
    asked = frozenset(wanted)
    for org_id, name in earlier if asked else ():
        kept = array("Q")
        kept.frombytes(runtime.objects.get(name))
        for value in asked.intersection(kept):
            known[value] = known.get(value, frozenset()) | {org_id}
    return known


def _equal_rows(
    runtime: Runtime, lot_id: str, bids: Mapping[str, OpenedBid], pair: Pair, tender: str
) -> list[dict[str, Any]]:
    """Rows of tables that both have, read only on the pages that carry evidence; none where tables can not be read."""
    read_rows = []
    for side, pages in zip((pair.first, pair.second), evidence.table_pages(pair), strict=True):
        try:
            with evaluation.technical_file(runtime, lot_id, bids[side.bid].live) as plain:
                tables = read_tables(plain, pages=pages)
        except UnreadablePdf as fault:
            log.warning("tables_unreadable", lot=lot_id, error=fault.code)
            return []
        read_rows.append([(table.page, row) for table in tables for row in table.rows])
    return evidence.equal_rows(read_rows[0], read_rows[1], tender)


def _keep(unit: Unit, lot_id: str, one: ReadBid) -> None:
    live = one.bid.live
    known = select(BidReading.id).where(BidReading.lot_id == lot_id, BidReading.bid == live.bid)
    if unit.session.scalar(known) is not None:
        return
    row = BidReading(
        id=unit.new_id(),
        lot_id=lot_id,
        bid=live.bid,
        org_id=live.org_id,
        sha256=one.sha256,
        pages=one.facts.page_count if one.facts else 0,
        signs=len(one.text.signs) if one.text else 0,
        fault=one.fault,
        fault_limit=one.fault_limit,
        image_pages=list(one.facts.image_pages) if one.facts else [],
        hidden_marks=hidden_marks(one.text.raw) if one.text else 0,
        is_cut=one.facts.is_cut if one.facts else False,
        prints_name=one.prints_name,
        read_at=unit.at,
    )
    unit.session.add(row)
    unit.session.flush()


def _raise(unit: Unit, lot_id: str, bids: Mapping[str, OpenedBid], pair: Pair, rows: list[dict[str, Any]]) -> bool:
    both = [bids[pair.first.bid], bids[pair.second.bid]]
    bidders = [
        {"org_id": one.live.org_id, "name": one.live.org_name, "bid": one.live.bid, "seat": str(one.seat)}
        for one in both
    ]
    if pair.severity is None:
        return False
    subject = "+".join(sorted((pair.first.bid, pair.second.bid)))
    told = evidence.of_pair(pair, rows, TOOLS)
    return raise_alert(unit, lot_id, detectors.COPIED_TEXT, subject, pair.severity, bidders, told)
