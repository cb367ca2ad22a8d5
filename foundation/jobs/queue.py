"""The queue's statements: enqueue, claim, finish, release. Each is one short transaction or part of the caller's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Engine, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from foundation.jobs.models import Job, JobState

LEASE: Final = timedelta(seconds=10)
"""A runner prolongs its lease every third of this; a killed runner's job is swept when it ends."""
EARLY_PAUSE: Final = timedelta(milliseconds=250)
"""How long a job rests that was handed to a process whose clock has not reached its due instant."""
ATTEMPTS_MAX: Final = 8
BACKOFF: Final = (1, 2, 5, 10, 30, 60, 300)
"""Seconds to wait before attempt 2, 3, …"""
ERROR_LIMIT: Final = 2000


def enqueue(session: Session, job_id: str, task: str, key: str, payload: dict[str, Any], due: datetime) -> None:
    """Insert the job unless (task, key) is known already."""
    values = {
        "id": job_id,
        "task": task,
        "key": key,
        "payload": payload,
        "state": JobState.QUEUED,
        "due_at": due,
        "attempts": 0,
        "last_error": "",
    }
    if session.get_bind().dialect.name == "sqlite":
        session.execute(sqlite.insert(Job).values(values).on_conflict_do_nothing())
    else:
        session.execute(postgresql.insert(Job).values(values).on_conflict_do_nothing())


def claim(engine: Engine, *, civil: datetime, machine: datetime, tokens: Sequence[str]) -> Sequence[tuple[str, str]]:
    """Claim up to ``len(tokens)`` due jobs; returns (job id, lease token) pairs.

    ``FOR UPDATE SKIP LOCKED`` on PostgreSQL; on SQLite the write lock is held from BEGIN IMMEDIATE, so the clause is
    not needed (and is ignored).
    """
    with Session(engine) as session, session.begin():
        session.connection()
        ids = session.scalars(
            select(Job.id)
            .where(
                Job.state == JobState.QUEUED,
                Job.due_at <= civil,
                or_(Job.not_before.is_(None), Job.not_before <= machine),
            )
            .order_by(Job.due_at)
            .limit(len(tokens))
            .with_for_update(skip_locked=True)
        ).all()
        claimed = list(zip(ids, tokens, strict=False))
        for job_id, token in claimed:
            session.execute(
                update(Job)
                .where(Job.id == job_id, Job.state == JobState.QUEUED)
                .values(
                    state=JobState.RUNNING,
                    lease_until=machine + LEASE,
                    lease_token=token,
                    attempts=Job.attempts + 1,
                )
            )
    return claimed


def has_due(engine: Engine, *, civil: datetime, machine: datetime) -> bool:
    """Whether a claim would find anything: asked without the write lock."""
    from foundation.store.engine import READ_ONLY

    with Session(engine.execution_options(**{READ_ONLY: True})) as session:
        return (
            session.scalar(
                select(Job.id)
                .where(
                    Job.state == JobState.QUEUED,
                    Job.due_at <= civil,
                    or_(Job.not_before.is_(None), Job.not_before <= machine),
                )
                .limit(1)
            )
            is not None
        )


def extend_lease(engine: Engine, job_id: str, token: str, *, machine: datetime) -> bool:
    """Prolong a lease still held; False when it was lost."""
    with Session(engine) as session, session.begin():
        session.connection()
        done = session.execute(
            update(Job)
            .where(Job.id == job_id, Job.lease_token == token, Job.state == JobState.RUNNING)
            .values(lease_until=machine + LEASE)
        )
        return bool(done.rowcount)  # type: ignore[attr-defined]


def finish(engine: Engine, job_id: str, token: str, *, civil: datetime) -> bool:
    """Mark done if the lease is still ours; False when another runner has taken over."""
    with Session(engine) as session, session.begin():
        session.connection()
        done = session.execute(
            update(Job)
            .where(Job.id == job_id, Job.lease_token == token, Job.state == JobState.RUNNING)
            .values(state=JobState.DONE, lease_until=None, lease_token=None, finished_at=civil, last_error="")
        )
        return bool(done.rowcount)  # type: ignore[attr-defined]


def release(engine: Engine, job_id: str, token: str, *, machine: datetime, error: str, final: bool) -> None:
    """Give the job back after an error: to be retried later, or failed for good."""
    with Session(engine) as session, session.begin():
        session.connection()
        job = session.scalar(select(Job).where(Job.id == job_id, Job.lease_token == token))
        if job is None or job.state is not JobState.RUNNING:
            return
        give_up = final or job.attempts >= ATTEMPTS_MAX
        job.state = JobState.FAILED if give_up else JobState.QUEUED
        job.not_before = machine + timedelta(seconds=BACKOFF[min(job.attempts, len(BACKOFF)) - 1])
        job.lease_until = None
        job.lease_token = None
        job.last_error = error[:ERROR_LIMIT]


def put_back(engine: Engine, job_id: str, token: str, *, machine: datetime) -> None:
    """Give back a job that was not begun: no attempt is counted, and anybody may claim it again in a moment."""
    with Session(engine) as session, session.begin():
        session.connection()
        session.execute(
            update(Job)
            .where(Job.id == job_id, Job.lease_token == token, Job.state == JobState.RUNNING)
            .values(
                state=JobState.QUEUED,
                lease_until=None,
                lease_token=None,
                attempts=Job.attempts - 1,
                not_before=machine + EARLY_PAUSE,
            )
        )


def sweep(engine: Engine, *, machine: datetime) -> int:
    """Put jobs whose lease has run out back into the queue; returns how many."""
    from foundation.store.engine import READ_ONLY

    stale = (Job.state == JobState.RUNNING, Job.lease_until < machine)
    with Session(engine.execution_options(**{READ_ONLY: True})) as session:
        if session.scalar(select(Job.id).where(*stale).limit(1)) is None:
            return 0
    with Session(engine) as session, session.begin():
        session.connection()
        swept = session.execute(
            update(Job).where(*stale).values(state=JobState.QUEUED, lease_until=None, lease_token=None)
        )
        return int(swept.rowcount)  # type: ignore[attr-defined]
