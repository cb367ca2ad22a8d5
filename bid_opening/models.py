"""Rows of the opening rooms. The truth is the journal stream ``room:<lot>``; these are what is read fast, or secret."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from bid_opening.states import ROOM_MACHINE, Phase, Step
from foundation.machine import Machine
from foundation.store.base import Base, EnumText, Instant, Json


class OpeningRoom(Base):
    """The room of one lot (its id is the lot's). ``folded`` is the state after entry ``folded_seq`` of its stream."""

    __tablename__ = "opening_rooms"
    __table_args__ = (Index("ix_opening_rooms_state_until", "state", "until"),)
    MACHINE: ClassVar[Machine[Phase, Step]] = ROOM_MACHINE

    id: Mapped[str] = mapped_column(String(36), ForeignKey("lots.id"), primary_key=True)
    state: Mapped[Phase] = mapped_column(EnumText(Phase))
    until: Mapped[datetime | None] = mapped_column(Instant)
    opens_at: Mapped[datetime | None] = mapped_column(Instant)
    folded: Mapped[dict[str, Any] | None] = mapped_column(Json)
    folded_seq: Mapped[int] = mapped_column(Integer, default=0)
    folded_hash: Mapped[str] = mapped_column(String(64), default="")
    """The journal's hash of that entry: a snapshot made over another history is never believed."""
    version: Mapped[int] = mapped_column(Integer, default=0)
    gate_asked_at: Mapped[datetime | None] = mapped_column(Instant)
    frozen_in_log_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the platform first saw the frozen list in the cosigned log."""
    looked_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the platform last looked after the open window; a gap means that it stood still."""
    looked_machine_at: Mapped[datetime | None] = mapped_column(Instant)
    """The same by the machine clock, so that a step of the civil clock alone is no gap."""


class RoomFrame(Base):
    """One message to one audience, as the socket sends it; ``seq`` is dense from 1.

    Only ever inserted, but that hidden words are taken out of their frame (``talk.without_text``).
    """

    __tablename__ = "room_frames"

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("opening_rooms.id"), primary_key=True)
    audience: Mapped[str] = mapped_column(String(48), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    type: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(Instant)
    frame: Mapped[str] = mapped_column(Text)


class RoomHead(Base):
    """The last number of one audience."""

    __tablename__ = "room_heads"

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("opening_rooms.id"), primary_key=True)
    audience: Mapped[str] = mapped_column(String(48), primary_key=True)
    head_seq: Mapped[int] = mapped_column(Integer)


class CheckIn(Base):
    """A bidder signed in. Hidden from everybody else until the list is published (R1.05)."""

    __tablename__ = "check_ins"

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("opening_rooms.id"), primary_key=True)
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"), primary_key=True)
    person: Mapped[str] = mapped_column(String(100))
    at: Mapped[datetime] = mapped_column(Instant)


class ReleasedShare(Base):
    """A bidder's half of its content key, from itself or from custodians.

    Secret: it is in no event, frame, log line, job or snapshot, and is destroyed when an opening fails.
    """

    __tablename__ = "released_shares"

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("opening_rooms.id"), primary_key=True)
    bid: Mapped[str] = mapped_column(String(32), primary_key=True)
    r_bid: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(10))
    """bidder or escrow"""
    released_at: Mapped[datetime] = mapped_column(Instant)

    def __repr__(self) -> str:
        return f"ReleasedShare(bid={self.bid!r}, source={self.source!r})"


class GateHalf(Base):
    """The gate's half of one bid, public like the gate keys it follows from; ``r_gate`` is "" where it is malformed."""

    __tablename__ = "gate_halves"

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("opening_rooms.id"), primary_key=True)
    bid: Mapped[str] = mapped_column(String(32), primary_key=True)
    r_gate: Mapped[str] = mapped_column(String(64))
    fault: Mapped[str] = mapped_column(String(80))
    """``<whose>.<what>`` where it is malformed."""
