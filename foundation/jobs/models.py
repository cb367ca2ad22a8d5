"""The job table."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from foundation.machine import Machine
from foundation.store.base import Base, EnumText, Instant, Json


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class JobTrigger(StrEnum):
    CLAIM = "claim"
    FINISH = "finish"
    RELEASE = "release"
    GIVE_UP = "give_up"
    RETRY = "retry"


JOB_MACHINE = Machine(
    "job",
    JobState.QUEUED,
    {
        JobState.QUEUED: {JobTrigger.CLAIM: JobState.RUNNING},
        JobState.RUNNING: {
            JobTrigger.FINISH: JobState.DONE,
            JobTrigger.RELEASE: JobState.QUEUED,
            JobTrigger.GIVE_UP: JobState.FAILED,
        },
        JobState.DONE: {},
        JobState.FAILED: {JobTrigger.RETRY: JobState.QUEUED},
    },
)


class Job(Base):
    """One piece of work. ``due_at`` is civil time; leases and retries run on the machine clock."""

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("task", "key"),
        Index("ix_jobs_state_due_at", "state", "due_at"),
    )
    MACHINE: ClassVar[Machine[JobState, JobTrigger]] = JOB_MACHINE

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    task: Mapped[str] = mapped_column(String(80))
    key: Mapped[str] = mapped_column(String(160))
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[JobState] = mapped_column(EnumText(JobState))
    due_at: Mapped[datetime] = mapped_column(Instant)
    not_before: Mapped[datetime | None] = mapped_column(Instant)
    lease_until: Mapped[datetime | None] = mapped_column(Instant)
    lease_token: Mapped[str | None] = mapped_column(String(36))
    attempts: Mapped[int] = mapped_column(Integer)
    last_error: Mapped[str] = mapped_column(Text)
    finished_at: Mapped[datetime | None] = mapped_column(Instant)
