"""Three stories, each killing one process of the centre (kill -9) at every stage boundary: same bids, same record."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from foundation.clock import monotonic, pause
from sandbox.story import StoryOptions, play, stages
from sandbox.story_centre import Started, started_centre
from tests.support.told import assert_told

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
BIDDERS = 4
EAGER = """
import centre.runner
from centre.cli import main
# A child killed at every stage within minutes would otherwise be started again only every half minute.
centre.runner.LONGEST_PAUSE_SECONDS = 0.5
main()
"""


class Killer:
    """Kills one child of the runner before every stage, and counts."""

    def __init__(self, centre: Started, victim: str) -> None:
        self.centre, self.victim = centre, victim
        self.killed: list[int] = []

    def __call__(self, stage: str) -> None:
        until = monotonic() + 60
        while not (pid := self.centre.child(self.victim)) or pid in self.killed:
            assert monotonic() < until, f"{self.victim} was not started again before {stage}"
            pause(0.1)
        os.kill(pid, signal.SIGKILL)
        self.killed.append(pid)


@pytest.mark.parametrize("victim", ["web", "room", "worker"])
def test_a_story_survives_the_death_of_a_process_at_every_stage(tmp_path: Path, victim: str) -> None:
    with started_centre(tmp_path, print, ("-c", EAGER)) as centre:
        killer = Killer(centre, victim)
        told = play(StoryOptions(centre.url, bidders=BIDDERS), say=print, before=killer)
    assert len(killer.killed) == len(stages())
    assert_told(told, BIDDERS)
