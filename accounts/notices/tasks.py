"""The job that sends, and the look-rounds: what a retry, quiet hours or a dead sender left waiting; open ways."""

from __future__ import annotations

from typing import Final

from accounts.notices.delivery import WORKER, due_channels, send_due
from accounts.notices.queueing import TASK
from accounts.notices.ways import check_ways
from foundation.clock import iso, machine_now
from foundation.jobs.registry import JobContext, periodic, task
from foundation.notices.message import Channel
from foundation.runtime import Runtime

LOOK_SECONDS: Final = 5.0
CHECK_SECONDS: Final = 60.0


@task(TASK)
def send_notices(context: JobContext) -> None:
    send_due(context.runtime, Channel(str(context.payload["channel"])))


@periodic("accounts.look_for_notices", LOOK_SECONDS)
def look_for_notices(runtime: Runtime) -> None:
    """Ask for the channels on which something is due; reads only where there is none."""
    now = machine_now()
    with runtime.units.read(WORKER) as unit:
        channels = due_channels(unit, now)
    if not channels:
        return
    with runtime.units.begin(WORKER) as unit:
        for channel in channels:
            unit.enqueue(TASK, f"{channel}:look:{iso(now)}", {"channel": str(channel)})


@periodic("accounts.check_ways", CHECK_SECONDS)
def look_at_ways(runtime: Runtime) -> None:
    """Whether mail server and SMS gateway answer, for the desk of the centre's staff."""
    check_ways(runtime)
