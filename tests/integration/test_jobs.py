"""The job table: claims, leases, retries; on SQLite and on PostgreSQL."""

import threading
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from foundation.actor import system
from foundation.clock import SteppingClock, machine_now
from foundation.entropy import SystemEntropy
from foundation.jobs import execute as running
from foundation.jobs import queue
from foundation.jobs.models import Job, JobState
from tests.support.spine import START, make_engine, make_units, sqlite_url

WORKER = system("worker")


@pytest.fixture(params=["sqlite", "postgres"])
def units(request, tmp_path):
    url = sqlite_url(tmp_path) if request.param == "sqlite" else request.getfixturevalue("postgres_url")
    engine = make_engine(url)
    yield make_units(engine, SteppingClock(START))
    engine.dispose()


def ask(units, *keys, due=None):
    with units.begin(WORKER) as unit:
        for key in keys:
            unit.enqueue("tests.work", key, {"n": 1}, due=due)


def one(units):
    with units.read() as unit:
        return unit.session.scalars(select(Job)).one()


def claim(units, count=10, civil=START, machine=None):
    tokens = [SystemEntropy().token(8).hex() for _ in range(count)]
    return queue.claim(units.engine, civil=civil, machine=machine or machine_now(), tokens=tokens)


def test_a_job_is_not_claimed_before_its_civil_instant(units):
    ask(units, "k", due=START + timedelta(days=20))
    assert claim(units) == []
    assert not queue.has_due(units.engine, civil=START, machine=machine_now())
    later = START + timedelta(days=20)
    assert queue.has_due(units.engine, civil=later, machine=machine_now())
    assert len(claim(units, civil=later)) == 1


def test_concurrent_claims_never_share_a_job(units):
    ask(units, *[f"k{n}" for n in range(40)])
    claimed: list[str] = []

    def take():
        while got := claim(units, 3):
            claimed.extend(job for job, _ in got)

    threads = [threading.Thread(target=take) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(claimed) == len(set(claimed)) == 40


def test_a_finished_job_is_done_for_good(units):
    ask(units, "k")
    [(job, token)] = claim(units)
    assert queue.finish(units.engine, job, token, civil=START)
    assert one(units).state is JobState.DONE
    assert not queue.finish(units.engine, job, token, civil=START)


def test_a_lost_lease_is_swept_and_its_old_runner_can_not_finish_it(units):
    ask(units, "k")
    machine = machine_now()
    [(job, token)] = claim(units, machine=machine)
    assert queue.sweep(units.engine, machine=machine + queue.LEASE / 2) == 0
    assert queue.sweep(units.engine, machine=machine + queue.LEASE * 2) == 1
    [(again, new_token)] = claim(units, machine=machine + queue.LEASE * 2)
    assert again == job
    assert not queue.finish(units.engine, job, token, civil=START)
    assert not queue.extend_lease(units.engine, job, token, machine=machine)
    assert queue.finish(units.engine, job, new_token, civil=START)
    assert one(units).attempts == 2


def test_an_error_is_retried_later_and_given_up_after_the_stated_number(units):
    ask(units, "k")
    machine = machine_now()
    for attempt in range(1, queue.ATTEMPTS_MAX + 1):
        [(job, token)] = claim(units, machine=machine)
        queue.release(units.engine, job, token, machine=machine, error="tests.unlucky", final=False)
        row = one(units)
        assert row.attempts == attempt
        assert claim(units, machine=machine) == []
        machine += timedelta(hours=1)
    assert one(units).state is JobState.FAILED
    assert one(units).last_error == "tests.unlucky"


def test_a_refusal_is_not_retried(units):
    ask(units, "k")
    [(job, token)] = claim(units)
    queue.release(units.engine, job, token, machine=machine_now(), error="tests.refused", final=True)
    assert one(units).state is JobState.FAILED


def test_a_process_whose_clock_is_behind_gives_the_job_back(units, monkeypatch):
    """Else its handler finds that the time has not come, does nothing, and the job is done for ever."""
    due, ran = START + timedelta(days=20), []
    behind = SteppingClock(due - timedelta(milliseconds=80))
    runtime = SimpleNamespace(units=units, clock=behind)
    monkeypatch.setattr(running, "handler_of", lambda _task: lambda context: ran.append(context.runtime.clock.now()))
    ask(units, "k", due=due)
    machine = machine_now()
    [(job, token)] = claim(units, civil=due, machine=machine)
    running.execute(runtime, job, token)
    row = one(units)
    assert (ran, row.state, row.attempts, row.lease_token) == ([], JobState.QUEUED, 0, None)
    assert claim(units, civil=due, machine=machine) == [], "it rests a moment"
    behind.set(due)
    [(job, token)] = claim(units, civil=due, machine=machine_now() + queue.EARLY_PAUSE)
    running.execute(runtime, job, token)
    assert (ran, one(units).state) == ([due], JobState.DONE)
