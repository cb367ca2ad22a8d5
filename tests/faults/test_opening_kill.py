"""kill -9 around every commit of the platform's own part of an opening: the same bids and record, each fact once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from bid_opening.services import acts, record, rooms
from bid_opening.states import Phase
from foundation.clock import iso, machine_now
from foundation.events import bid_opening as e
from foundation.jobs import queue
from foundation.journal import read_stream
from tendering.states import LotState
from tests.support_opening import TOTALS, Opening, make_opening

ROOT = Path(__file__).resolve().parents[2]
CHILD = Path(__file__).with_name("opening_child.py")
ROUNDS_MAX = 20


class Workers:
    """Starts workers that die; one process forks them, so that each life costs no start-up."""

    def __init__(self, opening: Opening) -> None:
        self.opening = opening
        self.killed = 0
        self.process = subprocess.Popen(
            [sys.executable, str(CHILD), str(opening.world.folder), opening.lot.id],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def one_life(self, moment: str, number: int) -> int:
        # What a killed worker held is given free when its lease ends.
        queue.sweep(self.opening.world.engine, machine=machine_now() + queue.LEASE + timedelta(seconds=1))
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{moment} {number} {iso(self.opening.world.clock.now())}\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def work_through(self) -> None:
        """Kill and start again until a worker finds nothing left to commit."""
        # Before a commit everything of that step is lost, after it everything is there. A job takes three commits
        # (claimed, its effect, done), so each life is allowed a different number of them.
        deaths = [(moment, number) for number in (1, 2, 3) for moment in ("before", "after")]
        for moment, number in deaths * ROUNDS_MAX:
            code = self.one_life(moment, number)
            assert code in {0, -signal.SIGKILL}
            self.opening.assert_story_holds()
            if code == 0 and number == 1:
                return
            self.killed += code != 0
        raise AssertionError("never finished")

    def close(self) -> None:
        with self.process:
            assert self.process.stdin is not None
            self.process.stdin.close()


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return make_opening(tmp_path)


@pytest.fixture
def workers(opening: Opening) -> Iterator[Workers]:
    made = Workers(opening)
    yield made
    made.close()


@pytest.mark.slow
def test_the_opening_survives_a_kill_around_every_commit(opening: Opening, workers: Workers) -> None:
    opening.to_window()
    for index in range(3):
        opening.release(index)
    workers.work_through()
    assert opening.state.phase is Phase.WINDOW_CLOSED
    opening.publish()
    workers.work_through()
    opening.give_gate_keys(0, 1)
    workers.work_through()
    assert opening.state.phase is Phase.GATE_RELEASED
    opening.act(opening.host, acts.draw)
    workers.work_through()
    assert sorted(str(seat.total) for seat in opening.state.seats) == sorted(TOTALS[:3])
    opening.act(opening.host, acts.start_reading)
    opening.act(opening.host, acts.open_query)
    for bidder in opening.bidders:
        opening.act(bidder.actor, acts.no_objection)
    workers.work_through()
    for index in range(3):
        opening.confirm(index)
    workers.work_through()
    assert workers.killed >= 16
    assert opening.state.phase is Phase.CLOSED
    assert opening.world.lot_state(opening.lot) is LotState.OPENED
    assert record.read_record(opening.world.runtime, opening.lot.id)
    with opening.world.units.read() as unit:
        counts = Counter(type(one.event) for one in read_stream(unit.session, rooms.stream_of(opening.lot.id)))
    assert counts[e.PriceDecrypted] == counts[e.LineRead] == 3
    for once in (e.BidsFrozen, e.WindowEnded, e.WindowClosed, e.GateReleased, e.CoefficientDrawn, e.RecordIssued):
        assert counts[once] == 1, once


def test_every_job_and_look_may_run_twice(opening: Opening) -> None:
    opening.to_closed()
    opening.run_jobs()
    before = opening.frames()
    with opening.world.units.begin(opening.host) as unit:
        # Asked for again, as after a crash between an effect and the job's own "done".
        for seat in opening.state.seats:
            unit.enqueue("bid_opening.unseal", f"again:{seat.bid}", {"lot": opening.lot.id, "bid": seat.bid})
        unit.enqueue("bid_opening.record", "again", {"lot": opening.lot.id})
        unit.enqueue("bid_opening.open_check_in", "again", {"lot": opening.lot.id})
    assert opening.run_jobs() == []
    opening.publish()
    opening.look()
    assert opening.frames() == before
    opening.assert_story_holds()
