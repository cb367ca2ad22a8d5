"""The law of the room: whatever the line does to frames, every listener ends where the live state is (R3.55).

Random openings are told as frames; bad networks lose, double and mix them; clocks jump. The Python client's order and
the page's own reducer (``static/js/room/store.js``) must come to the same end as ``fold`` of all events.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from random import Random  # noqa: TID251 - a seeded bad network, nothing that is drawn
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bid_opening.ceremony import RoomState, fold_all
from foundation.clock import iso
from foundation.events import Event
from foundation.roomwire import Frame, Sequencer
from tests.property.test_ceremony_random import COMMANDS, MINUTES, in_order
from tests.support import node_script
from tests.support.node_script import Ask
from tests.support.room_stories import BadNetwork, Line, board, missing, play, seen_by, told
from tests.support_ceremony import Room

AUDIENCES = {"gallery": ("public",), "staff": ("public", "staff"), "bidder": ("public", "bidder:org-1")}
DISTURBANCES = st.lists(st.tuples(MINUTES, COMMANDS), max_size=40)
# The listener is handed pieces; after each it comes back with its positions and is sent what it lacks at the end alone.
LISTEN = """
import { Store, initialState, afterText } from "/static/js/room/store.js";
const sorted = (o) => Object.fromEntries(Object.entries(o).sort(([a], [b]) => (a < b ? -1 : 1)));
function listen({ heads, pieces, all, jumps, phase, seats: shown, until }) {
  const store = new Store(initialState(heads, phase, shown, until ?? null));
  const applied = [];
  store.subscribe((_, frame) => applied.push(`${frame.audience}:${frame.seq}`));
  const now = Date.now, ticks = performance.now;
  try {
    pieces.forEach((piece, number) => {
      const jump = jumps[number % jumps.length];
      Date.now = () => now() + jump;
      performance.now = () => ticks.call(performance) - jump;
      for (const frame of piece) store.accept(frame);
    });
    for (const frame of all) {
      if (frame.audience in store.state.heads && frame.seq > store.state.heads[frame.audience]) store.accept(frame);
    }
  } finally {
    Date.now = now;
    performance.now = ticks;
  }
  const { state } = store;
  const seats = Object.fromEntries(Object.entries(state.seats).map(([n, seat]) => {
    const { line, ...rest } = seat;
    return [n, sorted(line ? { ...rest, line: line.total } : rest)];
  }));
  return { heads: sorted(state.heads), phase: state.phase, until: state.until, seats, applied,
    after: afterText(state.heads), hasGap: store.hasGap };
}
function orders({ frames, heads }) {
  const ends = new Set();
  const plain = (store) => JSON.stringify([sorted(store.state.heads), store.state.phase, store.state.until,
    Object.entries(store.state.seats).map(([n, seat]) => [n, sorted(seat)]), store.hasGap]);
  let count = 0;
  const heap = (k, a) => {
    if (k === 1) {
      const store = new Store(initialState(heads));
      for (const frame of a) store.accept(frame);
      ends.add(plain(store));
      count += 1;
      return;
    }
    for (let i = 0; i < k; i += 1) {
      heap(k - 1, a);
      const j = k % 2 ? 0 : i;
      [a[j], a[k - 1]] = [a[k - 1], a[j]];
    }
  };
  heap(frames.length, [...frames]);
  return { count, ends: [...ends] };
}
const answer = (question) => (question.frames ? orders(question) : question.map(listen));
"""


@pytest.fixture(scope="module")
def page() -> Iterator[Ask]:
    """The page's reducer, waiting for questions."""
    with node_script.running(LISTEN) as ask:
        yield ask


def story(bids: int, disturbances: Sequence[tuple[float, Callable[[Room], Sequence[Event]]]]) -> Room:
    return play(bids, disturbances, opening=in_order(bids))


def by_python(audiences: Sequence[str], line: Line, sent: Sequence[Frame]) -> list[Frame]:
    """What a Python client hands on: pieces as they come, and after the last break what it lacks."""
    order = Sequencer(dict.fromkeys(audiences, 0))
    handed = [ready for frame in line.frames for ready in order.accept(frame)]
    handed += [ready for frame in missing(sent, order.heads) for ready in order.accept(frame)]
    assert not order.has_gap
    return handed


def in_sequence(frames: Sequence[Frame], audience: str) -> list[Frame]:
    return [frame for frame in frames if frame["audience"] == audience]


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(bids=st.integers(3, 5), disturbances=DISTURBANCES, seed=st.integers(0, 2**32))
def test_two_listeners_with_different_lines_end_where_the_live_state_is(
    page: Ask,
    bids: int,
    disturbances: list[tuple[float, Callable[[Room], Sequence[Event]]]],
    seed: int,
) -> None:
    room = story(bids, disturbances)
    assert fold_all(room.events) == room.state
    chance = Random(seed)  # noqa: S311 - a bad network
    sent = told(room.events)
    for who, audiences in AUDIENCES.items():
        mine = seen_by(sent, audiences)
        lines = [BadNetwork(chance, lost=lost).deliver(mine) for lost in (0.05, 0.5)]
        questions = []
        for line in lines:
            handed = by_python(audiences, line, mine)
            for audience in audiences:
                assert in_sequence(handed, audience) == in_sequence(mine, audience)
            jumps = [chance.choice([-3_600_000, -5000, 0, 5000, 3_600_000]) for _ in range(3)]
            heads = dict.fromkeys(audiences, 0)
            questions.append({"heads": heads, "pieces": line.pieces, "all": mine, "jumps": jumps})
        one, two = page(questions)
        assert {**one, "applied": []} == {**two, "applied": []}
        assert_shows(one, room.state, mine, is_staff=who == "staff")
        for end in (one, two):
            assert sorted(end["applied"]) == sorted(f"{frame['audience']}:{frame['seq']}" for frame in mine)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(bids=st.integers(3, 5), disturbances=DISTURBANCES, part=st.floats(0, 1))
def test_who_joins_late_by_a_snapshot_ends_where_everybody_else_is(
    page: Ask,
    bids: int,
    disturbances: list[tuple[float, Callable[[Room], Sequence[Event]]]],
    part: float,
) -> None:
    room = story(bids, disturbances)
    before = room.events[: round(part * len(room.events))]
    state = fold_all(before)
    mine = seen_by(told(room.events), AUDIENCES["staff"])
    heads = {name: len(in_sequence(told(before), name)) for name in AUDIENCES["staff"]}
    rows = board(state, is_staff=True)
    seats = {n: {k: {"total": v} if k == "line" else v for k, v in row.items()} for n, row in rows.items()}
    until = iso(state.until) if state.until else None
    snapshot = {"heads": heads, "phase": state.phase.name, "seats": seats, "until": until}
    (end,) = page([{**snapshot, "pieces": [missing(mine, heads)], "all": [], "jumps": [0]}])
    assert_shows(end, room.state, mine, is_staff=True)


def assert_shows(end: dict[str, Any], state: RoomState, sent: Sequence[Frame], *, is_staff: bool) -> None:
    """The page's end is the live state, as far as that is told to it."""
    assert end["phase"] == state.phase.name
    assert end["until"] == (iso(state.until) if state.until else None)
    assert not end["hasGap"]
    for audience, head in end["heads"].items():
        assert head == len(in_sequence(sent, audience))
    seats = end["seats"]
    if not is_staff:  # a bidder is told of its own tries alone, which the board of the others does not have
        seats = {n: {k: v for k, v in row.items() if k not in {"tries", "isEqual"}} for n, row in seats.items()}
    assert seats == board(state, is_staff=is_staff)


def eight_frames() -> list[Frame]:
    """The last eight frames of an opening in which staff and public are told in turns, counted from one."""
    room = story(3, [])
    wanted = [frame for frame in told(room.events) if frame["audience"] == "public"][-5:]
    staff = [{**frame, "audience": "staff", "type": "seal_checked"} for frame in wanted[:3]]
    for part in (wanted, staff):
        for number, frame in enumerate(part, 1):
            frame["seq"] = number
            frame["data"] = {**frame["data"], "seat": number, "is_equal": True}
    return [*wanted, *staff]


def test_every_order_of_eight_frames_gives_one_end(page: Ask) -> None:
    frames = eight_frames()
    told_by_page = page({"frames": frames, "heads": {"public": 0, "staff": 0}})
    assert told_by_page["count"] == 40_320
    assert len(told_by_page["ends"]) == 1
    wanted = {audience: in_sequence(frames, audience) for audience in ("public", "staff")}
    for order in itertools.permutations(frames):
        mine = Sequencer({"public": 0, "staff": 0})
        handed = [ready for frame in order for ready in mine.accept(frame)]
        assert not mine.has_gap
        for audience, sequence in wanted.items():
            assert in_sequence(handed, audience) == sequence


@pytest.mark.parametrize("seed", range(20))
def test_a_thousand_frames_lost_doubled_and_mixed_are_handed_on_once_and_in_order(page: Ask, seed: int) -> None:
    kinds = ("share_released", "seal_checked", "price_decrypted", "no_objection")
    sent = [
        {
            "seq": number,
            "audience": "public",
            "type": kinds[number % len(kinds)],
            "at": f"2026-11-24T01:30:00.{number:06d}Z",
            "data": {"seat": number % 40 + 1, "is_equal": number % 3 == 0},
            "state": "DECRYPTING" if number < 500 else "WINDOW_CLOSED",
            "phase_until": None,
            "entry": "e",
        }
        for number in range(1, 1001)
    ]
    network = BadNetwork(Random(seed), lost=0.3, doubled=0.3, reach=60, breaks=12)  # noqa: S311
    line = network.deliver(sent)
    assert by_python(("public",), line, sent) == sent
    straight = {"heads": {"public": 0}, "pieces": [sent], "all": [], "jumps": [0]}
    crooked = {"heads": {"public": 0}, "pieces": line.pieces, "all": sent, "jumps": [0, 3_600_000, -3_600_000]}
    one, two = page([straight, crooked])
    assert one == two
    assert one["heads"] == {"public": 1000}
    assert one["applied"] == [f"public:{number}" for number in range(1, 1001)]


def test_frames_of_an_audience_that_is_not_ones_own_change_nothing(page: Ask) -> None:
    foreign = [{**frame, "audience": "bidder:other"} for frame in eight_frames()]
    order = Sequencer({"public": 0})
    assert [ready for frame in foreign for ready in order.accept(frame)] == []
    (end,) = page([{"heads": {"public": 0}, "pieces": [foreign], "all": foreign, "jumps": [0]}])
    assert end["heads"] == {"public": 0}
    assert end["applied"] == []
