"""Many people in one room at the same instant: one order, nothing lost, nothing twice; on both databases."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bid_opening.services import acts, clock, rooms
from bid_opening.states import Phase
from foundation.events import bid_opening as e
from foundation.journal import read_stream
from tests.support_opening import Opening, make_opening

REPEATS = 3


@pytest.fixture(params=["sqlite", "postgresql"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Opening:
    url = request.getfixturevalue("postgres_url") if request.param == "postgresql" else ""
    return make_opening(tmp_path, bids=4, url=url)


def counts(opening: Opening) -> Counter[type]:
    with opening.world.units.read() as unit:
        return Counter(type(one.event) for one in read_stream(unit.session, rooms.stream_of(opening.lot.id)))


def test_everybody_releases_at_once_and_each_share_counts_once(opening: Opening) -> None:
    opening.to_window()
    units = opening.world.units

    def release(index: int) -> bool:
        with units.begin(opening.bidders[index].actor) as unit:
            return acts.release(unit, opening.lot.id, opening.r_bid(index).hex()).is_accepted

    with ThreadPoolExecutor(max_workers=8) as pool:
        assert all(pool.map(release, [0, 1, 2, 3] * REPEATS))
    assert counts(opening)[e.ShareReleased] == 4
    opening.assert_story_holds()
    opening.world.engine.dispose()


def test_several_looks_at_once_do_each_step_once(opening: Opening) -> None:
    opening.to_window()
    for index in range(4):
        opening.release(index)

    def look(_: int) -> bool:
        return clock.step(opening.world.units, opening.lot.id)

    with ThreadPoolExecutor(max_workers=6) as pool:
        list(pool.map(look, range(12)))
    opening.look()
    assert opening.state.phase is Phase.WINDOW_CLOSED
    opening.publish()
    opening.look()
    opening.give_gate_keys(0, 1, 2)
    with ThreadPoolExecutor(max_workers=6) as pool:
        list(pool.map(look, range(12)))
    found = counts(opening)
    assert (found[e.WindowEnded], found[e.WindowClosed], found[e.GateReleased]) == (1, 1, 1)
    opening.assert_story_holds()
    opening.world.engine.dispose()
