"""What tests of units, journal and jobs share: a test event, and databases of both kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from sqlalchemy import Engine, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from foundation.clock import SteppingClock
from foundation.entropy import SystemEntropy
from foundation.events import Audience, Event, event_type
from foundation.store.base import Base
from foundation.store.engine import open_engine
from foundation.store.unit import Units

START = datetime(2026, 11, 3, 1, 0, tzinfo=UTC)


@event_type
@dataclass(frozen=True)
class Noted(Event):
    """Something to write down in tests."""

    TYPE: ClassVar[str] = "tests.noted"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("number",)

    number: int
    at: datetime
    secret: str = ""


class Effect(Base):
    """What a job has done, in tests: the primary key makes a second effect impossible to miss."""

    __tablename__ = "test_effects"

    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    times: Mapped[int] = mapped_column(Integer)


class Counter(Base):
    """A value that writers read, then write."""

    __tablename__ = "test_counters"

    name: Mapped[str] = mapped_column(String(20), primary_key=True)
    value: Mapped[int] = mapped_column(Integer)


SPINE_TABLES = ("journal_streams", "journal_entries", "jobs", "test_effects", "test_counters")


def make_engine(url: str) -> Engine:
    """An engine with the spine's tables only."""
    engine = open_engine(url)
    Base.metadata.create_all(engine, tables=[Base.metadata.tables[name] for name in SPINE_TABLES])
    return engine


def make_units(engine: Engine, clock: SteppingClock | None = None) -> Units:
    return Units(engine, clock or SteppingClock(START), SystemEntropy())


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'spine.db'}"


Maker = Callable[[str], Engine]
