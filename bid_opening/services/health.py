"""Does the platform work while keys are released? Signs that stand too long are marked, and stop the clock (R3.32).

A sign is named by what it is about (a journal entry that is not in the log, a job nobody takes), and has to stand for a
while on the machine clock: a jump of the demonstration's clock or one slow second is no outage.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import or_, select

from bid_opening import outages
from bid_opening.models import OpeningRoom
from bid_opening.services import rooms
from bid_opening.services.clock import PLATFORM
from bid_opening.states import Phase
from foundation.errors import Unavailable
from foundation.jobs.models import Job, JobState
from foundation.journal.models import JournalEntry
from foundation.publication.models import STATE_ROW, LogState
from foundation.runtime import Runtime
from foundation.store.unit import Unit

log = structlog.get_logger("bid_opening")
HELD: Final = timedelta(seconds=60)
"""How long a sign stands before its part of the platform counts as not working."""
PROBE: Final = "health/probe"
LOG, JOBS, STORAGE = "log", "jobs", "storage"


@dataclass
class Watch:
    """Since when, by the machine clock, each part has shown its sign. One a worker process."""

    since: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def red(self, signs: Mapping[str, str], machine: datetime) -> frozenset[str]:
        """Parts whose sign is still the same as ``HELD`` ago; a part without a sign is in order at once."""
        self.since = {
            part: (subject, machine if self.since.get(part, ("", machine))[0] != subject else self.since[part][1])
            for part, subject in signs.items()
        }
        return frozenset(part for part, (_, first) in self.since.items() if machine - first >= HELD)


def look(runtime: Runtime, watch: Watch, machine: datetime) -> None:
    """Mark what stopped working, and what works again, in every room whose bidders release keys. Cheap without one."""
    with runtime.units.read(PLATFORM) as unit:
        lots = rooms.rooms_in(unit, Phase.DECRYPTING, Phase.SUSPENDED)
        red = watch.red(_signs(runtime, unit, lots) if lots else {}, machine)
    for lot_id in lots:
        with runtime.units.begin(PLATFORM) as unit:
            _look_after(unit, lot_id, red, machine)


def _look_after(unit: Unit, lot_id: str, red: frozenset[str], machine: datetime) -> None:
    """One room: what changed is marked, a gap since the last look stops the clock, and this look is noted."""
    state, row = rooms.locked(unit, lot_id), unit.session.get_one(OpeningRoom, lot_id)
    looked = (row.looked_at, row.looked_machine_at)
    events = outages.mark_health(state, red)
    if row.looked_at is not None and outages.stood_still(looked, unit.at, machine):
        events = (*events, *outages.suspend_for_gap(state, unit.at, since=row.looked_at))
    if events:
        log.warning("platform_health_changed", lot=lot_id, red=sorted(red))
    rooms.apply(unit, lot_id, events)
    row.looked_at, row.looked_machine_at = unit.at, machine
    unit.session.flush()


def _signs(runtime: Runtime, unit: Unit, lots: Sequence[str]) -> dict[str, str]:
    found = {LOG: _unlogged(unit, lots), JOBS: _untaken(unit), STORAGE: _unstored(runtime)}
    return {part: subject for part, subject in found.items() if subject is not None}


def _unlogged(unit: Unit, lots: Sequence[str]) -> str | None:
    """The alarm that stopped the publisher, or the oldest entry of these rooms that no cosigned checkpoint covers."""
    state = unit.session.get(LogState, STATE_ROW)
    if state is None:
        return None
    if state.alarm is not None:
        return state.alarm
    is_out = or_(JournalEntry.leaf_index.is_(None), JournalEntry.leaf_index >= state.published_size)
    streams = [rooms.stream_of(lot_id) for lot_id in lots]
    return unit.session.scalar(
        select(JournalEntry.id).where(JournalEntry.stream.in_(streams), is_out).order_by(JournalEntry.id).limit(1)
    )


def _untaken(unit: Unit) -> str | None:
    """The oldest due job nobody has begun. One that was tried and waits for its next try is not the queue's fault."""
    return unit.session.scalar(
        select(Job.id)
        .where(Job.state == JobState.QUEUED, Job.due_at <= unit.at, Job.attempts == 0)
        .order_by(Job.due_at, Job.id)
        .limit(1)
    )


def _unstored(runtime: Runtime) -> str | None:
    try:
        runtime.objects.exists(PROBE)
    except Unavailable as error:
        return error.code
    except OSError:
        return "os_error"
    return None
