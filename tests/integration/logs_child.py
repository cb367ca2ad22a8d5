"""A process whose code fails while its variables hold a canary (environment ``CANARY``): arguments are setting and way.

Setting: ``configured`` as every process of the centre, ``raw`` as structlog is by itself. Way: where it fails.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import threading
from pathlib import Path
from typing import Any, cast

import click
import structlog

from centre.bootstrap import configure_logging
from foundation.actor import system
from foundation.clock import SystemClock, machine_now
from foundation.entropy import SystemEntropy
from foundation.errors import Unavailable
from foundation.jobs import queue
from foundation.jobs.execute import execute
from foundation.jobs.registry import JobContext, task
from foundation.runtime import Runtime
from foundation.settings import Settings
from foundation.store.unit import Units
from tests.support.spine import make_engine


def unwrap(r_bid: str) -> None:
    """Fails with the secret in its variables, in its message, and in the message of its cause."""
    halves = {"r_bid": r_bid, "list": [r_bid]}
    try:
        halves[f"missing {r_bid}"]
    except KeyError as error:
        raise ValueError(f"not hexadecimal: {r_bid}") from error


@task("tests.unwrap")
def unwrap_job(_context: JobContext) -> None:
    unwrap(os.environ["CANARY"])


@click.command()
def explode() -> None:
    """A command of the centre that fails."""
    unwrap(os.environ["CANARY"])


def run_job(folder: Path) -> None:
    clock, engine = SystemClock(), make_engine(f"sqlite:///{folder / 'jobs.db'}")
    units = Units(engine, clock, SystemEntropy())
    runtime = Runtime(
        settings=Settings(data_dir=folder),
        units=units,
        clock=clock,
        objects=cast("Any", None),
        log_key=cast("Any", None),
        receipt_key=cast("Any", None),
        scratch_dir=folder,
    )
    with units.begin(system("tests")) as unit:
        unit.enqueue("tests.unwrap", "one", {})
    for job_id, token in queue.claim(engine, civil=clock.now(), machine=machine_now(), tokens=["t"]):
        execute(runtime, job_id, token)


def log_both_ways() -> None:
    try:
        unwrap(os.environ["CANARY"])
    except ValueError:
        structlog.get_logger("tests").exception("caught")
        logging.getLogger("library").exception("caught")


def run_out() -> None:
    raise Unavailable(what="broker") from OSError(28, "No space left on device")


async def fail_in_a_loop() -> None:
    asyncio.get_running_loop().call_soon(unwrap, os.environ["CANARY"])
    await asyncio.sleep(0)
    await asyncio.sleep(0)


def main(setting: str, way: str, folder: Path) -> None:
    if way == "command":
        from centre.cli import LazyGroup
        from centre.cli import main as centre

        LazyGroup.LAZY["explode"] = "__main__:explode"  # type: ignore[misc]
        sys.argv = ["centre", "explode"]
        centre()
        return
    if setting == "configured":
        configure_logging("info")
    match way:
        case "job":
            run_job(folder)
        case "logger":
            log_both_ways()
        case "thread":
            thread = threading.Thread(target=unwrap, args=(os.environ["CANARY"],))
            thread.start()
            thread.join()
        case "loop":
            asyncio.run(fail_in_a_loop())
        case "process":
            unwrap(os.environ["CANARY"])
        case "told":
            structlog.get_logger("tests").info("told", lot="x")
            try:
                run_out()
            except Unavailable:
                structlog.get_logger("tests").exception("caught")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
