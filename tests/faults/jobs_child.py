"""A worker process for the kill tests: dispatcher and embedded Celery over the database given on the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, cast

from sqlalchemy import select

from centre.worker import serve_jobs
from foundation.actor import system
from foundation.clock import SystemClock, pause
from foundation.entropy import SystemEntropy
from foundation.jobs.registry import JobContext, task
from foundation.runtime import Runtime
from foundation.settings import Settings
from foundation.store.unit import Units
from tests.support.spine import Effect, make_engine


@task("tests.effect")
def effect(context: JobContext) -> None:
    """One effect per key however often it runs: slow enough to be killed in the middle."""
    pause(0.01)
    with context.runtime.units.begin(system("test")) as unit:
        if unit.session.scalar(select(Effect).where(Effect.key == context.key)) is None:
            unit.session.add(Effect(key=context.key, times=1))
        else:
            context.payload["again"] = True
    pause(0.01)


def main() -> None:
    url, folder = sys.argv[1], Path(sys.argv[2])
    settings = Settings(CENTRE_DATA_DIR=folder, data_dir=folder)  # type: ignore[call-arg]
    clock = SystemClock()
    runtime = Runtime(
        settings=settings,
        units=Units(make_engine(url), clock, SystemEntropy()),
        clock=clock,
        objects=cast("Any", None),
        log_key=cast("Any", None),
        receipt_key=cast("Any", None),
        scratch_dir=folder,
    )
    serve_jobs(runtime, ready_file=str(folder / "ready"))


if __name__ == "__main__":
    main()
