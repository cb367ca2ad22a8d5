"""The level follows from grounds and an instant alone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from credit.acts import ACTS, LEVELS, USUAL_MONTHS, Act, decidable, is_adverse
from credit.rules import MAX_MONTHS, MIN_MONTHS
from credit.standing import BAN, Change, Ground, standing_at
from credit.states import Level, Weight

START = datetime(2026, 11, 24, 1, 42, 18, tzinfo=UTC)
TICK = timedelta(microseconds=1)
RANK = list(Level)


def ground(level: Level, start: int, end: int, *, name: str = "x") -> Ground:
    return Ground(
        kind=BAN if level is Level.BANNED else Act.BID_REVOKED,
        id=name,
        level=level,
        authority="局",
        decision_no=name,
        clause="条",
        from_at=START + start * TICK,
        until_at=START + end * TICK,
    )


grounds = st.lists(st.builds(ground, st.sampled_from(RANK), st.integers(0, 20), st.integers(0, 20)), max_size=6)


def test_nothing_recorded_is_a_good_standing() -> None:
    standing = standing_at([], START)
    assert (standing.level, standing.reasons, standing.kept, standing.changes) == (Level.GOOD, (), (), ())


@pytest.mark.parametrize(("after", "level"), [(-1, Level.GOOD), (0, Level.BANNED), (9, Level.BANNED), (10, Level.GOOD)])
def test_a_ground_counts_from_its_start_to_just_before_its_end(after: int, level: Level) -> None:
    assert standing_at([ground(Level.BANNED, 0, 10)], START + after * TICK).level is level


def test_the_gravest_ground_decides_and_stands_first() -> None:
    every = [
        ground(Level.NOTED, 0, 9, name="noted"),
        ground(Level.BANNED, 2, 5, name="ban"),
        ground(Level.RESTRICTED, 1, 7, name="list"),
        ground(Level.GOOD, 0, 20, name="kept"),
    ]
    standing = standing_at(every, START + 3 * TICK)
    assert standing.level is Level.BANNED
    assert [one.decision_no for one in standing.reasons] == ["ban", "list", "noted"]
    assert [one.decision_no for one in standing.kept] == ["kept"]
    assert standing.changes == (
        Change(START + 5 * TICK, Level.RESTRICTED),
        Change(START + 7 * TICK, Level.NOTED),
        Change(START + 9 * TICK, Level.GOOD),
    )


def test_a_ban_that_has_not_begun_is_foretold() -> None:
    assert standing_at([ground(Level.BANNED, 4, 6)], START).changes == (
        Change(START + 4 * TICK, Level.BANNED),
        Change(START + 6 * TICK, Level.GOOD),
    )


@given(grounds, st.integers(-2, 22))
def test_the_level_is_that_of_its_reasons_and_the_changes_come_true(every: list[Ground], after: int) -> None:
    at = START + after * TICK
    standing = standing_at(every, at)
    counting = [one for one in every if one.from_at <= at < one.until_at]
    assert standing.level is max((one.level for one in counting), key=RANK.index, default=Level.GOOD)
    assert sorted(map(id, standing.reasons + standing.kept)) == sorted(map(id, counting))
    level = standing.level
    foretold = {change.at: change.level for change in standing.changes}
    for step in range(after + 1, 25):
        instant = START + step * TICK
        level = foretold.get(instant, level)
        assert standing_at(every, instant).level is level


def test_every_act_has_its_terms_and_only_a_ban_stops_a_bid() -> None:
    assert set(ACTS) == set(Act)
    assert set(LEVELS) == set(USUAL_MONTHS) == set(Weight)
    assert Level.BANNED not in LEVELS.values()
    assert all(MIN_MONTHS <= months <= MAX_MONTHS for months in USUAL_MONTHS.values())
    assert {act for act in Act if not is_adverse(act)} == {Act.CONTRACT_SIGNED_IN_TIME, Act.CONTRACT_PERFORMED}
    assert Act.CONTRACT_SIGNED_IN_TIME not in decidable()
