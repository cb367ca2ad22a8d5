"""What an agent is asked to do now. Before the freeze nothing here says whether there are bids."""

from __future__ import annotations

import base64
from typing import Any, Final

from sqlalchemy import ColumnElement, and_, exists, not_, or_, select

from foundation import canonical
from foundation.events import public_projection
from foundation.journal import JournalEntry
from foundation.journal.read import entry_of
from foundation.sealing import Role
from foundation.store.unit import Unit
from keyholding.models import (
    EscrowBid,
    EscrowRequest,
    EscrowShare,
    GateKey,
    GateRequest,
    HolderSeat,
    KeysetMember,
    LotKeyset,
    Rehearsal,
    RehearsalShare,
)
from keyholding.states import KeysetState, RehearsalState

BIDS_IN_A_TASK: Final = 20
"""Headers are up to 64 KiB each; the next ones follow once these are answered."""
LEAF_TEXT: Final = 60_000
"""Longer events may stand in the log as a hash; their text then goes with the task."""


def tasks_of(unit: Unit, seat: HolderSeat) -> list[dict[str, Any]]:
    """Every open task of a seat as JSON values."""
    rows = unit.session.execute(
        select(KeysetMember, LotKeyset)
        .join(LotKeyset, LotKeyset.id == KeysetMember.keyset_id)
        .where(KeysetMember.seat_id == seat.id, _has_work())
        .order_by(LotKeyset.requested_at, LotKeyset.id)
    ).all()
    found: list[dict[str, Any]] = []
    for member, keyset in rows:
        about = {
            "keyset_id": keyset.id,
            "lot_id": keyset.lot_id,
            "tender": keyset.tender,
            "lot_code": keyset.lot_code,
            "suite": keyset.suite,
            "role": member.role.value,
            "index": member.index,
        }
        task = _task(unit, member, keyset)
        if task is not None:
            found.append(about | task)
    return found


def _has_work() -> ColumnElement[bool]:
    """Which places can have a task: a standing seat collects hundreds of lots, and its agent asks every second."""
    gate_asked = exists().where(GateRequest.keyset_id == LotKeyset.id)
    gate_given = exists().where(GateKey.keyset_id == LotKeyset.id, GateKey.index == KeysetMember.index)
    # Named outright: a subquery two levels deep would else count the member of *some* key set.
    answered = (
        exists()
        .where(
            EscrowShare.lot_id == EscrowBid.lot_id,
            EscrowShare.bid == EscrowBid.bid,
            EscrowShare.index == KeysetMember.index,
        )
        .correlate(EscrowBid, KeysetMember)
    )
    bid_waits = (
        exists()
        .where(EscrowRequest.keyset_id == LotKeyset.id, EscrowBid.lot_id == EscrowRequest.lot_id, not_(answered))
        .correlate(LotKeyset, KeysetMember)
    )
    return or_(
        and_(LotKeyset.state == KeysetState.COLLECTING, KeysetMember.public_key.is_(None)),
        LotKeyset.state == KeysetState.COMPLETE,
        and_(
            LotKeyset.state == KeysetState.REHEARSED,
            or_(
                and_(KeysetMember.role == Role.GATE, gate_asked, not_(gate_given)),
                and_(KeysetMember.role == Role.ESCROW, bid_waits),
            ),
        ),
    )


def _task(unit: Unit, member: KeysetMember, keyset: LotKeyset) -> dict[str, Any] | None:
    if keyset.state is KeysetState.COLLECTING:
        return {"kind": "make_key"} if member.public_key is None else None
    if keyset.state is KeysetState.COMPLETE:
        return _rehearsal_task(unit, member, keyset)
    return _gate_task(unit, member, keyset) if member.role is Role.GATE else _escrow_task(unit, member, keyset)


def _rehearsal_task(unit: Unit, member: KeysetMember, keyset: LotKeyset) -> dict[str, Any] | None:
    row = unit.session.scalar(
        select(Rehearsal).where(Rehearsal.keyset_id == keyset.id, Rehearsal.state == RehearsalState.RUNNING)
    )
    if row is None or row.header is None or unit.session.get(RehearsalShare, (row.id, member.seat_id)) is not None:
        return None
    return {
        "kind": "rehearse",
        "rehearsal_id": row.id,
        "keyset": keyset.json_text,
        "header": base64.b64encode(row.header).decode(),
    }


def _gate_task(unit: Unit, member: KeysetMember, keyset: LotKeyset) -> dict[str, Any] | None:
    asked = unit.session.get(GateRequest, keyset.lot_id)
    if asked is None or asked.keyset_id != keyset.id:
        return None
    if unit.session.get(GateKey, (keyset.lot_id, member.index)) is not None:
        return None
    return {"kind": "release_gate_key", "entry_id": asked.entry_id}


def _escrow_task(unit: Unit, member: KeysetMember, keyset: LotKeyset) -> dict[str, Any] | None:
    asked = unit.session.get(EscrowRequest, keyset.lot_id)
    if asked is None or asked.keyset_id != keyset.id:
        return None
    answered = select(EscrowShare.bid).where(EscrowShare.lot_id == keyset.lot_id, EscrowShare.index == member.index)
    bids = unit.session.scalars(
        select(EscrowBid)
        .where(EscrowBid.lot_id == keyset.lot_id, EscrowBid.bid.not_in(answered))
        .order_by(EscrowBid.bid)
        .limit(BIDS_IN_A_TASK)
    ).all()
    if not bids:
        return None
    return {
        "kind": "release_escrow_shares",
        "keyset": keyset.json_text,
        "published_entry_id": asked.published_entry_id,
        "frozen_entry_id": asked.frozen_entry_id,
        "list_entry_id": asked.list_entry_id,
        "ended_entry_id": asked.ended_entry_id,
        "long_entries": _long_entries(unit, asked),
        "bids": [_escrow_bid(one) for one in bids],
    }


def _escrow_bid(one: EscrowBid) -> dict[str, str]:
    return {
        "bid": one.bid,
        "header": base64.b64encode(one.header).decode(),
        "manifest": one.manifest.decode("ascii"),
        "request_entry_id": one.request_entry_id or "",
    }


def _long_entries(unit: Unit, asked: EscrowRequest) -> dict[str, Any]:
    """Public text of the entries that may not fit into a leaf, by entry id."""
    found: dict[str, Any] = {}
    for entry_id in (asked.frozen_entry_id, asked.list_entry_id):
        row = unit.session.get(JournalEntry, entry_id)
        if row is not None and len(row.data.encode()) > LEAF_TEXT:
            found[entry_id] = public_projection(entry_of(row).event)
    return canonical.loads(canonical.dumps(found), max_bytes=16 * 1024 * 1024) if found else {}
