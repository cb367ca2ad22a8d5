"""The verdict is the stamp: what came before the deadline and is undecided at it is received, and nothing else."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from foundation.clock import iso, machine_now, pause
from foundation.errors import Refusal
from foundation.jobs.models import Job
from foundation.jobs.registry import JobContext, handler_of
from foundation.journal import read_stream
from foundation.store.engine import is_sqlite
from tendering import bid_tasks, intake
from tendering.bid_errors import SealRefused
from tendering.intake import Closing, Intake
from tendering.models import Receiver, Upload
from tendering.services import seals
from tendering.states import LotState
from tests.support.tender_world import DEADLINE, TESTS, OpenLot, TenderWorld, make_world
from tests.support_bids import Bidder, SealedFiles, codes_of, make_bidder

MS = timedelta(milliseconds=1)
BIDDERS = 50


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[TenderWorld]:
    url = request.getfixturevalue("postgres_url") if request.param == "postgres" else ""
    made = make_world(tmp_path, url=url)
    yield made
    made.engine.dispose()


@pytest.fixture
def lot(world: TenderWorld) -> OpenLot:
    return world.open_lot()


def close(world: TenderWorld, lot: OpenLot, *, grace_over: bool = False) -> Closing:
    machine = machine_now()
    with world.units.begin(TESTS) as unit:
        return intake.close_bids(unit, lot.id, lot.deadline_at, machine=machine, is_grace_over=grace_over)


def run_close_job(world: TenderWorld, lot: OpenLot, **payload: object) -> None:
    content = {"lot": lot.id, "deadline_at": iso(lot.deadline_at), **payload}
    handler_of(bid_tasks.CLOSE_TASK)(JobContext(world.runtime, "job", "key", content, 1))


@contextmanager
def writers_blocked(world: TenderWorld, lot: OpenLot) -> Iterator[None]:
    """Another transaction holds what every seal must wait for: the write lock, or on PostgreSQL the lot's row."""
    with world.engine.connect() as connection, connection.begin():
        if not is_sqlite(world.engine):
            connection.execute(text("SELECT 1 FROM lots WHERE id = :lot FOR UPDATE"), {"lot": lot.id})
        yield


class Sender(threading.Thread):
    """Stamps and hands in one bid, as the web process does."""

    def __init__(self, receiver: Intake, bidder: Bidder, command: seals.SealCommand) -> None:
        super().__init__(daemon=True)
        self.receiver = receiver
        self.bidder = bidder
        self.command = command
        self.stamped = threading.Event()
        self.outcome: seals.Acknowledged | SealRefused | Exception | None = None

    def run(self) -> None:
        try:
            with self.receiver.stamp() as received_at:
                self.stamped.set()
                self.outcome = self.bidder.submit(self.command, received_at)
        except Exception as error:  # noqa: BLE001 - shown by the test that reads the outcome
            self.outcome = error


def test_fifty_stamped_before_the_deadline_and_undecided_at_it_are_received_and_fifty_after_it_refused(
    world: TenderWorld, lot: OpenLot
) -> None:
    receiver = Intake(world.runtime)
    early = [_ready(receiver, world, lot, number) for number in range(BIDDERS)]
    late = [_ready(receiver, world, lot, BIDDERS + number) for number in range(BIDDERS)]
    world.clock.set(DEADLINE - MS)
    receiver.report()
    with writers_blocked(world, lot):
        _start(early)
        world.clock.set(DEADLINE)
        _start(late)
        assert receiver.drained_through() == DEADLINE - MS
    # Receiving goes on deciding while the closing asks again and again, as the worker does.
    while any(sender.is_alive() for sender in (*early, *late)):
        receiver.report()
        close(world, lot)
        pause(0.02)
    receiver.report()
    assert receiver.drained_through() == DEADLINE
    assert close(world, lot) in {Closing.CLOSED, Closing.OUTDATED}
    assert world.lot_state(lot) is LotState.CLOSED
    received = [sender for sender in early if isinstance(sender.outcome, seals.Acknowledged)]
    assert len(received) == BIDDERS, [sender.outcome for sender in early if sender not in received][:3]
    assert {sender.outcome.received_at for sender in received} == {DEADLINE - MS}  # type: ignore[union-attr]
    for sender in late:
        assert not isinstance(sender.outcome, Exception) or isinstance(sender.outcome, Refusal)
        assert codes_of(sender.outcome) == {"tendering.seal_late"}  # type: ignore[arg-type]


def _ready(receiver: Intake, world: TenderWorld, lot: OpenLot, number: int) -> Sender:
    bidder = make_bidder(world, f"投标单位{number}")
    made = bidder.seal(lot)
    return Sender(receiver, bidder, bidder.command(lot, made, bidder.upload(lot, made)))


def _start(senders: list[Sender]) -> None:
    for sender in senders:
        sender.start()
    for sender in senders:
        assert sender.stamped.wait(20)


# --- when receiving ends ----------------------------------------------------------------------------------------------


def test_a_lot_without_live_receivers_closes_at_its_deadline_and_not_before(world: TenderWorld, lot: OpenLot) -> None:
    world.clock.set(DEADLINE - MS)
    run_close_job(world, lot)
    assert world.lot_state(lot) is LotState.OPEN
    world.clock.set(DEADLINE)
    run_close_job(world, lot)
    run_close_job(world, lot)  # the job may come twice
    assert world.lot_state(lot) is LotState.CLOSED
    with world.units.read() as unit:
        events = [entry.event.TYPE for entry in read_stream(unit.session, f"lot:{lot.id}")]
    assert events == ["tendering.bids_closed"]


def test_the_job_of_a_deadline_that_was_moved_does_nothing(world: TenderWorld, lot: OpenLot) -> None:
    world.clock.set(DEADLINE + timedelta(hours=1))
    content = {"lot": lot.id, "deadline_at": iso(DEADLINE - timedelta(days=1)), "grace_over": True}
    handler_of(bid_tasks.CLOSE_TASK)(JobContext(world.runtime, "job", "key", content, 1))
    assert world.lot_state(lot) is LotState.OPEN


def test_a_live_receiver_is_waited_for_until_it_has_decided(world: TenderWorld, lot: OpenLot) -> None:
    receiver = Intake(world.runtime)
    world.clock.set(DEADLINE - MS)
    with receiver.stamp():
        world.clock.set(DEADLINE + timedelta(seconds=2))
        receiver.report()
        assert close(world, lot) is Closing.WAITING
    assert close(world, lot) is Closing.WAITING  # decided, but it has not said so yet
    receiver.report()
    assert close(world, lot) is Closing.CLOSED


def test_a_receiver_that_died_delays_a_closing_by_its_lease_only(world: TenderWorld, lot: OpenLot) -> None:
    with world.units.begin(TESTS) as unit:
        at = world.clock.now()
        unit.session.add(Receiver(id=unit.new_id(), lease_until=machine_now(), drained_through=at))
    world.clock.set(DEADLINE)
    assert close(world, lot) is Closing.CLOSED


def test_after_the_grace_receiving_ends_and_what_is_undecided_is_the_platforms_failure(
    world: TenderWorld, lot: OpenLot
) -> None:
    receiver, bidder = Intake(world.runtime), make_bidder(world)
    made = bidder.seal(lot)
    command = bidder.command(lot, made, bidder.upload(lot, made))
    world.clock.set(DEADLINE - MS)
    with receiver.stamp() as received_at:
        world.clock.set(DEADLINE + timedelta(minutes=2))
        receiver.report()
        run_close_job(world, lot, grace_over=True)
        assert world.lot_state(lot) is LotState.CLOSED
        assert codes_of(bidder.submit(command, received_at)) == {"tendering.seal_undecided_in_time"}


def test_the_look_round_asks_for_the_closing_once_the_receivers_have_decided(world: TenderWorld, lot: OpenLot) -> None:
    receiver = Intake(world.runtime)
    world.clock.set(DEADLINE - MS)
    with receiver.stamp():
        world.clock.set(DEADLINE)
        receiver.report()
        bid_tasks.look_for_deadlines(world.runtime)
        assert close_jobs(world) == []
    receiver.report()
    bid_tasks.look_for_deadlines(world.runtime)
    bid_tasks.look_for_deadlines(world.runtime)
    jobs = close_jobs(world)
    assert [(job.payload["lot"], job.payload["grace_over"]) for job in jobs] == [(lot.id, False)]


def close_jobs(world: TenderWorld) -> list[Job]:
    with world.units.read() as unit:
        return list(unit.session.scalars(select(Job).where(Job.task == bid_tasks.CLOSE_TASK)))


def test_a_stamp_is_never_before_what_was_reported_as_decided(world: TenderWorld) -> None:
    receiver = Intake(world.runtime)
    reported = receiver.drained_through()
    world.clock.step(-timedelta(seconds=5))  # the machine's clock was set back
    with receiver.stamp() as received_at:
        assert received_at == reported


def test_reporting_in_the_background_follows_the_clock_and_stops(world: TenderWorld, lot: OpenLot) -> None:
    receiver = Intake(world.runtime)
    receiver.start_reporting()
    world.clock.set(DEADLINE)
    waited = 0
    while close(world, lot) is Closing.WAITING:
        pause(0.05)
        waited += 1
        assert waited < 200
    receiver.stop_reporting()
    with world.units.read() as unit:
        assert unit.session.scalar(select(Receiver.id)) is None


# --- what was never sealed --------------------------------------------------------------------------------------------


def test_no_copy_is_kept_of_what_was_never_received(world: TenderWorld, lot: OpenLot) -> None:
    kept, late = make_bidder(world, "甲公司"), make_bidder(world, "乙公司")
    sealed = kept.seal(lot)
    kept.hand_in(lot, sealed)
    made = late.seal(lot)
    command = late.command(lot, made, late.upload(lot, made))
    world.clock.set(DEADLINE)
    assert codes_of(late.submit(command)) == {"tendering.seal_late"}
    run_close_job(world, lot)
    discard(world)
    names = [entry.name for entry in world.runtime.objects.list("sealed")]
    assert len(names) == len(sealed.parts)
    assert not any(command.upload_id in name for name in names)
    with world.units.read() as unit:
        assert unit.session.get(Upload, command.upload_id) is None


def discard(world: TenderWorld) -> None:
    """Run the consumer's job as the worker would; twice, because it may come twice."""
    with world.units.read() as unit:
        job = unit.session.scalars(select(Job).where(Job.task == "tendering.discard_uploads")).one()
    for attempt in (1, 2):
        handler_of(job.task)(JobContext(world.runtime, job.id, job.key, job.payload, attempt))


def test_two_revisions_at_the_same_moment_leave_one_live(world: TenderWorld, lot: OpenLot) -> None:
    bidder = make_bidder(world)
    rivals: list[SealedFiles] = [bidder.seal(lot), bidder.seal(lot)]
    receiver = Intake(world.runtime)
    senders = [Sender(receiver, bidder, bidder.command(lot, made, bidder.upload(lot, made))) for made in rivals]
    _start(senders)
    for sender in senders:
        sender.join(20)
    outcomes = [sender.outcome for sender in senders]
    assert sum(isinstance(outcome, seals.Acknowledged) for outcome in outcomes) == 1, outcomes
    refused = next(outcome for outcome in outcomes if not isinstance(outcome, seals.Acknowledged))
    assert "sealing.bid_mismatch" in codes_of(refused)  # type: ignore[arg-type]
