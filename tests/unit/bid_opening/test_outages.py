"""Reports of bidders' pages, health of the platform, and the clock that stops by itself (R3.31, R3.32)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bid_opening import outages, rules
from bid_opening.errors import NoSeat, NotNow
from bid_opening.outages import COMMON_MINUTES, COMMON_STOPS_MAX, REPORTS_MAX
from bid_opening.states import Phase
from foundation.errors import InvalidInput
from tests.support_ceremony import Room


@pytest.fixture
def room() -> Room:
    """Ten seats, the window open for five minutes."""
    room = Room()
    room.to_window(10, escrow_rule="none")
    room.wait(5)
    return room


def fail(room: Room, *numbers: int, code: str = "network") -> None:
    for number in numbers:
        room.happen(*outages.report(room.state, f"org-{number}", code, room.at))


# --- reports ----------------------------------------------------------------------------------------------------------


def test_a_report_stands_with_its_instant_and_fetching_counts_once(room: Room) -> None:
    fail(room, 1, code="fetched")
    first = room.at
    room.wait(1)
    fail(room, 1, code="fetched")
    fail(room, 1)
    seat = room.state.seats[0]
    assert outages.fetched_at(seat) == first
    assert outages.failures_of(seat) == (("network", room.at),)


def test_only_known_codes_of_seats_in_the_window_are_taken(room: Room) -> None:
    with pytest.raises(InvalidInput):
        outages.report(room.state, "org-1", "my passphrase", room.at)
    with pytest.raises(NoSeat):
        outages.report(room.state, "stranger", "network", room.at)
    closed = Room()
    closed.to_frozen(3)
    with pytest.raises(NotNow):
        outages.report(closed.state, "org-1", "network", closed.at)


def test_a_page_that_repeats_itself_fills_nothing(room: Room) -> None:
    fail(room, 1, 1, 1)
    assert len(room.state.seats[0].reports) == 1
    for _ in range(REPORTS_MAX + 5):
        room.wait(0.1)
        fail(room, 1, code="wrong_key")
    assert len(room.state.seats[0].reports) == REPORTS_MAX
    room.release(2)
    fail(room, 2)
    assert room.state.seats[1].reports == ()  # its secret is there: nothing to report


# --- failing together -------------------------------------------------------------------------------------------------


def test_more_than_the_share_within_minutes_stops_the_clock(room: Room) -> None:
    fail(room, 1, 2, 3)
    assert outages.outage(room.state, room.at) is None  # 30 % is not more than 30 %
    first = room.at
    room.wait(COMMON_MINUTES - 1)
    fail(room, 4)
    assert outages.outage(room.state, room.at) == ("common_failure", first)
    left = room.state.until - room.at if room.state.until else timedelta(0)
    room.happen(*outages.suspend_for_outage(room.state, room.at))
    assert room.state.phase is Phase.SUSPENDED
    assert room.state.suspension is not None
    assert (room.state.suspension.cause, room.state.suspension.why) == ("platform", "common_failure")
    assert (room.state.left, room.state.suspension.outage_since) == (left, first)


def test_failures_far_apart_are_not_common(room: Room) -> None:
    for number in (1, 2, 3, 4):
        fail(room, number)
        room.wait(COMMON_MINUTES)
    assert outages.outage(room.state, room.at) is None


def test_who_has_released_meanwhile_is_no_failure(room: Room) -> None:
    fail(room, 1, 2, 3, 4)
    room.release(4)
    assert outages.outage(room.state, room.at) is None


def test_one_of_three_is_above_the_share_and_still_alone() -> None:
    room = Room()
    room.to_window(3)
    fail(room, 1)
    assert outages.outage(room.state, room.at) is None
    fail(room, 2)
    assert outages.outage(room.state, room.at) is not None


def test_the_published_share_decides() -> None:
    room = Room()
    room.to_window(10, common_failure_percent=50)
    fail(room, 1, 2, 3, 4)
    assert outages.outage(room.state, room.at) is None
    fail(room, 5, 6)
    assert outages.outage(room.state, room.at) is not None


def test_what_stopped_the_clock_once_does_not_stop_it_again_and_reports_alone_only_so_often(room: Room) -> None:
    for _ in range(COMMON_STOPS_MAX):
        fail(room, 1, 2, 3, 4)
        room.happen(*outages.suspend_for_outage(room.state, room.at))
        assert room.state.phase is Phase.SUSPENDED
        room.wait(1)
        room.happen(*rules.reconvene(room.state, room.at))
        assert outages.outage(room.state, room.at) is None
        room.wait(0.1)
    fail(room, 1, 2, 3, 4)
    assert outages.outage(room.state, room.at) is None
    assert outages.suspend_for_outage(room.state, room.at) == ()


# --- health -----------------------------------------------------------------------------------------------------------


def test_health_is_marked_only_when_it_changes(room: Room) -> None:
    assert outages.mark_health(room.state, frozenset()) == ()
    room.happen(*outages.mark_health(room.state, frozenset({"log", "jobs"})))
    assert outages.mark_health(room.state, frozenset({"log", "jobs"})) == ()
    assert outages.red_now(room.state) == {"log", "jobs"}
    room.wait(2)
    room.happen(*outages.mark_health(room.state, frozenset({"log"})))
    room.wait(3)
    room.happen(*outages.mark_health(room.state, frozenset()))
    (span,) = outages.red_spans(room.state, room.at)
    assert span == (room.at - timedelta(minutes=5), room.at)
    assert outages.mark_health(Room().state, frozenset({"log"})) == ()


def test_a_red_platform_stops_the_clock_from_when_it_was_red(room: Room) -> None:
    room.happen(*outages.mark_health(room.state, frozenset({"log"})))
    since = room.at
    room.wait(0.5)
    room.happen(*outages.suspend_for_outage(room.state, room.at))
    assert room.state.suspension is not None
    assert (room.state.suspension.why, room.state.suspension.outage_since) == ("platform_red", since)
    # It is marked while the room stands still, too.
    room.happen(*outages.mark_health(room.state, frozenset()))
    assert outages.red_now(room.state) == frozenset()


def test_a_failure_in_a_red_minute_is_the_platforms(room: Room) -> None:
    fail(room, 1)
    fail(room, 2, code="no_key")
    room.wait(1)
    room.happen(*outages.mark_health(room.state, frozenset({"jobs"})))
    room.wait(1)
    fail(room, 3)
    room.happen(*outages.mark_health(room.state, frozenset()))
    room.wait(COMMON_MINUTES)
    fail(room, 4)
    found = [outages.was_failing_while_red(room.state, room.state.seats[n], room.at) for n in range(4)]
    assert found == [True, False, True, False]


@pytest.mark.parametrize("stands", [0, 10, 90])
def test_the_window_gets_back_what_was_left_and_the_whole_outage(room: Room, stands: int) -> None:
    until = room.state.until
    assert until is not None
    fail(room, 1, 2, 3, 4)
    room.wait(2)
    room.happen(*outages.suspend_for_outage(room.state, room.at))
    left = until - room.at
    room.wait(stands)
    room.happen(*rules.reconvene(room.state, room.at))
    assert room.state.phase is Phase.DECRYPTING
    assert room.state.until == room.at + left + timedelta(minutes=2 + stands)
    assert room.state.until >= until + timedelta(minutes=stands)


def test_a_suspension_two_people_decided_gives_back_what_was_left_only(room: Room) -> None:
    until = room.state.until
    assert until is not None
    room.happen(*rules.suspend(room.state, "decision", "停电", "x", room.at))
    room.wait(7)
    room.happen(*rules.reconvene(room.state, room.at))
    assert room.state.until == until + timedelta(minutes=7)


def test_after_the_bidders_time_nothing_stops_by_itself(room: Room) -> None:
    fail(room, 1, 2, 3, 4)
    room.wait(30)
    room.happen(*rules.end_window(room.state, room.at))
    assert outages.outage(room.state, room.at) is None
    assert outages.report(room.state, "org-5", "network", room.at) == ()
