"""Reading a stream, and proving that it is whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation import canonical
from foundation.errors import Tampering
from foundation.events import Event, load
from foundation.journal.models import JournalEntry, JournalStream
from foundation.journal.write import GENESIS, content_of

PAGE: Final = 500


class BrokenChain(Tampering):
    """An entry was changed, dropped or inserted behind the project's back."""

    code = "journal.broken_chain"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry as readers see it."""

    id: str
    stream: str
    seq: int
    at: datetime
    actor_user_id: str | None
    actor_org_id: str | None
    actor_role: str
    reason: str
    event: Event
    hash: str
    leaf_index: int | None


def read_stream(session: Session, stream: str, *, after: int = 0, limit: int = 10_000) -> Sequence[Entry]:
    """Entries of ``stream`` with a number above ``after``, in order."""
    rows = session.scalars(
        select(JournalEntry)
        .where(JournalEntry.stream == stream, JournalEntry.seq > after)
        .order_by(JournalEntry.seq)
        .limit(limit)
    )
    return [entry_of(row) for row in rows]


def entry_of(row: JournalEntry) -> Entry:
    return Entry(
        id=row.id,
        stream=row.stream,
        seq=row.seq,
        at=row.recorded_at,
        actor_user_id=row.actor_user_id,
        actor_org_id=row.actor_org_id,
        actor_role=row.actor_role,
        reason=row.reason,
        event=load(row.type, json.loads(row.data)),
        hash=row.hash,
        leaf_index=row.leaf_index,
    )


def verify_stream(session: Session, stream: str) -> int:
    """Recompute the hash chain of ``stream``; returns its length. Raises BrokenChain naming the first bad number."""
    head = session.get(JournalStream, stream)
    if head is None:
        return 0
    prev, seq, last_at = GENESIS, 0, None
    while page := _page(session, stream, seq):
        for row in page:
            seq += 1
            if row.seq != seq or row.prev_hash != prev or canonical.digest(content_of(row)) != row.hash:
                raise BrokenChain(stream=stream, seq=seq)
            if last_at is not None and row.recorded_at < last_at:
                raise BrokenChain(stream=stream, seq=seq)
            prev, last_at = row.hash, row.recorded_at
    if seq != head.head_seq or prev != head.head_hash:
        raise BrokenChain(stream=stream, seq=seq)
    return seq


def _page(session: Session, stream: str, after: int) -> Sequence[JournalEntry]:
    return session.scalars(
        select(JournalEntry)
        .where(JournalEntry.stream == stream, JournalEntry.seq > after)
        .order_by(JournalEntry.seq)
        .limit(PAGE)
    ).all()
