from enum import StrEnum

import pytest

from foundation.machine import Machine, WrongState


class Door(StrEnum):
    SHUT = "shut"
    AJAR = "ajar"
    GONE = "gone"


class Push(StrEnum):
    OPEN = "open"
    CLOSE = "close"
    TAKE = "take"


TABLE = {
    Door.SHUT: {Push.OPEN: Door.AJAR},
    Door.AJAR: {Push.CLOSE: Door.SHUT, Push.TAKE: Door.GONE},
    Door.GONE: {},
}


def test_a_step_in_the_table_leads_to_its_state():
    assert Machine("door", Door.SHUT, TABLE).advance(Door.SHUT, Push.OPEN) is Door.AJAR


def test_a_step_that_is_not_in_the_table_is_refused_and_named():
    with pytest.raises(WrongState) as refused:
        Machine("door", Door.SHUT, TABLE).advance(Door.SHUT, Push.TAKE)
    assert refused.value.fields == {"machine": "door", "state": "shut", "trigger": "take"}


def test_a_table_that_forgets_a_state_fails_when_it_is_made():
    with pytest.raises(AssertionError, match="without a row"):
        Machine("door", Door.SHUT, {Door.SHUT: {Push.OPEN: Door.AJAR}, Door.AJAR: {}})


def test_a_table_with_an_unreachable_state_fails_when_it_is_made():
    with pytest.raises(AssertionError, match="unreachable"):
        Machine("door", Door.SHUT, {**TABLE, Door.AJAR: {Push.CLOSE: Door.SHUT}})


def test_final_states_are_those_without_steps():
    machine = Machine("door", Door.SHUT, TABLE)
    assert [state for state in Door if machine.is_final(state)] == [Door.GONE]


def test_the_diagram_shows_every_edge():
    drawn = Machine("door", Door.SHUT, TABLE).mermaid()
    assert "shut --> ajar: open" in drawn
    assert "ajar --> gone: take" in drawn
    assert "gone --> [*]" in drawn
