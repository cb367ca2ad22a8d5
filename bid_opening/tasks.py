"""Jobs and look-rounds of the opening: open a Unit, call one service."""

from __future__ import annotations

from bid_opening.services import beacons, clock, consequences, health, record, schedule, unsealing
from foundation.clock import machine_now
from foundation.jobs.registry import JobContext, periodic, task
from foundation.runtime import Runtime

LOOK_SECONDS = 0.25
HEALTH_SECONDS = 5
_WATCH = health.Watch()


@periodic("bid_opening.clock", LOOK_SECONDS)
def look(runtime: Runtime) -> None:
    """Whatever is due in any room by now."""
    clock.look(runtime.units)


@periodic("bid_opening.health", HEALTH_SECONDS)
def look_at_health(runtime: Runtime) -> None:
    """Whether the platform works while keys are released (R3.32)."""
    health.look(runtime, _WATCH, machine_now())


@task(schedule.OPEN_CHECK_IN)
def open_check_in(context: JobContext) -> None:
    with context.runtime.units.begin(clock.PLATFORM) as unit:
        schedule.open_check_in(unit, context.payload["lot"])


@task(consequences.FETCH_BEACON)
def fetch_beacon(context: JobContext) -> None:
    wanted = context.payload
    beacons.fetch(context.runtime, wanted["lot"], wanted["round"], wanted["attempt"])


@task(consequences.UNSEAL)
def unseal(context: JobContext) -> None:
    unsealing.unseal(context.runtime, context.payload["lot"], context.payload["bid"])


@task(consequences.RECORD)
def issue_record(context: JobContext) -> None:
    record.issue_record(context.runtime, context.payload["lot"])
