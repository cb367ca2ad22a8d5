"""The clock of a demonstration centre: one row, moved only by the journalled ``DemoClockMoved``.

A data folder created without ``--demo`` has no such row and no code path that makes one, so a production centre can not
be given a false clock. While the centre is down or paused the clock stands still: every process reads the row, and the
runner re-anchors it at start (``resume``).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Boolean, Engine, Integer, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from foundation.clock import ClockPosition, machine_now
from foundation.errors import Conflict, NotFound
from foundation.events.centre import DemoClockMoved
from foundation.journal.models import JournalStream
from foundation.store.base import Base, Instant
from foundation.store.engine import READ_ONLY
from foundation.store.unit import Unit

STREAM: Final = "clock"
ROW: Final = 1
PULSE: Final = timedelta(seconds=1)


class ClockRow(Base):
    """Where the demonstration clock stands; ``seen_civil`` is written about once a second while the centre runs."""

    __tablename__ = "demo_clock"

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    civil: Mapped[datetime] = mapped_column(Instant)
    machine: Mapped[datetime] = mapped_column(Instant)
    running: Mapped[bool] = mapped_column(Boolean)
    seen_civil: Mapped[datetime] = mapped_column(Instant)

    def position(self) -> ClockPosition:
        return ClockPosition(civil=self.civil, machine=self.machine, running=self.running)


class ClockBackwards(Conflict):
    """A demonstration clock only goes forward."""

    code = "centre.clock_backwards"


def reader(engine: Engine) -> ClockPosition:
    """The position now, without the write lock. Raises NotFound in a centre that is not a demonstration."""
    with Session(engine.execution_options(**{READ_ONLY: True})) as session:
        row = session.get(ClockRow, ROW)
        if row is None:
            raise NotFound(what="demo clock")
        return row.position()


def create(engine: Engine, start: datetime) -> None:
    """Give a fresh demonstration folder its clock (once)."""
    with Session(engine) as session, session.begin():
        session.connection()
        if session.get(ClockRow, ROW) is None:
            session.add(ClockRow(id=ROW, civil=start, machine=machine_now(), running=True, seen_civil=start))


def resume(engine: Engine) -> None:
    """At start: go on from where the clock was last seen, never before anything already recorded."""
    with Session(engine) as session, session.begin():
        session.connection()
        row = session.get(ClockRow, ROW)
        if row is None:
            return
        recorded = session.scalar(select(func.max(JournalStream.recorded_at)))
        row.civil = max(row.seen_civil, row.civil, *([recorded + timedelta(milliseconds=1)] if recorded else []))
        row.machine = machine_now()
        row.seen_civil = row.civil


def pulse(engine: Engine) -> None:
    """Write down where the running clock is (worker, every second)."""
    with Session(engine) as session, session.begin():
        session.connection()
        row = session.get(ClockRow, ROW)
        if row is not None and row.running:
            row.seen_civil = row.position().at(machine_now())


def move(unit: Unit, *, to: datetime | None = None, running: bool | None = None, why: str) -> datetime:
    """Jump forward to ``to`` and/or pause or run; returns the new instant. Journalled."""
    row = unit.session.get(ClockRow, ROW)
    if row is None:
        raise NotFound(what="demo clock")
    machine = machine_now()
    before = row.position().at(machine)
    after = before if to is None else to
    if after < before:
        raise ClockBackwards(before=before, after=after)
    row.civil, row.machine, row.seen_civil = after, machine, after
    row.running = row.running if running is None else running
    unit.append(STREAM, DemoClockMoved(before=before, after=after, running=row.running, why=why))
    return after
