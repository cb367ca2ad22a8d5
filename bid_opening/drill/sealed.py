"""Throw-away holders, custodians and bids of a drill: made by the code that makes real ones, forgotten afterwards."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from bid_opening.drill.cast import Bidder, Habit, Terms
from foundation.canonical import dumps
from foundation.entropy import Entropy
from foundation.sealing import (
    NO_ESCROW,
    NO_PREVIOUS,
    Group,
    Header,
    Holder,
    Keyset,
    Manifest,
    Part,
    PartSource,
    PriceSchedule,
    Role,
    Suite,
    content_key,
    generate_key,
    open_header,
    open_part_bytes,
    part_key,
    prove_possession,
    recover_from_escrow,
    recover_r_bid,
    recover_r_gate,
    seal,
    suite_named,
    unwrap_share,
    write_binding,
)
from foundation.sealing.price_schedule import MAX_BYTES, PART_ID
from foundation.sealing.suite import PrivateKey, public_bytes

HOLDERS: Final = 3
THRESHOLD: Final = 2
SIDES: Final = ("tenderee", "regulator", "discipline")


@dataclass(frozen=True, slots=True)
class DrillBid:
    """One sealed bid, as the centre would hold it, and the keys only its bidder has."""

    bid: str
    raw_header: bytes
    manifest: Manifest
    price_part: bytes
    opening_key: PrivateKey = field(repr=False)
    signing_key: PrivateKey = field(repr=False)

    @property
    def header(self) -> Header:
        return open_header(self.raw_header, self.manifest)


@dataclass(frozen=True, slots=True)
class DrillKeys:
    """The holders of a drill's key set."""

    keyset: Keyset
    gate: tuple[PrivateKey, ...] = field(repr=False)
    escrow: tuple[PrivateKey, ...] = field(repr=False)


def make_keys(terms: Terms) -> DrillKeys:
    """2 of 3 gate holders; 2 of 3 custodians unless the tender document has no escrow."""
    suite = suite_named(terms.suite)
    gate = tuple(generate_key(suite) for _ in range(HOLDERS))
    escrow = tuple(generate_key(suite) for _ in range(HOLDERS)) if terms.escrow_rule != "none" else ()
    keyset = Keyset(
        tender=terms.tender_code,
        lot=terms.lot_code,
        number=1,
        gate=Group(THRESHOLD, _holders(Role.GATE, gate, terms)),
        escrow=Group(THRESHOLD, _holders(Role.ESCROW, escrow, terms)) if escrow else NO_ESCROW,
        suite=suite,
    )
    return DrillKeys(keyset, gate, escrow)


def _holders(role: Role, keys: tuple[PrivateKey, ...], terms: Terms) -> tuple[Holder, ...]:
    return tuple(
        Holder(
            id=f"drill-{role.value}-{index}",
            side=SIDES[index],
            public_key=public_bytes(key.public_key()),
            proof=prove_possession(key, terms.tender_code, terms.lot_code, role),
        )
        for index, key in enumerate(keys)
    )


def seal_bid(terms: Terms, keys: DrillKeys, bidder: Bidder, entropy: Entropy) -> DrillBid:
    """Seal the bidder's price. Who has a dead key is left with another key than the one it sealed to."""
    suite: Suite = keys.keyset.suite
    sealed_to, signing_key = generate_key(suite), generate_key(suite)
    content = _schedule(terms, bidder)
    binding = write_binding(
        tender=terms.tender_code,
        lot=terms.lot_code,
        stage="single",
        bidder=bidder.org_id,
        bid=entropy.token(16).hex(),
        rev=1,
        prev=NO_PREVIOUS,
        keyset=keys.keyset.hash,
        parts=(Part(PART_ID, "开标一览表"),),
        created=terms.opens_at,
        suite=suite,
    )
    kept: dict[str, bytes] = {}

    @contextmanager
    def sink(part_id: str) -> Iterator[io.BytesIO]:
        out = io.BytesIO()
        yield out
        kept[part_id] = out.getvalue()

    sealed = seal(
        binding,
        keys.keyset,
        [public_bytes(sealed_to.public_key())],
        [PartSource(PART_ID, io.BytesIO(content), len(content))],
        sink,
        signing_key,
        entropy,
    )
    left_with = generate_key(suite) if bidder.habit is Habit.DEAD_KEY else sealed_to
    return DrillBid(binding.bid, sealed.header.raw, sealed.manifest, kept[PART_ID], left_with, signing_key)


def _schedule(terms: Terms, bidder: Bidder) -> bytes:
    value = {
        "v": 1,
        "currency": "CNY",
        "total": f"{Decimal(bidder.total_fen) / 100:.2f}",
        "duration_days": terms.duration_days or 180,
        "quality": "合格",
        "project_manager": f"演练经理 {bidder.number:02d}",
    }
    return dumps(value).encode()


def own_half(bid: DrillBid) -> bytes:
    """The bidder's half with the key it has. Raises WrongKey for a dead one."""
    return recover_r_bid(bid.header, bid.opening_key)


def escrowed_half(bid: DrillBid, keys: DrillKeys) -> bytes:
    """The bidder's half from as many custodians as are needed."""
    header = bid.header
    shares = {
        index: unwrap_share(header, keys.keyset, Role.ESCROW, index, keys.escrow[index]) for index in range(THRESHOLD)
    }
    return recover_from_escrow(header, keys.keyset, shares)


def gate_half(bid: DrillBid, keys: DrillKeys) -> bytes:
    """The gate's half from the first and the last holder: one silent holder must not matter."""
    return recover_r_gate(bid.header, keys.keyset, {0: keys.gate[0], HOLDERS - 1: keys.gate[HOLDERS - 1]}).r_gate


def open_price(bid: DrillBid, r_bid: bytes, r_gate: bytes) -> tuple[PriceSchedule, str]:
    """The schedule and the key of its part."""
    header = bid.header
    key = part_key(content_key(header, r_bid, r_gate), PART_ID)
    part = bid.manifest.part(PART_ID)
    content = open_part_bytes(io.BytesIO(bid.price_part), part, key, header, limit_bytes=MAX_BYTES)
    return PriceSchedule.parse(content), key.hex()
