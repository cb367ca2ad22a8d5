"""What a bidder sees of its own bids. Everything here asks for the actor's organisation first (R1.05)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from accounts import facade as accounts
from deposits import facade as deposits
from deposits.facade import DepositStatus
from foundation.draws import beacon_round
from foundation.events.tendering import DocumentDownloaded, LotCancelled, LotFailed, LotOpened
from foundation.journal.models import JournalEntry, JournalStream
from foundation.money import Money
from foundation.sealing import LastSealed
from foundation.store.unit import Unit
from keyholding import facade as keyholding
from keyholding.facade import KeysetCard
from tendering import bid_access
from tendering.access import LotAndProject
from tendering.bid_errors import KeysetBeingReplaced
from tendering.models import Lot, SealedBid, Subscription, Upload
from tendering.services.receipts import log_by, receipt_number
from tendering.services.seals import last_sealed, warnings_of
from tendering.states import BidState, LotState


@dataclass(frozen=True, slots=True)
class Revision:
    """One sealed revision of the own bid."""

    rev: int
    bid: str
    state: BidState
    received_at: datetime
    log_by: datetime
    size_bytes: int
    envelope_hash: str
    receipt_number: str
    withdrawn_at: datetime | None


@dataclass(frozen=True, slots=True)
class MyBid:
    """A line of "my bids": a lot the organisation has to do with, and how its bid stands."""

    lot_id: str
    lot_name: str
    lot_code: str
    lot_state: LotState
    deadline_at: datetime
    newest: Revision | None


@dataclass(frozen=True, slots=True)
class Workbench:
    """The five tasks of one bidder on one lot, with what each needs to know."""

    lot_id: str
    lot_name: str
    lot_code: str
    project_name: str
    tender_code: str
    tenderee_name: str
    agency_name: str
    lot_state: LotState
    published_at: datetime | None
    deadline_at: datetime
    ceiling: Money
    deposit: Money
    duration_days: int
    quality: str
    decrypt_minutes: int
    escrow_rule: str
    bidder_name: str
    bidder_uscc: str
    is_taking_bids: bool
    """Open, and the deadline has not come by the clock of this answer."""
    has_downloaded: bool
    is_verified: bool
    claim_state: str
    signing_keys: tuple[str, ...]
    revisions: tuple[Revision, ...]
    live: Revision | None
    warnings: tuple[str, ...]
    deposit_status: DepositStatus | None
    """None where the lot wants no deposit."""


@dataclass(frozen=True, slots=True)
class SealingFacts:
    """What a sealing client needs besides the addresses of this centre."""

    lot: str
    tender: str
    bidder: str
    bidder_name: str
    keyset: KeysetCard
    escrow_rule: str
    beacon: str
    beacon_round: int | None
    deadline_at: datetime
    is_taking_bids: bool
    is_verified: bool
    signing_keys: tuple[str, ...]
    last: LastSealed | None
    duration_days: int
    quality: str


@dataclass(frozen=True, slots=True)
class OwnReceipt:
    """The acknowledgement of a revision with the facts around it."""

    lot_id: str
    lot_name: str
    lot_code: str
    tender_code: str
    project_name: str
    lot_state: LotState
    deadline_at: datetime
    escrow_rule: str
    decrypt_minutes: int
    bidder_name: str
    bidder_uscc: str
    revision: Revision
    entry_id: str
    receipt: str
    warnings: tuple[str, ...]
    ended_at: datetime | None
    """When the opening ended, or the lot failed or was cancelled; None while it is to come or going on."""


def revision_of(row: SealedBid) -> Revision:
    return Revision(
        rev=row.rev,
        bid=row.bid,
        state=row.state,
        received_at=row.received_at,
        log_by=log_by(row.received_at),
        size_bytes=row.size_bytes,
        envelope_hash=row.envelope_hash,
        receipt_number=receipt_number(row.envelope_hash),
        withdrawn_at=row.withdrawn_at,
    )


def my_bids(unit: Unit) -> tuple[MyBid, ...]:
    """Lots the actor's organisation downloaded, follows, uploaded to or bid on; the nearest deadline first."""
    org_id = bid_access.bidder_of(unit.actor)
    ids = set(unit.session.scalars(select(SealedBid.lot_id).where(SealedBid.org_id == org_id)))
    ids |= set(unit.session.scalars(select(Upload.lot_id).where(Upload.org_id == org_id)))
    ids |= set(unit.session.scalars(select(Subscription.lot_id).where(Subscription.org_id == org_id)))
    open_lots = unit.session.scalars(select(Lot.id).where(Lot.state == LotState.OPEN, Lot.is_imported.is_(False)))
    streams = {bid_access.bid_stream(lot_id, org_id): lot_id for lot_id in open_lots}
    known = unit.session.scalars(select(JournalStream.stream).where(JournalStream.stream.in_(list(streams))))
    ids |= {streams[stream] for stream in known}
    newest: dict[str, SealedBid] = {}
    for row in unit.session.scalars(
        select(SealedBid).where(SealedBid.org_id == org_id, SealedBid.lot_id.in_(ids)).order_by(SealedBid.rev)
    ):
        newest[row.lot_id] = row
    lots = unit.session.scalars(select(Lot).where(Lot.id.in_(ids), Lot.is_imported.is_(False)))
    lines = [
        MyBid(
            lot_id=lot.id,
            lot_name=lot.name,
            lot_code=lot.lot_code,
            lot_state=lot.state,
            deadline_at=lot.deadline_at,
            newest=revision_of(newest[lot.id]) if lot.id in newest else None,
        )
        for lot in lots
        if lot.deadline_at is not None
    ]
    return tuple(sorted(lines, key=lambda line: (line.lot_state is not LotState.OPEN, line.deadline_at, line.lot_id)))


def workbench(unit: Unit, lot_id: str) -> Workbench:
    """Raises NotFound for a lot that is not published, NotPermitted for somebody who bids for nobody."""
    found = bid_access.lot_to_bid(unit, lot_id)
    lot, project = found
    org_id = bid_access.bidder_of(unit.actor)
    rows = tuple(revision_of(row) for row in bid_access.own_revisions(unit, lot_id))
    own = accounts.organisation(unit, org_id)
    agency = accounts.organisation(unit, project.agency_org_id).name if project.agency_org_id else ""
    return Workbench(
        lot_id=lot.id,
        lot_name=lot.name,
        lot_code=lot.lot_code,
        project_name=project.name,
        tender_code=project.tender_code,
        tenderee_name=accounts.organisation(unit, project.tenderee_org_id).name,
        agency_name=agency,
        lot_state=lot.state,
        published_at=lot.published_at,
        deadline_at=_deadline(lot),
        ceiling=lot.ceiling or Money(0),
        deposit=lot.deposit or Money(0),
        duration_days=lot.duration_days or 0,
        quality=lot.quality,
        decrypt_minutes=lot.decrypt_minutes,
        escrow_rule=lot.escrow_rule,
        bidder_name=own.name,
        bidder_uscc=own.uscc,
        is_taking_bids=_is_taking(unit, lot),
        has_downloaded=_has_downloaded(unit, lot_id, org_id),
        is_verified=own.is_verified,
        claim_state=own.claim_state,
        signing_keys=accounts.signing_keys(unit, org_id, lot.suite),
        revisions=rows,
        live=next((row for row in rows if row.state is BidState.SEALED), None),
        warnings=warnings_of(unit, found, org_id),
        deposit_status=deposits.own_status(unit, lot_id, org_id, lot.deposit) if lot.deposit else None,
    )


def sealing_facts(unit: Unit, lot_id: str) -> SealingFacts:
    """Everything to seal with. The same checks as ``workbench``."""
    lot, project = bid_access.lot_to_bid(unit, lot_id)
    org_id = bid_access.bidder_of(unit.actor)
    own = accounts.organisation(unit, org_id)
    keyset = keyholding.keyset_of(unit, lot_id)
    if keyset is None or keyset.state != "rehearsed":
        raise KeysetBeingReplaced
    return SealingFacts(
        lot=lot.lot_code,
        tender=project.tender_code,
        bidder=own.uscc,
        bidder_name=own.name,
        keyset=keyset,
        escrow_rule=lot.escrow_rule,
        beacon=lot.beacon,
        beacon_round=beacon_round(lot.deadline_at) if lot.beacon and lot.deadline_at else None,
        deadline_at=_deadline(lot),
        is_taking_bids=_is_taking(unit, lot),
        is_verified=own.is_verified,
        signing_keys=accounts.signing_keys(unit, org_id, lot.suite),
        last=last_sealed(bid_access.own_revisions(unit, lot_id)),
        duration_days=lot.duration_days or 0,
        quality=lot.quality,
    )


def own_receipt(unit: Unit, lot_id: str, rev: int | None = None) -> OwnReceipt:
    """The receipt of the live revision, of the newest one, or of ``rev``. Raises NotSealedYet."""
    found, row = sealed_with_lot(unit, lot_id, rev)
    lot, project = found
    own = accounts.organisation(unit, row.org_id)
    return OwnReceipt(
        lot_id=lot.id,
        lot_name=lot.name,
        lot_code=lot.lot_code,
        tender_code=project.tender_code,
        project_name=project.name,
        lot_state=lot.state,
        deadline_at=_deadline(lot),
        escrow_rule=lot.escrow_rule,
        decrypt_minutes=lot.decrypt_minutes,
        bidder_name=own.name,
        bidder_uscc=own.uscc,
        revision=revision_of(row),
        entry_id=row.entry_id,
        receipt=row.receipt,
        warnings=warnings_of(unit, found, row.org_id),
        ended_at=_ended_at(unit, lot.id),
    )


def sealed_with_lot(unit: Unit, lot_id: str, rev: int | None) -> tuple[LotAndProject, SealedBid]:
    """The own revision with its lot, for papers made inside this package."""
    return bid_access.lot_to_bid(unit, lot_id), bid_access.own_revision(unit, lot_id, rev)


def _is_taking(unit: Unit, lot: Lot) -> bool:
    return lot.state is LotState.OPEN and unit.at < _deadline(lot)


def _deadline(lot: Lot) -> datetime:
    if lot.deadline_at is None:
        raise AssertionError("a published lot has a deadline")
    return lot.deadline_at


def _ended_at(unit: Unit, lot_id: str) -> datetime | None:
    ends = (LotOpened.TYPE, LotFailed.TYPE, LotCancelled.TYPE)
    query = select(JournalEntry.recorded_at).where(JournalEntry.stream == f"lot:{lot_id}", JournalEntry.type.in_(ends))
    return unit.session.scalar(query.order_by(JournalEntry.seq.desc()).limit(1))


def _has_downloaded(unit: Unit, lot_id: str, org_id: str) -> bool:
    stream = bid_access.bid_stream(lot_id, org_id)
    entry = select(JournalEntry.id).where(JournalEntry.stream == stream, JournalEntry.type == DocumentDownloaded.TYPE)
    return unit.session.scalar(entry.limit(1)) is not None
