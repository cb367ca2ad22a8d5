"""Who attends is written down once, and only while the room is live."""

from __future__ import annotations

import pytest

from bid_opening import attendance
from bid_opening.ceremony import fold
from bid_opening.states import Phase
from foundation.events import bid_opening as e
from foundation.machine import WrongState
from tests.support_ceremony import LOT, Room, scheduled


def come(room: Room, user_id: str = "u1", role: str = "supervisor") -> None:
    room.happen(*attendance.join(room.state, user_id, role, "武进区住建局", "何监"))


def test_a_person_comes_once_whatever_it_opens() -> None:
    room = Room()
    room.to_frozen(3)
    come(room)
    come(room)
    come(room, role="witness")
    come(room, "u2", "witness")
    assert [(one.user_id, one.role) for one in room.state.attendants] == [("u1", "supervisor"), ("u2", "witness")]


def test_before_the_deadline_and_after_the_end_nobody_attends() -> None:
    room = Room()
    room.happen(scheduled(), e.CheckInOpened(LOT))
    come(room)
    assert len(room.state.attendants) == 0
    room.happen(e.IntakeClosed(LOT))
    come(room)
    room.freeze(2)
    assert room.state.phase is Phase.FAILED
    come(room, "u2")
    assert [one.user_id for one in room.state.attendants] == ["u1"]
    with pytest.raises(WrongState):
        fold(room.state, e.StaffJoined(LOT, "supervisor", "x", "y", "u2"), room.at)
