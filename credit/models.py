"""Bans follow the code, not the account: registering again under another name does not shake one off."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.store.base import Base, Instant


class Ban(Base):
    __tablename__ = "bans"
    __table_args__ = (
        UniqueConstraint("uscc", "authority", "decision_no"),
        CheckConstraint("starts_at < ends_at", name="starts_before_end"),
        Index("ix_bans_uscc_starts_at", "uscc", "starts_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    uscc: Mapped[str] = mapped_column(String(18))
    name: Mapped[str] = mapped_column(String(200))
    authority: Mapped[str] = mapped_column(String(200))
    decision_no: Mapped[str] = mapped_column(String(200))
    clause: Mapped[str] = mapped_column(String(200))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    document_reference: Mapped[str] = mapped_column(String(500))
    entered_by: Mapped[str] = mapped_column(String(36))
    entered_at: Mapped[datetime] = mapped_column(Instant)
    annulled_at: Mapped[datetime | None] = mapped_column(Instant)
    annulled_ground: Mapped[str] = mapped_column(Text, default="")
