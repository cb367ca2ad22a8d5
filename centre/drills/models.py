"""Rows of drills. None of them is a room's, a lot's or a log's."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import ForeignKey, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from centre.drills.states import DRILL_MACHINE, DrillState, DrillTrigger
from foundation.machine import Machine
from foundation.store.base import Base, EnumText, Instant, Json


class DrillRun(Base):
    """One drill of one lot, kept with its report."""

    __tablename__ = "drills"
    MACHINE: ClassVar[Machine[DrillState, DrillTrigger]] = DRILL_MACHINE

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("lots.id"), index=True)
    state: Mapped[DrillState] = mapped_column(EnumText(DrillState))
    seed: Mapped[str] = mapped_column(String(32))
    ordered_by: Mapped[str] = mapped_column(String(200))
    ordered_at: Mapped[datetime] = mapped_column(Instant)
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    step: Mapped[str] = mapped_column(String(40), default="")
    """What is being done now, a term ``drill_step.<step>``."""
    done: Mapped[int] = mapped_column(Integer, default=0)
    beat_at: Mapped[datetime | None] = mapped_column(Instant)
    """Machine clock: when the step began. A running drill whose beat is old has lost its worker."""
    channel_hash: Mapped[str] = mapped_column(String(64), default="")
    """SHA-256 of the channel's key; "" while nobody may listen."""
    report: Mapped[dict[str, Any] | None] = mapped_column(Json)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)


class DrillFrame(Base):
    """A frame of a drill, as its channel sends it: dense from 1, written and read by the drill alone."""

    __tablename__ = "drill_frames"

    drill_id: Mapped[str] = mapped_column(String(36), ForeignKey("drills.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(Integer, primary_key=True)
    frame: Mapped[str] = mapped_column(Text)
