"""备份启封: custodians give their shares of frozen bids that were not released. Shares are secrets: never logged."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from foundation.events import Event
from foundation.events import bid_opening as opening
from foundation.events.keyholding import (
    EscrowShareRejected,
    EscrowSharesReleased,
    EscrowSharesRequested,
    EscrowWrapUnreadable,
)
from foundation.events.tendering import LotPublished
from foundation.journal import JournalEntry
from foundation.journal.read import entry_of
from foundation.sealing import Header, Role, matches_commit, open_header
from foundation.sealing import seat as seat_role
from foundation.sealing.manifest import Manifest
from foundation.store.unit import Unit
from keyholding import access
from keyholding.errors import EscrowNotAsked, EvidenceMissing, KeysetNotReady, NotYourKeyset
from keyholding.models import EscrowBid, EscrowRequest, EscrowShare, HolderSeat, KeysetMember, LotKeyset
from keyholding.services.gate import rehearsed_keyset


@dataclass(frozen=True, slots=True)
class EscrowWrapSet:
    """One bid to be opened by custodians: its header (base64) and the signed manifest that leads to the frozen list."""

    bid: str
    header_b64: str
    manifest: str


@dataclass(frozen=True, slots=True)
class GivenShare:
    """A custodian's answer for one bid: 33 bytes, or None and why (``fault``)."""

    bid: str
    share: bytes | None
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the answers: bids whose share fits, and bids whose share does not."""

    accepted: tuple[str, ...]
    rejected: tuple[str, ...]


def request_escrow(unit: Unit, lot_id: str, frozen_entry_id: str, bids: Sequence[EscrowWrapSet]) -> None:
    """Ask the custodians for their shares of these bids.

    The published list and the ended window are looked up beside the frozen list, in its stream. Idempotent; further
    bids may be added. Raises EvidenceMissing, KeysetNotReady.
    """
    row = rehearsed_keyset(unit, lot_id)
    if not row.n:
        raise KeysetNotReady(state="no_custodians")
    published = _newest(unit, f"lot:{lot_id}", LotPublished, lot_id)
    frozen = unit.session.get(JournalEntry, frozen_entry_id)
    if frozen is None or frozen.type != opening.BidsFrozen.TYPE:
        raise EvidenceMissing(wanted=opening.BidsFrozen.TYPE)
    listed = _latest(unit, frozen.stream, opening.ListPublished, lot_id)
    ended = _latest(unit, frozen.stream, opening.WindowEnded, lot_id)
    request = unit.session.get(EscrowRequest, lot_id)
    if request is None:
        request = EscrowRequest(
            lot_id=lot_id,
            keyset_id=row.id,
            published_entry_id=published or "",  # without one every agent refuses
            frozen_entry_id=frozen_entry_id,
            list_entry_id=listed,
            ended_entry_id=ended,
            requested_at=unit.at,
        )
        unit.session.add(request)
    request.ended_entry_id = ended
    unit.session.flush()
    requests = _confirmed_requests(unit, frozen.stream)
    added = [one for one in bids if unit.session.get(EscrowBid, (lot_id, one.bid)) is None]
    for one in added:
        header, manifest = base64.b64decode(one.header_b64, validate=True), one.manifest.encode()
        open_header(header, Manifest.parse(manifest))
        request_id = requests.get(one.bid)
        unit.session.add(
            EscrowBid(lot_id=lot_id, bid=one.bid, header=header, manifest=manifest, request_entry_id=request_id)
        )
    unit.session.flush()
    if added:
        names = tuple(one.bid for one in added)
        asked = EscrowSharesRequested(lot_id, row.id, (frozen_entry_id, listed, ended), names)
        unit.append(f"keyset:{row.id}", asked)


def _confirmed_requests(unit: Unit, stream: str) -> dict[str, str]:
    """Bid → entry of its confirmed request (R3.20); an agent asks to see it where escrow is on request."""
    rows = unit.session.scalars(
        select(JournalEntry)
        .where(JournalEntry.stream == stream, JournalEntry.type == opening.EscrowRequestConfirmed.TYPE)
        .order_by(JournalEntry.seq)
    )
    return {str(getattr(entry_of(row).event, "bid", "")): row.id for row in rows}


def _latest(unit: Unit, stream: str, kind: type[Event], lot_id: str) -> str:
    found = _newest(unit, stream, kind, lot_id)
    if found is None:
        raise EvidenceMissing(wanted=kind.TYPE)
    return found


def _newest(unit: Unit, stream: str, kind: type[Event], lot_id: str) -> str | None:
    rows = unit.session.scalars(
        select(JournalEntry)
        .where(JournalEntry.stream == stream, JournalEntry.type == kind.TYPE)
        .order_by(JournalEntry.seq.desc())
    )
    for row in rows:
        if getattr(entry_of(row).event, "lot", "") == lot_id:
            return row.id
    return None


def release_shares(unit: Unit, seat: HolderSeat, lot_id: str, given: Sequence[GivenShare]) -> Taken:
    """Take a custodian's shares; each is checked against its commitment, and a false one is put on record by name.

    Idempotent: a share that fits is kept, a false one may still be replaced by the right one.
    Raises EscrowNotAsked, NotYourKeyset.
    """
    request = unit.session.get(EscrowRequest, lot_id)
    if request is None:
        raise EscrowNotAsked
    row = access.locked_keyset(unit, request.keyset_id)
    member = access.member_of(unit, row.id, seat.id)
    if member.role is not Role.ESCROW:
        raise NotYourKeyset
    accepted, rejected, fresh = [], [], []
    for one in given:
        asked = unit.session.get(EscrowBid, (lot_id, one.bid))
        if asked is None:
            raise EscrowNotAsked
        held = unit.session.get(EscrowShare, (lot_id, one.bid, member.index))
        if held is not None and held.share:
            accepted.append(one.bid)
        elif one.share is not None and _fits(asked.header, member, one.share):
            _keep(unit, held, lot_id, member, one)
            accepted.append(one.bid)
            fresh.append(one.bid)
        else:
            rejected.append(one.bid)
            if held is None:
                _put_on_record(unit, row, member, one)
    if fresh:
        released = EscrowSharesReleased(lot_id, row.id, seat.id, member.index, member.holder_name, tuple(fresh))
        unit.append(f"keyset:{row.id}", released)
    return Taken(tuple(accepted), tuple(rejected))


def _fits(header: bytes, member: KeysetMember, share: bytes) -> bool:
    return matches_commit(Header.parse(header), seat_role(member.role, member.index), share)


def _keep(unit: Unit, held: EscrowShare | None, lot_id: str, member: KeysetMember, one: GivenShare) -> None:
    share = one.share.hex() if one.share is not None else ""
    if held is not None:
        held.share, held.fault, held.at = share, "", unit.at
    else:
        unit.session.add(
            EscrowShare(
                lot_id=lot_id,
                bid=one.bid,
                index=member.index,
                seat_id=member.seat_id,
                share=share,
                fault="",
                at=unit.at,
            )
        )
    unit.session.flush()


def _put_on_record(unit: Unit, row: LotKeyset, member: KeysetMember, one: GivenShare) -> None:
    cause = "commitment" if one.share is not None else one.fault[:40] or "wrap"
    unit.session.add(
        EscrowShare(
            lot_id=row.lot_id,
            bid=one.bid,
            index=member.index,
            seat_id=member.seat_id,
            share="",
            fault=cause,
            at=unit.at,
        )
    )
    unit.session.flush()
    kind = EscrowShareRejected if one.share is not None else EscrowWrapUnreadable
    event = kind(row.lot_id, row.id, member.seat_id, member.index, member.holder_name, one.bid, cause)
    unit.append(f"keyset:{row.id}", event)


def escrow_shares(unit: Unit, lot_id: str) -> Mapping[str, Mapping[int, str]]:
    """Shares that match their commitments: bid → seat → 66 hex digits."""
    rows = unit.session.scalars(
        select(EscrowShare)
        .where(EscrowShare.lot_id == lot_id, EscrowShare.share != "")
        .order_by(EscrowShare.bid, EscrowShare.index)
    )
    found: dict[str, dict[int, str]] = {}
    for row in rows:
        found.setdefault(row.bid, {})[row.index] = row.share
    return found
