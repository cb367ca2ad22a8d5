"""The announced beacon: the draw waits for it and for nothing else; and the freeze that took longer than published."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bid_opening import rules
from bid_opening.ceremony import fold, fold_all
from bid_opening.errors import BeaconNotAnnounced, NotNow, StillWaiting
from bid_opening.states import Phase
from foundation.draws import QUICKNET_CHAIN, Beacon, BeaconFalse, beacon_round, beacon_time
from foundation.events import bid_opening as e
from foundation.machine import WrongState
from tests.support_ceremony import LOT, OPENS, Room, scheduled

ROUND = beacon_round(OPENS)
VALUE = Beacon(QUICKNET_CHAIN, ROUND, "b4" * 48)


@pytest.fixture
def room() -> Room:
    return Room()


def to_gate(room: Room, beacon: str = "quicknet") -> None:
    room.to_window(beacon=beacon)
    for number in (1, 2, 3):
        room.release(number)
    room.end_window()
    room.close_window()
    room.happen(*rules.release_gate(room.state, (0, 1), 2))


def drawn() -> e.CoefficientDrawn:
    return e.CoefficientDrawn(LOT, "K", "0.950", ("0.950",), "transcript", "seed")


def test_nothing_is_drawn_without_the_announced_beacon_and_everything_with_it(room: Room) -> None:
    to_gate(room)
    assert room.state.needs_beacon
    with pytest.raises(StillWaiting) as waits:
        rules.draw(room.state, [drawn()], method="jiangsu-1")
    assert waits.value.fields["waiting"] == "beacon"
    room.happen(*rules.receive_beacon(room.state, VALUE, "relay"))
    assert rules.receive_beacon(room.state, VALUE, "file") == ()
    room.draw()
    assert (room.state.phase, room.state.beacon_value) == (Phase.PARAM_DRAWN, VALUE)
    assert fold_all(room.events) == room.state


def test_a_lot_without_a_beacon_draws_at_once_and_takes_none(room: Room) -> None:
    to_gate(room, beacon="")
    with pytest.raises(BeaconNotAnnounced):
        rules.receive_beacon(room.state, VALUE, "file")
    room.draw()
    assert room.state.phase is Phase.PARAM_DRAWN


def test_only_the_round_of_the_formula_is_taken_and_it_moves_with_the_deadline(room: Room) -> None:
    room.happen(scheduled(beacon="quicknet"))
    assert room.state.beacon_round == ROUND
    room.happen(scheduled(beacon="quicknet", opens_at=OPENS + timedelta(hours=1)))
    assert room.state.beacon_round == ROUND + 1200
    other = Room()
    to_gate(other)
    for number in (ROUND - 1, ROUND + 1):
        with pytest.raises(BeaconFalse) as refused:
            rules.receive_beacon(other.state, Beacon(QUICKNET_CHAIN, number, "b4" * 48), "file")
        assert refused.value.fields["reason"] == "round"


def test_no_beacon_is_taken_before_the_list_is_frozen_nor_after_the_draw(room: Room) -> None:
    room.happen(scheduled(beacon="quicknet"), e.CheckInOpened(LOT), e.IntakeClosed(LOT))
    with pytest.raises(NotNow):
        rules.receive_beacon(room.state, VALUE, "relay")
    with pytest.raises(WrongState):
        fold(room.state, e.BeaconReceived(LOT, VALUE.chain, ROUND, VALUE.signature, "relay"), room.at)
    late = Room()
    to_gate(late)
    late.happen(*rules.receive_beacon(late.state, VALUE, "relay"))
    late.draw()
    with pytest.raises(NotNow):
        rules.receive_beacon(late.state, Beacon(QUICKNET_CHAIN, ROUND, "00" * 48), "file")


def test_a_beacon_that_stays_away_suspends_the_room_which_then_still_waits(room: Room) -> None:
    to_gate(room)
    given = beacon_time(ROUND)
    room.at = given
    limit = max(given, room.at) + timedelta(minutes=rules.BEACON_MINUTES)
    assert not rules.beacon_is_overdue(room.state, limit - timedelta(milliseconds=1))
    assert rules.beacon_is_overdue(room.state, limit)
    room.at = limit
    room.happen(*rules.suspend(room.state, "platform", "beacon_missing", "system", room.at))
    with pytest.raises(NotNow):
        rules.draw(room.state, [drawn()], method="jiangsu-1")
    # By two people it can be reconvened, and then waits as long again: never drawn without.
    room.happen(*rules.reconvene(room.state, room.at))
    assert not rules.beacon_is_overdue(room.state, room.at)
    with pytest.raises(StillWaiting):
        rules.draw(room.state, [drawn()], method="jiangsu-1")
    assert rules.beacon_is_overdue(room.state, room.at + timedelta(minutes=rules.BEACON_MINUTES))


def test_a_freeze_within_the_published_grace_is_silent_and_a_later_one_is_told_once(room: Room) -> None:
    room.happen(scheduled(freeze_grace_seconds=45), e.CheckInOpened(LOT))
    room.at = OPENS
    room.happen(e.IntakeClosed(LOT))
    limit = OPENS + timedelta(seconds=45)
    assert rules.delay_freeze(room.state, limit, "log") == ()
    told = rules.delay_freeze(room.state, limit + timedelta(milliseconds=1), "log")
    assert told == (e.FreezeDelayed(LOT, "platform", "log", OPENS, 45),)
    room.at = limit + timedelta(seconds=1)
    room.happen(*told)
    assert room.state.freeze_delay == "log"
    assert rules.delay_freeze(room.state, room.at, "cosigner") == ()
    room.freeze(3)
    assert room.state.phase is Phase.LIST_PUBLISHED


def test_the_closed_window_states_the_minimum_it_was_measured_by(room: Room) -> None:
    room.to_window(4, escrow_rule="none", min_decrypted=2)
    for number in (1, 2):
        room.release(number)
    room.at += timedelta(minutes=30)
    room.end_window()
    closed, *failed = rules.close_window(room.state, room.at, tender="t", lot_code="l")
    assert isinstance(closed, e.WindowClosed)
    assert (closed.minimum, len(closed.released), failed) == (2, 2, [])
