"""A drill of an installation that is alive is ready; each thing that is broken makes it not ready, and is named."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from bid_opening.models import OpeningRoom, RoomFrame
from centre.drills import running, services
from centre.drills.cli import NOT_READY
from centre.drills.errors import DrillNotPossible
from centre.drills.models import DrillFrame, DrillRun
from centre.drills.probes import Limits
from centre.drills.running import ATTEMPTS_MAX, STEPS, record_name, run_drill, stream_of
from centre.drills.states import DrillState
from foundation.clock import machine_now
from foundation.errors import NotFound, NotPermitted
from foundation.events.centre import DrillEnded
from foundation.journal import JournalEntry, read_stream
from foundation.publication.models import LogLeaf
from foundation.storage import StorageFailed
from keyholding.models import GateKey, GateRequest, LotKeyset
from tests.support.tender_world import DEADLINE
from tests.support_drills import Installation, installed
from tests.support_opening import Opening, make_opening

LIMITS = Limits(
    cosigned=60, holders=60, job_start=60, lines=12, record=120, fan_out_p99=30, storage=30, web=30, clock_skew=20
)
"""Generous: a busy machine is no fault. Who breaks something shortens the one limit that is waited for."""
SHORT = {"holders": {"holders": 2.0}, "log": {"cosigned": 3.0}, "job_start": {"job_start": 3.0}}


def report_of(found: Installation, drill_id: str) -> dict[str, Any]:
    with found.opening.world.units.read() as unit:
        report = unit.session.get_one(DrillRun, drill_id).report
    assert report is not None
    return report


def failures(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {check["code"]: check for check in report["checks"] if check["state"] == "failed"}


def lot_side(opening: Opening) -> tuple[Any, ...]:
    """Everything of the real lot that a drill might touch."""
    with opening.world.units.read() as unit:
        session, lot = unit.session, opening.lot.id
        entries = session.execute(
            select(JournalEntry.stream, func.count())
            .where(JournalEntry.stream.not_like("drill:%"))
            .group_by(JournalEntry.stream)
            .order_by(JournalEntry.stream)
        ).all()
        room = session.get_one(OpeningRoom, lot)
        keyset = session.scalars(select(LotKeyset).where(LotKeyset.lot_id == lot)).one()
        return (
            [tuple(row) for row in entries],
            (room.state, room.version, room.folded_seq),
            session.scalar(select(func.count()).select_from(RoomFrame)),
            (keyset.state, keyset.hash, keyset.rehearsed_at),
            session.scalar(select(func.count()).select_from(GateRequest)),
            session.scalar(select(func.count()).select_from(GateKey)),
        )


def test_an_installation_that_is_alive_is_ready_and_the_real_lot_is_not_touched(tmp_path: Path) -> None:
    told: list[str] = []
    with installed(tmp_path) as found:
        found.opening.run_jobs()  # what the lot's own publication still asked for
        before = lot_side(found.opening)
        drill_id = found.order()
        state = run_drill(found.runtime, drill_id, limits=LIMITS, tell=told.append)
        report = report_of(found, drill_id)
        assert failures(report) == {}
        assert state is DrillState.READY
        assert told == list(STEPS)
        assert lot_side(found.opening) == before
        with found.opening.world.units.read() as unit:
            events = [entry.event for entry in read_stream(unit.session, stream_of(drill_id))]
            leaves = unit.session.scalars(select(LogLeaf.entry)).all()
            frames = unit.session.scalar(select(func.count()).select_from(DrillFrame))
            row = unit.session.get_one(DrillRun, drill_id)
            assert row.channel_hash == ""
        assert isinstance(events[-1], DrillEnded)
        assert events[-1].verdict == "ready"
        assert not any(b"drill" in leaf for leaf in leaves), "the public log shows a drill"
        assert frames
        assert found.runtime.objects.get(record_name(drill_id)).startswith(b"%PDF")
        assert not found.runtime.objects.exists(f"drills/{drill_id}/probe")
    measured = {check["code"]: check for check in report["checks"]}
    for code in ("room_lines", "fan_out", "log", "holders", "storage", "job_start", "clock", "record", "disk", "web"):
        assert measured[code]["measured"] is not None, code
        assert measured[code]["limit"] is not None, code
    assert measured["room_lines"]["measured"] == str(LIMITS.lines)
    assert report["mark"] == "演练"


def kill_an_agent(found: Installation) -> None:
    found.silent.add(found.opening.seats["gate/1"].id)


def stop_the_log(found: Installation) -> None:
    found.publishes = False


def break_storage(found: Installation) -> None:
    class Refusing:
        def __getattr__(self, name: str) -> Any:
            return getattr(real, name)

        def put_once(self, name: str, content: bytes) -> Any:
            if name.endswith("/probe"):
                raise StorageFailed(name=name, reason="disk_full")
            return real.put_once(name, content)

    real = found.runtime.objects
    found.opening.world.runtime = dataclasses.replace(found.runtime, objects=Refusing())


def set_the_clock_wrong(found: Installation) -> None:
    found.clock_ahead = timedelta(seconds=40)


def stop_the_worker(found: Installation) -> None:
    found.works = False


def move_the_room(found: Installation) -> None:
    found.settle(room_port=1)


@pytest.mark.parametrize(
    ("break_it", "code", "why", "name"),
    [
        (kill_an_agent, "holders", "silent", ""),
        (stop_the_log, "log", "not_cosigned", ""),
        (break_storage, "storage", "refused", "disk_full"),
        (set_the_clock_wrong, "clock", "clock_skewed", ""),
        (stop_the_worker, "job_start", "no_worker", ""),
        (move_the_room, "fan_out", "unreachable", "ws://localhost:1"),
    ],
)
def test_what_is_broken_makes_the_drill_not_ready_and_is_named(
    tmp_path: Path, break_it: Callable[[Installation], None], code: str, why: str, name: str
) -> None:
    with installed(tmp_path) as found:
        break_it(found)
        drill_id = found.order()
        state = run_drill(found.runtime, drill_id, limits=dataclasses.replace(LIMITS, **SHORT.get(code, {})))
        report = report_of(found, drill_id)
        silent = [seat.holder_name for seat in found.opening.seats.values() if seat.id in found.silent]
    assert state is DrillState.NOT_READY
    bad = failures(report)
    # With no worker at all, what was due before waits too.
    assert set(bad) - ({"backlog_age"} if code == "job_start" else set()) == {code}
    assert bad[code]["why"] == why
    for wanted in (*silent, *([name] if name else [])):
        assert any(wanted in one for one in bad[code]["names"])


def test_a_drill_whose_worker_died_begins_anew_and_after_a_few_times_is_called_interrupted(tmp_path: Path) -> None:
    with installed(tmp_path) as found:
        drill_id = found.order()
        for attempt in range(1, ATTEMPTS_MAX):  # each ends after its beginning, as a killed worker's does
            assert running._start(found.runtime, drill_id, LIMITS) is not None
            with found.opening.world.units.read() as unit:
                row = unit.session.get_one(DrillRun, drill_id)
                assert (row.state, row.attempt) == (DrillState.RUNNING, attempt)
        assert run_drill(found.runtime, drill_id, limits=LIMITS) is DrillState.READY
        other = found.order()
        for _ in range(ATTEMPTS_MAX):
            running._start(found.runtime, other, LIMITS)
        assert run_drill(found.runtime, other, limits=LIMITS) is DrillState.INTERRUPTED
        assert run_drill(found.runtime, other, limits=LIMITS) is DrillState.INTERRUPTED, "what is over stays over"


def test_who_may_order_and_see_a_drill_and_one_at_a_time(tmp_path: Path) -> None:
    opening = make_opening(tmp_path)
    world, lot = opening.world, opening.lot.id
    stranger = world.organisation("别的代理", "agency")
    with world.units.begin(opening.host) as unit:
        first = services.order_drill(unit, lot)
    with world.units.begin(opening.staff) as unit:
        assert services.order_drill(unit, lot) == first, "one under way is not doubled"
    with world.units.begin(opening.supervisor) as unit, pytest.raises(NotPermitted):
        services.order_drill(unit, lot)
    for actor in (stranger, opening.bidders[0].actor):
        with world.units.begin(actor) as unit, pytest.raises(NotFound):
            services.order_drill(unit, lot)
        with world.units.read(actor) as unit, pytest.raises(NotFound):
            services.drill_of(unit, first)
    for actor in (opening.host, opening.staff, opening.supervisor):
        with world.units.read(actor) as unit:
            assert services.drill_of(unit, first).state is DrillState.QUEUED


def test_a_lot_whose_deadline_has_passed_is_not_rehearsed(tmp_path: Path) -> None:
    opening = make_opening(tmp_path)
    opening.at(DEADLINE)
    with opening.world.units.begin(opening.host) as unit, pytest.raises(DrillNotPossible):
        services.order_drill(unit, opening.lot.id)


def test_the_command_line_rehearses_now_and_says_it_by_its_exit_code(tmp_path: Path) -> None:
    now = machine_now()
    with installed(tmp_path, now=now, deadline_at=now + timedelta(days=1)) as found:
        settings = found.runtime.settings
        given = {
            "CENTRE_DATA_DIR": str(tmp_path),
            "DATABASE_URL": f"sqlite:///{tmp_path / 'world.db'}",
            "CENTRE_WEB_PORT": str(settings.web_port),
            "CENTRE_ROOM_PORT": str(settings.room_port),
            "CENTRE_COSIGNER_URL": settings.cosigner_url,
            "LANG": "en_GB.UTF-8",
        }

        def drill(*words: str) -> subprocess.CompletedProcess[str]:
            command = [sys.executable, "-m", "centre", "drill", found.opening.lot.id, *words]
            return subprocess.run(
                command, env={**os.environ, **given}, capture_output=True, text=True, check=False, timeout=120
            )

        done = drill("--json")
        report = json.loads(done.stdout.strip().splitlines()[-1])
        assert done.returncode == (0 if report["state"] == "ready" else NOT_READY)
        # The command's limits are the real ones, and this machine may be busy.
        assert {one["why"] for one in failures(report).values()} <= {"over_limit", "no_worker", "clock_skewed"}
        found.clock_ahead = timedelta(minutes=5)
        done = drill()
        assert done.returncode == NOT_READY
        assert "not ready" in done.stdout
        assert "the clock is off" in done.stdout
        assert "playing an opening in virtual time" in done.stderr
