"""What a room knows of bids that stay closed: reports, health, reason, proposal, decision. Folded from events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class Culprit(StrEnum):
    """Who answers for a bid that was not opened (R3.08)."""

    BIDDER = "bidder"
    PLATFORM = "platform"
    UNKNOWN = "unknown"
    """Nobody has decided yet; only a proposal may say so."""


class Consequence(StrEnum):
    """What the law makes of it (R1.14)."""

    REVOKED = "revoked"
    """视为撤销: the deposit may be kept, which is a case of its own."""
    WITHDRAWN = "withdrawn"
    """视为撤回: the deposit goes back, and nothing is held against the bidder."""


CONSEQUENCES: Final = {Culprit.BIDDER: Consequence.REVOKED, Culprit.PLATFORM: Consequence.WITHDRAWN}


@dataclass(frozen=True, slots=True)
class ClientReport:
    """One code the bidder's page sent, at the server's instant."""

    code: str
    at: datetime


@dataclass(frozen=True, slots=True)
class HealthMark:
    """At ``at`` a part of the platform stopped working (``state`` red), or worked again (green)."""

    at: datetime
    part: str
    state: str


@dataclass(frozen=True, slots=True)
class FaultProposal:
    """The first person's word; ``by`` is a user's id."""

    culprit: str
    by: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Attribution:
    """The decision of two persons, for good."""

    culprit: str
    consequence: str
    why: str
    proposed_by: str
    by: str
    at: datetime
