"""The trace of one bid for a dispute: everything that happened to it, in order, each step with its evidence (R3.27).

Shown to the bidder itself at any time; to supervisors and the duty desk once the list of bidders is published, and
then of listed bids only. Before that nobody else learns that there is a bid (R1.05).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from accounts import facade as accounts
from foundation.clock import iso
from foundation.errors import NotFound, NotPermitted
from foundation.events import bid_opening as e
from foundation.events import tendering as t
from foundation.journal import JournalEntry, read_stream
from foundation.journal.read import Entry
from foundation.publication import proofs
from foundation.sealing import Header
from foundation.store.unit import Unit
from tendering import bid_access
from tendering.models import SealedBid, Segment
from tendering.queries.trace_steps import Place, TraceEvidence, TraceStep, of_lot, of_room, private_entry
from tendering.services.receipts import log_by, receipt_number
from tendering.states import BidState

EXAMINERS: Final = ("supervisor", "centre_staff")
"""Roles that see a listed bid's trace after the list is published."""
ALL: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class BidTrace:
    """One bidder's bid on one lot. ``bid`` is "" where nothing was ever sealed."""

    lot_id: str
    lot_name: str
    lot_code: str
    project_name: str
    bidder_name: str
    bidder_uscc: str
    bid: str
    deadline_at: datetime
    made_at: datetime
    is_own: bool
    steps: tuple[TraceStep, ...]

    def text(self, name: str) -> str:
        """A text of the evidence by its name. Raises NotFound."""
        for step in self.steps:
            for one in step.evidence:
                if one.name == name and one.text:
                    return one.text
        raise NotFound(what="evidence")


@dataclass(frozen=True, slots=True)
class ListedBid:
    """A bid of the published list, for whoever may look into it."""

    bid: str
    seat: int
    name: str


def listed_bids(unit: Unit, lot_id: str) -> tuple[ListedBid, ...]:
    """The published list, for examiners. Raises NotPermitted for others, NotFound before there is one."""
    if not unit.actor.has_role(*EXAMINERS):
        raise NotPermitted(what="trace")
    bid_access.lot_to_bid(unit, lot_id)
    return tuple(ListedBid(one.bid, one.seat, one.name) for one in _published_list(unit, lot_id).bidders)


def own_trace(unit: Unit, lot_id: str) -> BidTrace:
    """The trace of the asker's own bid. Raises NotFound, NotPermitted."""
    org_id = bid_access.bidder_of(unit.actor)
    return _trace(unit, lot_id, org_id, is_own=True)


def examined_trace(unit: Unit, lot_id: str, bid: str) -> BidTrace:
    """The trace of a listed bid. Raises NotPermitted for others; NotFound for a bid that is not on a published list."""
    for one in listed_bids(unit, lot_id):
        if one.bid == bid:
            row = unit.session.scalars(
                select(SealedBid).where(SealedBid.lot_id == lot_id, SealedBid.bid == bid)
            ).first()
            if row is not None:
                return _trace(unit, lot_id, row.org_id, is_own=False)
    raise NotFound(what="bid")


def _published_list(unit: Unit, lot_id: str) -> e.ListPublished:
    entry_id = unit.session.scalar(
        select(JournalEntry.id).where(
            JournalEntry.stream == f"room:{lot_id}", JournalEntry.type == e.ListPublished.TYPE
        )
    )
    if entry_id is None:
        raise NotFound(what="lot")
    told = [entry.event for entry in read_stream(unit.session, f"room:{lot_id}", limit=ALL)]
    return next(event for event in told if isinstance(event, e.ListPublished))


def _trace(unit: Unit, lot_id: str, org_id: str, *, is_own: bool) -> BidTrace:
    lot, project = bid_access.lot_to_bid(unit, lot_id)
    if lot.deadline_at is None:
        raise NotFound(what="lot")
    revisions = unit.session.scalars(
        select(SealedBid).where(SealedBid.lot_id == lot_id, SealedBid.org_id == org_id).order_by(SealedBid.rev)
    ).all()
    own = accounts.organisation(unit, org_id)
    steps = [
        *_own_steps(unit, lot_id, org_id, revisions),
        *_shared_steps(unit, lot_id, revisions),
    ]
    return BidTrace(
        lot_id=lot.id,
        lot_name=lot.name,
        lot_code=lot.lot_code,
        project_name=project.name,
        bidder_name=own.name,
        bidder_uscc=own.uscc,
        bid=revisions[-1].bid if revisions else "",
        deadline_at=lot.deadline_at,
        made_at=unit.at,
        is_own=is_own,
        steps=tuple(sorted(steps, key=lambda step: step.sort_at)),
    )


def _shared_steps(unit: Unit, lot_id: str, revisions: Sequence[SealedBid]) -> Iterator[TraceStep]:
    """What was told publicly of the lot and its opening, as far as it concerns this bid."""
    for entry in read_stream(unit.session, f"lot:{lot_id}", limit=ALL):
        if step := of_lot(entry):
            yield step
    room = read_stream(unit.session, f"room:{lot_id}", limit=ALL)
    live = next((row for row in revisions if row.state is BidState.SEALED), None)
    newest = live or (revisions[-1] if revisions else None)
    bid = newest.bid if newest else ""
    listed = [one for entry in room if isinstance(entry.event, e.ListPublished) for one in entry.event.bidders]
    place = Place(bid, next((one.seat for one in listed if one.bid == bid), None))
    for entry in room:
        step = of_room(entry, place, had_live_bid=live is not None) if bid else None
        if step is None:
            continue
        if step.kind in {"released", "escrow_opened"} and live is not None:
            commitment = TraceEvidence("commitment", Header.parse(live.header).commit.bidder)
            step = TraceStep(step.kind, step.at, step.sort_at, step.tone, step.params, (commitment, *step.evidence))
        yield step


def _own_steps(unit: Unit, lot_id: str, org_id: str, revisions: Sequence[SealedBid]) -> Iterator[TraceStep]:
    """What is told in the bidder's own stream."""
    rows = {(row.bid, row.rev): row for row in revisions}
    for entry in read_stream(unit.session, bid_access.bid_stream(lot_id, org_id), limit=ALL):
        match entry.event:
            case t.UploadStarted(upload=upload, size_bytes=size):
                yield TraceStep("upload_started", entry.at, entry.at, "info", {"size": size}, (private_entry(entry),))
                yield from _segments(unit, upload, entry)
            case t.SealRefused(received_at=received, codes=codes):
                reasons = {"received": received, "codes": tuple(codes)}
                yield TraceStep("refused", received, received, "bad", reasons, (private_entry(entry),))
            case t.BidSealed(bid=bid, rev=rev) if (bid, rev) in rows:
                yield from _sealed(unit, entry, rows[bid, rev])
            case t.BidWithdrawn(rev=rev, withdrawn_at=at):
                yield TraceStep("withdrawn", at, at, "warn", {"rev": rev}, (private_entry(entry),))
            case t.BidVoided(rev=rev, keyset=keyset, voided_at=at):
                evidence = (TraceEvidence("keyset", keyset), private_entry(entry))
                yield TraceStep("voided", at, at, "warn", {"rev": rev}, evidence)
            case t.BidRehearsed(rev=rev):
                yield TraceStep("rehearsed", entry.at, entry.at, "ok", {"rev": rev}, (private_entry(entry),))
            case t.RehearsalChecked(rev=rev, outcome=outcome):
                tone = "ok" if outcome == "right" else "bad"
                yield TraceStep(f"rehearsal_{outcome}", entry.at, entry.at, tone, {"rev": rev}, (private_entry(entry),))
            case e.BidderCheckedIn():
                yield TraceStep("checked_in", entry.at, entry.at, "ok", {}, (private_entry(entry),))


def _segments(unit: Unit, upload_id: str, entry: Entry) -> Iterator[TraceStep]:
    """The segments as they were stored: each digest was compared with the announced one before a byte counted."""
    rows = unit.session.scalars(
        select(Segment).where(Segment.upload_id == upload_id).order_by(Segment.part, Segment.number)
    ).all()
    if not rows:
        return
    lines = "".join(f"{row.part} {row.number} {row.size_bytes} {row.sha256} {iso(row.stored_at)}\n" for row in rows)
    last = max(row.stored_at for row in rows)
    params = {
        "count": len(rows),
        "size": sum(row.size_bytes for row in rows),
        "first": min(row.stored_at for row in rows),
        "last": last,
    }
    digest = hashlib.sha256(lines.encode()).hexdigest()
    evidence = TraceEvidence("segments", digest, f"segments-{upload_id}.txt", lines)
    yield TraceStep("segments", last, max(last, entry.at), "ok", params, (evidence,))


def _sealed(unit: Unit, entry: Entry, row: SealedBid) -> Iterator[TraceStep]:
    """Received, acknowledged, in the log; and what it took the place of."""
    at = row.received_at
    manifest = TraceEvidence("envelope", row.envelope_hash, f"manifest-{row.rev}.txt", row.manifest.decode("ascii"))
    params = {"rev": row.rev, "size": row.size_bytes}
    kind = "sealed" if row.rev == 1 else "replaced"
    yield TraceStep(kind, at, at, "ok", params | {"before": row.rev - 1}, (manifest, private_entry(entry)))
    number = receipt_number(row.envelope_hash)
    note = TraceEvidence("receipt", number, f"receipt-{row.rev}.note", row.receipt)
    yield TraceStep("acknowledged", at, at, "ok", {"rev": row.rev, "log_by": log_by(at)}, (note,))
    proof = proofs.proof_of_entry(unit, row.entry_id)
    if proof is None:
        tone = "bad" if unit.at > log_by(at) else "info"
        kind = "log_overdue" if tone == "bad" else "log_awaited"
        yield TraceStep(kind, None, at, tone, {"rev": row.rev, "log_by": log_by(at)})
        return
    evidence = (
        TraceEvidence("proof", str(proof.leaf_index), f"proof-{row.rev}.tlog-proof", proof.tlog_proof),
        TraceEvidence(
            "record", hashlib.sha256(proof.entry_text.encode()).hexdigest(), f"record-{row.rev}.json", proof.entry_text
        ),
    )
    kind = "in_log_cosigned" if proof.is_cosigned else "in_log"
    yield TraceStep(kind, at, at, "ok", {"rev": row.rev, "leaf": proof.leaf_index}, evidence)


def as_json(trace: BidTrace) -> str:
    """The whole trace, with every text, for archives and programs."""
    value = {
        "format": "etender-bid-trace/v1",
        "lot": trace.lot_id,
        "lot_code": trace.lot_code,
        "lot_name": trace.lot_name,
        "bidder": trace.bidder_uscc,
        "bidder_name": trace.bidder_name,
        "bid": trace.bid,
        "deadline_at": iso(trace.deadline_at),
        "made_at": iso(trace.made_at),
        "steps": [
            {
                "kind": step.kind,
                "at": iso(step.at) if step.at else None,
                "tone": step.tone,
                "facts": {key: iso(one) if isinstance(one, datetime) else one for key, one in step.params.items()},
                "evidence": [
                    {
                        key: one
                        for key, one in (
                            ("kind", found.kind),
                            ("value", found.value),
                            ("name", found.name),
                            ("text", found.text),
                            ("url", found.url),
                        )
                        if one
                    }
                    for found in step.evidence
                ],
            }
            for step in trace.steps
        ],
    }
    return json.dumps(value, ensure_ascii=False, indent=1)
