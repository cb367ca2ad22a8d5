"""What happens in an opening room. Public from the freeze on; before it only a bidder learns of its own sign-in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from foundation.events.base import Audience, Event, event_type


@dataclass(frozen=True)
class FrozenBid:
    """One line of the freeze list (docs/threat-model.md §3)."""

    bid: str
    rev: int
    leaf_index: int
    envelope_hash: str


@dataclass(frozen=True)
class ListedBidder:
    """One bidder of the published list, in seat order (order of ``bid``: not of arrival)."""

    seat: int
    org_id: str
    name: str
    uscc: str
    bid: str
    is_checked_in: bool


@event_type
@dataclass(frozen=True)
class RoomScheduled(Event):
    TYPE: ClassVar[str] = "bid_opening.room_scheduled"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "lot_name", "opens_at", "decrypt_minutes", "confirm_minutes")

    lot: str
    lot_name: str
    opens_at: datetime
    decrypt_minutes: int
    confirm_minutes: int
    query_minutes: int
    min_bidders: int
    min_decrypted: int
    escrow_rule: str


@event_type
@dataclass(frozen=True)
class CheckInOpened(Event):
    TYPE: ClassVar[str] = "bid_opening.check_in_opened"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot",)

    lot: str


@event_type
@dataclass(frozen=True)
class BidderCheckedIn(Event):
    """Private (stream ``bid:<lot>:<org>``): presence is visible to nobody else before the freeze."""

    TYPE: ClassVar[str] = "bid_opening.bidder_checked_in"

    lot: str
    org_id: str
    person: str


@event_type
@dataclass(frozen=True)
class IntakeClosed(Event):
    TYPE: ClassVar[str] = "bid_opening.intake_closed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot",)

    lot: str


@event_type
@dataclass(frozen=True)
class BidsFrozen(Event):
    """The list is fixed before any key material is released: whoever inserted a bid must have chosen it blind."""

    TYPE: ClassVar[str] = "bid_opening.bids_frozen"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "bids", "tree_size")

    lot: str
    bids: tuple[FrozenBid, ...]
    tree_size: int


@event_type
@dataclass(frozen=True)
class ListPublished(Event):
    TYPE: ClassVar[str] = "bid_opening.list_published"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "bidders")

    lot: str
    bidders: tuple[ListedBidder, ...]


@event_type
@dataclass(frozen=True)
class OpeningFailed(Event):
    """流标: fewer bids, or fewer released, than the rule asks for. Nothing is readable, now or later."""

    TYPE: ClassVar[str] = "bid_opening.failed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "cause", "count", "minimum")

    lot: str
    cause: str
    count: int
    minimum: int


@event_type
@dataclass(frozen=True)
class WindowOpened(Event):
    TYPE: ClassVar[str] = "bid_opening.window_opened"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "until")

    lot: str
    until: datetime


@event_type
@dataclass(frozen=True)
class WindowExtended(Event):
    TYPE: ClassVar[str] = "bid_opening.window_extended"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "until", "minutes", "times")

    lot: str
    until: datetime
    minutes: int
    times: int


@event_type
@dataclass(frozen=True)
class SealChecked(Event):
    """A bidder's client compared its own leaf with the frozen tree (招标投标法 Art 36: who checks the seal).

    Private while the room runs (the bidder and the staff see it); the opening record tells of a difference.
    """

    TYPE: ClassVar[str] = "bid_opening.seal_checked"

    lot: str
    seat: int
    org_id: str
    is_equal: bool


@event_type
@dataclass(frozen=True)
class ShareReleased(Event):
    """The bidder's 32 bytes arrived and match their commitment. The bytes themselves are in no event."""

    TYPE: ClassVar[str] = "bid_opening.share_released"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "seat", "bid")

    lot: str
    seat: int
    org_id: str
    bid: str


@event_type
@dataclass(frozen=True)
class ShareRejected(Event):
    """Bytes came that do not match the commitment: tried again, a stated number of times, while the window is open."""

    TYPE: ClassVar[str] = "bid_opening.share_rejected"

    lot: str
    seat: int
    org_id: str
    tries: int


@event_type
@dataclass(frozen=True)
class WindowEnded(Event):
    """Bidders can release no more. Custodians open what is missing, where the tender document says so."""

    TYPE: ClassVar[str] = "bid_opening.window_ended"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "released", "missing", "escrow_until")

    lot: str
    released: int
    missing: tuple[int, ...]
    escrow_until: datetime | None


@event_type
@dataclass(frozen=True)
class EscrowOpened(Event):
    """备份启封: k custodians' shares gave back one bid's secret; it matches the bidder's commitment."""

    TYPE: ClassVar[str] = "bid_opening.escrow_opened"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "seat", "bid", "custodians")

    lot: str
    seat: int
    org_id: str
    bid: str
    custodians: tuple[int, ...]


@event_type
@dataclass(frozen=True)
class WindowClosed(Event):
    """The leaf that gate holders wait for: released, escrowed and missing bids, by bid."""

    TYPE: ClassVar[str] = "bid_opening.window_closed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "tender", "lot_code", "released", "escrowed", "missing")

    lot: str
    tender: str
    lot_code: str
    released: tuple[str, ...]
    escrowed: tuple[str, ...]
    missing: tuple[str, ...]


@event_type
@dataclass(frozen=True)
class GateFaultFound(Event):
    """A gate wrap that does not verify under a holder's published key; anyone can see the same.

    ``role`` is the seat of the key set ("gate/1"), ``culprit`` who made it ("bidder" or "holder").
    """

    TYPE: ClassVar[str] = "bid_opening.gate_fault_found"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "seat", "bid", "role", "culprit", "reason")

    lot: str
    seat: int
    org_id: str
    bid: str
    role: str
    culprit: str
    reason: str


@event_type
@dataclass(frozen=True)
class GateReleased(Event):
    """Enough gate keys are public: every ``r_gate`` can now be recovered by anyone."""

    TYPE: ClassVar[str] = "bid_opening.gate_released"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "holders")

    lot: str
    holders: tuple[int, ...]


@event_type
@dataclass(frozen=True)
class CoefficientDrawn(Event):
    """The draw can be replayed from ``transcript`` and ``pool`` alone (docs/sealed-bid-format.md §11)."""

    TYPE: ClassVar[str] = "bid_opening.coefficient_drawn"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "name", "value", "pool", "transcript", "seed")

    lot: str
    name: str
    value: str
    pool: tuple[str, ...]
    transcript: str
    seed: str


@event_type
@dataclass(frozen=True)
class NothingDrawn(Event):
    """The lot's method fixes every coefficient in the tender document: there is nothing to draw."""

    TYPE: ClassVar[str] = "bid_opening.nothing_drawn"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "method")

    lot: str
    method: str


@event_type
@dataclass(frozen=True)
class PriceDecrypted(Event):
    """One price schedule is readable; the part key lets anyone check it against the sealed bytes."""

    TYPE: ClassVar[str] = "bid_opening.price_decrypted"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = (
        "lot",
        "seat",
        "bid",
        "total",
        "duration_days",
        "quality",
        "project_manager",
        "part_key",
        "remarks",
    )

    lot: str
    seat: int
    org_id: str
    bid: str
    total: str
    duration_days: int
    quality: str
    project_manager: str
    part_key: str
    remarks: tuple[str, ...]


@event_type
@dataclass(frozen=True)
class BidUnreadable(Event):
    """A bid whose secrets were released but whose schedule does not open; ``fault`` names what does not verify."""

    TYPE: ClassVar[str] = "bid_opening.bid_unreadable"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "seat", "bid", "fault")

    lot: str
    seat: int
    org_id: str
    bid: str
    fault: str


@event_type
@dataclass(frozen=True)
class ReadingStarted(Event):
    TYPE: ClassVar[str] = "bid_opening.reading_started"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot",)

    lot: str


@event_type
@dataclass(frozen=True)
class LineRead(Event):
    """One line of the schedule was read out (唱标)."""

    TYPE: ClassVar[str] = "bid_opening.line_read"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = (
        "lot",
        "seat",
        "name",
        "total",
        "duration_days",
        "quality",
        "project_manager",
    )

    lot: str
    seat: int
    name: str
    total: str
    duration_days: int
    quality: str
    project_manager: str


@event_type
@dataclass(frozen=True)
class QueryOpened(Event):
    TYPE: ClassVar[str] = "bid_opening.query_opened"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "until")

    lot: str
    until: datetime


@event_type
@dataclass(frozen=True)
class ObjectionRaised(Event):
    TYPE: ClassVar[str] = "bid_opening.objection_raised"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "objection", "seat", "text")

    lot: str
    objection: str
    seat: int
    org_id: str
    text: str


@event_type
@dataclass(frozen=True)
class NoObjection(Event):
    TYPE: ClassVar[str] = "bid_opening.no_objection"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "seat")

    lot: str
    seat: int
    org_id: str


@event_type
@dataclass(frozen=True)
class ObjectionAnswered(Event):
    TYPE: ClassVar[str] = "bid_opening.objection_answered"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "objection", "text")

    lot: str
    objection: str
    text: str


@event_type
@dataclass(frozen=True)
class ConfirmationOpened(Event):
    TYPE: ClassVar[str] = "bid_opening.confirmation_opened"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "until")

    lot: str
    until: datetime


@event_type
@dataclass(frozen=True)
class ResultConfirmed(Event):
    """A bidder confirmed its line of the record.

    ``signature`` (hex) is over ``note("etender-confirm/v1", lot code, bid, line digest)`` with a registered signing
    key; empty where the person confirmed signed in, without a signing device.
    """

    TYPE: ClassVar[str] = "bid_opening.result_confirmed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "seat", "signature")

    lot: str
    seat: int
    org_id: str
    signature: str


@event_type
@dataclass(frozen=True)
class OpeningClosed(Event):
    """The ceremony is over. Who did not confirm accepts by silence (R3.14)."""

    TYPE: ClassVar[str] = "bid_opening.closed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "confirmed", "silent")

    lot: str
    confirmed: tuple[int, ...]
    silent: tuple[int, ...]


@event_type
@dataclass(frozen=True)
class RecordIssued(Event):
    """The opening record was drawn up from the journal; ``sha256`` is the PDF's."""

    TYPE: ClassVar[str] = "bid_opening.record_issued"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "sha256", "size_bytes")

    lot: str
    sha256: str
    size_bytes: int


@event_type
@dataclass(frozen=True)
class HaltProposed(Event):
    """The first of two persons asks for a suspension or an abort (R3.17)."""

    TYPE: ClassVar[str] = "bid_opening.halt_proposed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "halt", "why")

    lot: str
    halt: str
    by: str
    why: str


@event_type
@dataclass(frozen=True)
class HaltWithdrawn(Event):
    TYPE: ClassVar[str] = "bid_opening.halt_withdrawn"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot",)

    lot: str


@event_type
@dataclass(frozen=True)
class OpeningSuspended(Event):
    TYPE: ClassVar[str] = "bid_opening.suspended"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "cause", "why", "left_seconds")

    lot: str
    cause: str
    why: str
    by: str
    left_seconds: int | None


@event_type
@dataclass(frozen=True)
class OpeningReconvened(Event):
    """复会: the interrupted phase goes on with the time that was left."""

    TYPE: ClassVar[str] = "bid_opening.reconvened"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "until")

    lot: str
    until: datetime | None


@event_type
@dataclass(frozen=True)
class OpeningAborted(Event):
    TYPE: ClassVar[str] = "bid_opening.aborted"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "why")

    lot: str
    why: str
    by: str
