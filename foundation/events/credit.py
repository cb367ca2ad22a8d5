"""Lawful bans: public records (R7.09, R7.12, R7.14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from foundation.events.base import Audience, Event, event_type


@event_type
@dataclass(frozen=True)
class BanEntered(Event):
    TYPE: ClassVar[str] = "credit.ban_entered"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = (
        "ban",
        "uscc",
        "name",
        "authority",
        "decision_no",
        "clause",
        "starts_at",
        "ends_at",
        "document_reference",
    )
    ban: str
    uscc: str
    name: str
    authority: str
    decision_no: str
    clause: str
    starts_at: datetime
    ends_at: datetime
    document_reference: str


@event_type
@dataclass(frozen=True)
class BanAnnulled(Event):
    """The decision was set aside (court, review) or entered by mistake; the entry stays readable."""

    TYPE: ClassVar[str] = "credit.ban_annulled"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("ban", "uscc", "decision_no", "ground")
    ban: str
    uscc: str
    decision_no: str
    ground: str
