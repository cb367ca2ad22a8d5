"""When a bidder's line to the room was there: kept for the record and for help, without any legal effect (R3.18)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.orm import Mapped, mapped_column

from foundation.clock import monotonic
from foundation.store.base import Base, Instant
from foundation.store.unit import Unit


@dataclass(frozen=True, slots=True)
class Edge:
    """A bidder's first line came, or its last one left. ``noted`` is the machine's monotonic time."""

    lot_id: str
    org_id: str
    came: bool
    noted: float = field(default_factory=monotonic)


class PresenceSpan(Base):
    """From the first line of an organisation to its last.

    ``left_at`` is empty while it is there, or when the process that saw it ended before it could say.
    """

    __tablename__ = "presence_spans"

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("opening_rooms.id"), primary_key=True)
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"), primary_key=True)
    came_at: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    left_at: Mapped[datetime | None] = mapped_column(Instant)


def write_edges(unit: Unit, edges: Sequence[Edge]) -> None:
    """Write what the room noted; the instants are those of the happening, not of the writing."""
    now = monotonic()
    for edge in edges:
        at = unit.at - timedelta(seconds=now - edge.noted)
        if edge.came:
            unit.session.merge(PresenceSpan(lot_id=edge.lot_id, org_id=edge.org_id, came_at=at, left_at=None))
            continue
        span = unit.session.scalar(
            select(PresenceSpan)
            .where(
                PresenceSpan.lot_id == edge.lot_id, PresenceSpan.org_id == edge.org_id, PresenceSpan.left_at.is_(None)
            )
            .order_by(PresenceSpan.came_at.desc())
            .limit(1)
        )
        if span is not None:
            span.left_at = max(at, span.came_at)
