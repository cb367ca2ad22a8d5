"""Rows of oversight. What was found is only ever inserted; an alert's state is what people did about it."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.machine import Machine
from foundation.store.base import Base, EnumText, Instant, Json
from oversight.severity import Severity
from oversight.states import ALERT_MACHINE, AlertState, AlertTrigger


class CollusionScan(Base):
    """One detector's look at one lot. ``finished_at`` None: ordered, not done yet."""

    __tablename__ = "collusion_scans"
    __table_args__ = (UniqueConstraint("lot_id", "detector"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("lots.id"))
    detector: Mapped[str] = mapped_column(String(10))
    ordered_at: Mapped[datetime] = mapped_column(Instant)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
    summary: Mapped[dict[str, Any]] = mapped_column(Json)
    """Counts of what was compared and taken away, and the versions of the tools."""


class BidReading(Base):
    """How the text of one opened bid was read. ``fault`` "" or why it can not be read (a code of ``documents``)."""

    __tablename__ = "bid_readings"
    __table_args__ = (UniqueConstraint("lot_id", "bid"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("lots.id"))
    bid: Mapped[str] = mapped_column(String(32))
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"), index=True)
    sha256: Mapped[str] = mapped_column(String(64))
    pages: Mapped[int] = mapped_column(Integer)
    signs: Mapped[int] = mapped_column(Integer)
    fault: Mapped[str] = mapped_column(String(80), default="")
    fault_limit: Mapped[str] = mapped_column(String(40), default="")
    image_pages: Mapped[list[int]] = mapped_column(Json)
    """Pages with a picture and next to no text: a copy of them can not be seen."""
    hidden_marks: Mapped[int] = mapped_column(Integer, default=0)
    is_cut: Mapped[bool] = mapped_column(default=False)
    prints_name: Mapped[str] = mapped_column(String(200), default="")
    """Where the fingerprints lie in the store: background for later lots, from which no text can be read."""
    read_at: Mapped[datetime] = mapped_column(Instant)


class Alert(Base):
    """A lead for people: what a detector found about some bidders of a lot. Told once (lot, detector, subject)."""

    __tablename__ = "collusion_alerts"
    __table_args__ = (
        UniqueConstraint("lot_id", "detector", "subject"),
        Index("ix_collusion_alerts_state_raised_at", "state", "raised_at"),
    )
    MACHINE: ClassVar[Machine[AlertState, AlertTrigger]] = ALERT_MACHINE

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, unique=True)
    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("lots.id"), index=True)
    detector: Mapped[str] = mapped_column(String(10))
    subject: Mapped[str] = mapped_column(String(80))
    severity: Mapped[Severity] = mapped_column(EnumText(Severity))
    state: Mapped[AlertState] = mapped_column(EnumText(AlertState))
    bidders: Mapped[list[dict[str, str]]] = mapped_column(Json)
    """``org_id``, ``name`` and ``bid`` of each, in a fixed order."""
    evidence: Mapped[dict[str, Any]] = mapped_column(Json)
    evidence_schema: Mapped[int] = mapped_column(Integer)
    rules_version: Mapped[str] = mapped_column(String(20))
    raised_at: Mapped[datetime] = mapped_column(Instant)


class AlertStep(Base):
    """One thing a supervisor did about an alert."""

    __tablename__ = "collusion_alert_steps"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    alert_id: Mapped[str] = mapped_column(String(36), ForeignKey("collusion_alerts.id"), index=True)
    trigger: Mapped[AlertTrigger] = mapped_column(EnumText(AlertTrigger))
    by_user_id: Mapped[str] = mapped_column(String(36), ForeignKey("users.id"))
    by_name: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(Instant)
    explanation: Mapped[str] = mapped_column(String(40), default="")
    """Which innocent explanation was found to hold (a key of the detector's catalogue), or ``other``."""
    reason: Mapped[str] = mapped_column(Text, default="")
    authority: Mapped[str] = mapped_column(String(200), default="")
    document_no: Mapped[str] = mapped_column(String(200), default="")
