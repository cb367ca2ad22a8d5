"""Rows about how ready a bidder is: rehearsals of its key, reminders that were sent, checks of its device."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from foundation.store.base import Base, Instant, Json


class BidRehearsal(Base):
    """A challenge for one sealed revision, and the statement that answered it (R3.22). Its organisation's alone."""

    __tablename__ = "bid_rehearsals"
    __table_args__ = (
        # One unanswered challenge a revision: asking again exchanges it.
        Index(
            "uq_bid_rehearsals_open",
            "sealed_bid_id",
            unique=True,
            sqlite_where=text("filed_at IS NULL"),
            postgresql_where=text("filed_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    sealed_bid_id: Mapped[str] = mapped_column(String(36), ForeignKey("sealed_bids.id"), index=True)
    challenge: Mapped[str] = mapped_column(String(64), unique=True)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    tag: Mapped[str] = mapped_column(String(64), default="")
    filed_at: Mapped[datetime | None] = mapped_column(Instant)
    is_right: Mapped[bool | None] = mapped_column(Boolean)
    """Whether the statement was made with the r_bid that was released; None until it is."""


class LotReminder(Base):
    """That a lot's bidders were reminded, so many hours before this deadline. Says nothing of whom or how many."""

    __tablename__ = "lot_reminders"

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("lots.id"), primary_key=True)
    deadline_at: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    hours: Mapped[int] = mapped_column(Integer, primary_key=True)
    sent_at: Mapped[datetime] = mapped_column(Instant)


class SelfCheck(Base):
    """What a bidder's browser found of its own device (R3.24). Its organisation's alone."""

    __tablename__ = "self_checks"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"), index=True)
    user_id: Mapped[str] = mapped_column(String(36), ForeignKey("users.id"))
    checked_at: Mapped[datetime] = mapped_column(Instant)
    is_ready: Mapped[bool] = mapped_column(Boolean)
    lines: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    """In the order of the page: id, state (ok, warn, bad) and what was measured."""
    user_agent: Mapped[str] = mapped_column(String(300))
