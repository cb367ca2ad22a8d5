"""Rows of what was said, asked and shown: read fast by pages. The truth is the journal stream ``talk:<lot>``."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.store.base import Base, Instant


class RoomMessage(Base):
    """One message to all. ``frame_seq`` is its frame's number in the public audience."""

    __tablename__ = "room_messages"
    __table_args__ = (Index("ix_room_messages_lot_org", "lot_id", "org_id"),)

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("opening_rooms.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    role: Mapped[str] = mapped_column(String(20))
    seat: Mapped[int] = mapped_column(Integer)
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"))
    user_id: Mapped[str] = mapped_column(String(36))
    name: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)
    frame_seq: Mapped[int] = mapped_column(Integer)
    hidden_at: Mapped[datetime | None] = mapped_column(Instant)
    hidden_reason: Mapped[str] = mapped_column(String(20))


class HelpTicket(Base):
    """A bidder's call for help. ``waiting_since`` is empty while it is the bidder's turn; never before the list."""

    __tablename__ = "help_tickets"
    __table_args__ = (Index("ix_help_tickets_waiting", "closed_at", "waiting_since"),)

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("opening_rooms.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"))
    seat: Mapped[int] = mapped_column(Integer)
    topic: Mapped[str] = mapped_column(String(20))
    opened_at: Mapped[datetime] = mapped_column(Instant)
    waiting_since: Mapped[datetime | None] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)


class HelpLine(Base):
    """One line of a ticket, by the bidder or by the duty desk."""

    __tablename__ = "help_lines"

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("opening_rooms.id"), primary_key=True)
    ticket: Mapped[int] = mapped_column(Integer, primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
    is_duty: Mapped[bool]
    name: Mapped[str] = mapped_column(String(200))
    text: Mapped[str] = mapped_column(Text)


class ShownDocument(Base):
    """A paper on the table of the room. ``url`` is where it was published; empty for an upload."""

    __tablename__ = "shown_documents"

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("opening_rooms.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    source: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(100))
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(Integer)
    url: Mapped[str] = mapped_column(String(200))
    shown_at: Mapped[datetime] = mapped_column(Instant)
