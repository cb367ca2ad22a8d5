"""No message to the public ever carries a hidden field, whatever story is told (R3.56).

Every field of an event that its type does not publish is filled with a canary; so are events of every type with fields
of any content. A canary in a public frame is a leak, one in another bidder's frame too.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bid_opening import frames
from bid_opening.ceremony import RoomState, fold
from foundation.events import Audience, Event
from foundation.events import bid_opening as e
from tests.property.test_ceremony_random import COMMANDS, MINUTES, in_order
from tests.support.room_stories import play
from tests.support_ceremony import Room

AT: Final = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
CANARY: Final = "canary-7f3a"
HIDDEN_NUMBER: Final = 7_777_003
TOLD_BESIDES: Final[dict[type[Event], frozenset[str]]] = {
    # What somebody says to the room is told in the room; the log holds it blinded, so that it can be hidden later.
    getattr(e, "MessageSaid", Event): frozenset({"text"}),
}
KINDS: Final = sorted(frames.told_types(), key=lambda kind: kind.TYPE)


def hidden(event: Event) -> set[str]:
    """Names of the fields that only staff, one bidder or nobody may read."""
    published = set(event.PUBLIC_FIELDS) if event.AUDIENCE is Audience.PUBLIC else set()
    return {one.name for one in dataclasses.fields(event)} - published - TOLD_BESIDES.get(type(event), frozenset())


def with_canaries(event: Event) -> Event:
    """The event with a canary in every hidden text, number and list of texts."""
    marked: dict[str, Any] = {}
    for name in hidden(event):
        value = getattr(event, name)
        if isinstance(value, bool) or value is None:
            continue
        if isinstance(value, str):
            marked[name] = f"{CANARY}-{name}"
        elif isinstance(value, int):
            marked[name] = HIDDEN_NUMBER
        elif isinstance(value, tuple) and all(isinstance(one, str) for one in value):
            marked[name] = (f"{CANARY}-{name}",)
        elif name == "bidders":
            marked[name] = tuple(dataclasses.replace(one, org_id=f"{CANARY}-org") for one in value)
    return dataclasses.replace(event, **marked)


def assert_nothing_hidden(event: Event, state: RoomState) -> None:
    """Public frames carry no canary; whose own frame carries one must be the organisation of the event."""
    for message in frames.messages(event):
        text = frames.write(message, seq=1, at=AT, state=state, entry_id="e")
        if message.audience == frames.PUBLIC:
            assert CANARY not in text, event.TYPE
            assert str(HIDDEN_NUMBER) not in text, event.TYPE
            assert event.AUDIENCE is Audience.PUBLIC
        else:
            assert message.audience in {frames.STAFF, frames.bidder(getattr(event, "org_id", ""))}


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(bids=st.integers(3, 5), disturbances=st.lists(st.tuples(MINUTES, COMMANDS), max_size=40))
def test_no_random_story_tells_the_public_a_hidden_field(
    bids: int, disturbances: list[tuple[float, Callable[[Room], Sequence[Event]]]]
) -> None:
    room = play(bids, disturbances, opening=in_order(bids))
    state = RoomState()
    for event, at in room.events:
        state = fold(state, event, at)
        assert_nothing_hidden(with_canaries(event), state)


def value_of(hint: str) -> st.SearchStrategy[Any]:
    """Any content for a field of this type."""
    text = st.text(max_size=30)
    if hint.startswith("tuple[FrozenBid"):
        return st.tuples(st.builds(e.FrozenBid, text, st.integers(1, 9), st.integers(0, 9), text))
    if hint.startswith("tuple[ListedBidder"):
        listed = st.builds(
            e.ListedBidder, st.integers(1, 99), st.just(f"{CANARY}-org"), text, text, text, is_checked_in=st.booleans()
        )
        return st.tuples(listed)
    if "datetime" in hint:
        return st.timedeltas(timedelta(0), timedelta(days=9)).map(lambda after: AT + after)
    if hint.startswith("tuple[int"):
        return st.tuples(st.integers(1, 9))
    if hint.startswith("tuple[str"):
        return st.tuples(text)
    return {"int": st.integers(0, 999), "bool": st.booleans()}.get(hint, text)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.TYPE)
@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(data=st.data())
def test_an_event_of_any_type_and_content_tells_the_public_no_hidden_field(
    kind: type[Event], data: st.DataObject
) -> None:
    event = kind(**{one.name: data.draw(value_of(str(one.type))) for one in dataclasses.fields(kind)})
    assert_nothing_hidden(with_canaries(event), RoomState())
    public = [message for message in frames.messages(event) if message.audience == frames.PUBLIC]
    for message in public:
        published = {*kind.PUBLIC_FIELDS, *TOLD_BESIDES.get(kind, ()), "count", "is_signed"}
        assert set(message.data) <= published
        assert json.loads(json.dumps(dict(message.data))) == dict(message.data)


def test_the_guard_sees_a_leak(monkeypatch: pytest.MonkeyPatch) -> None:
    """The test would fail: a rule that tells one hidden field more is found."""
    rules = {**frames._RULES, e.ResultConfirmed: ((frames.PUBLIC, "result_confirmed", frames._fields("org_id")),)}
    monkeypatch.setattr(frames, "_RULES", rules)
    event = next(
        with_canaries(event)
        for event, _ in play(3, [], opening=in_order(3)).events
        if isinstance(event, e.ResultConfirmed)
    )
    with pytest.raises(AssertionError, match=CANARY):
        assert_nothing_hidden(event, RoomState())
