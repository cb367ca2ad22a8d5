"""Appending. Within a stream order equals commit order and no number is skipped; streams do not wait for each other."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from foundation import canonical
from foundation.actor import Actor
from foundation.clock import iso
from foundation.entropy import Entropy
from foundation.events import Event, dump
from foundation.ids import new_id
from foundation.journal.models import JournalEntry, JournalStream

GENESIS: Final = "0" * 64
REASON_LIMIT: Final = 2000
# Built once: every use case appends, and building a statement costs as much as running it.
_HEAD: Final = (
    select(JournalStream.head_seq, JournalStream.head_hash, JournalStream.recorded_at)
    .where(JournalStream.stream == bindparam("of"))
    .with_for_update()
)
_MOVE_HEAD: Final = (
    update(JournalStream)
    .where(JournalStream.stream == bindparam("of"))
    .values(head_seq=bindparam("head_seq"), head_hash=bindparam("head_hash"), recorded_at=bindparam("recorded_at"))
    .execution_options(synchronize_session=False)
)


def append(
    session: Session, stream: str, event: Event, *, actor: Actor, at: datetime, entropy: Entropy, reason: str = ""
) -> JournalEntry:
    """Take the next number of ``stream`` and insert the entry, in the caller's transaction.

    ``recorded_at`` never goes back within a stream: it is the later of ``at`` and the stream's last instant.
    """
    last_seq, prev_hash, last_at = _locked_head(session, stream, at)
    seq, recorded_at = last_seq + 1, max(at, last_at)
    entry = JournalEntry(
        id=new_id(recorded_at, entropy),
        stream=stream,
        seq=seq,
        type=event.TYPE,
        audience=event.AUDIENCE,
        recorded_at=recorded_at,
        actor_user_id=actor.user_id,
        actor_org_id=actor.org_id,
        actor_role=actor.role,
        source=actor.source[:120],
        reason=reason[:REASON_LIMIT],
        data=canonical.dumps(dump(event)),
        prev_hash=prev_hash,
        nonce=entropy.token(32),
        leaf_index=None,
    )
    entry.hash = canonical.digest(content_of(entry))
    session.add(entry)
    session.flush()
    session.execute(_MOVE_HEAD, {"of": stream, "head_seq": seq, "head_hash": entry.hash, "recorded_at": recorded_at})
    return entry


def content_of(entry: JournalEntry) -> dict[str, Any]:
    """What the hash covers."""
    return {
        "v": 1,
        "id": entry.id,
        "stream": entry.stream,
        "seq": entry.seq,
        "type": entry.type,
        "audience": str(entry.audience),
        "at": iso(entry.recorded_at),
        "actor": {"user": entry.actor_user_id, "org": entry.actor_org_id, "role": entry.actor_role},
        "source": entry.source,
        "reason": entry.reason,
        "data": entry.data,
        "prev": entry.prev_hash,
    }


def _locked_head(session: Session, stream: str, at: datetime) -> Row[int, str, datetime]:
    """The stream's last number, hash and instant. The row lock orders its writers (PostgreSQL; SQLite has one)."""
    head = session.execute(_HEAD, {"of": stream}).first()
    if head is not None:
        return head
    values = {"stream": stream, "head_seq": 0, "head_hash": GENESIS, "recorded_at": at}
    # Two first writers may meet here: the second insert waits and then does nothing.
    if session.get_bind().dialect.name == "sqlite":
        session.execute(sqlite.insert(JournalStream).values(values).on_conflict_do_nothing())
    else:
        session.execute(postgresql.insert(JournalStream).values(values).on_conflict_do_nothing())
    return session.execute(_HEAD, {"of": stream}).one()
