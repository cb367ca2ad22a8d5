"""What later stages may ask of tendering, in business words. Cards are frozen; rows never leave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import or_, select

from accounts import facade as accounts
from foundation.actor import Actor
from foundation.errors import NotFound, NotPermitted
from foundation.events import tendering as e
from foundation.ids import OrgId
from foundation.money import Money
from foundation.sealing.manifest import Manifest
from foundation.storage import ObjectStore
from foundation.store.unit import Unit
from tendering.models import Document, Lot, PastDeal, Project, SealedBid
from tendering.opening_plan import PlannedOpening, PlannedSession, clashes_of, sessions_of
from tendering.queries.lot_page import DocumentRow
from tendering.queries.lot_page import documents_of as published_documents
from tendering.queries.opening_plan import openings_of_host
from tendering.queries.rehearsals import RehearsalEvidence, Rehearsed, rehearsal_evidence
from tendering.queries.statistics import Figures, KindFigures, Rate, figures, years_with_deals
from tendering.services.rehearsals import check_rehearsals
from tendering.states import BidState, LotState, LotTrigger
from tendering.stays import LotStayed, grounds_of, has_stay, lift_stay, place_stay, require_no_stay

__all__ = [
    "DocumentRow",
    "Figures",
    "KindFigures",
    "LiveBid",
    "LotCard",
    "LotStayed",
    "PlannedOpening",
    "PlannedSession",
    "Rate",
    "RehearsalEvidence",
    "Rehearsed",
    "SegmentReader",
    "SideLot",
    "belongs_to_host_side",
    "check_rehearsals",
    "clashes_of",
    "figures",
    "freeze",
    "grounds_of",
    "has_stay",
    "host_may_run",
    "lift_stay",
    "live_bids",
    "lot_card",
    "lot_ids_in",
    "lots_beside",
    "lots_bid_on",
    "lots_in",
    "lots_of_side",
    "mark_failed",
    "mark_opened",
    "names_of",
    "open_ciphertext",
    "openings_of_host",
    "own_bid",
    "place_stay",
    "published_documents",
    "published_files",
    "record_deal",
    "rehearsal_evidence",
    "require_no_stay",
    "segment_name",
    "sessions_of",
    "years_with_deals",
]


@dataclass(frozen=True, slots=True)
class LotCard:
    """A lot as other stages see it."""

    id: str
    project_id: str
    project_name: str
    number: int
    name: str
    state: LotState
    lot_code: str
    tender_code: str
    project_code: str
    unified_deal_code: str
    tenderee_org_id: str
    tenderee_name: str
    agency_org_id: str | None
    agency_name: str
    ceiling: Money
    deposit: Money
    published_at: datetime | None
    deadline_at: datetime | None
    checkin_opens_at: datetime | None
    duration_days: int
    quality: str
    validity_days: int
    method_id: str
    method_params: dict[str, Any]
    decrypt_minutes: int
    query_minutes: int
    confirm_minutes: int
    min_decrypted: int
    escrow_rule: str
    beacon: str
    freeze_grace_seconds: int
    common_failure_percent: int
    rulebook_id: str
    is_imported: bool
    is_guided: bool


@dataclass(frozen=True, slots=True)
class SideLot:
    """A lot with whose it is, as lists need it."""

    id: str
    name: str
    state: LotState
    deadline_at: datetime | None
    tenderee_org_id: str
    agency_org_id: str | None

    @property
    def host_org_id(self) -> str:
        """Who runs it: the agency, or the tenderee where there is none."""
        return self.agency_org_id or self.tenderee_org_id


@dataclass(frozen=True, slots=True)
class LiveBid:
    """The live sealed revision of one bidder, for the opening."""

    bid: str
    rev: int
    org_id: str
    org_name: str
    uscc: str
    envelope_hash: str
    header: bytes
    manifest: bytes
    signature: bytes
    upload_id: str
    entry_id: str
    received_at: datetime
    size_bytes: int


def lot_card(unit: Unit, lot_id: str) -> LotCard:
    """The lot, or NotFound."""
    row = unit.session.execute(select(Lot, Project).join(Project, Project.id == Lot.project_id).where(Lot.id == lot_id))
    found = row.one_or_none()
    if found is None:
        raise NotFound(what="lot")
    return _card(unit, *found)


def lots_in(unit: Unit, *states: LotState) -> tuple[LotCard, ...]:
    """Lots in these states, by deadline; imported ones are left out."""
    rows = unit.session.execute(
        select(Lot, Project)
        .join(Project, Project.id == Lot.project_id)
        .where(Lot.state.in_(states), Lot.is_imported.is_(False))
        .order_by(Lot.deadline_at, Lot.id)
    )
    return tuple(_card(unit, lot, project) for lot, project in rows)


def lot_ids_in(unit: Unit, *states: LotState) -> tuple[str, ...]:
    """The ids of all lots in these states; imported ones are left out."""
    query = select(Lot.id).where(Lot.state.in_(states), Lot.is_imported.is_(False)).order_by(Lot.id)
    return tuple(unit.session.scalars(query))


def lots_of_side(unit: Unit, org_id: str, *states: LotState) -> tuple[SideLot, ...]:
    """Lots in these states whose tenderee or agency the organisation is, by deadline; one query."""
    rows = unit.session.execute(
        select(Lot, Project)
        .join(Project, Project.id == Lot.project_id)
        .where(or_(Project.tenderee_org_id == org_id, Project.agency_org_id == org_id))
        .where(Lot.state.in_(states), Lot.is_imported.is_(False))
        .order_by(Lot.deadline_at, Lot.id)
    )
    return tuple(_side_lot(lot, project) for lot, project in rows)


def lots_bid_on(unit: Unit, org_id: str, *states: LotState) -> tuple[SideLot, ...]:
    """Lots in these states with a live bid of the organisation, by deadline. For that organisation alone (R1.05)."""
    rows = unit.session.execute(
        select(Lot, Project)
        .join(Project, Project.id == Lot.project_id)
        .join(SealedBid, SealedBid.lot_id == Lot.id)
        .where(SealedBid.org_id == org_id, SealedBid.state == BidState.SEALED, Lot.state.in_(states))
        .order_by(Lot.deadline_at, Lot.id)
    )
    return tuple(_side_lot(lot, project) for lot, project in rows)


def lots_beside(unit: Unit, lot_id: str) -> tuple[SideLot, ...]:
    """All lots of the lot's project in the order of their numbers, itself included; none for an unknown lot."""
    project_id = select(Lot.project_id).where(Lot.id == lot_id).scalar_subquery()
    rows = unit.session.execute(
        select(Lot, Project)
        .join(Project, Project.id == Lot.project_id)
        .where(Lot.project_id == project_id)
        .order_by(Lot.number, Lot.id)
    )
    return tuple(_side_lot(lot, project) for lot, project in rows)


def names_of(unit: Unit, lot_ids: Iterable[str]) -> dict[str, str]:
    """The names of lots, by id; one query."""
    rows = unit.session.execute(select(Lot.id, Lot.name).where(Lot.id.in_(list(lot_ids))))
    return dict(rows.all())


def host_may_run(unit: Unit, lot_id: str, actor: Actor) -> bool:
    """Whether the actor hosts this lot's opening: staff of its agency, or of the tenderee where there is none."""
    card = lot_card(unit, lot_id)
    host = card.agency_org_id or card.tenderee_org_id
    return actor.org_id == host and actor.has_role("agency", "tenderee")


def belongs_to_host_side(unit: Unit, lot_id: str, actor: Actor) -> bool:
    """Whether the actor works for the lot's tenderee or agency."""
    card = lot_card(unit, lot_id)
    return actor.org_id in {card.tenderee_org_id, card.agency_org_id} and actor.org_id is not None


def live_bids(unit: Unit, lot_id: str) -> Sequence[LiveBid]:
    """The live revisions, ordered by ``bid``: random, so the order tells nothing of arrival.

    Only once receiving has ended; before that nobody, the platform's own later stages included, learns of any bid.
    """
    state = unit.session.scalar(select(Lot.state).where(Lot.id == lot_id))
    if state not in {LotState.CLOSED, LotState.FROZEN, LotState.OPENED, LotState.FAILED}:
        raise NotPermitted(what="bids before the deadline")
    rows = unit.session.scalars(
        select(SealedBid).where(SealedBid.lot_id == lot_id, SealedBid.state == BidState.SEALED).order_by(SealedBid.bid)
    )
    return [_live(unit, row) for row in rows]


def sealed_bidders(unit: Unit, lot_id: str) -> tuple[OrgId, ...]:
    """Organisations with a live bid, by id: for messages to themselves, whose sender tells nobody who they are (R1.05).

    Raises NotPermitted for anybody but a process of the platform.
    """
    if unit.actor.is_signed_in or not unit.actor.has_role("system"):
        raise NotPermitted(what="bidders before the list is published")
    ids = select(SealedBid.org_id).where(SealedBid.lot_id == lot_id, SealedBid.state == BidState.SEALED).distinct()
    return tuple(OrgId(one) for one in sorted(unit.session.scalars(ids)))


def own_bid(unit: Unit, lot_id: str, org_id: str) -> LiveBid | None:
    """The asker's own live bid: its organisation may see it at any time. The caller passes the actor's organisation."""
    row = unit.session.scalar(
        select(SealedBid).where(
            SealedBid.lot_id == lot_id, SealedBid.org_id == org_id, SealedBid.state == BidState.SEALED
        )
    )
    return None if row is None else _live(unit, row)


def _side_lot(lot: Lot, project: Project) -> SideLot:
    return SideLot(lot.id, lot.name, lot.state, lot.deadline_at, project.tenderee_org_id, project.agency_org_id)


def _live(unit: Unit, row: SealedBid) -> LiveBid:
    card = accounts.organisation(unit, OrgId(row.org_id))
    return LiveBid(
        bid=row.bid,
        rev=row.rev,
        org_id=row.org_id,
        org_name=card.name,
        uscc=card.uscc,
        envelope_hash=row.envelope_hash,
        header=row.header,
        manifest=row.manifest,
        signature=row.signature,
        upload_id=row.upload_id,
        entry_id=row.entry_id,
        received_at=row.received_at,
        size_bytes=row.size_bytes,
    )


def segment_name(upload_id: str, part: str, number: int) -> str:
    """Name of one ciphertext segment in the object store."""
    return f"sealed/{upload_id}/{part}/{number:06d}"


class SegmentReader:
    """Reads one part's stored segments as one stream of bytes, one segment in memory at a time."""

    def __init__(self, objects: ObjectStore, upload_id: str, part: str, segments: int) -> None:
        self._blocks = self._segments(objects, upload_id, part, segments)
        self._rest = b""

    @staticmethod
    def _segments(objects: ObjectStore, upload_id: str, part: str, segments: int) -> Iterator[bytes]:
        for number in range(segments):
            yield objects.get(segment_name(upload_id, part, number))

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes; empty at the end."""
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return b""
            self._rest = block
        out, self._rest = self._rest[:size], self._rest[size:]
        return out


def open_ciphertext(objects: ObjectStore, bid: LiveBid, part: str) -> SegmentReader:
    """The stored ciphertext of one part of a bid."""
    from foundation.sealing.segments import SEGMENT_BYTES

    length = Manifest.parse(bid.manifest).part(part).size_bytes
    return SegmentReader(objects, bid.upload_id, part, -(-length // SEGMENT_BYTES))


def published_files(unit: Unit, lot_id: str) -> tuple[str, ...]:
    """Names in the store of everything published for the lot: notice, tender document, clarifications, in order."""
    rows = unit.session.scalars(
        select(Document).where(Document.lot_id == lot_id).order_by(Document.issued_at, Document.id)
    )
    return tuple(dict.fromkeys(row.object_name for row in rows))


def freeze(unit: Unit, lot_id: str) -> None:
    """The opening has fixed its list."""
    lot = _lot(unit, lot_id)
    unit.transition(lot, LotTrigger.FREEZE, f"lot:{lot_id}", e.LotFrozen(lot_id))


def mark_opened(unit: Unit, lot_id: str) -> None:
    """The opening has ended."""
    lot = _lot(unit, lot_id)
    unit.transition(lot, LotTrigger.OPEN, f"lot:{lot_id}", e.LotOpened(lot_id))


def mark_failed(unit: Unit, lot_id: str, cause: str) -> None:
    """流标."""
    lot = _lot(unit, lot_id)
    unit.transition(lot, LotTrigger.FAIL, f"lot:{lot_id}", e.LotFailed(lot_id, cause))


def record_deal(unit: Unit, lot_id: str, awardee_name: str, amount: Money, saved: Money, deal_on: date) -> None:
    """How the lot ended, for lists and statistics; told again it changes nothing.

    ``saved``: below the ceiling; ``deal_on``: the Beijing date.
    """
    if unit.session.get(PastDeal, lot_id) is not None:
        return
    deal = PastDeal(lot_id=lot_id, awardee_name=awardee_name, amount=amount, saved=saved, deal_on=deal_on)
    unit.session.add(deal)
    unit.session.flush()


def _lot(unit: Unit, lot_id: str) -> Lot:
    lot = unit.session.get(Lot, lot_id)
    if lot is None:
        raise NotFound(what="lot")
    return lot


def _card(unit: Unit, lot: Lot, project: Project) -> LotCard:
    tenderee = accounts.organisation(unit, OrgId(project.tenderee_org_id))
    agency = accounts.organisation(unit, OrgId(project.agency_org_id)) if project.agency_org_id else None
    lead = timedelta(minutes=lot.checkin_lead_minutes)
    return LotCard(
        id=lot.id,
        project_id=project.id,
        project_name=project.name,
        number=lot.number,
        name=lot.name,
        state=lot.state,
        lot_code=lot.lot_code,
        tender_code=project.tender_code,
        project_code=project.project_code,
        unified_deal_code=lot.unified_deal_code,
        tenderee_org_id=project.tenderee_org_id,
        tenderee_name=tenderee.name,
        agency_org_id=project.agency_org_id,
        agency_name=agency.name if agency else "",
        ceiling=lot.ceiling or Money(0),
        deposit=lot.deposit or Money(0),
        published_at=lot.published_at,
        deadline_at=lot.deadline_at,
        checkin_opens_at=lot.deadline_at - lead if lot.deadline_at else None,
        duration_days=lot.duration_days or 0,
        quality=lot.quality,
        validity_days=lot.validity_days,
        method_id=lot.method_id or "",
        method_params=lot.method_params or {},
        decrypt_minutes=lot.decrypt_minutes,
        query_minutes=lot.query_minutes,
        confirm_minutes=lot.confirm_minutes,
        min_decrypted=lot.min_decrypted,
        escrow_rule=lot.escrow_rule,
        beacon=lot.beacon,
        freeze_grace_seconds=lot.freeze_grace_seconds,
        common_failure_percent=lot.common_failure_percent,
        rulebook_id=lot.rulebook_id or "",
        is_imported=lot.is_imported,
        is_guided=lot.is_guided,
    )
