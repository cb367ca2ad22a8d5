"""The technical part of each opened bid, decrypted for the committee and shown under its code only.

The halves of the key are those the opening gathered; they stay in its tables. What is decrypted lies in the store under
the bid's id, which no expert learns before the lock.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy import select

from bid_opening.models import GateHalf, ReleasedShare
from bid_opening.services.holders import header_of
from evaluation import access
from evaluation.models import BidCode, ScoreSheet
from evaluation.services import cases
from foundation.errors import NotFound, Tampering
from foundation.runtime import Runtime
from foundation.sealing import Manifest, content_key, part_key
from foundation.sealing.opening import TEMPORARY_PREFIX, open_part
from foundation.storage.errors import ObjectMissing
from foundation.store.unit import Unit
from tendering import facade as tendering

log = structlog.get_logger("evaluation")
TASK: Final = "evaluation.open_bid_files"
PART: Final = "technical"


def object_name(lot_id: str, bid: str) -> str:
    return f"evaluations/{lot_id}/technical/{bid}.pdf"


def open_all(runtime: Runtime, lot_id: str) -> None:
    """Decrypt the technical part of every bid under a code. Done ones are left; a damaged one is passed over."""
    with runtime.units.read(cases.PLATFORM) as unit:
        under_code = set(unit.session.scalars(select(BidCode.bid).where(BidCode.lot_id == lot_id)))
        live = [bid for bid in tendering.live_bids(unit, lot_id) if bid.bid in under_code]
        shares = {r.bid: r.r_bid for r in unit.session.scalars(select(ReleasedShare).filter_by(lot_id=lot_id))}
        halves = {r.bid: r.r_gate for r in unit.session.scalars(select(GateHalf).filter_by(lot_id=lot_id))}
    for bid in live:
        if not runtime.objects.exists(object_name(lot_id, bid.bid)) and halves.get(bid.bid):
            _open(runtime, lot_id, bid, bytes.fromhex(shares[bid.bid]), bytes.fromhex(halves[bid.bid] or ""))


def _open(runtime: Runtime, lot_id: str, bid: tendering.LiveBid, r_bid: bytes, r_gate: bytes) -> None:
    manifest = Manifest.parse(bid.manifest)
    part = next((one for one in manifest.parts if one.id == PART), None)
    if part is None:
        return
    runtime.scratch_dir.mkdir(parents=True, exist_ok=True)
    plain = Path(runtime.scratch_dir) / f"technical-{bid.bid}"
    try:
        header = header_of(bid)
        key = part_key(content_key(header, r_bid, r_gate), PART)
        open_part(tendering.open_ciphertext(runtime.objects, bid, PART), part, key, header, plain)
        with plain.open("rb") as source:
            runtime.objects.put_stream(object_name(lot_id, bid.bid), iter(lambda: source.read(1 << 20), b""))
    except (Tampering, ObjectMissing) as fault:
        # The committee sees that this file can not be read; its other files and other bids are not held up.
        log.exception("technical_part_unreadable", lot=lot_id, code=fault.code)
    finally:
        plain.unlink(missing_ok=True)


@contextmanager
def technical_file(runtime: Runtime, lot_id: str, bid: tendering.LiveBid) -> Iterator[Path]:
    """The technical part of an opened bid, decrypted into the scratch folder and gone on leaving.

    Raises NotFound where the opening did not gather both halves or the bid has no such part; ObjectMissing and
    Tampering where the stored ciphertext is not what was sealed.
    """
    with runtime.units.read(cases.PLATFORM) as unit:
        share, half = unit.session.get(ReleasedShare, (lot_id, bid.bid)), unit.session.get(GateHalf, (lot_id, bid.bid))
    part = next((one for one in Manifest.parse(bid.manifest).parts if one.id == PART), None)
    if part is None or share is None or half is None or not half.r_gate:
        raise NotFound(what="part")
    runtime.scratch_dir.mkdir(parents=True, exist_ok=True)
    header = header_of(bid)
    key = part_key(content_key(header, bytes.fromhex(share.r_bid), bytes.fromhex(half.r_gate)), PART)
    # The prefix is the one a worker sweeps when it starts: a killed reader leaves nothing for long.
    handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=runtime.scratch_dir)
    os.close(handle)
    plain = Path(name)
    try:
        open_part(tendering.open_ciphertext(runtime.objects, bid, PART), part, key, header, plain)
        yield plain
    finally:
        plain.unlink(missing_ok=True)


def name_for(unit: Unit, lot_id: str, code: str) -> str:
    """Where the file under this code lies, for a member with a sheet; NotFound for everybody else."""
    seat = access.own_seat(unit, lot_id)
    bid = unit.session.scalar(select(BidCode.bid).where(BidCode.lot_id == lot_id, BidCode.code == code))
    if bid is None or unit.session.get(ScoreSheet, seat.id) is None:
        raise NotFound(what="file")
    return object_name(lot_id, bid)
