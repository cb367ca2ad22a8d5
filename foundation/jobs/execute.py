"""Run one claimed job: the only place where a job's outcome is written."""

from __future__ import annotations

import threading

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from foundation.clock import machine_now
from foundation.errors import CentreError, Refusal, Tampering
from foundation.jobs import queue
from foundation.jobs.models import Job, JobState
from foundation.jobs.registry import JobContext, handler_of
from foundation.runtime import Runtime
from foundation.store.engine import AWAY, READ_ONLY

log = structlog.get_logger("jobs")


def execute(runtime: Runtime, job_id: str, token: str) -> None:
    """Do the job under its lease. Effects are the handler's own Units; only then is the row marked done."""
    engine = runtime.units.engine
    with Session(engine.execution_options(**{READ_ONLY: True})) as session:
        job = session.scalar(select(Job).where(Job.id == job_id, Job.lease_token == token))
    if job is None or job.state is not JobState.RUNNING:
        return
    if runtime.clock.now() < job.due_at:
        # Claimed by a process whose clock is ahead of ours. Here its handler would find that its time has not come.
        queue.put_back(engine, job_id, token, machine=machine_now())
        return
    stop = threading.Event()
    keeper = threading.Thread(target=_keep_lease, args=(runtime, job_id, token, stop), daemon=True)
    keeper.start()
    try:
        handler_of(job.task)(JobContext(runtime, job.id, job.key, job.payload, job.attempts))
    except Exception as error:
        final = isinstance(error, (Refusal, Tampering))
        # Only the code of our own errors is kept: a foreign message might quote a secret.
        text = str(error) if isinstance(error, CentreError) else type(error).__name__
        log.warning("job_failed", task=job.task, job=job_id, attempt=job.attempts, error=text, exc_info=not final)
        queue.release(engine, job_id, token, machine=machine_now(), error=text, final=final)
    else:
        queue.finish(engine, job_id, token, civil=runtime.clock.now())
        log.debug("job_done", job=job_id)  # the number alone: what a job does may still be hidden (R1.05)
    finally:
        stop.set()


def _keep_lease(runtime: Runtime, job_id: str, token: str, stop: threading.Event) -> None:
    while not stop.wait(queue.LEASE.total_seconds() / 3):
        try:
            if not queue.extend_lease(runtime.units.engine, job_id, token, machine=machine_now()):
                return
        except AWAY as error:
            log.warning("lease_not_prolonged", job=job_id, error=type(error).__name__)
