"""Reminders before the deadline: who hears what, once each, also after restarts and a moved deadline (R3.23)."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from accounts.models import InboxItem
from foundation.clock import iso
from foundation.events.tendering import BidderReminded
from foundation.jobs.models import Job
from foundation.jobs.registry import JobContext
from foundation.journal.models import JournalEntry
from tendering import reminder_tasks, reminders
from tendering.models import Lot
from tendering.services import clarifications, seals, uploads
from tendering.states import LotState
from tests.support.tender_world import TESTS, OpenLot, TenderWorld, make_world
from tests.support_bids import Bidder, make_bidder
from tests.support_rehearsals import ask, file, statement_of

DEADLINE = datetime(2026, 12, 10, 1, 30, tzinfo=UTC)


@pytest.fixture
def world(tmp_path: Path) -> TenderWorld:
    return make_world(tmp_path)


@pytest.fixture
def lot(world: TenderWorld) -> OpenLot:
    return world.open_lot(deadline_at=DEADLINE)


def before(hours: float) -> datetime:
    return DEADLINE - timedelta(hours=hours)


def jobs(world: TenderWorld) -> list[Job]:
    with world.units.read() as unit:
        return list(unit.session.scalars(select(Job).where(Job.task == reminders.TASK).order_by(Job.id)))


def look_and_work(world: TenderWorld) -> None:
    """The look-round and every job it ever asked for: each may run again after a crash at any line."""
    reminder_tasks.look_for_reminders(world.runtime)
    for job in jobs(world):
        context = JobContext(world.runtime, job.id, job.key, job.payload, 1)
        reminder_tasks.remind_bidders(context)


def told(world: TenderWorld, bidder: Bidder) -> list[tuple[str, int]]:
    """Messages of one organisation: kind and hours, oldest first."""
    with world.units.read() as unit:
        rows = unit.session.scalars(
            select(InboxItem)
            .where(InboxItem.org_id == bidder.actor.org_id, InboxItem.code.startswith("inbox.reminder_"))
            .order_by(InboxItem.at, InboxItem.id)
        )
        return [(row.code.removeprefix("inbox.reminder_"), int(row.params["hours"])) for row in rows]


def follow(bidder: Bidder, lot: OpenLot) -> None:
    with bidder.world.units.begin(bidder.actor) as unit:
        clarifications.set_subscription(unit, lot.id, is_on=True)


def test_the_moment_is_the_latest_that_has_come() -> None:
    assert reminders.moment_due(DEADLINE, before(72.1)) is None
    assert reminders.moment_due(DEADLINE, before(72)) == 72
    assert reminders.moment_due(DEADLINE, before(24.01)) == 72
    assert reminders.moment_due(DEADLINE, before(24)) == 24
    assert reminders.moment_due(DEADLINE, before(1)) == 2
    assert reminders.moment_due(DEADLINE, DEADLINE) is None


def test_everybody_concerned_hears_each_moment_once_in_its_own_words(world: TenderWorld, lot: OpenLot) -> None:
    names = ("常州澄岳建设工程有限公司", "无锡栖云建筑有限公司", "苏州知远市政有限公司", "镇江砺行建筑有限公司")
    verified, unverified, follower, uploader = (make_bidder(world, name) for name in names)
    stranger = make_bidder(world, "扬州疏影建设有限公司")
    for bidder in (verified, unverified):
        follow(bidder, lot)
        bidder.hand_in(lot, made := bidder.seal(lot))
        if bidder is verified:
            file(bidder, lot, statement_of(bidder, made, ask(bidder, lot)))
    follow(follower, lot)
    watcher = Bidder(world, world.organisation("江苏衡澄工程咨询有限公司", "agency"))
    follow(watcher, lot)
    with world.units.begin(uploader.actor) as unit:
        uploads.start_upload(unit, lot.id, uploader.seal(lot).announced())
    for hours in (80, 72, 71, 48, 24, 23.9, 2, 1):
        world.clock.set(before(hours))
        look_and_work(world)
        look_and_work(world)
    assert told(world, verified) == told(world, stranger) == told(world, watcher) == []
    assert told(world, unverified) == [("unverified", 72), ("unverified", 24), ("unverified", 2)]
    for bidder in (follower, uploader):
        assert told(world, bidder) == [("not_sealed", 72), ("not_sealed", 24), ("not_sealed", 2)]
    with world.units.read() as unit:
        noted = unit.session.scalars(select(JournalEntry.stream).where(JournalEntry.type == BidderReminded.TYPE)).all()
    streams = {f"bid:{lot.id}:{bidder.actor.org_id}": 3 for bidder in (unverified, follower, uploader)}
    assert Counter(noted) == streams


def test_no_job_names_a_bidder(world: TenderWorld, lot: OpenLot) -> None:
    bidders = [make_bidder(world, f"第{n}建设有限公司") for n in range(3)]
    for bidder in bidders:
        bidder.hand_in(lot, bidder.seal(lot))
    world.clock.set(before(3))
    look_and_work(world)
    (job,) = jobs(world)
    assert job.key == f"{lot.id}:{iso(DEADLINE)}:24"
    assert set(job.payload) == {"lot", "deadline_at", "hours"}
    assert not any(str(bidder.actor.org_id) in f"{job.key}{job.payload}" for bidder in bidders)


def test_a_rehearsal_or_a_withdrawal_ends_the_reminders(world: TenderWorld, lot: OpenLot) -> None:
    rehearsed, gone = make_bidder(world), make_bidder(world, "无锡栖云建筑有限公司")
    made = rehearsed.seal(lot)
    rehearsed.hand_in(lot, made)
    gone.hand_in(lot, gone.seal(lot))
    follow(gone, lot)
    world.clock.set(before(70))
    look_and_work(world)
    file(rehearsed, lot, statement_of(rehearsed, made, ask(rehearsed, lot)))
    with world.units.begin(gone.actor) as unit:
        seals.withdraw_bid(unit, lot.id, unit.at)
    world.clock.set(before(20))
    look_and_work(world)
    assert told(world, rehearsed) == told(world, gone) == [("unverified", 72)]
    with world.units.begin(gone.actor) as unit:  # it changed its mind once more
        uploads.start_upload(unit, lot.id, gone.seal(lot).announced())
    world.clock.set(before(1))
    look_and_work(world)
    assert told(world, gone) == [("unverified", 72), ("not_sealed", 2)]


def test_a_moved_deadline_has_reminders_of_its_own_and_the_old_ones_fall_away(world: TenderWorld, lot: OpenLot) -> None:
    bidder = make_bidder(world)
    bidder.hand_in(lot, bidder.seal(lot))
    world.clock.set(before(30))
    look_and_work(world)
    world.clock.set(before(24))
    reminder_tasks.look_for_reminders(world.runtime)  # asked for, and before it is done the deadline moves
    moved = DEADLINE + timedelta(days=15)
    with world.units.begin(TESTS) as unit:
        unit.session.execute(update(Lot).where(Lot.id == lot.id).values(deadline_at=moved))
    look_and_work(world)
    assert told(world, bidder) == [("unverified", 72)]
    world.clock.set(moved - timedelta(hours=72))
    look_and_work(world)
    assert told(world, bidder) == [("unverified", 72), ("unverified", 72)]


def test_after_a_long_standstill_one_message_comes_and_none_after_the_deadline(
    world: TenderWorld, lot: OpenLot
) -> None:
    bidder = make_bidder(world)
    bidder.hand_in(lot, bidder.seal(lot))
    world.clock.set(before(72))
    reminder_tasks.look_for_reminders(world.runtime)  # killed here; comes back an hour before the deadline
    world.clock.set(before(1))
    look_and_work(world)
    assert told(world, bidder) == [("unverified", 2)]
    world.clock.set(DEADLINE)
    look_and_work(world)
    assert told(world, bidder) == [("unverified", 2)]


def test_only_a_lot_that_takes_bids_reminds(world: TenderWorld, lot: OpenLot) -> None:
    bidder = make_bidder(world)
    bidder.hand_in(lot, bidder.seal(lot))
    world.clock.set(before(10))
    reminder_tasks.look_for_reminders(world.runtime)
    with world.units.begin(TESTS) as unit:
        unit.session.execute(update(Lot).where(Lot.id == lot.id).values(state=LotState.CANCELLED))
    look_and_work(world)
    assert told(world, bidder) == []
