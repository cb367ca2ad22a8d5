"""What one event says about one bid, as a step of its trace: a sentence's code, its facts, its evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from foundation.events import Event
from foundation.events import bid_opening as e
from foundation.events import tendering as t
from foundation.journal.read import Entry


@dataclass(frozen=True, slots=True)
class TraceEvidence:
    """Something to compare with: a term ``trace_evidence.<kind>``, a value, and where more of it is.

    ``name``: of a text that can be downloaded (``text``); ``url``: of a public page.
    """

    kind: str
    value: str
    name: str = ""
    text: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True)
class TraceStep:
    """One step: a term ``trace.<kind>`` filled with ``params``, when by the platform's clock, and how it is judged.

    ``tone``: ok, info, warn or bad. ``at`` is None for what has not happened yet.
    """

    kind: str
    at: datetime | None
    sort_at: datetime
    tone: str = "info"
    params: Mapping[str, Any] = field(default_factory=dict)
    evidence: tuple[TraceEvidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where the bid stands in the opening: known once the list is published."""

    bid: str
    seat: int | None


def public_entry(entry: Entry) -> TraceEvidence:
    """The log's own page of a public event, with its leaf and proof."""
    index = "" if entry.leaf_index is None else str(entry.leaf_index)
    return TraceEvidence("entry", index, url=f"/log/entries/{entry.id}")


def private_entry(entry: Entry) -> TraceEvidence:
    """The hash of a journal entry that only its bidder may see opened."""
    return TraceEvidence("journal", entry.hash)


def of_lot(entry: Entry) -> TraceStep | None:
    """A public fact of the lot that every bid of it is measured by."""
    match entry.event:
        case t.DeadlineMoved(before=before, after=after):
            return _public(entry, "deadline_moved", "info", before=before, after=after)
        case t.BidsClosed(deadline_at=deadline):
            return _public(entry, "intake_closed", "info", deadline=deadline)
        case t.LotCancelled():
            return _public(entry, "lot_cancelled", "warn")
        case _:
            return None


def of_room(entry: Entry, place: Place, *, had_live_bid: bool) -> TraceStep | None:
    """A fact of the opening, as far as it concerns this bid."""
    event = entry.event
    match event:
        case e.BidsFrozen():
            return _frozen(entry, event, place, had_live_bid=had_live_bid)
        case e.FreezeDelayed(waiting=waiting, grace_seconds=grace):
            return _public(entry, "freeze_delayed", "warn", waiting=waiting, seconds=grace)
        case e.OpeningFailed(cause=cause, count=count, minimum=minimum):
            return _public(entry, "failed", "warn", cause=cause, count=count, minimum=minimum)
        case e.OpeningAborted(why=why):
            return _public(entry, "aborted", "warn", why=why)
        case e.OpeningSuspended(cause=cause):
            return _public(entry, "suspended", "warn", cause=cause)
        case e.OpeningReconvened():
            return _public(entry, "reconvened", "info")
        case e.GateReleased(holders=holders):
            return _public(entry, "gate_released", "info", count=len(holders))
        case e.WindowOpened(until=until):
            return _public(entry, "window_opened", "info", until=until)
        case e.WindowClosed():
            return _window_closed(entry, event, place)
        case _:
            return _of_seat(entry, event) if place.seat is not None and _seat_of(event) == place.seat else None


def _frozen(entry: Entry, event: e.BidsFrozen, place: Place, *, had_live_bid: bool) -> TraceStep | None:
    lines = sorted(event.bids, key=lambda line: line.bid)
    for number, line in enumerate(lines, 1):
        if line.bid == place.bid:
            text = f"{line.bid} {line.rev} {line.leaf_index} {line.envelope_hash}"
            evidence = (TraceEvidence("freeze_line", text), public_entry(entry))
            params = {"number": number, "count": len(lines), "rev": line.rev}
            return TraceStep("frozen", entry.at, entry.at, "ok", params, evidence)
    kind, tone = ("left_out", "bad") if had_live_bid else ("not_listed", "info")
    return TraceStep(kind, entry.at, entry.at, tone, {"count": len(lines)}, (public_entry(entry),))


def _window_closed(entry: Entry, event: e.WindowClosed, place: Place) -> TraceStep | None:
    for outcome, tone in (("released", "ok"), ("escrowed", "ok"), ("missing", "bad")):
        if place.bid in getattr(event, outcome):
            return _public(entry, "window_closed", tone, outcome=outcome)
    return None


def _of_seat(entry: Entry, event: Event) -> TraceStep | None:
    match event:
        case e.SealChecked(is_equal=is_equal):
            kind, tone = ("seal_equal", "ok") if is_equal else ("seal_differs", "bad")
            return TraceStep(kind, entry.at, entry.at, tone, {}, (private_entry(entry),))
        case e.ShareReleased():
            return _public(entry, "released", "ok")
        case e.ShareRejected(tries=tries):
            return TraceStep("rejected", entry.at, entry.at, "warn", {"tries": tries}, (private_entry(entry),))
        case e.EscrowRequested():
            return _public(entry, "escrow_requested", "info")
        case e.EscrowRequestConfirmed():
            return _public(entry, "escrow_confirmed", "info")
        case e.EscrowOpened(custodians=custodians):
            return _public(entry, "escrow_opened", "ok", count=len(custodians))
        case e.GateFaultFound(role=role, culprit=culprit):
            return _public(entry, "gate_fault", "bad", role=role, culprit=culprit)
        case e.PriceDecrypted():
            # What it says is told when its line is read out (唱标), here as everywhere.
            return _public(entry, "decrypted", "ok")
        case e.BidUnreadable(fault=fault):
            return _public(entry, "unreadable", "bad", fault=fault)
        case e.LineRead(total=total):
            return _public(entry, "read_out", "ok", total=total or "—")
        case e.ResultConfirmed(signature=signature):
            return _public(entry, "confirmed_signed" if signature else "confirmed", "ok")
        case _:
            return None


def _seat_of(event: Event) -> int | None:
    return getattr(event, "seat", None)


def _public(entry: Entry, kind: str, tone: str, **params: Any) -> TraceStep:
    return TraceStep(kind, entry.at, entry.at, tone, params, (public_entry(entry),))
