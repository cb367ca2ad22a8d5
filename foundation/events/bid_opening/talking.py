"""What is said, asked and shown in a room. None of it moves the opening: these events are never folded into its state.

They stand in a stream of their own, ``talk:<lot>``; why, ``bid_opening/talk.py`` says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from foundation.events.base import Audience, Event, event_type


@event_type
@dataclass(frozen=True)
class MessageSaid(Event):
    """Somebody of the room said something to everybody (R3.34).

    ``role``: host, tenderee, bidder, supervisor or duty; ``seat`` is 0 for everybody but a bidder; ``name`` is the
    organisation's. The text is in no leaf of the log, so that a message can be hidden; the leaf binds it by the
    blinded hash of the entry.
    """

    TYPE: ClassVar[str] = "bid_opening.message_said"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "number", "role", "seat", "name")

    lot: str
    number: int
    role: str
    seat: int
    org_id: str
    name: str
    text: str
    by: str


@event_type
@dataclass(frozen=True)
class MessageHidden(Event):
    """A message was taken out of sight (R3.34). ``reason`` is one of ``talk.HIDE_REASONS``; ``role`` who hid it."""

    TYPE: ClassVar[str] = "bid_opening.message_hidden"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "number", "reason", "role")

    lot: str
    number: int
    reason: str
    role: str
    by: str


@event_type
@dataclass(frozen=True)
class HelpAsked(Event):
    """Private: a bidder in its seat asks the duty desk, or writes on in its open ticket (R3.35)."""

    TYPE: ClassVar[str] = "bid_opening.help_asked"

    lot: str
    ticket: int
    seat: int
    org_id: str
    topic: str
    text: str
    by: str


@event_type
@dataclass(frozen=True)
class HelpAnswered(Event):
    """Private: the duty officer (``by``) answers a ticket."""

    TYPE: ClassVar[str] = "bid_opening.help_answered"

    lot: str
    ticket: int
    seat: int
    org_id: str
    text: str
    by: str


@event_type
@dataclass(frozen=True)
class HelpClosed(Event):
    """Private: a ticket is closed, by the duty officer or by the bidder itself."""

    TYPE: ClassVar[str] = "bid_opening.help_closed"

    lot: str
    ticket: int
    seat: int
    org_id: str
    by: str


@event_type
@dataclass(frozen=True)
class DocumentShown(Event):
    """The host shows a paper to everybody (R3.36): a published one of the lot, or a PDF it uploads.

    ``source``: notice, document, clarification or upload. ``sha256`` is the hex digest of the file.
    """

    TYPE: ClassVar[str] = "bid_opening.document_shown"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("lot", "number", "source", "title", "sha256", "size_bytes")

    lot: str
    number: int
    source: str
    title: str
    sha256: str
    size_bytes: int
    by: str
