"""Anyone can replay a draw, and nobody can choose its outcome."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from foundation.draws import (
    Beacon,
    FrozenBid,
    PoolMismatch,
    TranscriptMalformed,
    beacon_round,
    build,
    contribution_value,
    freeze_text,
    rank,
    replay,
    ticket,
)
from foundation.draws.transcript import QUICKNET_CHAIN
from foundation.sealing.text import h

CASES = json.loads((Path(__file__).resolve().parents[2] / "vectors" / "draws.json").read_text())["vectors"]
POOL = ["0.950", "0.955", "0.960", "0.965", "0.970"]
FROZEN = [FrozenBid("ab" * 16, 1, 4711, "cd" * 32), FrozenBid("12" * 16, 2, 17, "ef" * 32)]
BEACON = Beacon(QUICKNET_CHAIN, 1000, "b4" * 48)
CONTRIBUTIONS = {"supervisor": "33" * 32, "bidder-a": "11" * 32, "bidder-b": "22" * 32}


def transcript(**changes: Any) -> Any:
    facts: dict[str, Any] = {
        "draw_id": "T2026-001/L1/K",
        "first": 1,
        "pool": POOL,
        "contributions": CONTRIBUTIONS,
        "beacon": BEACON,
        "frozen": FROZEN,
    }
    return build(**(facts | changes))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["seed"][:8])
def test_the_published_draws_replay(case: dict[str, Any]) -> None:
    found = replay(case["transcript"], case["pool"])
    assert list(found.order) == case["ranking"]
    assert found.transcript.seed == case["seed"]
    assert ticket(case["seed"], case["ranking"][0]).hex() == case["first_ticket"]


def test_a_built_transcript_says_each_thing_on_its_line() -> None:
    lines = transcript().text.split("\n")
    assert lines == [
        "etender-draw/v1",
        "draw T2026-001/L1/K",
        "rule first 1",
        f"pool 5 {h(*POOL)}",
        f"freeze {freeze_text(FROZEN)}",
        f"beacon drand {QUICKNET_CHAIN} 1000 {'b4' * 48}",
        f"contribution bidder-a {'11' * 32}",
        f"contribution bidder-b {'22' * 32}",
        f"contribution supervisor {'33' * 32}",
        "",
    ]


def test_the_freeze_line_does_not_depend_on_the_order_of_bids() -> None:
    assert freeze_text(FROZEN) == freeze_text(FROZEN[::-1]) == h(*sorted(bid.line() for bid in FROZEN))


def test_the_beacon_may_be_missing_only_when_the_notice_said_so() -> None:
    assert "beacon" not in transcript(beacon=None, is_beacon_waived_by_notice=True).text
    with pytest.raises(TranscriptMalformed):
        transcript(beacon=None)
    with pytest.raises(TranscriptMalformed):
        transcript(is_beacon_waived_by_notice=True)


def test_a_draw_before_the_opening_stands_on_a_checkpoint_instead_of_a_freeze() -> None:
    early = transcript(frozen=(), checkpoint="1234 rKbDipCvhuX1GZ7g5BBe8sA6BbJ7ja/1nk427v383cs=")
    assert early.checkpoint.startswith("1234 ")
    assert early.freeze == ""
    with pytest.raises(TranscriptMalformed):
        transcript(frozen=())
    with pytest.raises(TranscriptMalformed):
        transcript(checkpoint="1 x")


def test_the_ranking_does_not_depend_on_who_lists_the_pool_in_what_order() -> None:
    made = transcript()
    assert rank(made, POOL).order == replay(made.text, POOL).order
    with pytest.raises(PoolMismatch):
        rank(made, POOL[::-1])


def test_every_line_decides() -> None:
    base = transcript().seed
    others = [
        transcript(draw_id="T2026-001/L2/K"),
        transcript(first=2),
        transcript(pool=POOL[:-1]),
        transcript(frozen=FROZEN[:1]),
        transcript(beacon=Beacon(QUICKNET_CHAIN, 1001, "b4" * 48)),
        transcript(contributions=CONTRIBUTIONS | {"bidder-a": "12" * 32}),
    ]
    assert len({base, *(other.seed for other in others)}) == len(others) + 1


def test_who_declines_is_passed_over_and_the_next_ticket_moves_up() -> None:
    found = rank(transcript(first=2), POOL)
    assert found.drawn == found.order[:2]
    assert found.drawn_without({found.order[0]}) == found.order[1:3]
    assert found.drawn_without(set(POOL)) == ()


@pytest.mark.parametrize("pool", [[*POOL, "0.975"], POOL[:-1], [*POOL[:-1], "0.971"], []])
def test_another_pool_than_the_published_one_is_tampering(pool: list[str]) -> None:
    with pytest.raises(PoolMismatch):
        rank(transcript(), pool)


def test_an_entry_with_two_chances_is_refused() -> None:
    with pytest.raises(TranscriptMalformed):
        rank(transcript(), [*POOL, POOL[0]])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("etender-draw/v1", "etender-draw/v2"),
        ("rule first 1", "rule first 0"),
        ("rule first 1", "rule first 6"),
        ("rule first 1", "rule last 1"),
        ("contribution bidder-a", "contribution zeta"),
        ("contribution bidder-b", "contribution bidder-a"),
        ("contribution bidder-a 11", "contribution bidder-a 1"),
        ("beacon drand", "beacon other"),
        ("\ncontribution supervisor", "\n\ncontribution supervisor"),
        ("draw T2026-001/L1/K\n", ""),
        ("33\n", "33"),
        ("33\n", "33\r\n"),
        ("rule first 1\n", "rule first 1\nnote anything\n"),
    ],
)
def test_a_transcript_that_departs_from_its_form_is_refused(old: str, new: str) -> None:
    text = transcript().text
    assert old in text
    changed = new.join(text.rsplit(old, 1))
    with pytest.raises(TranscriptMalformed):
        replay(changed, POOL)


def test_a_draw_without_any_entropy_is_refused() -> None:
    with pytest.raises(TranscriptMalformed):
        transcript(beacon=None, is_beacon_waived_by_notice=True, contributions={})


def test_a_line_break_cannot_smuggle_a_line() -> None:
    for changes in ({"draw_id": "x\nrule first 2"}, {"pool": ["a\nb", "c"]}, {"checkpoint": "1\n2", "frozen": ()}):
        with pytest.raises(TranscriptMalformed):
            transcript(**changes)


def test_a_malformed_contribution_stands_with_its_commitment() -> None:
    assert contribution_value(b"\x11" * 32, "22" * 32) == "11" * 32
    assert contribution_value(None, "22" * 32) == "22" * 32


def test_the_beacon_round_follows_the_deadline_by_formula() -> None:
    deadline = datetime(2026, 11, 25, 1, 30, tzinfo=UTC)
    found = beacon_round(deadline)
    emitted = datetime.fromtimestamp(1_692_803_367 + 3 * (found - 1), UTC)
    assert timedelta() <= emitted - (deadline + timedelta(seconds=600)) + timedelta(seconds=3) <= timedelta(seconds=3)
    assert beacon_round(deadline + timedelta(hours=1)) == found + 1200
    with pytest.raises(ValueError, match="time zone"):
        beacon_round(deadline.replace(tzinfo=None))


def test_first_places_are_spread_evenly() -> None:
    """Chi-square over 11 values and 5,500 fixed seeds; 29.6 is exceeded once in a thousand."""
    pool = [f"0.{950 + 5 * i}" for i in range(11)]
    draws = 5500
    firsts = Counter(min(pool, key=lambda entry, n=n: ticket(h(str(n)), entry)) for n in range(draws))
    expected = draws / len(pool)
    assert sum((firsts[entry] - expected) ** 2 / expected for entry in pool) < 29.6
    assert all(a != b for a, b in itertools.pairwise(sorted(firsts)))
