"""What happens to seats, key sets and keys. No event carries a share; a gate key stands in one once it is published."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from foundation.events.base import Audience, Event, event_type


@event_type
@dataclass(frozen=True)
class SeatAppointed(Event):
    TYPE: ClassVar[str] = "keyholding.seat_appointed"

    seat: str
    side: str
    org_id: str
    org_name: str
    holder: str
    operator: str


@event_type
@dataclass(frozen=True)
class SeatRetired(Event):
    TYPE: ClassVar[str] = "keyholding.seat_retired"

    seat: str


@event_type
@dataclass(frozen=True)
class AgentEnrolled(Event):
    """A new token was shown; an older one is worth nothing from now on."""

    TYPE: ClassVar[str] = "keyholding.agent_enrolled"

    seat: str


@event_type
@dataclass(frozen=True)
class SeatActsByHand(Event):
    """The holder keeps its keys in its own browser and acts on its page; without it a seat needs an agent."""

    TYPE: ClassVar[str] = "keyholding.seat_acts_by_hand"

    seat: str


@event_type
@dataclass(frozen=True)
class KeysetRequested(Event):
    """Holders are chosen; their agents make keys."""

    TYPE: ClassVar[str] = "keyholding.keyset_requested"

    lot: str
    keyset: str
    version: int
    warnings: tuple[str, ...]


@event_type
@dataclass(frozen=True)
class HolderKeyGiven(Event):
    TYPE: ClassVar[str] = "keyholding.holder_key_given"

    lot: str
    keyset: str
    seat: str
    role: str
    index: int
    holder: str
    public_key: str


@event_type
@dataclass(frozen=True)
class KeysetCompleted(Event):
    """``json`` is the canonical text whose SHA-256 is ``hash``; every envelope of the lot names that hash."""

    TYPE: ClassVar[str] = "keyholding.keyset_completed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "version", "hash", "json")

    lot: str
    keyset: str
    version: int
    hash: str
    json: str


@event_type
@dataclass(frozen=True)
class RehearsalStarted(Event):
    TYPE: ClassVar[str] = "keyholding.rehearsal_started"

    lot: str
    keyset: str
    rehearsal: str
    number: int
    header_hash: str


@event_type
@dataclass(frozen=True)
class RehearsalShareGiven(Event):
    TYPE: ClassVar[str] = "keyholding.rehearsal_share_given"

    lot: str
    keyset: str
    rehearsal: str
    seat: str
    role: str
    index: int
    holder: str


@event_type
@dataclass(frozen=True)
class RehearsalFailed(Event):
    """``holder`` is who gave what does not fit; ``cause`` is ``commitment``, ``wrap`` or ``combination``."""

    TYPE: ClassVar[str] = "keyholding.rehearsal_failed"

    lot: str
    keyset: str
    rehearsal: str
    role: str
    index: int
    holder: str
    cause: str


@event_type
@dataclass(frozen=True)
class KeysetRehearsed(Event):
    """A dummy bid was sealed, opened by the holders, and destroyed: the lot may be published with this key set."""

    TYPE: ClassVar[str] = "keyholding.keyset_rehearsed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "version", "hash", "header_hash", "gate_shares", "escrow_shares")

    lot: str
    keyset: str
    version: int
    hash: str
    header_hash: str
    gate_shares: int
    escrow_shares: int


@event_type
@dataclass(frozen=True)
class KeysetRetired(Event):
    """Replaced by a later version; whoever has sealed to it must seal again."""

    TYPE: ClassVar[str] = "keyholding.keyset_retired"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "version", "hash")

    lot: str
    keyset: str
    version: int
    hash: str


@event_type
@dataclass(frozen=True)
class HolderLossDeclared(Event):
    """Somebody says that a holder of the lot is lost; nothing happens before a second person confirms it (R1.26)."""

    TYPE: ClassVar[str] = "keyholding.holder_loss_declared"

    lot: str
    keyset: str
    seat: str
    role: str
    index: int
    holder: str


@event_type
@dataclass(frozen=True)
class HolderLost(Event):
    """Two persons said so: the key set ends with this, and the next version has another holder in that place."""

    TYPE: ClassVar[str] = "keyholding.holder_lost"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "version", "role", "index", "holder")

    lot: str
    keyset: str
    version: int
    seat: str
    role: str
    index: int
    holder: str


@event_type
@dataclass(frozen=True)
class GateKeysRequested(Event):
    """``entry`` is the journal entry of the closed window, which every agent verifies by itself."""

    TYPE: ClassVar[str] = "keyholding.gate_keys_requested"

    lot: str
    keyset: str
    entry: str


@event_type
@dataclass(frozen=True)
class GateKeyReleased(Event):
    """The private key is public from now on, so that anyone can recover every ``r_gate`` (docs/threat-model.md §4)."""

    TYPE: ClassVar[str] = "keyholding.gate_key_released"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "index", "holder", "public_key", "private_key")

    lot: str
    keyset: str
    seat: str
    index: int
    holder: str
    public_key: str
    private_key: str


@event_type
@dataclass(frozen=True)
class EscrowSharesRequested(Event):
    """``entries``: frozen list, published list, ended window; custodians' agents verify all three."""

    TYPE: ClassVar[str] = "keyholding.escrow_shares_requested"

    lot: str
    keyset: str
    entries: tuple[str, ...]
    bids: tuple[str, ...]


@event_type
@dataclass(frozen=True)
class EscrowSharesReleased(Event):
    """A custodian gave shares that match their commitments. The shares themselves are in no event."""

    TYPE: ClassVar[str] = "keyholding.escrow_shares_released"

    lot: str
    keyset: str
    seat: str
    index: int
    holder: str
    bids: tuple[str, ...]


@event_type
@dataclass(frozen=True)
class EscrowShareRejected(Event):
    """A custodian gave a share that is not the committed one: it is named, the others go on."""

    TYPE: ClassVar[str] = "keyholding.escrow_share_rejected"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "index", "holder", "bid", "cause")

    lot: str
    keyset: str
    seat: str
    index: int
    holder: str
    bid: str
    cause: str


@event_type
@dataclass(frozen=True)
class EscrowWrapUnreadable(Event):
    """A custodian says that the bidder wrapped nothing usable for it; only its private key could prove it wrong."""

    TYPE: ClassVar[str] = "keyholding.escrow_wrap_unreadable"

    lot: str
    keyset: str
    seat: str
    index: int
    holder: str
    bid: str
    cause: str
