"""The last moment before the freeze: the deadline is over, bids are received no more, and still nobody learns of one.

Before the deadline the same is shown by ``test_hidden``, whose scene this is: every readable route of the site, asked
by every role.
"""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path

import pytest

from foundation.events.tendering import BidsClosed
from tendering.models import Lot
from tendering.states import LotTrigger
from tests.integration.test_hidden import Scene, differences, leaks
from tests.support.tender_world import NOW, TESTS
from tests.support.whole_centre import Person

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


SEEN = re.compile(r'"last_seen_at": *(?:null|"[^"]*")')
"""When a holder last looked for work: by the machine's clock, and its own asking here is such a look."""


def read(scene: Scene, people: list[Person]) -> dict[tuple[str, str, str], str]:
    """Everything everybody can read now."""
    return {where: SEEN.sub("…", text) for where, text in scene.read_everything(people, ["json"]).items()}


def test_between_deadline_and_freeze_no_role_learns_that_a_bid_exists(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    people, clock = scene.outsiders(), scene.centre.world.clock
    late = scene.lot.deadline_at + timedelta(seconds=5)
    clock.set(late)
    scene.read_everything(people, ["json"])  # whoever has downloaded a document finds its lot on the own desk
    before = read(scene, people)
    clock.set(NOW + timedelta(minutes=1))
    for one in scene.interested:
        scene.act(one)
    clock.set(late)
    assert differences(before, read(scene, people)) == []

    with scene.centre.units.begin(TESTS) as unit:
        row = unit.session.get_one(Lot, scene.lot.id)
        closed = BidsClosed(lot=scene.lot.id, deadline_at=scene.lot.deadline_at)
        unit.transition(row, LotTrigger.CLOSE_BIDS, f"lot:{scene.lot.id}", closed)
    told = read(scene, people)
    assert differences(before, told)  # that it is closed can be seen …
    names = {mark for one in scene.interested for mark in one.marks if mark in " ".join(before.values())}
    for one in scene.interested:
        assert len(one.marks - names) > 6
        one.marks -= names
    assert leaks(told, scene) == []  # … and of the bids nothing
