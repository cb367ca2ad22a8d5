"""The replay of an opening: frames folded by the pages' reducer give the snapshot, and what was shown can be signed.

Stories with objections, withdrawals, refused shares, missing bids; the same by every audience.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bid_opening import confirming, queries
from bid_opening.errors import AlreadyDone, ShareDoesNotMatch
from bid_opening.queries import replays
from bid_opening.services import acts
from bid_opening.views import board
from foundation.actor import Actor
from foundation.errors import NotFound
from foundation.sealing.confirmation import shown_in
from tests.support.node_script import Ask, running
from tests.support_bids import FILES
from tests.support_opening import NAMES, Opening, make_opening, price_schedule

SCRIPT = """
import { EMPTY, keep } from "/static/js/room/ledger.js";
import { confirmationNote } from "/static/js/room/confirming.js";
import { initialState, reduce } from "/static/js/room/store.js";
import { inOrder } from "/static/js/room/timeline.js";
async function answer({ frames, heads, lotCode, bid }) {
  let state = initialState(Object.fromEntries(Object.keys(heads).map((audience) => [audience, 0])));
  let ledger = EMPTY;
  for (const frame of inOrder(frames)) {
    state = reduce(state, frame);
    ledger = keep(ledger, frame);
  }
  const { heads: reached, phase, until, seats } = state;
  return { reached, phase, until, seats, ledger, note: await confirmationNote(lotCode, ledger, bid) };
}
"""


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    with running(SCRIPT) as running_script:
        yield running_script


@pytest.fixture
def opening(tmp_path: Path) -> Iterator[Opening]:
    found = make_opening(tmp_path, bids=4)
    yield found
    found.world.engine.dispose()


def tell(opening: Opening) -> None:
    """A story with a wrong share, a bid that never came, an objection answered and one taken back."""
    opening.to_window()
    with pytest.raises(ShareDoesNotMatch):
        opening.release(0, bytes(32)).raise_refusal()
    for index in range(3):
        assert opening.release(index).is_accepted
    opening.pass_window()
    opening.look()
    if opening.state.until is not None:
        opening.pass_window()
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    assert opening.run_jobs() == []
    opening.act(opening.host, acts.start_reading)
    opening.act(opening.host, acts.open_query)
    first, second = (bidder.actor for bidder in opening.bidders[:2])
    opening.act(first, acts.raise_objection, "请复读 2 号工期。\n\u3000第二行")
    opening.act(first, acts.raise_objection, "请复读 3 号质量。")
    answered, taken_back = opening.state.objections
    opening.act(opening.host, acts.answer, answered.id, "已复读。")
    with pytest.raises(NotFound):
        opening.act(second, acts.withdraw_objection, taken_back.id)
    opening.act(first, acts.withdraw_objection, taken_back.id)
    opening.act(first, acts.withdraw_objection, taken_back.id)
    with pytest.raises(AlreadyDone):
        opening.act(first, acts.withdraw_objection, answered.id)
    with pytest.raises(AlreadyDone):
        opening.act(opening.host, acts.answer, taken_back.id, "晚了")


def story(opening: Opening, actor: Actor, *, is_own: bool) -> dict[str, Any]:
    with opening.world.units.read(actor) as unit:
        shown = replays.replay_page(unit, opening.lot.id, is_own=is_own)
        told: dict[str, Any] = json.loads(replays.story_text(unit, opening.lot.id, shown.audiences))
    assert len(told["frames"]) == shown.count
    return told


def snapshot(opening: Opening, actor: Actor) -> tuple[queries.RoomPage, dict[str, Mapping[str, Any]]]:
    with opening.world.units.read(actor) as unit:
        room = queries.room_page(unit, opening.lot.id)
    return room, {str(seat.number): board.plain(room, seat) for seat in room.seats}


def fold(ask: Ask, opening: Opening, told: Mapping[str, Any], bid: str = "-") -> dict[str, Any]:
    found: dict[str, Any] = ask(
        {"frames": told["frames"], "heads": told["heads"], "lotCode": opening.lot.lot_code, "bid": bid}
    )
    return found


def test_the_reducer_over_all_frames_gives_the_servers_snapshot_at_every_desk(opening: Opening, ask: Ask) -> None:
    tell(opening)
    stranger = opening.world.organisation("旁观单位", "observer")
    for actor in (stranger, opening.host, opening.supervisor, opening.bidders[0].actor, opening.bidders[3].actor):
        told = story(opening, actor, is_own=True)
        room, seats = snapshot(opening, actor)
        found = fold(ask, opening, told)
        assert found["reached"] == told["heads"] == room.heads
        assert found["phase"] == room.state
        assert found["seats"] == seats
        assert [one["isWithdrawn"] for one in found["ledger"]["objections"] if "isWithdrawn" in one] == [True]


def test_a_device_signs_what_it_was_shown_and_the_server_means_the_same(opening: Opening, ask: Ask) -> None:
    tell(opening)
    opening.pass_window()
    public = story(opening, opening.host, is_own=False)
    state = opening.state
    shown = shown_in(opening.lot.lot_code, public["frames"])
    assert shown == confirming.shown_of(opening.lot.lot_code, state)
    assert [line.fault for line in shown.lines].count("") == len([s for s in state.seats if s.total is not None])
    for index in range(3):
        seat = opening.seat(index)
        note = confirming.note_for(opening.lot.lot_code, state, seat).decode()
        assert fold(ask, opening, public, seat.bid)["note"] == note
    opening.confirm(0)
    assert opening.seat(0).confirmation


def test_the_public_story_holds_no_frame_of_another_audience(opening: Opening) -> None:
    tell(opening)
    public = story(opening, opening.supervisor, is_own=False)
    assert {frame["audience"] for frame in public["frames"]} == {"public"}
    own = story(opening, opening.bidders[1].actor, is_own=True)
    assert {frame["audience"] for frame in own["frames"]} <= {"public", f"bidder:{opening.bidders[1].actor.org_id}"}
    with opening.world.units.read(opening.bidders[1].actor) as unit, pytest.raises(NotFound):
        replays.story_text(unit, opening.lot.id, ["public", f"bidder:{opening.bidders[0].actor.org_id}"])


def test_marks_are_the_same_in_frame_page_and_state(tmp_path: Path) -> None:
    words = json.loads(price_schedule("11402318.00").decode()) | {"total_words": "壹元整", "quality": ""}
    files = {0: {**FILES, "price_schedule": json.dumps(words, ensure_ascii=False).encode()}}
    opening = make_opening(tmp_path, bids=len(NAMES), files=files)
    opening.to_reading()
    seat = opening.seat(0)
    assert seat.remarks == ("words_differ", "no_quality")
    room, seats = snapshot(opening, opening.host)
    (line,) = [
        frame["data"]
        for frame in opening.frames("public")
        if frame["data"].get("seat") == seat.number and frame["type"] == "line_read"
    ]
    assert line["marks"] == list(seat.remarks) == seats[str(seat.number)]["line"]["marks"]
    assert line["total_words"] == "壹元整"
    assert room.phase == "reading"
    opening.world.engine.dispose()
