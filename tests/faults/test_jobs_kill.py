"""Jobs under kill −9: none lost, each effect once; with the memory broker and with Redis."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from foundation.actor import system
from foundation.clock import SystemClock
from foundation.entropy import SystemEntropy
from foundation.jobs.models import Job, JobState
from foundation.store.unit import Units
from tests.support.spine import Effect, make_engine, sqlite_url

ROOT = Path(__file__).resolve().parent.parent.parent
JOBS = 300
KILLS = 4


def start(url: str, folder: Path, broker: str) -> subprocess.Popen[bytes]:
    (folder / "ready").unlink(missing_ok=True)
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.jobs_child", url, str(folder)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "BROKER_URL": broker, "CENTRE_DATA_DIR": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 30
    while not (folder / "ready").exists():
        assert child.poll() is None, "the worker died while starting"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return child


def done(units: Units) -> int:
    with units.read() as unit:
        return unit.session.scalar(select(func.count()).select_from(Job).where(Job.state == JobState.DONE)) or 0


@pytest.mark.slow
@pytest.mark.parametrize(("database", "broker"), [("sqlite", "memory"), ("postgres", "redis")])
def test_four_kills_lose_no_job_and_double_no_effect(request, tmp_path, database, broker):
    url = sqlite_url(tmp_path) if database == "sqlite" else request.getfixturevalue("postgres_url")
    broker_url = "memory://" if broker == "memory" else request.getfixturevalue("redis_url")
    engine = make_engine(url)
    units = Units(engine, SystemClock(), SystemEntropy())
    for number in range(JOBS):
        with units.begin(system("test")) as unit:
            unit.enqueue("tests.effect", f"k{number}")
    child = start(url, tmp_path, broker_url)
    try:
        for kill in range(KILLS):
            while done(units) < (kill + 1) * JOBS // (KILLS + 1):
                time.sleep(0.02)
            child.kill()
            child.wait()
            child = start(url, tmp_path, broker_url)
        deadline = time.monotonic() + 120
        while done(units) < JOBS:
            assert time.monotonic() < deadline, f"only {done(units)} of {JOBS} done"
            time.sleep(0.1)
    finally:
        child.kill()
        child.wait()
    with units.read() as unit:
        effects = unit.session.scalars(select(Effect)).all()
        attempts = unit.session.scalar(select(func.max(Job.attempts)))
    engine.dispose()
    assert {effect.key for effect in effects} == {f"k{number}" for number in range(JOBS)}
    assert attempts >= 2, "no job was interrupted: the test has shown nothing"
