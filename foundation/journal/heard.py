"""What a consumer's job tells of: the entry that was appended when the job was written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from sqlalchemy.orm import Session

from foundation.events import Event
from foundation.jobs.registry import JobContext
from foundation.journal.models import JournalEntry
from foundation.journal.read import entry_of

E = TypeVar("E", bound=Event)


@dataclass(frozen=True, slots=True)
class Heard(Generic[E]):
    """The event, the instant it was recorded, and its entry's id."""

    event: E
    at: datetime
    entry_id: str


def heard(session: Session, context: JobContext, kind: type[E]) -> Heard[E]:
    """The event of type ``kind`` this job tells of. Raises TypeError where it is of another, which is a bug."""
    entry = entry_of(session.get_one(JournalEntry, context.payload["entry"]))
    if not isinstance(entry.event, kind):
        raise TypeError(entry.event.TYPE)
    return Heard(entry.event, entry.at, entry.id)
