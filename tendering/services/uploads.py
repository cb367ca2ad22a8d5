"""Ciphertext on its way: announced once, filled by segments in any order, days ahead if one likes.

Only the owner's organisation knows that an upload exists. A place once filled never takes other bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import ColumnElement, delete, exists, func, select
from sqlalchemy.dialects import postgresql, sqlite

from accounts import facade as accounts
from foundation.events.tendering import UploadStarted
from foundation.sealing import Suite, suite_named
from foundation.store.unit import Unit
from tendering import bid_access
from tendering.bid_errors import (
    SegmentDiffers,
    SegmentRefused,
    TooManyUploads,
    UploadClosed,
    UploadRefused,
    UploadUnverified,
)
from tendering.bid_rules import AnnouncedPart, HeldSegment, objections_to_upload, segment_size
from tendering.models import Lot, SealedBid, Segment, Upload
from tendering.states import LotState

UNFINISHED_MAX: Final = 20
"""Uploads of one organisation on one lot that did not become a bid."""

Held = dict[str, list[list[int]]]


def start_upload(unit: Unit, lot_id: str, parts: Sequence[AnnouncedPart]) -> str:
    """Announce the parts of a bid; returns the upload's id.

    Raises UploadClosed, UploadUnverified, TooManyUploads, UploadRefused (every reason listed).
    """
    lot, _ = bid_access.lot_to_bid(unit, lot_id)
    org_id = bid_access.bidder_of(unit.actor)
    _refuse_closed(lot)
    if not accounts.claim_is_verified(unit, org_id):
        raise UploadUnverified
    found = tuple(objections_to_upload(parts))
    if found:
        raise UploadRefused(objections=found)
    unsealed_own = select(func.count()).select_from(Upload).where(*_unsealed(lot_id), Upload.org_id == org_id)
    if (unit.session.scalar(unsealed_own) or 0) >= UNFINISHED_MAX:
        raise TooManyUploads(limit=UNFINISHED_MAX)
    row = Upload(
        id=unit.new_id(),
        lot_id=lot_id,
        org_id=org_id,
        parts=[{"id": part.id, "size": part.size_bytes, "segments": part.segments} for part in parts],
        created_at=unit.at,
    )
    unit.session.add(row)
    unit.session.flush()
    total = sum(part.size_bytes for part in parts)
    event = UploadStarted(lot=lot_id, org_id=org_id, upload=row.id, size_bytes=total)
    unit.append(bid_access.bid_stream(lot_id, org_id), event)
    return row.id


def held(unit: Unit, upload_id: str) -> Held:
    """Inclusive ranges of the stored segments, by part. Raises NotFound for somebody else's upload."""
    bid_access.own_upload(unit, upload_id)
    ranges: Held = {}
    for part, number in unit.session.execute(
        select(Segment.part, Segment.number)
        .where(Segment.upload_id == upload_id)
        .order_by(Segment.part, Segment.number)
    ):
        known = ranges.setdefault(part, [])
        if known and known[-1][1] == number - 1:
            known[-1][1] = number
        else:
            known.append([number, number])
    return ranges


def admit_segment(unit: Unit, upload_id: str, part: str, segment: HeldSegment) -> Suite | None:
    """The suite whose digest of these bytes is wanted; None when this very segment is stored already.

    Raises NotFound, UploadClosed, SegmentRefused, SegmentDiffers. Asked before a byte is read.
    """
    upload = bid_access.own_upload(unit, upload_id)
    lot = unit.session.get_one(Lot, upload.lot_id)
    _refuse_closed(lot)
    size_bytes = next((int(one["size"]) for one in upload.parts if one["id"] == part), 0)
    if not size_bytes or segment_size(size_bytes, segment.number) != segment.size_bytes:
        raise SegmentRefused(part=part[:40], number=segment.number)
    stored = unit.session.get(Segment, (upload_id, part, segment.number))
    if stored is None:
        return suite_named(lot.suite)
    if stored.sha256 != segment.sha256:
        raise SegmentDiffers(part=part, number=segment.number)
    return None


def record_segment(unit: Unit, upload_id: str, part: str, segment: HeldSegment) -> None:
    """Note a segment whose bytes are durable and match its digest. Twice is the same as once.

    Raises what ``admit_segment`` raises: the lot may have closed and the upload been discarded meanwhile.
    """
    if not admit_segment(unit, upload_id, part, segment):
        return
    values = {
        "upload_id": upload_id,
        "part": part,
        "number": segment.number,
        "size_bytes": segment.size_bytes,
        "sha256": segment.sha256,
        "leaf": segment.leaf,
        "stored_at": unit.at,
    }
    # Two connections may bring the same segment: the object store has made sure that it is the same.
    if unit.session.get_bind().dialect.name == "sqlite":
        unit.session.execute(sqlite.insert(Segment).values(values).on_conflict_do_nothing())
    else:
        unit.session.execute(postgresql.insert(Segment).values(values).on_conflict_do_nothing())


def held_segments(unit: Unit, upload_id: str) -> dict[str, list[HeldSegment]]:
    """The stored segments of an upload, by part."""
    found: dict[str, list[HeldSegment]] = {}
    for row in unit.session.scalars(select(Segment).where(Segment.upload_id == upload_id)):
        found.setdefault(row.part, []).append(HeldSegment(row.number, row.size_bytes, row.sha256, row.leaf))
    return found


def unsealed(unit: Unit, lot_id: str) -> list[str]:
    """Uploads of a lot that did not become a bid. For the platform's own clearing only."""
    return list(unit.session.scalars(select(Upload.id).where(*_unsealed(lot_id))))


def forget(unit: Unit, upload_ids: Iterable[str]) -> None:
    """Drop the rows of uploads whose bytes were deleted."""
    ids = list(upload_ids)
    unit.session.execute(delete(Segment).where(Segment.upload_id.in_(ids)))
    unit.session.execute(delete(Upload).where(Upload.id.in_(ids)))


def _unsealed(lot_id: str) -> tuple[ColumnElement[bool], ...]:
    return Upload.lot_id == lot_id, ~exists().where(SealedBid.upload_id == Upload.id)


def _refuse_closed(lot: Lot) -> None:
    if lot.state is not LotState.OPEN:
        raise UploadClosed(state=lot.state.value)


__all__ = [
    "UNFINISHED_MAX",
    "Held",
    "admit_segment",
    "forget",
    "held",
    "held_segments",
    "record_segment",
    "start_upload",
    "unsealed",
]
