"""``centre admin``: first administrator, log, jobs; by function, and once each from a real command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from accounts.models import User
from centre import admin, migrate
from centre.admin import (
    AdministratorExists,
    JobNotFailed,
    LogNotStopped,
    NewAdministrator,
    PasswordLength,
    add_first_administrator,
    list_jobs,
    resume_log,
    retry_job,
)
from foundation.actor import system
from foundation.clock import SteppingClock, machine_now
from foundation.codes import synthetic_uscc
from foundation.entropy import SystemEntropy
from foundation.errors import InvalidInput, NotFound
from foundation.jobs import queue
from foundation.jobs.models import Job, JobState
from foundation.journal import read_stream
from foundation.publication.models import STATE_ROW, LogState
from foundation.publication.publisher import STREAM
from foundation.publication.tiles import ensure_state
from foundation.runtime import Runtime
from foundation.store.engine import open_engine
from foundation.store.unit import Units
from tests.integration.publication_centre import make_runtime
from tests.support.spine import START

ROOT = Path(__file__).resolve().parent.parent.parent.parent
NEW = NewAdministrator("武进区公共资源交易中心", synthetic_uscc(1), "顾清和", "Admin", "一句没有人猜得到的话 2026")
TESTS = system("tests")


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return make_runtime(tmp_path)


def test_the_first_administrator_can_sign_in_and_give_roles(runtime: Runtime) -> None:
    user_id = add_first_administrator(runtime, NEW)
    with runtime.units.read() as unit:
        user = unit.session.get_one(User, user_id)
        assert user.login == "admin"
        assert admin.passwords.shared().matches(user.password_hash, NEW.password)
        assert NEW.password not in user.password_hash
        card = admin.accounts.organisation(unit, user.org_id)
        assert (card.uscc, card.is_verified, card.roles) == (NEW.uscc, True, {"administrator"})
        (event,) = [entry.event for entry in read_stream(unit.session, f"user:{user_id}")]
    assert event.roles == ("administrator",)


def test_there_is_one_first_administrator(runtime: Runtime) -> None:
    add_first_administrator(runtime, NEW)
    with pytest.raises(AdministratorExists):
        add_first_administrator(runtime, replace(NEW, login="second"))
    with runtime.units.read() as unit:
        assert len(unit.session.scalars(select(User)).all()) == 1


def test_the_administrator_joins_the_organisation_that_is_there(runtime: Runtime) -> None:
    with runtime.units.begin(TESTS) as unit:
        org_id = admin.accounts.enrol_organisation(unit, admin.accounts.NewOrganisation("中心", NEW.uscc))
        admin.accounts.vouch_for(unit, org_id, "tests")
    user_id = add_first_administrator(runtime, NEW)
    with runtime.units.read() as unit:
        assert unit.session.get_one(User, user_id).org_id == org_id


def test_a_poor_password_or_login_is_refused_and_nothing_is_written(runtime: Runtime) -> None:
    with pytest.raises(PasswordLength) as refused:
        add_first_administrator(runtime, replace(NEW, password="short"))
    assert refused.value.fields["minimum"] > 5
    with pytest.raises(InvalidInput):
        add_first_administrator(runtime, replace(NEW, login="with blank"))
    with runtime.units.read() as unit:
        assert unit.session.scalars(select(User)).all() == []


def test_the_log_goes_on_with_a_reason_on_record(runtime: Runtime) -> None:
    with pytest.raises(LogNotStopped):
        resume_log(runtime, "x")
    with runtime.units.begin(TESTS) as unit:
        ensure_state(unit.session, needs_cosigner=False)
        state = unit.session.get_one(LogState, STATE_ROW)
        state.alarm, state.alarm_at = "transparency.rolled_back", machine_now()
    resume_log(runtime, "磁盘已更换，证据已封存")
    with runtime.units.read() as unit:
        assert unit.session.get_one(LogState, STATE_ROW).alarm is None
        (entry,) = read_stream(unit.session, STREAM)
    assert entry.reason == "磁盘已更换，证据已封存"
    with pytest.raises(LogNotStopped):
        resume_log(runtime, "again")


def add_failed_job(runtime: Runtime) -> str:
    """A job that a worker gave up."""
    with runtime.units.begin(TESTS) as unit:
        unit.enqueue("tests.work", "lot", {"secret": "payload"})
    ((job_id, token),) = queue.claim(
        runtime.units.engine, civil=runtime.clock.now(), machine=machine_now(), tokens=["token"]
    )
    queue.release(runtime.units.engine, job_id, token, machine=machine_now(), error="ValueError", final=True)
    return job_id


def test_a_job_that_was_given_up_is_tried_again(runtime: Runtime) -> None:
    job_id = add_failed_job(runtime)
    (line,) = list_jobs(runtime, JobState.FAILED)
    assert (line.id, line.task, line.attempts, line.last_error) == (job_id, "tests.work", 1, "ValueError")
    retry_job(runtime, job_id)
    assert list_jobs(runtime, JobState.FAILED) == []
    with runtime.units.read() as unit:
        job = unit.session.get_one(Job, job_id)
        assert (job.state, job.attempts, job.not_before, job.payload) == (
            JobState.QUEUED,
            0,
            None,
            {"secret": "payload"},
        )
    claimed = queue.claim(runtime.units.engine, civil=runtime.clock.now(), machine=machine_now(), tokens=["again"])
    assert claimed == [(job_id, "again")]


def test_only_a_job_that_was_given_up_is_tried_again(runtime: Runtime) -> None:
    with runtime.units.begin(TESTS) as unit:
        unit.enqueue("tests.work", "lot", {})
    (line,) = list_jobs(runtime, None)
    with pytest.raises(JobNotFailed):
        retry_job(runtime, line.id)
    with pytest.raises(NotFound):
        retry_job(runtime, "00000000-0000-7000-8000-000000000000")


def test_a_list_of_jobs_shows_no_payload(runtime: Runtime) -> None:
    add_failed_job(runtime)
    assert "payload" not in repr(list_jobs(runtime, None))


# --- from the command line --------------------------------------------------------------------------------------------


def centre(folder: Path, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CENTRE_")}
    return subprocess.run(
        [sys.executable, "-m", "centre", "admin", *arguments],
        cwd=ROOT,
        env={**kept, "CENTRE_DATA_DIR": str(folder), "LANG": "en_GB.UTF-8"},
        input=given,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.slow
def test_a_fresh_folder_gets_its_administrator_by_two_commands(tmp_path: Path) -> None:
    assert centre(tmp_path, "migrate").returncode == 0
    made = ("first-administrator", "--login", "admin", "--name", "顾清和", "--organisation", "中心", "--password-stdin")
    first = centre(tmp_path, *made, "--json", given=f"{NEW.password}\n")
    assert first.returncode == 0, first.stderr
    user_id = json.loads(first.stdout)["user_id"]
    again = centre(tmp_path, *made, given=f"{NEW.password}\n")
    assert again.returncode == 3
    assert "administrator already" in again.stderr
    assert NEW.password not in first.stdout + first.stderr + again.stderr
    engine = open_engine(f"sqlite:///{tmp_path / 'centre.db'}")
    with Units(engine, SteppingClock(START), SystemEntropy()).read() as unit:
        assert [user.id for user in unit.session.scalars(select(User))] == [user_id]
    engine.dispose()


@pytest.mark.slow
def test_jobs_and_log_from_the_command_line(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'centre.db'}")
    migrate.upgrade(engine)
    units = Units(engine, SteppingClock(START), SystemEntropy())
    with units.begin(TESTS) as unit:
        unit.enqueue("tests.work", "lot", {})
    engine.dispose()
    listed = centre(tmp_path, "jobs", "list", "--json")
    (job,) = json.loads(listed.stdout)
    assert (job["task"], job["key"], job["state"]) == ("tests.work", "lot", "queued")
    assert centre(tmp_path, "jobs", "retry", job["id"]).returncode == 3
    assert centre(tmp_path, "log", "resume", "--reason", "x").returncode == 3
    assert centre(tmp_path, "log", "resume").returncode == 2
