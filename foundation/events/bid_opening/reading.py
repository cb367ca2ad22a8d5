"""Prices, reading out, objections, confirmation and the record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from foundation.events.base import Audience, Event, event_type


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
        "total_words",
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
    total_words: str = ""


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
    """One line of the schedule was read out (唱标). ``marks`` names what stands out in it; no mark rejects a bid."""

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
        "total_words",
        "marks",
    )

    lot: str
    seat: int
    name: str
    total: str
    duration_days: int
    quality: str
    project_manager: str
    total_words: str = ""
    marks: tuple[str, ...] = ()


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
    """``side`` is who answered for the tenderee: ``agency`` (the host) or ``tenderee``; ``by`` the person's user id."""

    TYPE: ClassVar[str] = "bid_opening.objection_answered"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "objection", "text", "side")

    lot: str
    objection: str
    text: str
    side: str = "agency"
    by: str = ""


@event_type
@dataclass(frozen=True)
class ObjectionWithdrawn(Event):
    """Who raised an objection took it back before it was answered; that it was raised stays on record (R3.49)."""

    TYPE: ClassVar[str] = "bid_opening.objection_withdrawn"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "objection", "seat")

    lot: str
    objection: str
    seat: int
    org_id: str


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

    ``signature`` (hex) is over ``note("etender-confirm/v2", lot code, bid, line digest, shown digest)`` (the bidder's
    own line and all that was shown, R3.48) with a registered signing key; empty where the person confirmed signed in,
    without a signing device.
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
