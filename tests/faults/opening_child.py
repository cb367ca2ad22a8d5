"""Workers of an opening that die by their own SIGKILL just before or just after their n-th commit.

Arguments: folder, lot. For each line on standard input (``before`` or ``after``, n, civil instant) one worker process
is forked, and its exit code is written: 0 when it did all there was to do with fewer commits, -9 when it was killed.
"""

from __future__ import annotations

import os
import signal
import sys
from itertools import count
from pathlib import Path

from sqlalchemy import event
from sqlalchemy.orm import Session

import bid_opening.consumers
import bid_opening.tasks  # noqa: F401 - registers the jobs
import centre.models  # noqa: F401 - registers the tables
from bid_opening.services import clock
from foundation.clock import SteppingClock, machine_now, parse_iso
from foundation.entropy import SystemEntropy
from foundation.jobs import queue
from foundation.jobs.execute import execute
from foundation.logs import configure_logging
from foundation.runtime import Runtime
from foundation.settings import Settings
from foundation.storage import open_store
from foundation.store.engine import open_engine
from foundation.store.unit import Units
from foundation.transparency.keys import Algorithm, SigningKey


def die_at(moment: str, number: int) -> None:
    """Die around the ``number``-th commit of this process."""
    numbers = count(1)

    def strike(_session: Session) -> None:
        if next(numbers) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Session, "before_commit" if moment == "before" else "after_commit", strike)


def runtime_on(folder: Path, civil: str) -> Runtime:
    entropy, now = SystemEntropy(), SteppingClock(parse_iso(civil))
    key = SigningKey.generate("centre.localhost/log", Algorithm.ED25519, entropy)  # this process signs nothing
    return Runtime(
        settings=Settings(data_dir=folder),
        units=Units(open_engine(f"sqlite:///{folder / 'world.db'}"), now, entropy),
        clock=now,
        objects=open_store(f"file://{folder / 'objects'}"),
        log_key=key,
        receipt_key=key,
        scratch_dir=folder / "scratch",
    )


def work(runtime: Runtime, lot_id: str) -> None:
    """Look and run jobs until nothing is due."""
    engine = runtime.units.engine
    busy = True
    while busy:
        busy = clock.step(runtime.units, lot_id)
        civil, machine = runtime.clock.now(), machine_now()
        if queue.has_due(engine, civil=civil, machine=machine):
            for job_id, token in queue.claim(engine, civil=civil, machine=machine, tokens=["t"]):
                execute(runtime, job_id, token)
                busy = True


def one_life(folder: Path, lot_id: str, moment: str, number: int, civil: str) -> int:
    """Fork a worker and wait for its end. The engine is opened in the child: nothing of a database is shared."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            die_at(moment, number)
            work(runtime_on(folder, civil), lot_id)
            code = 0
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


if __name__ == "__main__":
    configure_logging("warning")  # to standard error: standard output carries the exit codes
    for line in sys.stdin:
        moment, number, civil = line.split()
        print(one_life(Path(sys.argv[1]), sys.argv[2], moment, int(number), civil), flush=True)
