"""What people are told of an opening: by its events and by the clock, once each, whoever is killed (R3.53)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, select

from accounts.models import InboxItem
from bid_opening import notice_tasks
from bid_opening.notice_models import OpeningNotice
from bid_opening.services import acts, notices, schedule
from foundation.clock import iso
from foundation.errors import NotPermitted
from foundation.events.tendering import DeadlineMoved
from foundation.jobs.models import Job
from foundation.jobs.registry import JobContext, handler_of
from tendering import facade as tendering
from tendering.models import Lot
from tests.support.tender_world import TESTS
from tests.support_opening import Opening, make_opening


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return make_opening(tmp_path)


def told(opening: Opening, org_id: object) -> list[str]:
    """What an organisation was told of the opening, oldest first."""
    with opening.world.units.read() as unit:
        rows = unit.session.scalars(
            select(InboxItem).where(InboxItem.org_id == org_id).order_by(InboxItem.at, InboxItem.id)
        )
        codes = [row.code.removeprefix("inbox.") for row in rows]
    return [code.removeprefix("opening_") for code in codes if code.startswith(("opening_", "deadline_"))]


def bidder(opening: Opening, index: int) -> list[str]:
    return told(opening, opening.bidders[index].actor.org_id)


def host(opening: Opening) -> list[str]:
    return told(opening, opening.host.org_id)


def look(opening: Opening) -> None:
    """The look-round, and every job of a moment it ever asked for: each may run again after a crash at any line."""
    notice_tasks.look_for_notices(opening.world.runtime)
    opening.run_jobs()
    with opening.world.units.read() as unit:
        jobs = list(unit.session.scalars(select(Job).where(Job.task.contains(".tell_"))))
    for job in jobs:
        handler_of(job.task)(JobContext(opening.world.runtime, job.id, job.key, job.payload, 2))


def schedule_room(opening: Opening) -> None:
    with opening.world.units.begin(TESTS) as unit:
        schedule.schedule_room(unit, opening.lot.id)


def sign_in_opens(opening: Opening, before: timedelta) -> None:
    with opening.world.units.begin(TESTS) as unit:
        unit.session.get_one(Lot, opening.lot.id).checkin_lead_minutes = before // timedelta(minutes=1)


def test_an_opening_is_told_from_sign_in_to_record_once_each(opening: Opening) -> None:
    opening.to_check_in()
    look(opening)
    opening.to_closed()
    opening.run_jobs()
    look(opening)
    every = ["sign_in", "window", "confirmation", "record"]
    for index in range(3):
        assert set(every) <= set(bidder(opening, index))
        assert max(Counter(bidder(opening, index)).values()) == 1
    assert sorted(host(opening)) == ["record", "sign_in", "soon"]


def test_the_opening_is_announced_at_24_hours_and_at_one(opening: Opening) -> None:
    sign_in_opens(opening, timedelta(minutes=30))
    schedule_room(opening)
    for hours, count in ((24.1, 0), (24, 1), (23, 1), (1.01, 1), (1, 2), (0.5, 2)):
        opening.at(opening.lot.deadline_at - timedelta(hours=hours))
        look(opening)
        assert bidder(opening, 0).count("soon") == count, hours
    assert host(opening).count("soon") == 2


def test_sign_in_at_the_same_hour_says_it_alone(opening: Opening) -> None:
    sign_in_opens(opening, timedelta(hours=24))
    schedule_room(opening)
    opening.at(opening.lot.deadline_at - timedelta(hours=23))
    look(opening)
    assert "soon" not in bidder(opening, 0)
    opening.at(opening.lot.deadline_at - timedelta(minutes=59))
    look(opening)
    assert bidder(opening, 0).count("soon") == 1


def test_a_moved_deadline_moves_the_moments_and_is_told_to_whoever_has_a_bid(opening: Opening) -> None:
    sign_in_opens(opening, timedelta())
    schedule_room(opening)
    opening.at(opening.lot.deadline_at - timedelta(hours=24))
    notice_tasks.look_for_notices(opening.world.runtime)  # asked for, and not yet told
    later = opening.lot.deadline_at + timedelta(days=7)
    with opening.world.units.begin(TESTS) as unit:
        row = unit.session.get_one(Lot, opening.lot.id)
        row.deadline_at = later
        unit.append(f"lot:{row.id}", DeadlineMoved(row.id, opening.lot.deadline_at, later, "REG 21"))
    schedule_room(opening)
    look(opening)
    assert bidder(opening, 0) == ["deadline_moved"]
    opening.at(later - timedelta(hours=24))
    look(opening)
    assert bidder(opening, 0) == ["deadline_moved", "soon"]


def test_five_minutes_before_the_end_only_those_hear_who_have_not_released(opening: Opening) -> None:
    opening.to_window()
    opening.release(0)
    until = opening.state.until
    assert until is not None
    opening.at(until - timedelta(minutes=5, seconds=1))
    look(opening)
    assert "last_minutes" not in bidder(opening, 1)
    opening.at(until - timedelta(minutes=5))
    look(opening)
    look(opening)
    assert [bidder(opening, index).count("last_minutes") for index in range(3)] == [0, 1, 1]
    assert "last_minutes" not in host(opening)


def test_what_is_over_when_the_worker_comes_back_is_not_told(opening: Opening) -> None:
    opening.to_window()
    until = opening.state.until
    assert until is not None
    opening.at(until)
    opening.run_jobs()
    look(opening)
    assert not {"window", "last_minutes"} & set(bidder(opening, 0))


def test_an_extended_window_has_last_minutes_of_its_own(opening: Opening) -> None:
    opening.to_window()
    until = opening.state.until
    assert until is not None
    opening.at(until - timedelta(minutes=4))
    look(opening)
    opening.act(opening.host, acts.extend)
    look(opening)
    assert bidder(opening, 0).count("last_minutes") == 1
    longer = opening.state.until
    assert longer is not None
    assert longer > until
    opening.at(longer - timedelta(minutes=5))
    look(opening)
    assert bidder(opening, 0).count("last_minutes") == 2


def test_a_moment_is_noted_with_its_messages_or_not_at_all(opening: Opening, monkeypatch: pytest.MonkeyPatch) -> None:
    opening.to_window()
    until = opening.state.until
    assert until is not None
    opening.at(until - timedelta(minutes=3))

    class KilledError(BaseException):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    moment = f"last:{iso(until)}"
    with monkeypatch.context() as patch:
        patch.setattr(notices, "_tell", killed)
        with pytest.raises(KilledError), opening.world.units.begin(TESTS) as unit:
            notices.tell_by_the_clock(unit, opening.lot.id, moment)
    with opening.world.units.read() as unit:
        assert unit.session.get(OpeningNotice, (opening.lot.id, moment)) is None
    look(opening)
    assert bidder(opening, 1).count("last_minutes") == 1


def test_an_answered_objection_is_told_to_the_one_who_raised_it(opening: Opening) -> None:
    opening.to_reading()
    opening.act(opening.host, acts.open_query)
    opening.act(opening.bidders[1].actor, acts.raise_objection, "开标一览表工期与投标函不一致，请核对。")
    opening.act(opening.host, acts.answer, opening.state.objections[0].id, "已核对，以投标函为准。")
    look(opening)
    assert "objection_answered" in bidder(opening, 1)
    assert "objection_answered" not in bidder(opening, 0)


def test_suspension_and_resumption_reach_everybody(opening: Opening) -> None:
    opening.to_window()
    opening.act(opening.host, acts.propose_halt, "suspend", "停电")
    opening.act(opening.supervisor, acts.confirm_halt)
    look(opening)
    for index in range(3):
        assert bidder(opening, index).count("suspended") == 1
    assert host(opening).count("suspended") == 1


def test_no_job_and_no_moment_names_a_bidder(opening: Opening) -> None:
    opening.to_check_in()
    look(opening)
    marks = {str(one.actor.org_id) for one in opening.bidders} | {str(one.actor.user_id) for one in opening.bidders}
    with opening.world.units.read() as unit:
        jobs = [
            f"{job.key} {job.payload}" for job in unit.session.scalars(select(Job).where(Job.task.contains("tell")))
        ]
        moments = [row.moment for row in unit.session.scalars(select(OpeningNotice))]
    assert jobs
    assert not any(mark in text for mark in marks for text in (*jobs, *moments))


def test_only_the_platform_learns_who_has_a_bid(opening: Opening) -> None:
    with opening.world.units.read(TESTS) as unit:
        assert len(tendering.sealed_bidders(unit, opening.lot.id)) == 3
    for actor in (opening.host, opening.supervisor, opening.staff, opening.bidders[0].actor):
        with opening.world.units.read(actor) as unit, pytest.raises(NotPermitted):
            tendering.sealed_bidders(unit, opening.lot.id)


def test_a_look_round_asks_two_queries_and_nothing_of_rooms_that_are_far(opening: Opening) -> None:
    schedule_room(opening)
    opening.at(opening.lot.deadline_at - timedelta(hours=25))
    seen: list[str] = []
    event.listen(opening.world.engine, "before_cursor_execute", lambda *of: seen.append(of[2]))
    with opening.world.units.read(TESTS) as unit:
        assert notices.due(unit) == ()
    opening.at(opening.lot.deadline_at - timedelta(hours=2))
    with opening.world.units.read(TESTS) as unit:
        assert [moment.split(":")[:2] for _, moment in notices.due(unit)] == [["soon", "24"]]
    assert len([one for one in seen if one.startswith("SELECT")]) == 4
