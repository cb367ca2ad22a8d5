"""Why a bid stayed closed, and who answers for it: reports, health, proposal, decision (R3.08, R3.30)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from foundation.events.base import Audience, Event, event_type


@event_type
@dataclass(frozen=True)
class ClientReported(Event):
    """The bidder's own page says what it met while releasing: one of a closed list of codes, never a text.

    ``code`` "fetched" tells that the envelope arrived on the device; every other one is a failure. Private.
    """

    TYPE: ClassVar[str] = "bid_opening.client_reported"

    lot: str
    seat: int
    org_id: str
    code: str


@event_type
@dataclass(frozen=True)
class PlatformHealthMarked(Event):
    """A part of the platform stopped working while keys are released, or works again (``state``: red, green)."""

    TYPE: ClassVar[str] = "bid_opening.platform_health_marked"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "part", "state")

    lot: str
    part: str
    state: str


@event_type
@dataclass(frozen=True)
class FaultReasonGiven(Event):
    """The bidder's own word on why its bid was not opened, once. Private: staff and the bidder read it."""

    TYPE: ClassVar[str] = "bid_opening.fault_reason_given"

    lot: str
    seat: int
    org_id: str
    by: str
    reason: str


@event_type
@dataclass(frozen=True)
class FaultProposed(Event):
    """The first of two persons names who answers for a bid that was not opened (R3.17). Private until decided."""

    TYPE: ClassVar[str] = "bid_opening.fault_proposed"

    lot: str
    seat: int
    org_id: str
    culprit: str
    by: str
    why: str


@event_type
@dataclass(frozen=True)
class FaultProposalWithdrawn(Event):
    TYPE: ClassVar[str] = "bid_opening.fault_proposal_withdrawn"

    lot: str
    seat: int
    org_id: str


@event_type
@dataclass(frozen=True)
class FaultAttributed(Event):
    """Two persons decided who answers for a bid that was not opened, and what follows (R1.14).

    ``culprit``: bidder or platform. ``consequence``: revoked (视为撤销) or withdrawn (视为撤回). ``proposed_by`` and
    ``by`` are the two persons.
    """

    TYPE: ClassVar[str] = "bid_opening.fault_attributed"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "seat", "bid", "culprit", "consequence", "why")

    lot: str
    seat: int
    org_id: str
    bid: str
    culprit: str
    consequence: str
    why: str
    proposed_by: str
    by: str
