"""Frames are a whitelist: what is told, to whom, in which fields, is written down here once more."""

from __future__ import annotations

import dataclasses
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bid_opening import frames
from bid_opening.ceremony import RoomState
from foundation.events import Audience, Event
from foundation.events import bid_opening as e

AT = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
EVENTS = [
    value
    for value in vars(e).values()
    if isinstance(value, type) and issubclass(value, Event) and value.TYPE.startswith("bid_opening.")
]
NOT_IN_THE_LOG: dict[type[Event], set[str]] = {e.MessageSaid: {"text"}}
"""What everybody is told although no leaf of the log holds it: words that may have to be hidden again (R3.34)."""
NEVER_PUBLIC = {"org_id", "by", "person", "tries", "is_equal", "signature", "part_key", "remarks"}


def sample(kind: type[Event]) -> Any:
    """An event of this type whose every text field carries its own name."""
    values: dict[str, Any] = {}
    for one in dataclasses.fields(kind):
        hint = str(one.type)
        if one.name == "bids":
            values["bids"] = (e.FrozenBid("b", 1, 2, "h"),)
        elif one.name == "bidders":
            values["bidders"] = (e.ListedBidder(1, "hidden-org", "n", "u", "b", is_checked_in=True),)
        elif "datetime" in hint:
            values[one.name] = AT
        elif hint.startswith("tuple[int"):
            values[one.name] = (1, 2)
        elif hint.startswith("tuple"):
            values[one.name] = (f"<{one.name}>",)
        elif hint.startswith("int"):
            values[one.name] = 7
        elif hint == "bool":
            values[one.name] = True
        else:
            values[one.name] = f"<{one.name}>"
    return kind(**values)


@pytest.mark.parametrize("kind", EVENTS, ids=lambda kind: kind.TYPE)
def test_every_event_has_a_rule_and_tells_the_public_only_public_fields(kind: type[Event]) -> None:
    event = sample(kind)
    for message in frames.messages(event):
        text = json.dumps(dict(message.data), ensure_ascii=False)
        if message.audience == frames.PUBLIC:
            assert kind.AUDIENCE is Audience.PUBLIC
            assert not NEVER_PUBLIC & set(message.data)
            assert "hidden-org" not in text
            allowed = {*kind.PUBLIC_FIELDS, *NOT_IN_THE_LOG.get(kind, ()), "count", "is_signed"}
            assert set(message.data) <= allowed
        assert "<org_id>" not in text


def test_private_events_go_to_the_staff_and_to_their_own_bidder_only() -> None:
    for kind in EVENTS:
        if kind.AUDIENCE is Audience.PRIVATE:
            told = {message.audience for message in frames.messages(sample(kind))}
            assert told <= {frames.STAFF, "bidder:<org_id>"}, kind.TYPE


def test_a_price_is_told_when_its_line_is_read_and_not_when_it_is_decrypted() -> None:
    price = e.PriceDecrypted(
        "lot", 3, "org", "bid", "11402318.00", 178, "合格", "周予安", "ab" * 32, ("above_ceiling",)
    )
    (message,) = frames.messages(price)
    assert (message.audience, message.type, dict(message.data)) == ("public", "price_decrypted", {"seat": 3})
    (line,) = frames.messages(e.LineRead("lot", 3, "n", "11402318.00", 178, "合格", "周予安"))
    assert line.data["total"] == "11402318.00"


def test_before_the_freeze_frames_carry_neither_names_nor_counts() -> None:
    for event in (e.CheckInOpened("lot"), e.IntakeClosed("lot")):
        assert [dict(message.data) for message in frames.messages(event)] == [{}]
    (own,) = frames.messages(e.BidderCheckedIn("lot", "org-1", "许知行"))
    assert (own.audience, dict(own.data)) == ("bidder:org-1", {"person": "许知行"})


def test_a_frame_is_one_line_with_the_state_after_the_event() -> None:
    (message,) = frames.messages(e.WindowOpened("lot", AT))
    text = frames.write(message, seq=6, at=AT, state=RoomState(until=AT), entry_id="e1")
    assert "\n" not in text
    assert json.loads(text) == {
        "seq": 6,
        "audience": "public",
        "type": "window_opened",
        "at": "2026-11-24T01:30:00.000000Z",
        "data": {"until": "2026-11-24T01:30:00.000000Z"},
        "state": "SCHEDULED",
        "phase_until": "2026-11-24T01:30:00.000000Z",
        "entry": "e1",
    }
