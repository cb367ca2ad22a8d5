"""What each audience of a room is told: a whitelist. A field that is not written here reaches nobody.

Audiences: ``public`` (everybody in the room, the gallery included), ``staff`` (what only the people running and
watching the opening see besides), ``bidder:<organisation>`` (what concerns one bidder alone, besides). Each is one
dense sequence from 1: a gap means loss, never a hidden message. docs/reference/room-protocol.md lists the types.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from bid_opening.ceremony import RoomState
from foundation.clock import iso
from foundation.events import Event
from foundation.events import bid_opening as e

PUBLIC: Final = "public"
STAFF: Final = "staff"
OWN: Final = "own"
"""Stands for ``bidder:<organisation>`` of the event."""

Data = dict[str, Any]


def bidder(org_id: str) -> str:
    """The audience of one bidder."""
    return f"bidder:{org_id}"


@dataclass(frozen=True, slots=True)
class Message:
    """One frame before it has its number."""

    audience: str
    type: str
    data: Mapping[str, Any]


def _fields(*names: str) -> Callable[[Event], Data]:
    """Only these fields of the event, instants as text."""

    def pick(event: Event) -> Data:
        return {name: _plain(getattr(event, name)) for name in names}

    return pick


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return iso(value)
    return list(value) if isinstance(value, tuple) else value


def _frozen(event: Event) -> Data:
    if not isinstance(event, e.BidsFrozen):
        raise TypeError(event.TYPE)
    lines = [
        {"bid": b.bid, "rev": b.rev, "leaf_index": b.leaf_index, "envelope_hash": b.envelope_hash} for b in event.bids
    ]
    return {"count": len(lines), "tree_size": event.tree_size, "bids": lines}


def _listed(event: Event) -> Data:
    if not isinstance(event, e.ListPublished):
        raise TypeError(event.TYPE)
    keys = ("seat", "name", "uscc", "bid", "is_checked_in")
    return {"bidders": [{key: getattr(one, key) for key in keys} for one in event.bidders]}


def _confirmed(event: Event) -> Data:
    if not isinstance(event, e.ResultConfirmed):
        raise TypeError(event.TYPE)
    return {"seat": event.seat, "is_signed": bool(event.signature)}


_Rule = tuple[str, str, Callable[[Event], Data]]

_RULES: Final[dict[type[Event], tuple[_Rule, ...]]] = {
    e.RoomScheduled: (
        (PUBLIC, "room_scheduled", _fields("lot_name", "opens_at", "decrypt_minutes", "confirm_minutes")),
    ),
    e.CheckInOpened: ((PUBLIC, "check_in_opened", _fields()),),
    e.BidderCheckedIn: ((OWN, "checked_in", _fields("person")),),
    e.IntakeClosed: ((PUBLIC, "intake_closed", _fields()),),
    e.BidsFrozen: ((PUBLIC, "bids_frozen", _frozen),),
    e.FreezeDelayed: ((PUBLIC, "freeze_delayed", _fields("cause", "waiting", "deadline_at", "grace_seconds")),),
    e.ListPublished: ((PUBLIC, "list_published", _listed),),
    e.StaffJoined: ((PUBLIC, "staff_joined", _fields("role", "organisation", "name")),),
    e.EmergencySignedIn: ((OWN, "emergency_signed_in", _fields("person")),),
    e.AbsenceExplained: ((PUBLIC, "absence_explained", _fields("seat", "reason")),),
    # Whether a person is who it says concerns staff and that bidder; a refusal is everybody's once two agreed.
    e.IdentityChecked: (
        (STAFF, "identity_checked", _fields("seat", "what", "is_passed")),
        (OWN, "identity_checked", _fields("seat", "what", "is_passed")),
    ),
    e.RefusalProposed: (
        (STAFF, "refusal_proposed", _fields("seat", "ground", "why")),
        (OWN, "refusal_proposed", _fields("seat", "ground", "why")),
    ),
    e.RefusalWithdrawn: ((STAFF, "refusal_withdrawn", _fields("seat")), (OWN, "refusal_withdrawn", _fields("seat"))),
    e.BidRefused: ((PUBLIC, "bid_refused", _fields("seat", "ground", "why")),),
    e.OpeningFailed: ((PUBLIC, "failed", _fields("cause", "count", "minimum")),),
    e.WindowOpened: ((PUBLIC, "window_opened", _fields("until")),),
    e.WindowExtended: ((PUBLIC, "window_extended", _fields("until", "minutes", "times")),),
    e.SealChecked: (
        (STAFF, "seal_checked", _fields("seat", "is_equal")),
        (OWN, "seal_checked", _fields("seat", "is_equal")),
    ),
    e.ShareReleased: ((PUBLIC, "share_released", _fields("seat")),),
    e.ShareRejected: (
        (STAFF, "share_rejected", _fields("seat", "tries")),
        (OWN, "share_rejected", _fields("seat", "tries")),
    ),
    e.WindowEnded: ((PUBLIC, "window_ended", _fields("released", "missing", "escrow_until")),),
    # That a bidder asks is public; why it can not release is shown to staff and to itself only, on their pages.
    e.EscrowRequested: ((PUBLIC, "escrow_requested", _fields("seat")),),
    e.EscrowRequestConfirmed: ((PUBLIC, "escrow_request_confirmed", _fields("seat")),),
    e.EscrowOpened: ((PUBLIC, "escrow_opened", _fields("seat", "custodians")),),
    e.WindowClosed: ((PUBLIC, "window_closed", _fields("released", "escrowed", "missing")),),
    e.GateFaultFound: ((PUBLIC, "gate_fault_found", _fields("seat", "role", "culprit", "reason")),),
    e.GateReleased: ((PUBLIC, "gate_released", _fields("holders")),),
    e.BeaconReceived: ((PUBLIC, "beacon_received", _fields("chain", "round", "value", "source")),),
    e.CoefficientDrawn: ((PUBLIC, "coefficient_drawn", _fields("name", "value", "pool", "transcript", "seed")),),
    e.NothingDrawn: ((PUBLIC, "nothing_drawn", _fields("method")),),
    # That a bid is readable is told at once; what it says only when its line is read out (唱标), in seat order.
    e.PriceDecrypted: ((PUBLIC, "price_decrypted", _fields("seat")),),
    e.BidUnreadable: ((PUBLIC, "bid_unreadable", _fields("seat", "fault")),),
    # What a bidder's page met, and who is thought to answer for it, concern staff and that bidder until it is decided.
    e.ClientReported: (
        (STAFF, "client_reported", _fields("seat", "code")),
        (OWN, "client_reported", _fields("seat", "code")),
    ),
    e.PlatformHealthMarked: ((PUBLIC, "platform_health_marked", _fields("part", "state")),),
    e.FaultReasonGiven: (
        (STAFF, "fault_reason_given", _fields("seat")),
        (OWN, "fault_reason_given", _fields("seat")),
    ),
    e.FaultProposed: (
        (STAFF, "fault_proposed", _fields("seat", "culprit")),
        (OWN, "fault_proposed", _fields("seat", "culprit")),
    ),
    e.FaultProposalWithdrawn: (
        (STAFF, "fault_proposal_withdrawn", _fields("seat")),
        (OWN, "fault_proposal_withdrawn", _fields("seat")),
    ),
    e.FaultAttributed: ((PUBLIC, "fault_attributed", _fields("seat", "culprit", "consequence", "why")),),
    e.ReadingStarted: ((PUBLIC, "reading_started", _fields()),),
    e.LineRead: (
        (
            PUBLIC,
            "line_read",
            _fields(
                *("seat", "name", "total", "total_words", "duration_days", "quality", "project_manager", "marks"),
            ),
        ),
    ),
    e.QueryOpened: ((PUBLIC, "query_opened", _fields("until")),),
    e.ObjectionRaised: ((PUBLIC, "objection_raised", _fields("objection", "seat", "text")),),
    e.NoObjection: ((PUBLIC, "no_objection", _fields("seat")),),
    e.ObjectionAnswered: ((PUBLIC, "objection_answered", _fields("objection", "text", "side")),),
    e.ObjectionWithdrawn: ((PUBLIC, "objection_withdrawn", _fields("objection", "seat")),),
    e.ConfirmationOpened: ((PUBLIC, "confirmation_opened", _fields("until")),),
    e.ResultConfirmed: ((PUBLIC, "result_confirmed", _confirmed),),
    e.OpeningClosed: ((PUBLIC, "closed", _fields("confirmed", "silent")),),
    e.RecordIssued: ((PUBLIC, "record_issued", _fields("sha256", "size_bytes")),),
    e.HaltProposed: ((STAFF, "halt_proposed", _fields("halt", "by", "why")),),
    e.HaltWithdrawn: ((STAFF, "halt_withdrawn", _fields()),),
    e.OpeningSuspended: ((PUBLIC, "suspended", _fields("cause", "why", "left_seconds", "outage_since")),),
    e.OpeningReconvened: ((PUBLIC, "reconvened", _fields("until")),),
    e.OpeningAborted: ((PUBLIC, "aborted", _fields("why")),),
    # Talk (R3.34 to R3.36). What is asked for help and answered is on the pages of that bidder and of the duty desk.
    e.MessageSaid: ((PUBLIC, "message_said", _fields("number", "role", "seat", "name", "text")),),
    e.MessageHidden: ((PUBLIC, "message_hidden", _fields("number", "reason", "role")),),
    e.HelpAsked: (
        (STAFF, "help_asked", _fields("ticket", "seat", "topic")),
        (OWN, "help_asked", _fields("ticket", "seat", "topic")),
    ),
    e.HelpAnswered: (
        (STAFF, "help_answered", _fields("ticket", "seat")),
        (OWN, "help_answered", _fields("ticket", "seat")),
    ),
    e.HelpClosed: ((STAFF, "help_closed", _fields("ticket", "seat")), (OWN, "help_closed", _fields("ticket", "seat"))),
    e.DocumentShown: ((PUBLIC, "document_shown", _fields("number", "source", "title", "sha256", "size_bytes")),),
}


def told_types() -> dict[type[Event], tuple[tuple[str, str], ...]]:
    """Event type → (audience, frame type): for the reference page and its test."""
    return {event: tuple((audience, name) for audience, name, _ in rules) for event, rules in _RULES.items()}


def messages(event: Event) -> Iterator[Message]:
    """What the event tells, by audience. An event without a rule is a bug of deployment (KeyError)."""
    for audience, name, data in _RULES[type(event)]:
        who = bidder(getattr(event, "org_id", "")) if audience == OWN else audience
        yield Message(who, name, data(event))


def write(message: Message, *, seq: int, at: datetime, state: RoomState, entry_id: str) -> str:
    """The frame as one line of JSON.

    ``state`` and ``phase_until`` are those after the event; ``entry`` is the journal entry it comes from, whose proof
    the log's pages give (a private one's to nobody).
    """
    frame = {
        "seq": seq,
        "audience": message.audience,
        "type": message.type,
        "at": iso(at),
        "data": dict(message.data),
        "state": state.phase.name,
        "phase_until": iso(state.until) if state.until else None,
        "entry": entry_id,
    }
    return json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
