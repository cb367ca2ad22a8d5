"""Decrypt one bid's price schedule, outside any Unit; then put on record what it says, or why it can not be read.

A price schedule is small and is opened in memory: no plaintext touches a disk. Larger parts go through
``foundation.sealing.open_part`` into the scratch folder of the process (0700); what a crash leaves there half opened
is removed before the next worker takes its first job.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import structlog

from bid_opening import rules
from bid_opening.ceremony import Seat
from bid_opening.models import GateHalf, ReleasedShare
from bid_opening.services import holders, rooms
from bid_opening.services.clock import PLATFORM
from bid_opening.states import Phase
from foundation.errors import NotFound, Tampering
from foundation.runtime import Runtime
from foundation.sealing import Manifest, PriceSchedule, content_key, open_part_bytes, part_key, sweep_temporary
from foundation.sealing.errors import BadHeader, PriceScheduleMalformed
from foundation.sealing.price_schedule import MAX_BYTES, PART_ID
from foundation.storage.errors import ObjectMissing
from tendering import facade as tendering

log = structlog.get_logger("bid_opening")
LIMIT_BYTES: Final = MAX_BYTES + MAX_BYTES // 4
"""Ciphertext of a price schedule: its content and at most 12 % of padding."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What is needed to open one bid. The halves stay out of every text made of it."""

    seat: Seat
    bid: tendering.LiveBid
    r_bid: bytes = field(repr=False)
    r_gate: bytes | None = field(repr=False)
    gate_fault: str
    envelope_hash: str
    """As the freeze list has it, which is in the log: the stored manifest must still be that one."""


@dataclass(frozen=True, slots=True)
class Opened:
    """The schedule and the key anyone can check it with, or the fault that stands in the way."""

    schedule: PriceSchedule | None
    part_key: str = ""
    fault: str = ""


def sweep_scratch(runtime: Runtime) -> int:
    """Remove half opened plaintext that a killed worker left; how many files. One worker works on a data folder."""
    folder = runtime.scratch_dir
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder.chmod(0o700)
    return sweep_temporary(folder)


def unseal(runtime: Runtime, lot_id: str, bid: str) -> None:
    """Open one bid's price schedule. Idempotent: killed anywhere, it runs again and says the same once.

    Does nothing outside the phase after the draw; a reconvening asks for it again.
    """
    sealed = _load(runtime, lot_id, bid)
    if sealed is None:
        return
    opened = open_schedule(runtime, sealed)
    with runtime.units.begin(PLATFORM) as unit:
        state = rooms.locked(unit, lot_id)
        seat = state.seat_of_bid(bid)
        if state.phase is not Phase.PARAM_DRAWN or seat is None or seat not in state.unsettled:
            return
        if opened.schedule is None:
            rooms.apply(unit, lot_id, rules.name_unreadable(state, seat, opened.fault))
            return
        card = tendering.lot_card(unit, lot_id)
        events = rules.read_schedule(
            state, seat, opened.schedule, opened.part_key, ceiling=card.ceiling, duration_days=card.duration_days
        )
        rooms.apply(unit, lot_id, events)


def _load(runtime: Runtime, lot_id: str, bid: str) -> Sealed | None:
    with runtime.units.read(PLATFORM) as unit:
        state = rooms.state_of(unit, lot_id)
        seat = state.seat_of_bid(bid)
        if state.phase is not Phase.PARAM_DRAWN or seat is None or seat not in state.unsettled:
            return None
        share = unit.session.get_one(ReleasedShare, (lot_id, bid))
        half = unit.session.get_one(GateHalf, (lot_id, bid))
        live = tendering.own_bid(unit, lot_id, seat.org_id)
        if live is None or live.bid != bid:
            raise NotFound(what="bid")
        r_gate = bytes.fromhex(half.r_gate) if half.r_gate else None
        frozen = next(line for line in state.frozen if line.bid == bid)
        return Sealed(seat, live, bytes.fromhex(share.r_bid), r_gate, half.fault, frozen.envelope_hash)


def open_schedule(runtime: Runtime, sealed: Sealed) -> Opened:
    """Decrypt and parse. Every failure is named with whose doing it is; a store that is away raises Unavailable."""
    if sealed.r_gate is None:
        return Opened(None, fault=sealed.gate_fault)
    try:
        manifest = Manifest.parse(sealed.bid.manifest)
        if manifest.envelope_hash != sealed.envelope_hash:
            raise BadHeader(culprit="store", reason="manifest")
        header = holders.header_of(sealed.bid)
        part = manifest.part(PART_ID)
        key = part_key(content_key(header, sealed.r_bid, sealed.r_gate), PART_ID)
        source = tendering.open_ciphertext(runtime.objects, sealed.bid, PART_ID)
        content = open_part_bytes(source, part, key, header, limit_bytes=LIMIT_BYTES)
        return Opened(PriceSchedule.parse(content), part_key=key.hex())
    except PriceScheduleMalformed:
        return Opened(None, fault="bidder.schedule_malformed")
    except ObjectMissing:
        fault = "store.missing"
    except Tampering as error:
        culprit = str(error.fields.get("culprit", "store"))
        fault = f"{culprit}.{error.fields.get('reason', 'truncated')}"
    if fault.startswith("store."):
        # Our own store changed or lost bytes that we gave a receipt for: an alarm, not only a line in the record.
        log.error("sealed_bytes_damaged", bid=sealed.bid.bid, fault=fault)
    return Opened(None, fault=fault)
