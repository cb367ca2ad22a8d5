"""Pauses and extensions as intervals with their seconds (R3.06)."""

from __future__ import annotations

from datetime import timedelta

from bid_opening import rules
from bid_opening.ceremony import fold_all
from bid_opening.intervals import EXTENSION, PAUSE, total_seconds
from tests.support_ceremony import Room


def test_every_pause_and_extension_is_kept_with_its_seconds() -> None:
    room = Room()
    room.to_window()
    limit = room.state.until
    assert limit is not None
    room.happen(*rules.extend_window(room.state, room.at))
    room.wait(2)
    began = room.at
    room.happen(*rules.suspend(room.state, "decision", "网络故障", "a", room.at))
    (extended, paused) = room.state.intervals
    assert (paused.kind, paused.starts, paused.ends, paused.seconds, paused.why) == (
        PAUSE,
        began,
        None,
        None,
        "网络故障",
    )
    assert total_seconds(room.state, PAUSE) == 0
    room.wait(7)
    room.happen(*rules.reconvene(room.state, room.at))
    room.wait(1)
    room.happen(*rules.suspend(room.state, "decision", "再次", "a", room.at))
    room.wait(0.5)
    room.happen(*rules.reconvene(room.state, room.at))
    assert (extended.kind, extended.starts, extended.ends) == (EXTENSION, limit, limit + timedelta(minutes=10))
    assert [(one.kind, one.seconds) for one in room.state.intervals] == [(EXTENSION, 600), (PAUSE, 420), (PAUSE, 30)]
    assert (total_seconds(room.state, PAUSE), total_seconds(room.state, EXTENSION)) == (450, 600)
    assert fold_all(room.events) == room.state


def test_a_pause_that_ends_in_an_abort_has_its_end_too() -> None:
    room = Room()
    room.to_window()
    room.happen(*rules.suspend(room.state, "decision", "x", "a", room.at))
    room.wait(3)
    room.happen(*rules.abort(room.state, "x", "a"))
    assert [one.seconds for one in room.state.intervals] == [180]
