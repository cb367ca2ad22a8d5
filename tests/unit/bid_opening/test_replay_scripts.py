"""The pure scripts of reading and replay: the tape's time, a draw redone from its inputs, the choice of a voice."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from foundation.clock import iso
from foundation.draws import FrozenBid, build, rank
from tests.support.node_script import Ask, running

SCRIPT = """
globalThis.document ??= { documentElement: { lang: "zh-CN" }, querySelectorAll: () => [] };
const { instantAt, inOrder, phasesOf, placesOf, toldAt } = await import("/static/js/room/timeline.js");
const { recheck } = await import("/static/js/room/drawcheck.js");
const { chosenVoice, spoken } = await import("/static/js/room/speech.js");
async function answer({ ask, ...given }) {
  if (ask === "tape") {
    const frames = inOrder(given.frames);
    const places = placesOf(frames, given.isSqueezed);
    const at = given.at.map((place) => [toldAt(places, place), instantAt(frames, places, place)]);
    return { order: frames.map((one) => [one.audience, one.seq]), places, at, phases: phasesOf(frames) };
  }
  if (ask === "draw") return recheck(given.draw, given.inputs);
  if (ask === "voice") return chosenVoice(given.voices)?.name ?? null;
  return spoken(given.line, { terms: { "price_remark.words_differ": "大写与小写不一致" }, sentences: {} });
}
"""
START = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
POOL = ("0.95", "0.96", "0.97")
FROZEN = [FrozenBid(f"{n:032x}", 1, 100 + n, f"{n:064x}") for n in range(3)]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    with running(SCRIPT) as one:
        yield one


def frame(seq: int, seconds: float, state: str = "READING", audience: str = "public") -> dict[str, Any]:
    at = iso(START + timedelta(seconds=seconds))
    return {"seq": seq, "audience": audience, "type": "x", "at": at, "data": {}, "state": state, "phase_until": None}


def tape(ask: Ask, frames: list[dict[str, Any]], at: list[float], *, is_squeezed: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = ask({"ask": "tape", "frames": frames, "at": at, "isSqueezed": is_squeezed})
    return found


def test_the_tape_runs_as_the_room_did_and_gaps_are_shortened_on_request(ask: Ask) -> None:
    frames = [frame(1, 0), frame(2, 4), frame(3, 3604), frame(4, 3604), frame(5, 3606)]
    whole = tape(ask, frames, [-1, 0, 3999, 4000, 3_604_000, 9e9])
    assert whole["places"] == [0, 4000, 3_604_000, 3_604_000, 3_606_000]
    assert [told for told, _ in whole["at"]] == [0, 1, 1, 2, 4, 5]
    short = tape(ask, frames, [4500], is_squeezed=True)
    assert short["places"] == [0, 4000, 5000, 5000, 7000]
    # Half through a shortened gap the room's own clock is half through the hour.
    assert short["at"] == [[2, int((START + timedelta(seconds=1804)).timestamp() * 1000)]]


def test_audiences_are_put_in_one_order_and_each_keeps_its_own(ask: Ask) -> None:
    frames = [frame(1, 5, audience="staff"), frame(2, 5), frame(1, 1), frame(2, 5, audience="staff")]
    frames.append(frame(1, 5, audience="bidder:a"))
    found = tape(ask, frames, [])
    assert found["order"] == [["public", 1], ["public", 2], ["staff", 1], ["staff", 2], ["bidder:a", 1]]


def test_microseconds_keep_their_order(ask: Ask) -> None:
    frames = [frame(1, 0.000002, audience="staff"), frame(1, 0.000001)]
    assert tape(ask, frames, [])["order"] == [["public", 1], ["staff", 1]]


def test_a_phase_that_comes_back_stands_twice_and_only_the_public_moves_it(ask: Ask) -> None:
    states = ["DECRYPTING", "DECRYPTING", "SUSPENDED", "DECRYPTING"]
    frames = [frame(n, n, state) for n, state in enumerate(states, 1)]
    frames.append(frame(1, 3.5, "CLOSED", audience="staff"))
    assert tape(ask, frames, [])["phases"] == [["DECRYPTING", 1], ["SUSPENDED", 3], ["DECRYPTING", 5]]


# --- draws ------------------------------------------------------------------------------------------------------------


def drawn() -> tuple[dict[str, Any], dict[str, Any]]:
    contributions = {one.bid: f"{n + 7:064x}" for n, one in enumerate(FROZEN)}
    transcript = build(
        draw_id="t/lot/K",
        first=1,
        pool=POOL,
        contributions=contributions,
        beacon=None,
        is_beacon_waived_by_notice=True,
        frozen=FROZEN,
    )
    (value,) = rank(transcript, POOL).drawn
    draw = {"name": "K", "value": value, "pool": POOL, "transcript": transcript.text, "seed": transcript.seed}
    inputs = {
        "draw_ids": {"K": "t/lot/K"},
        "contributions": contributions,
        "is_beacon_announced": False,
        "beacon": None,
        "frozen": [
            {"bid": one.bid, "rev": one.rev, "leaf_index": one.leaf_index, "envelope_hash": one.envelope_hash}
            for one in FROZEN
        ],
        "draws": [draw],
    }
    return draw, inputs


def test_a_true_draw_is_redone_from_its_inputs(ask: Ask) -> None:
    draw, inputs = drawn()
    found = ask({"ask": "draw", "draw": draw, "inputs": inputs})
    assert found["isEqual"] is True
    assert [step["code"] for step in found["steps"]] == ["id", "frozen", "contributions", "beacon", "seed"]
    assert sorted(one["value"] for one in found["drawn"]["tickets"]) == sorted(POOL)


@pytest.mark.parametrize("changed", ["id", "frozen", "contributions", "left_out", "beacon", "seed", "pool"])
def test_each_input_that_was_changed_is_the_one_that_is_named(ask: Ask, changed: str) -> None:
    draw, inputs = (copy.deepcopy(one) for one in drawn())
    first = FROZEN[0].bid
    match changed:
        case "id":
            inputs["draw_ids"]["K"] = "t/other/K"
        case "frozen":
            inputs["frozen"][0]["leaf_index"] = 1
        case "contributions":
            inputs["contributions"][first] = "0" * 64
        case "left_out":  # a bid that stands in the list, but not in the draw
            draw["transcript"] = "".join(
                line for line in draw["transcript"].splitlines(keepends=True) if f"contribution {first}" not in line
            )
        case "beacon":
            inputs["is_beacon_announced"] = True
        case "seed":
            draw["value"] = next(value for value in POOL if value != draw["value"])
        case "pool":
            draw["pool"] = (*POOL, "0.98")
    found = ask({"ask": "draw", "draw": draw, "inputs": inputs})
    wrong = {step["code"] for step in found["steps"] if not step["isGood"]}
    assert found["isEqual"] is False
    assert {"left_out": "contributions", "pool": "seed"}.get(changed, changed) in wrong


# --- the voice --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("voices", "chosen"),
    [
        ([("a", "en-GB", True), ("b", "zh-HK", True)], None),
        ([("a", "zh-TW", True), ("b", "zh-CN", False)], "b"),
        ([("a", "zh-CN", False), ("b", "zh_CN", True)], "b"),
        ([], None),
    ],
)
def test_a_voice_of_the_mainland_on_the_device_reads(
    ask: Ask, voices: list[tuple[str, str, bool]], chosen: str | None
) -> None:
    given = [{"name": name, "lang": lang, "localService": local} for name, lang, local in voices]
    assert ask({"ask": "voice", "voices": given}) == chosen


def test_the_sentence_says_the_line_and_its_marks(ask: Ask) -> None:
    line = {"seat": 3, "name": "甲公司", "total": "11402318.00", "total_words": "壹元整", "duration_days": 178}
    line |= {"quality": "合格", "project_manager": "周予安", "marks": ["words_differ"]}
    said = ask({"ask": "sentence", "line": line})
    assert said == (
        "03号，甲公司，投标总价 11,402,318.00 元，大写 壹元整，工期 178 日历天，质量 合格，项目负责人 周予安。"
        "请注意：大写与小写不一致。"
    )
