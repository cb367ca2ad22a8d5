"""Objections on the spot: several of one bidder, a stated number at most, taken back before they are answered."""

from __future__ import annotations

import pytest

from bid_opening import objection_rules, rules
from bid_opening.errors import AlreadyDone, NoSeat, NotNow, TooLate, TooManyTries, UnansweredObjections
from bid_opening.states import Phase
from foundation.errors import InvalidInput, NotFound
from tests.support_ceremony import Room


@pytest.fixture
def room() -> Room:
    return Room()


def raise_one(room: Room, org: str, name: str, text: str = "") -> None:
    room.happen(*rules.raise_objection(room.state, org, name, text or f"异议 {name}", room.at))


def test_a_bidder_raises_several_and_twenty_at_most_with_those_taken_back(room: Room) -> None:
    room.to_query()
    for number in range(rules.OBJECTIONS_MAX):
        raise_one(room, "org-1", f"o{number}")
    room.happen(*objection_rules.withdraw(room.state, "org-1", "o0", room.at))
    with pytest.raises(TooManyTries):
        raise_one(room, "org-1", "one-more")
    raise_one(room, "org-2", "another")
    assert len(room.state.objections) == rules.OBJECTIONS_MAX + 1
    for text in ("", "  ", "长" * (rules.TEXT_LIMIT + 1)):
        with pytest.raises(InvalidInput):
            rules.raise_objection(room.state, "org-2", "x", text, room.at)


def test_one_that_was_taken_back_holds_nobody_up_and_stays_on_record(room: Room) -> None:
    room.to_query()
    raise_one(room, "org-1", "o1")
    for org in ("org-2", "org-3"):
        room.happen(*rules.no_objection(room.state, org, room.at))
    with pytest.raises(UnansweredObjections):
        rules.open_confirmation(room.state, room.at)
    room.happen(*objection_rules.withdraw(room.state, "org-1", "o1", room.at))
    (kept,) = room.state.objections
    assert (kept.is_withdrawn, kept.answered_at, kept.text) == (True, room.at, "异议 o1")
    assert objection_rules.withdraw(room.state, "org-1", "o1", room.at) == ()
    with pytest.raises(AlreadyDone):
        rules.answer(room.state, "o1", "晚了")
    room.happen(*rules.open_confirmation(room.state, room.at))
    assert room.state.phase is Phase.CONFIRMING
    with pytest.raises(NotNow):
        objection_rules.withdraw(room.state, "org-1", "o1", room.at)


def test_only_who_raised_it_and_only_before_the_answer_and_the_limit(room: Room) -> None:
    room.to_query()
    raise_one(room, "org-1", "o1")
    raise_one(room, "org-1", "o2")
    for org, name in (("org-2", "o1"), ("org-1", "o9")):
        with pytest.raises(NotFound):
            objection_rules.withdraw(room.state, org, name, room.at)
    with pytest.raises(NoSeat):
        objection_rules.withdraw(room.state, "stranger", "o1", room.at)
    room.happen(*rules.answer(room.state, "o1", "不成立", side="tenderee", by="u1"))
    assert room.state.objections[0].side == "tenderee"
    with pytest.raises(AlreadyDone):
        objection_rules.withdraw(room.state, "org-1", "o1", room.at)
    room.wait(10)
    with pytest.raises(TooLate):
        objection_rules.withdraw(room.state, "org-1", "o2", room.at)
