"""Everything one bundle says, taken from the journal and the log in one reading.

The public tier holds what is public once the opening is over, and the records of bids that were opened. Halves of
bidders (``r_bid``), further parts and withdrawn bids are in the regulator's tier alone.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, TypeVar

from sqlalchemy import select

from accounts.models import OrganisationKey
from accounts.states import KeyPurpose
from bid_opening import facade as opening
from bid_opening.models import ReleasedShare
from bid_opening.services import rooms
from bid_opening.states import Phase
from centre.bundles.errors import BundleNotReady, SignerUnknown
from foundation import canonical
from foundation.clock import iso
from foundation.draws import Transcript
from foundation.events import Event
from foundation.events import bid_opening as e
from foundation.events.evaluation import CommitteeDrawn, ExpertPoolFixed
from foundation.events.keyholding import GateKeyReleased, KeysetCompleted
from foundation.events.tendering import BidSealed, BidVoided, BidWithdrawn
from foundation.journal import JournalEntry, read_stream
from foundation.publication.extracts import LogExtract
from foundation.publication.policy import log_policy
from foundation.publication.stamping import stamp_of
from foundation.runtime import Runtime
from foundation.sealing import Manifest
from foundation.sealing.suite import load_public, verifies
from foundation.store.unit import Unit
from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.notes import Note
from keyholding import facade as keyholding
from keyholding.models import LotKeyset
from tendering import facade as tendering

FORMAT: Final = "etender-bundle/v1"
PRICES: Final = "price_schedule"
E = TypeVar("E", bound=Event)


class Tier(StrEnum):
    """Whom a bundle is for."""

    PUBLIC = "public"
    REGULATOR = "regulator"


@dataclass(frozen=True)
class Gathered:
    """Small files by name, the log's lines still to be read, and ciphertext still in the store."""

    lot_id: str
    size: int
    """Leaves of the tree everything is proven in."""
    files: dict[str, bytes]
    log: LogExtract
    named_sizes: tuple[int, ...]
    ciphertext: dict[str, tuple[tendering.LiveBid, str, int]] = field(repr=False)


class _Told:
    """What the lot's public streams tell, in order."""

    def __init__(self, unit: Unit, streams: Mapping[str, str]) -> None:
        self.events = [
            entry.event for stream in streams for entry in read_stream(unit.session, stream, limit=1_000_000)
        ]

    def all(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def last(self, kind: type[E]) -> E:
        return self.all(kind)[-1]


def gather(unit: Unit, runtime: Runtime, lot_id: str, tier: Tier) -> Gathered:
    """Read everything for one bundle.

    Raises NotFound (no such lot), BundleNotReady before the opening record is issued, NotYetProved while the log does
    not cover everything yet.
    """
    card = tendering.lot_card(unit, lot_id)
    if opening.phase_of(unit, lot_id) is not Phase.CLOSED or not opening.result_of(unit, lot_id).record_sha256:
        raise BundleNotReady(what="bundle")
    keysets = unit.session.scalars(select(LotKeyset.id).where(LotKeyset.lot_id == lot_id)).all()
    streams = {f"lot:{lot_id}": "lot", f"room:{lot_id}": "room"} | {f"keyset:{one}": "keyset" for one in keysets}
    told = _Told(unit, streams)
    bids = {bid.bid: bid for bid in tendering.live_bids(unit, lot_id)}
    log = LogExtract(unit, list(streams), _records(unit, lot_id, tier, {bid.org_id for bid in bids.values()}))
    keyset = _keyset(unit, lot_id, told)
    files = {
        "policy.txt": log_policy(runtime).encode(),
        "keyset.json": keyset.json.encode(),
        "log/checkpoint": log.extract.checkpoint.encode(),
        "tender.json": _tender(unit, runtime, card, tier, told, bids, log.extract.streams),
        "opening.jsonl": _opening(told),
        "price-schedule-keys.jsonl": _lines({one.bid: one.part_key for one in told.all(e.PriceDecrypted)}, "part_key"),
        **_papers(bids),
        **{f"gate/{one.index}.key": f"{one.private_key}\n".encode() for one in told.all(GateKeyReleased)},
        **_draws(told),
        **_beacons(told),
    }
    stamp = _stamp(unit, lot_id, log.extract.size)
    files |= stamp
    if tier is Tier.REGULATOR:
        files["r-bid.jsonl"] = _lines(_halves(unit, lot_id), "r_bid")
    return Gathered(lot_id, log.extract.size, files, log, _named_sizes(told, stamp), _ciphertext(bids, tier))


def _keyset(unit: Unit, lot_id: str, told: _Told) -> KeysetCompleted:
    """The key set that counts, as the log has it."""
    card = keyholding.keyset_of(unit, lot_id)
    found = [one for one in told.all(KeysetCompleted) if card is not None and one.hash == card.hash]
    if not found:
        raise BundleNotReady(what="bundle")
    return found[-1]


def _records(unit: Unit, lot_id: str, tier: Tier, opened_orgs: set[str]) -> list[str]:
    """Ids of the private entries that are opened: all of the lot for the regulator, else those of frozen bids."""
    rows = unit.session.execute(
        select(JournalEntry.id, JournalEntry.stream).where(
            JournalEntry.stream.startswith(f"bid:{lot_id}:", autoescape=True),
            JournalEntry.type.in_((BidSealed.TYPE, BidWithdrawn.TYPE, BidVoided.TYPE)),
        )
    )
    public = {f"bid:{lot_id}:{org}" for org in opened_orgs}
    return [entry for entry, stream in rows if tier is Tier.REGULATOR or stream in public]


def _tender(
    unit: Unit,
    runtime: Runtime,
    card: tendering.LotCard,
    tier: Tier,
    told: _Told,
    bids: Mapping[str, tendering.LiveBid],
    streams: Mapping[str, int],
) -> bytes:
    if card.deadline_at is None:
        raise BundleNotReady(what="bundle")
    rows = [
        {
            "bid": one.bid,
            "bidder": one.uscc,
            "org": one.org_id,
            "name": one.name,
            "seat": one.seat,
            "signing_key": _signer(unit, bids[one.bid]),
        }
        for one in told.last(e.ListPublished).bidders
    ]
    value: dict[str, Any] = {
        "format": FORMAT,
        "tier": tier.value,
        "clock": "demo" if runtime.settings.demo else "civil",
        "lot": card.id,
        "tender": card.tender_code,
        "lot_code": card.lot_code,
        "name": card.name,
        "suite": canonical.loads(told.last(KeysetCompleted).json, max_bytes=1 << 20)["suite"],
        "deadline_at": iso(card.deadline_at),
        "origin": runtime.log_key.name,
        "streams": dict(streams),
        "bids": rows,
    }
    return canonical.dumps(value).encode()


def _signer(unit: Unit, bid: tendering.LiveBid) -> str:
    """The registered key that signed this bid, also one retired since. Raises SignerUnknown."""
    keys = unit.session.scalars(
        select(OrganisationKey.public_key)
        .where(OrganisationKey.org_id == bid.org_id, OrganisationKey.purpose == KeyPurpose.SIGNING)
        .order_by(OrganisationKey.registered_at, OrganisationKey.id)
    )
    for key in keys:
        if verifies(load_public(bytes.fromhex(key)), bid.signature, bid.manifest):
            return key
    raise SignerUnknown(bid=bid.bid)


def _papers(bids: Mapping[str, tendering.LiveBid]) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    for bid, live in bids.items():
        files[f"headers/{bid}.json"] = live.header
        files[f"manifests/{bid}.txt"] = live.manifest
        files[f"manifests/{bid}.sig"] = _base64_line(live.signature)
    return files


def _opening(told: _Told) -> bytes:
    """The record, a line a seat, as it was read out."""
    closed = told.last(e.WindowClosed)
    outcomes = {bid: name for name in ("released", "escrowed", "missing") for bid in getattr(closed, name)}
    prices = {one.bid: one for one in told.all(e.PriceDecrypted)}
    faults = {one.bid: one.fault for one in told.all(e.BidUnreadable)}
    rows = []
    for one in told.last(e.ListPublished).bidders:
        price = prices.get(one.bid)
        rows.append(
            {
                "seat": one.seat,
                "bid": one.bid,
                "name": one.name,
                "bidder": one.uscc,
                "outcome": outcomes[one.bid],
                "total": price.total if price else "",
                "duration_days": price.duration_days if price else 0,
                "quality": price.quality if price else "",
                "project_manager": price.project_manager if price else "",
                "fault": faults.get(one.bid, ""),
            }
        )
    return b"".join(canonical.dumps(row).encode() + b"\n" for row in rows)


def _draws(told: _Told) -> dict[str, bytes]:
    """Transcripts and pools: coefficients by their name, the committee's by number."""
    files: dict[str, bytes] = {}
    for one in told.all(e.CoefficientDrawn):
        files[f"draws/{one.name}.txt"] = one.transcript.encode()
        files[f"draws/{one.name}.pool"] = _text_lines(one.pool)
    drawn = {one.draw: one for one in told.all(CommitteeDrawn)}
    for number, pool in enumerate(told.all(ExpertPoolFixed), 1):
        if pool.draw in drawn:
            files[f"draws/committee-{number}.txt"] = drawn[pool.draw].transcript.encode()
            files[f"draws/committee-{number}.pool"] = _text_lines(pool.pool)
    return files


def _beacons(told: _Told) -> dict[str, bytes]:
    """The announced beacon's value, where there is one, in the words of the transcripts."""
    rows = [{"chain": one.chain, "round": one.round, "signature": one.value} for one in told.all(e.BeaconReceived)]
    return {"beacons.json": canonical.dumps({"beacons": rows}).encode()} if rows else {}


def _stamp(unit: Unit, lot_id: str, log_size: int) -> dict[str, bytes]:
    """The outside time stamp over the frozen list, where there is one of a checkpoint within this bundle."""
    entry_id = rooms.entry_id_of(unit, lot_id, e.BidsFrozen)
    stamped = stamp_of(unit, entry_id) if entry_id is not None else None
    if stamped is None:
        return {}
    size = Checkpoint.parse(Note.parse(stamped.checkpoint).text).size
    return {f"tsa/{size}.tsr": stamped.response} if size <= log_size else {}


def _named_sizes(told: _Told, stamps: Iterable[str]) -> tuple[int, ...]:
    """Checkpoints that entries or stamps name: of the freeze, and of draws before the opening."""
    sizes = [one.tree_size for one in told.all(e.BidsFrozen)]
    sizes += [int(name.removeprefix("tsa/").removesuffix(".tsr")) for name in stamps]
    for drawn in told.all(CommitteeDrawn):
        checkpoint = Transcript.parse(drawn.transcript).checkpoint
        sizes.append(int(checkpoint.split(" ")[0]))
    return tuple(sorted(set(sizes)))


def _halves(unit: Unit, lot_id: str) -> dict[str, str]:
    rows = unit.session.scalars(select(ReleasedShare).where(ReleasedShare.lot_id == lot_id))
    return {row.bid: row.r_bid for row in rows}


def _ciphertext(bids: Mapping[str, tendering.LiveBid], tier: Tier) -> dict[str, tuple[tendering.LiveBid, str, int]]:
    """Name in the bundle → bid, part, bytes."""
    found = {}
    for bid, live in bids.items():
        for part in Manifest.parse(live.manifest).parts:
            if part.id == PRICES or tier is Tier.REGULATOR:
                found[f"parts/{bid}/{part.id}.cob"] = (live, part.id, part.size_bytes)
    return found


def _lines(values: Mapping[str, str], key: str) -> bytes:
    return b"".join(canonical.dumps({"bid": bid, key: values[bid]}).encode() + b"\n" for bid in sorted(values))


def _text_lines(values: tuple[str, ...]) -> bytes:
    return "".join(f"{value}\n" for value in values).encode()


def _base64_line(raw: bytes) -> bytes:
    return base64.b64encode(raw) + b"\n"
