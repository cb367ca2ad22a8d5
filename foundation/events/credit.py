"""Lawful bans and credit records: public once decided (R7.09, R7.12, R7.14, R7.16)."""

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


@event_type
@dataclass(frozen=True)
class RecordEntered(Event):
    """Written down from a decision and not yet published: nobody but the desk may see it (R7.16)."""

    TYPE: ClassVar[str] = "credit.record_entered"

    record: str
    uscc: str
    name: str
    act: str
    authority: str
    decision_no: str
    clause: str
    facts: str
    lot: str
    effective_at: datetime
    ends_at: datetime
    document_reference: str


@event_type
@dataclass(frozen=True)
class RecordDropped(Event):
    """Entered wrongly; it was never published."""

    TYPE: ClassVar[str] = "credit.record_dropped"

    record: str
    reason: str


@event_type
@dataclass(frozen=True)
class RecordPublished(Event):
    """A record counts from now on, or from ``effective_at`` where that is later, to just before ``ends_at``.

    ``source``: decision or event; ``entry`` names the journal entry of the fact in the second case.
    """

    TYPE: ClassVar[str] = "credit.record_published"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = (
        "record",
        "uscc",
        "name",
        "act",
        "authority",
        "decision_no",
        "clause",
        "facts",
        "lot",
        "effective_at",
        "ends_at",
        "document_reference",
        "source",
        "entry",
        "object_until",
    )
    record: str
    uscc: str
    name: str
    act: str
    authority: str
    decision_no: str
    clause: str
    facts: str
    lot: str
    effective_at: datetime
    ends_at: datetime
    document_reference: str
    source: str
    entry: str
    object_until: datetime


@event_type
@dataclass(frozen=True)
class RecordObjected(Event):
    """The organisation objected; what it says stays between it and the desk."""

    TYPE: ClassVar[str] = "credit.record_objected"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("record", "uscc", "answer_until")
    record: str
    uscc: str
    objection: str
    text: str
    answer_until: datetime


@event_type
@dataclass(frozen=True)
class RecordUpheld(Event):
    """The objection was answered and the record stays."""

    TYPE: ClassVar[str] = "credit.record_upheld"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("record", "uscc")
    record: str
    uscc: str
    objection: str
    answer: str


@event_type
@dataclass(frozen=True)
class RecordAnnulled(Event):
    """The record counts no more from now on: an objection was right, or a review, a court or the authority said so.

    ``decision_no`` is "" where the answer to the objection itself is the decision.
    """

    TYPE: ClassVar[str] = "credit.record_annulled"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("record", "uscc", "authority", "decision_no", "ground")
    record: str
    uscc: str
    authority: str
    decision_no: str
    ground: str


@event_type
@dataclass(frozen=True)
class RecordRepaired(Event):
    """信用修复: the record ends before its term (R7.13)."""

    TYPE: ClassVar[str] = "credit.record_repaired"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("record", "uscc", "authority", "decision_no")
    record: str
    uscc: str
    authority: str
    decision_no: str
    ground: str
