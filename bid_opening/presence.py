"""When a bidder's line to the room was there: for the record and for help, without any legal effect (R3.18, R3.38).

A room process writes when a bidder's first line comes and when its last one goes, never for a ping and never for a
spectator. Besides it says now and then, once for all its lines, that it lives. One that was killed can not say who
left; its spans end at its last sign of life.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ForeignKey, String, select, update
from sqlalchemy.orm import Mapped, mapped_column

from foundation.clock import machine_now, monotonic
from foundation.store.base import Base, Instant
from foundation.store.unit import Unit

BEAT_SECONDS: Final = 10.0
"""How often a room process with bidders in the line says that it lives."""
DEAD_SECONDS: Final = 45.0
"""Silent for so long, by the machine clock, it is taken for dead."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A bidder's first line came, or its last one left. ``noted`` is the machine's monotonic time."""

    lot_id: str
    org_id: str
    came: bool
    noted: float = field(default_factory=monotonic)


class RoomLife(Base):
    """One room process: ``seen_at`` is its last sign of life by the civil clock, ``beat_at`` by the machine's."""

    __tablename__ = "room_lives"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    beat_at: Mapped[datetime] = mapped_column(Instant)


class PresenceSpan(Base):
    """From the first line of an organisation at one room process (``life``) to its last; open while it is there."""

    __tablename__ = "presence_spans"

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("opening_rooms.id"), primary_key=True)
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"), primary_key=True)
    came_at: Mapped[datetime] = mapped_column(Instant, primary_key=True)
    left_at: Mapped[datetime | None] = mapped_column(Instant)
    life: Mapped[str] = mapped_column(String(36), server_default="", default="")


def write_edges(unit: Unit, edges: Sequence[Edge], life: str = "") -> None:
    """Write what the room noted; the instants are those of the happening, not of the writing."""
    now = monotonic()
    for edge in edges:
        at = unit.at - timedelta(seconds=now - edge.noted)
        if edge.came:
            unit.session.merge(
                PresenceSpan(lot_id=edge.lot_id, org_id=edge.org_id, came_at=at, left_at=None, life=life)
            )
            continue
        span = unit.session.scalar(
            select(PresenceSpan)
            .where(
                PresenceSpan.lot_id == edge.lot_id,
                PresenceSpan.org_id == edge.org_id,
                PresenceSpan.life == life,
                PresenceSpan.left_at.is_(None),
            )
            .order_by(PresenceSpan.came_at.desc())
            .limit(1)
        )
        if span is not None:
            span.left_at = max(at, span.came_at)


def beat(unit: Unit, life: str) -> None:
    """One sign of life of this process, for all its lines together."""
    unit.session.merge(RoomLife(id=life, seen_at=unit.at, beat_at=machine_now()))


def is_dead(life: RoomLife) -> bool:
    """Whether this process has been silent for too long."""
    return life.beat_at < machine_now() - timedelta(seconds=DEAD_SECONDS)


def dead_lives(unit: Unit) -> list[RoomLife]:
    """Processes that are silent for too long and still have open spans."""
    limit = machine_now() - timedelta(seconds=DEAD_SECONDS)
    open_ones = select(PresenceSpan.life).where(PresenceSpan.left_at.is_(None)).distinct()
    return list(unit.session.scalars(select(RoomLife).where(RoomLife.beat_at < limit, RoomLife.id.in_(open_ones))))


def bury(unit: Unit) -> int:
    """End the spans of processes that died, each at its process's last sign of life; how many there were."""
    ended = 0
    for life in dead_lives(unit):
        of_it = (PresenceSpan.life == life.id, PresenceSpan.left_at.is_(None))
        # Whoever came after the last sign of life was there for a moment at least.
        late = update(PresenceSpan).where(*of_it, PresenceSpan.came_at > life.seen_at)
        unit.session.execute(late.values(left_at=PresenceSpan.came_at))
        done = unit.session.execute(update(PresenceSpan).where(*of_it).values(left_at=life.seen_at))
        ended += done.rowcount  # type: ignore[attr-defined]
    return ended
