"""Jobs of the reminders: a look-round that asks for what is due, and the job that tells a lot's bidders."""

from __future__ import annotations

from typing import Final

from foundation.actor import system
from foundation.jobs.registry import JobContext, periodic, task
from foundation.runtime import Runtime
from tendering import reminders

LOOK_SECONDS: Final = 5.0
WORKER: Final = system("worker")


@periodic("tendering.look_for_reminders", LOOK_SECONDS)
def look_for_reminders(runtime: Runtime) -> None:
    """Ask for reminders whose moment has come; reads only where there are none."""
    with runtime.units.read(WORKER) as unit:
        if not reminders.due(unit):
            return
    with runtime.units.begin(WORKER) as unit:
        reminders.enqueue_due(unit)


@task(reminders.TASK)
def remind_bidders(context: JobContext) -> None:
    payload = context.payload
    with context.runtime.units.begin(WORKER) as unit:
        reminders.remind(unit, str(payload["lot"]), str(payload["deadline_at"]), int(payload["hours"]))
