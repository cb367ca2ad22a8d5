"""The decryption window, custodians, the gate and the draw."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from foundation.events.base import Audience, Event, event_type


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
class EscrowRequested(Event):
    """A bidder that can not release asks for the custodians (R3.09). It signs in; the lost device is not needed.

    ``by`` is the person who asked; it and the reason are in no public projection.
    """

    TYPE: ClassVar[str] = "bid_opening.escrow_requested"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "seat", "bid")

    lot: str
    seat: int
    org_id: str
    bid: str
    by: str
    reason: str


@event_type
@dataclass(frozen=True)
class EscrowRequestConfirmed(Event):
    """The centre's duty officer, another person, confirmed that this bidder asked."""

    TYPE: ClassVar[str] = "bid_opening.escrow_request_confirmed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "seat", "bid")

    lot: str
    seat: int
    org_id: str
    bid: str
    by: str


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
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = (
        "lot",
        "tender",
        "lot_code",
        "released",
        "escrowed",
        "missing",
        "minimum",
    )

    lot: str
    tender: str
    lot_code: str
    released: tuple[str, ...]
    escrowed: tuple[str, ...]
    missing: tuple[str, ...]
    minimum: int = 0
    """With fewer released and escrowed bids than this the opening has failed: no gate holder gives up a key."""


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
class BeaconReceived(Event):
    """The value of the beacon's announced round: a BLS signature in hex, verified under the pinned key.

    ``source``: "relay", or "file" where the duty officer handed it in; either way it is the only value there can be.
    """

    TYPE: ClassVar[str] = "bid_opening.beacon_received"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "chain", "round", "value", "source")

    lot: str
    chain: str
    round: int
    value: str
    source: str


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
