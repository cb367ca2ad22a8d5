"""Each rule of the ceremony, and the refusal beside it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bid_opening import rules
from bid_opening.ceremony import fold, fold_all
from bid_opening.errors import (
    AlreadyDone,
    NoSeat,
    NothingProposed,
    NotNow,
    SecondPersonNeeded,
    StillWaiting,
    TooLate,
    TooManyTries,
    UnansweredObjections,
)
from bid_opening.states import Phase
from foundation.errors import InvalidInput
from foundation.events import bid_opening as e
from foundation.machine import WrongState
from tests.support_ceremony import CEILING, LOT, OPENS, Room, schedule, scheduled

ONE_MS = timedelta(milliseconds=1)


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.mark.parametrize("bids", [0, 1, 2])
def test_fewer_than_three_bids_fail_and_nothing_more_can_happen(room: Room, bids: int) -> None:
    room.to_frozen(bids)
    assert (room.state.phase, room.state.failure) == (Phase.FAILED, "too_few_bids")
    assert room.state.seats == ()
    with pytest.raises(NotNow):
        rules.open_window(room.state, room.at)
    with pytest.raises(WrongState):
        fold(room.state, e.GateReleased(LOT, (0, 1)), room.at)


def test_three_bids_get_seats_in_the_order_of_the_frozen_list(room: Room) -> None:
    room.to_frozen(3)
    assert room.state.phase is Phase.LIST_PUBLISHED
    assert [(seat.number, seat.bid) for seat in room.state.seats] == [
        (number, frozen.bid) for number, frozen in enumerate(room.state.frozen, 1)
    ]


def test_a_moved_deadline_moves_the_room_and_keeps_its_history(room: Room) -> None:
    room.happen(scheduled(), e.CheckInOpened(LOT))
    room.happen(scheduled(opens_at=OPENS + timedelta(days=3)))
    assert room.state.phase is Phase.CHECK_IN
    assert room.state.opens_at == OPENS + timedelta(days=3)
    assert [phase for phase, _ in room.state.phase_times] == [Phase.SCHEDULED, Phase.CHECK_IN]


def test_sign_in_ends_at_the_deadline(room: Room) -> None:
    room.happen(scheduled(), e.CheckInOpened(LOT))
    (event,) = rules.check_in(room.state, "org-1", "许知行", OPENS - ONE_MS)
    assert event == e.BidderCheckedIn(LOT, "org-1", "许知行")
    with pytest.raises(TooLate):
        rules.check_in(room.state, "org-1", "许知行", OPENS)


def test_a_share_is_taken_once_and_a_repeated_one_changes_nothing(room: Room) -> None:
    room.to_window()
    room.release(1)
    assert room.state.seats[0].released_at == room.at
    assert rules.release(room.state, "org-1", room.at, matches=True) == ()
    with pytest.raises(NoSeat):
        rules.release(room.state, "org-9", room.at, matches=True)


def test_a_wrong_share_names_its_seat_and_may_be_tried_again_a_stated_number_of_times(room: Room) -> None:
    room.to_window()
    for tries in range(1, rules.TRIES_MAX + 1):
        room.release(2, matches=False)
        assert room.events[-1][0] == e.ShareRejected(LOT, 2, "org-2", tries)
    with pytest.raises(TooManyTries):
        rules.release(room.state, "org-2", room.at, matches=True)
    room.release(1)  # another seat's tries are its own


def test_the_window_is_half_open(room: Room) -> None:
    room.to_window()
    until = room.state.until
    assert until == room.at + timedelta(minutes=30)
    assert rules.release(room.state, "org-1", until - ONE_MS, matches=True)
    with pytest.raises(TooLate):
        rules.release(room.state, "org-1", until, matches=True)


def test_the_window_ends_at_its_limit_or_when_nothing_is_waited_for(room: Room) -> None:
    room.to_window()
    with pytest.raises(StillWaiting):
        room.end_window()
    assert rules.due_step(room.state, room.at) is None
    for number in (1, 2, 3):
        room.release(number)
    assert rules.due_step(room.state, room.at) == "end_window"
    room.end_window()
    with pytest.raises(AlreadyDone):
        room.end_window()
    assert rules.due_step(room.state, room.at) == "close_window"


def test_custodians_are_waited_for_only_where_the_document_says_so(room: Room) -> None:
    room.to_window(4)
    for number in (1, 2, 3):
        room.release(number)
    room.wait(30)
    assert rules.due_step(room.state, room.at) == "end_window"
    room.end_window()
    assert room.state.until == room.at + timedelta(minutes=10)
    assert rules.due_step(room.state, room.at) is None
    with pytest.raises(StillWaiting):
        room.close_window()
    with pytest.raises(TooLate):
        room.release(4)
    room.escrow(4)
    room.close_window()
    closed = room.events[-1][0]
    assert isinstance(closed, e.WindowClosed)
    assert (len(closed.released), len(closed.escrowed), len(closed.missing)) == (3, 1, 0)


@pytest.mark.parametrize("rule", ["on_request", "none"])
def test_without_compulsory_escrow_a_missing_bid_stays_missing_at_once(room: Room, rule: str) -> None:
    room.to_window(4, escrow_rule=rule)
    for number in (1, 2, 3):
        room.release(number)
    room.wait(30)
    room.end_window()
    assert room.state.until is None
    room.close_window()
    assert room.state.phase is Phase.WINDOW_CLOSED
    assert room.events[-1][0] == e.WindowClosed(
        LOT, "t", "l", tuple(s.bid for s in room.state.seats[:3]), (), (room.state.seats[3].bid,), 3
    )


def test_too_few_released_bids_fail_before_any_gate_key(room: Room) -> None:
    room.to_window(4, escrow_rule="none")
    room.release(1)
    room.release(2)
    room.wait(30)
    room.end_window()
    room.close_window()
    assert (room.state.phase, room.state.failure) == (Phase.FAILED, "too_few_released")
    with pytest.raises(NotNow):
        rules.release_gate(room.state, [0, 1, 2], 2)


def test_the_gate_needs_its_threshold(room: Room) -> None:
    room.to_window()
    for number in (1, 2, 3):
        room.release(number)
    room.end_window()
    room.close_window()
    with pytest.raises(StillWaiting):
        rules.release_gate(room.state, [1], 2)
    room.happen(*rules.release_gate(room.state, [2, 0], 2))
    assert room.state.gate_holders == (0, 2)


def test_the_host_can_not_draw_twice(room: Room) -> None:
    room.to_drawn()
    with pytest.raises(AlreadyDone):
        room.draw()


def test_a_method_without_coefficients_passes_the_draw_too(room: Room) -> None:
    room.to_window()
    for number in (1, 2, 3):
        room.release(number)
    room.end_window()
    room.close_window()
    room.happen(*rules.release_gate(room.state, [0, 1], 2))
    room.happen(*rules.draw(room.state, [], method="jiangsu-3"))
    assert room.state.phase is Phase.PARAM_DRAWN
    assert room.events[-1][0] == e.NothingDrawn(LOT, "jiangsu-3")


def test_no_price_is_known_before_the_draw(room: Room) -> None:
    room.to_window()
    price = e.PriceDecrypted(LOT, 1, "org-1", "x", "1.00", 1, "", "", "", ())
    with pytest.raises(WrongState):
        fold(room.state, price, room.at)
    with pytest.raises(NotNow):
        room.read_price(1)


def test_reading_waits_until_every_bid_is_readable_or_named(room: Room) -> None:
    room.to_drawn()
    room.read_price(1)
    room.read_price(2)
    with pytest.raises(StillWaiting) as waiting:
        rules.start_reading(room.state)
    assert waiting.value.fields["seats"] == [3]
    room.happen(*rules.name_unreadable(room.state, room.state.seats[2], "bidder.key"))
    room.happen(*rules.start_reading(room.state))
    assert [event.seat for event, _ in room.events if isinstance(event, e.LineRead)] == [1, 2]


@pytest.mark.parametrize(
    ("total", "days", "remarks"),
    [("100.00", 180, ()), ("100.01", 180, ("above_ceiling",)), ("0", 181, ("no_price", "longer_than_asked"))],
)
def test_what_stands_out_in_a_schedule_is_remarked_and_rejects_nothing(
    room: Room, total: str, days: int, remarks: tuple[str, ...]
) -> None:
    room.to_drawn()
    seat = room.state.seats[0]
    (event,) = rules.read_schedule(room.state, seat, schedule(total, days), "k", ceiling=CEILING, duration_days=180)
    assert isinstance(event, e.PriceDecrypted)
    assert event.remarks == remarks


def test_objections_are_answered_before_the_next_phase(room: Room) -> None:
    room.to_query()
    room.happen(*rules.raise_objection(room.state, "org-1", "o1", " 对 2 号有异议 ", room.at))
    assert rules.raise_objection(room.state, "org-1", "o2", "对 2 号有异议", room.at) == ()
    room.happen(*rules.no_objection(room.state, "org-2", room.at), *rules.no_objection(room.state, "org-3", room.at))
    with pytest.raises(UnansweredObjections):
        rules.open_confirmation(room.state, room.at)
    room.happen(*rules.answer(room.state, "o1", "不成立"))
    with pytest.raises(AlreadyDone):
        rules.answer(room.state, "o1", "again")
    with pytest.raises(InvalidInput):
        rules.answer(room.state, "o9", "x")
    room.happen(*rules.open_confirmation(room.state, room.at))
    assert room.state.phase is Phase.CONFIRMING


def test_silence_counts_as_assent_when_the_time_is_over(room: Room) -> None:
    room.to_query()
    with pytest.raises(StillWaiting):
        rules.open_confirmation(room.state, room.at)
    room.wait(10)
    room.happen(*rules.open_confirmation(room.state, room.at))
    room.happen(*rules.confirm(room.state, "org-2", room.at, ""))
    assert rules.confirm(room.state, "org-2", room.at, "") == ()
    with pytest.raises(StillWaiting):
        rules.close(room.state, room.at)
    room.wait(10)
    room.happen(*rules.close(room.state, room.at))
    assert room.events[-1][0] == e.OpeningClosed(LOT, (2,), (1, 3))


# Two people -------------------------------------------------------------------------------------------------------


def test_a_halt_needs_two_people(room: Room) -> None:
    room.to_window()
    with pytest.raises(NothingProposed):
        rules.confirm_halt(room.state, "b", room.at)
    room.happen(*rules.propose_halt(room.state, "suspend", "a", "停电"))
    with pytest.raises(AlreadyDone):
        rules.propose_halt(room.state, "abort", "b", "x")
    with pytest.raises(SecondPersonNeeded):
        rules.confirm_halt(room.state, "a", room.at)
    with pytest.raises(SecondPersonNeeded):
        rules.withdraw_halt(room.state, "b")
    room.wait(10)
    room.happen(*rules.confirm_halt(room.state, "b", room.at))
    assert (room.state.phase, room.state.left, room.state.halt) == (Phase.SUSPENDED, timedelta(minutes=20), None)


def test_a_reconvened_room_goes_on_with_the_time_that_was_left(room: Room) -> None:
    room.to_window()
    room.wait(10)
    room.happen(*rules.suspend(room.state, "decision", "停电", "a", room.at))
    room.wait(600)
    with pytest.raises(NotNow):
        room.release(1)
    room.happen(*rules.propose_halt(room.state, "reconvene", "a", "已恢复"))
    room.happen(*rules.confirm_halt(room.state, "b", room.at))
    assert (room.state.phase, room.state.until) == (Phase.DECRYPTING, room.at + timedelta(minutes=20))
    assert (room.state.suspension, room.state.halt) == (None, None)
    assert room.state.times_in(Phase.RECONVENED) == 1
    room.release(1)


def test_the_host_extends_once_alone_and_then_with_a_second_person(room: Room) -> None:
    room.to_window()
    until = room.state.until
    assert until is not None
    room.happen(*rules.extend_window(room.state, room.at))
    with pytest.raises(SecondPersonNeeded):
        rules.extend_window(room.state, room.at)
    room.happen(*rules.propose_halt(room.state, "extend", "a", "网络故障"))
    room.happen(*rules.confirm_halt(room.state, "b", room.at))
    assert (room.state.until, room.state.extensions, room.state.halt) == (until + timedelta(minutes=20), 2, None)
    with pytest.raises(TooLate):
        rules.extend_window(room.state, room.state.until)


@pytest.mark.parametrize("halt", rules.HALTS)
def test_before_the_deadline_only_tendering_ends_an_opening(room: Room, halt: str) -> None:
    room.happen(scheduled())
    with pytest.raises(NotNow):
        rules.propose_halt(room.state, halt, "a", "x")
    room.happen(*rules.abort(room.state, "招标终止", "a"))
    assert room.state.is_over


def test_an_unknown_halt_is_not_understood(room: Room) -> None:
    room.to_window()
    with pytest.raises(InvalidInput):
        rules.propose_halt(room.state, "explode", "a", "x")


def test_the_cosignature_is_overdue_after_a_minute_and_again_after_a_reconvening(room: Room) -> None:
    room.to_window()
    for number in (1, 2, 3):
        room.release(number)
    room.end_window()
    room.close_window()
    minute = timedelta(seconds=rules.COSIGN_SECONDS)
    assert not rules.cosignature_is_overdue(room.state, room.at + minute - ONE_MS)
    assert rules.cosignature_is_overdue(room.state, room.at + minute)
    room.at += minute
    room.happen(*rules.suspend(room.state, "platform", "not_cosigned", "system", room.at))
    assert not rules.cosignature_is_overdue(room.state, room.at + 9 * minute)
    room.happen(*rules.reconvene(room.state, room.at))
    assert not rules.cosignature_is_overdue(room.state, room.at)


def test_fold_over_all_events_is_the_live_state(room: Room) -> None:
    room.to_query()
    assert fold_all(room.events) == room.state
