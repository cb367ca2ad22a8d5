"""备份启封 on request: who may ask, until when, who confirms, and which seats the custodians are to open."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bid_opening import escrow_rules, rules
from bid_opening.errors import (
    AlreadyDone,
    EscrowNotOnRequest,
    NoSeat,
    NothingProposed,
    NotNow,
    SecondPersonNeeded,
    StillWaiting,
    TooLate,
)
from bid_opening.states import Phase
from foundation.errors import InvalidInput
from foundation.events import bid_opening as e
from tests.support_ceremony import LOT, Room

ONE_MS = timedelta(milliseconds=1)


@pytest.fixture
def room() -> Room:
    """Five bids, three of them released, the fourth and the fifth not; escrow on request."""
    made = Room()
    made.to_window(5, escrow_rule="on_request")
    for number in (1, 2, 3):
        made.release(number)
    return made


def ask(room: Room, number: int, reason: str = "电脑进水") -> None:
    room.happen(*escrow_rules.request_escrow(room.state, f"org-{number}", f"person-{number}", reason, room.at))


def confirm(room: Room, number: int, by: str = "duty") -> None:
    room.happen(*escrow_rules.confirm_escrow(room.state, number, by, room.at))


def test_a_bidder_asks_once_and_its_reason_is_kept(room: Room) -> None:
    ask(room, 4, " 电脑进水 ")
    seat = room.state.seats[3]
    assert room.events[-1][0] == e.EscrowRequested(LOT, 4, "org-4", seat.bid, "person-4", "电脑进水")
    assert (seat.escrow_asked_at, seat.escrow_reason, seat.escrow_confirmed_at) == (room.at, "电脑进水", None)
    assert escrow_rules.request_escrow(room.state, "org-4", "person-4", "again", room.at) == ()


@pytest.mark.parametrize("rule", ["none", "compulsory"])
def test_where_the_document_has_no_request_asking_is_refused_with_what_it_says(rule: str) -> None:
    room = Room()
    room.to_window(4, escrow_rule=rule)
    with pytest.raises(EscrowNotOnRequest) as refused:
        ask(room, 4)
    assert refused.value.fields == {"rule": rule}


def test_only_who_has_a_seat_and_has_not_released_asks_in_time_and_says_why(room: Room) -> None:
    with pytest.raises(NoSeat):
        ask(room, 9)
    with pytest.raises(AlreadyDone):
        ask(room, 1)
    with pytest.raises(InvalidInput):
        ask(room, 4, "  ")
    until = room.state.until
    assert until is not None
    assert escrow_rules.request_escrow(room.state, "org-4", "p", "x", until - ONE_MS)
    with pytest.raises(TooLate):
        escrow_rules.request_escrow(room.state, "org-4", "p", "x", until)
    room.at = until
    room.end_window()
    with pytest.raises(TooLate):
        ask(room, 4)
    early = Room()
    early.to_frozen(4, escrow_rule="on_request")
    with pytest.raises(NotNow):
        ask(early, 4)


def test_another_person_confirms_and_only_what_was_asked(room: Room) -> None:
    with pytest.raises(NothingProposed):
        confirm(room, 4)
    with pytest.raises(NothingProposed):
        confirm(room, 77)
    ask(room, 4)
    with pytest.raises(SecondPersonNeeded):
        confirm(room, 4, by="person-4")
    assert room.state.escrow_due == ()
    confirm(room, 4)
    assert [seat.number for seat in room.state.escrow_due] == [4]
    assert escrow_rules.confirm_escrow(room.state, 4, "duty", room.at) == ()


def test_a_bidder_that_asked_may_still_release_itself(room: Room) -> None:
    ask(room, 4)
    confirm(room, 4)
    ask(room, 5)
    room.release(4)
    room.release(5)
    assert room.state.escrow_expected == ()
    with pytest.raises(AlreadyDone):
        confirm(room, 5)
    room.end_window()
    assert room.state.until is None  # nobody is waited for


def test_after_the_window_only_those_who_asked_are_waited_for(room: Room) -> None:
    ask(room, 4)
    confirm(room, 4)
    room.wait(30)
    assert rules.due_step(room.state, room.at) == "end_window"
    room.end_window()
    assert room.events[-1][0] == e.WindowEnded(LOT, 3, (4, 5), room.at + timedelta(minutes=10))
    with pytest.raises(StillWaiting) as waiting:
        room.close_window()
    assert waiting.value.fields["seats"] == [4]
    room.escrow(4)
    assert rules.due_step(room.state, room.at) == "close_window"
    room.close_window()
    bids = tuple(seat.bid for seat in room.state.seats)
    assert room.events[-1][0] == e.WindowClosed(LOT, "t", "l", bids[:3], bids[3:4], bids[4:], 3)


def test_who_asked_in_time_is_confirmed_while_custodians_are_waited_for_and_not_later(room: Room) -> None:
    ask(room, 4)
    room.wait(30)
    room.end_window()
    until = room.state.until
    assert until == room.at + timedelta(minutes=10)
    assert (room.state.escrow_due, [seat.number for seat in room.state.escrow_expected]) == ((), [4])
    with pytest.raises(TooLate):
        escrow_rules.confirm_escrow(room.state, 4, "duty", until)
    room.at = until - ONE_MS
    confirm(room, 4)
    assert [seat.number for seat in room.state.escrow_due] == [4]
    room.at = until
    room.close_window()
    assert room.state.phase is Phase.WINDOW_CLOSED
    with pytest.raises(NotNow):
        confirm(room, 4)


def test_without_a_request_nobody_is_waited_for(room: Room) -> None:
    room.wait(30)
    room.end_window()
    assert room.state.until is None
    room.close_window()
    assert room.state.phase is Phase.WINDOW_CLOSED
