"""What was told of an opening already, so that nobody is told twice."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from foundation.store.base import Base, Instant


class OpeningNotice(Base):
    """That a room's people were told: of the journal entry ``moment``, or at a moment of the clock.

    A moment of the clock holds the instant it counts from, so a moved one has moments of its own. Says nothing of whom.
    """

    __tablename__ = "opening_notices"

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("lots.id"), primary_key=True)
    moment: Mapped[str] = mapped_column(String(80), primary_key=True)
    told_at: Mapped[datetime] = mapped_column(Instant)
