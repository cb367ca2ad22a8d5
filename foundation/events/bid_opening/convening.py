"""Before and at the freeze: the room, sign-in, the list of bids."""

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
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = (
        "lot",
        "lot_name",
        "opens_at",
        "decrypt_minutes",
        "confirm_minutes",
        "beacon",
        "freeze_grace_seconds",
        "common_failure_percent",
    )

    lot: str
    lot_name: str
    opens_at: datetime
    decrypt_minutes: int
    confirm_minutes: int
    query_minutes: int
    min_bidders: int
    min_decrypted: int
    escrow_rule: str
    beacon: str = ""
    freeze_grace_seconds: int = 60
    emergency_minutes: int = 30
    common_failure_percent: int = 30


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
class FreezeDelayed(Event):
    """The frozen list is not in the cosigned log within the published grace: the platform's delay, on record for good.

    ``waiting``: what it waited for when the grace ran out ("receivers", "log", "cosigner").
    """

    TYPE: ClassVar[str] = "bid_opening.freeze_delayed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "cause", "waiting", "deadline_at", "grace_seconds")

    lot: str
    cause: str
    waiting: str
    deadline_at: datetime
    grace_seconds: int


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
class StaffJoined(Event):
    """Somebody of the official side came while the room was live: supervisor, witness, the tenderee (R3.01). Once each.

    ``by`` is the person's user id; ``role`` one of ``supervisor``, ``witness``, ``tenderee``.
    """

    TYPE: ClassVar[str] = "bid_opening.staff_joined"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "role", "organisation", "name")

    lot: str
    role: str
    organisation: str
    name: str
    by: str


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
