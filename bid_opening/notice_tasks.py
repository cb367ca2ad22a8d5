"""People are told of an opening: by its events, and by the clock (R3.53)."""

from __future__ import annotations

from typing import Final

from bid_opening.notices import TOLD
from bid_opening.services import notices
from bid_opening.services.clock import PLATFORM
from foundation.events import Event
from foundation.events.tendering import DeadlineMoved
from foundation.jobs.registry import JobContext, periodic, task
from foundation.journal.consumers import consumer
from foundation.journal.heard import heard
from foundation.runtime import Runtime

LOOK_SECONDS: Final = 5.0


def _listen(kind: type[Event]) -> None:
    @consumer(f"bid_opening.tell_of_{kind.TYPE.rpartition('.')[2]}", on=kind)
    def tell_of(context: JobContext) -> None:
        with context.runtime.units.begin(PLATFORM) as unit:
            told = heard(unit.session, context, kind)
            notices.tell_of(unit, str(getattr(told.event, "lot")), told.event, told.entry_id)  # noqa: B009


for _kind in TOLD:
    _listen(_kind)


@consumer("bid_opening.tell_of_moved_deadline", on=DeadlineMoved)
def tell_of_moved_deadline(context: JobContext) -> None:
    with context.runtime.units.begin(PLATFORM) as unit:
        told = heard(unit.session, context, DeadlineMoved)
        notices.tell_of_moved_deadline(unit, told.event.lot, told.event.before, told.event.after, told.entry_id)


@periodic("bid_opening.look_for_notices", LOOK_SECONDS)
def look_for_notices(runtime: Runtime) -> None:
    """Ask for messages whose moment has come; reads only where there are none."""
    with runtime.units.read(PLATFORM) as unit:
        if not notices.due(unit):
            return
    with runtime.units.begin(PLATFORM) as unit:
        notices.enqueue_due(unit)


@task(notices.TASK)
def tell_by_the_clock(context: JobContext) -> None:
    with context.runtime.units.begin(PLATFORM) as unit:
        notices.tell_by_the_clock(unit, str(context.payload["lot"]), str(context.payload["moment"]))
