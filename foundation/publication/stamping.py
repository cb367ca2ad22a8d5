"""Time stamps on checkpoints: wanted in a Unit, fetched outside one, kept once. Nothing waits for them.

A lot's frozen list is worth a stamp: it shows to anybody, by the clock of somebody who knows nothing of tenders, that
the list stood before any key was released.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog
from sqlalchemy import select, update

from foundation.actor import system
from foundation.clock import machine_now
from foundation.errors import NotFound
from foundation.events import Audience
from foundation.events.publication import CheckpointStamped
from foundation.journal.models import JournalEntry
from foundation.publication.models import LogStamp
from foundation.publication.proofs import is_cosigned, latest_checkpoint
from foundation.runtime import Runtime
from foundation.store.unit import Unit
from foundation.timestamping import Authority, StampFalse, StampingAway, TimeStamp, authority_of
from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.notes import Note

log = structlog.get_logger("stamping")
ACTOR: Final = system("stamping")
STREAM: Final = "log"
AT_ONCE: Final = 20


@dataclass(frozen=True, slots=True)
class Stamped:
    """A stamp as kept. ``checkpoint``: the note it is of; ``response``: the authority's DER answer."""

    checkpoint: str
    response: bytes
    stamped_at: datetime
    authority: str
    serial: str


def want_stamp(unit: Unit, entry_id: str) -> None:
    """Have the first published checkpoint that covers this entry stamped. Idempotent."""
    if unit.session.get(LogStamp, entry_id) is None:
        unit.session.add(LogStamp(journal_entry_id=entry_id, asked_at=unit.at))


def stamp_of(unit: Unit, entry_id: str) -> Stamped | None:
    """The stamp that covers a PUBLIC entry, None while there is none. Raises NotFound for any other entry."""
    audience = unit.session.scalar(select(JournalEntry.audience).where(JournalEntry.id == entry_id))
    if audience is not Audience.PUBLIC:
        raise NotFound(what=entry_id[:64])
    row = unit.session.get(LogStamp, entry_id)
    if row is None or row.checkpoint is None or row.response is None or row.stamped_at is None:
        return None
    return Stamped(row.checkpoint, row.response, row.stamped_at, row.authority, row.serial)


def stamp_waiting(runtime: Runtime, authority: Authority, *, machine: Callable[[], datetime] = machine_now) -> int:
    """Fetch what is wanted and published; how many were kept. An authority that is away is asked again next time."""
    with runtime.units.read(ACTOR) as unit:
        waiting = unit.session.scalars(
            select(LogStamp.journal_entry_id)
            .where(LogStamp.response.is_(None))
            .order_by(LogStamp.asked_at, LogStamp.journal_entry_id)
            .limit(AT_ONCE)
        ).all()
        ready = [entry for entry in waiting if is_cosigned(unit, entry)]
        checkpoint = latest_checkpoint(unit) if ready else ""
    if not ready:
        return 0
    try:
        response, stamp = authority.stamp(checkpoint.encode(), machine())
    except StampingAway as away:
        log.warning("stamp_waits", **away.fields)
        return 0
    except StampFalse as false:
        # A false stamp harms nobody who does not keep it; it is told, and asked for again.
        log.error("stamp_false", **false.fields)  # noqa: TRY400 - the fields say it all
        return 0
    for entry in ready:
        _keep(runtime, entry, checkpoint, response, stamp)
    return len(ready)


def stamp_if_configured(runtime: Runtime) -> int:
    """``stamp_waiting`` with the authority of the settings; 0 without one."""
    authority = authority_of(runtime.settings)
    return 0 if authority is None else stamp_waiting(runtime, authority)


def _keep(runtime: Runtime, entry_id: str, checkpoint: str, response: bytes, stamp: TimeStamp) -> None:
    with runtime.units.begin(ACTOR) as unit:
        kept = unit.session.execute(
            update(LogStamp)
            .where(LogStamp.journal_entry_id == entry_id, LogStamp.response.is_(None))
            .values(
                checkpoint=checkpoint,
                response=response,
                stamped_at=stamp.at,
                authority=stamp.authority[:400],
                serial=stamp.serial[:80],
            )
            .execution_options(synchronize_session=False)
        )
        if kept.rowcount != 1:  # type: ignore[attr-defined]
            return
        event = CheckpointStamped(
            entry=entry_id,
            log_size=Checkpoint.parse(Note.parse(checkpoint).text).size,
            checkpoint=hashlib.sha256(checkpoint.encode()).hexdigest(),
            stamped_at=stamp.at,
            authority=stamp.authority[:400],
            serial=stamp.serial[:80],
        )
        unit.append(STREAM, event)
