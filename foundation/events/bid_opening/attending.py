"""Who is there and whether they may be: sign-in in an emergency, identity, absence, and a bid that is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from foundation.events.base import Audience, Event, event_type


@event_type
@dataclass(frozen=True)
class EmergencySignedIn(Event):
    """Private (stream ``bid:<lot>:<org>``): a sign-in with a photo and a proxy letter in the last minutes (R3.37).

    ``photo_sha256`` and ``letter_sha256`` are hex digests of the files as they were stored.
    """

    TYPE: ClassVar[str] = "bid_opening.emergency_signed_in"

    lot: str
    org_id: str
    person: str
    photo_sha256: str
    letter_sha256: str


@event_type
@dataclass(frozen=True)
class AbsenceExplained(Event):
    """Why a bidder did not sign in: ``late``, ``abandoned`` or ``other`` (R3.04). It voids nothing."""

    TYPE: ClassVar[str] = "bid_opening.absence_explained"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "seat", "reason", "text")

    lot: str
    seat: int
    org_id: str
    reason: str
    text: str
    by: str


@event_type
@dataclass(frozen=True)
class IdentityChecked(Event):
    """The host checked one thing about one bidder (R3.16); the last word on each thing counts.

    ``what``: ``person`` (the authorised person), ``letter`` (the proxy letter) or ``certificate`` (CA certificate or
    platform key). ``by`` is the checker's user id. Private while the room runs; the record tells of what did not pass.
    """

    TYPE: ClassVar[str] = "bid_opening.identity_checked"

    lot: str
    seat: int
    org_id: str
    what: str
    is_passed: bool
    reason: str
    by: str


@event_type
@dataclass(frozen=True)
class RefusalProposed(Event):
    """标书拒绝, the first of two persons: the host names the ground of law (R3.39). Staff and the bidder see it."""

    TYPE: ClassVar[str] = "bid_opening.refusal_proposed"

    lot: str
    seat: int
    org_id: str
    ground: str
    why: str
    by: str


@event_type
@dataclass(frozen=True)
class RefusalWithdrawn(Event):
    """The proposer took the proposal back, before a second person agreed."""

    TYPE: ClassVar[str] = "bid_opening.refusal_withdrawn"

    lot: str
    seat: int
    org_id: str
    by: str


@event_type
@dataclass(frozen=True)
class BidRefused(Event):
    """A second person agreed: this bid is refused and stays sealed (REG 36). ``by`` and ``confirmed_by`` differ."""

    TYPE: ClassVar[str] = "bid_opening.bid_refused"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "seat", "bid", "ground", "why")

    lot: str
    seat: int
    org_id: str
    bid: str
    ground: str
    why: str
    by: str
    confirmed_by: str
