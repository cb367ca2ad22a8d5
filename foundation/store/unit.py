"""The Unit: one transaction, one reading of the clock, one actor, one source of entropy, one journal.

Opened at edges only (views, tasks, CLI). It commits on leaving and rolls back on any exception. Nothing slow happens
inside: no network, no PDF, no encryption of big files.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar, Protocol

from sqlalchemy import Engine, update
from sqlalchemy.orm import Session, attributes

from foundation.actor import PUBLIC, Actor
from foundation.clock import Clock
from foundation.entropy import Entropy
from foundation.events import Event
from foundation.ids import new_id
from foundation.jobs.queue import enqueue
from foundation.journal.consumers import consumers_of
from foundation.journal.models import JournalEntry
from foundation.journal.write import append
from foundation.machine import LostRace, Machine
from foundation.store.engine import READ_ONLY, is_sqlite, translated


class Hints(Protocol):
    """Wakes other processes after a commit. A hint carries no data and may be lost."""

    def poke(self, topics: frozenset[str]) -> None: ...


class NoHints:
    """Nobody is listening (tests, command line)."""

    def poke(self, topics: frozenset[str]) -> None:
        """Do nothing: listeners look by themselves every second."""


class Stateful(Protocol):
    """A row with a state that moves by a table."""

    id: Any
    state: Any
    MACHINE: ClassVar[Any]


@dataclass
class Unit:
    """What a use case works with."""

    session: Session
    actor: Actor
    at: datetime
    entropy: Entropy
    topics: set[str] = field(default_factory=set)

    def new_id(self) -> str:
        return new_id(self.at, self.entropy)

    def append(self, stream: str, event: Event, *, reason: str = "") -> JournalEntry:
        """Write a fact into the journal, in this transaction."""
        self.topics.add("journal")
        entry = append(self.session, stream, event, actor=self.actor, at=self.at, entropy=self.entropy, reason=reason)
        for listener in consumers_of(event.TYPE):
            self.enqueue(listener, entry.id, {"entry": entry.id})
        return entry

    def transition(
        self, row: Stateful, trigger: StrEnum, stream: str, event: Event, *, reason: str = ""
    ) -> JournalEntry:
        """Move ``row`` by its table, compare-and-swap in the database, and tell it in the journal.

        Raises WrongState where the table has no such step, LostRace where another writer was first.
        """
        machine: Machine[Any, Any] = row.MACHINE
        before = row.state
        after = machine.advance(before, trigger)
        self.session.flush()
        cls: Any = type(row)
        moved = self.session.execute(
            update(cls)
            .where(cls.id == row.id, cls.state == before)
            .values(state=after)
            .execution_options(synchronize_session=False)
        )
        if moved.rowcount != 1:  # type: ignore[attr-defined]
            raise LostRace(machine=machine.name, state=str(before), trigger=str(trigger))
        attributes.set_committed_value(row, "state", after)
        return self.append(stream, event, reason=reason)

    def enqueue(
        self, task: str, key: str, payload: dict[str, Any] | None = None, *, due: datetime | None = None
    ) -> None:
        """Ask for background work, once per (task, key), not before the civil instant ``due``.

        The row is part of this transaction, so a crash can neither lose nor invent the work.
        """
        enqueue(self.session, self.new_id(), task, key, payload or {}, due or self.at)
        self.topics.add("jobs")


class Units:
    """Opens Units over one engine."""

    def __init__(self, engine: Engine, clock: Clock, entropy: Entropy, hints: Hints | None = None) -> None:
        self.engine = engine
        self.clock = clock
        self.entropy = entropy
        self.hints: Hints = hints or NoHints()
        options: dict[str, Any] = {READ_ONLY: True}
        if not is_sqlite(engine):
            # PostgreSQL's default would give every statement of a reading Unit a snapshot of its own.
            options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        self._read_engine = engine.execution_options(**options)

    @contextmanager
    def begin(self, actor: Actor) -> Iterator[Unit]:
        """A writing Unit: commit on leaving, roll back on raise; hints go out after the commit. Raises DatabaseAway."""
        with translated(), Session(self.engine, expire_on_commit=False) as session:
            # The transaction (on SQLite the write lock) is taken before the clock is read: instants follow locks.
            session.connection()
            unit = Unit(session, actor, self.clock.now(), self.entropy)
            try:
                yield unit
                session.commit()
            except BaseException:
                session.rollback()
                raise
        if unit.topics:
            self.hints.poke(frozenset(unit.topics))

    @contextmanager
    def read(self, actor: Actor = PUBLIC) -> Iterator[Unit]:
        """A reading Unit: sees one snapshot; closing it rolls back. Raises DatabaseAway."""
        with translated(), Session(self._read_engine, expire_on_commit=False, autoflush=False) as session:
            yield Unit(session, actor, self.clock.now(), self.entropy)


__all__ = ["Hints", "NoHints", "Stateful", "Unit", "Units"]
