"""Three stories, each killing one process of the centre (kill -9) at every stage boundary: same bids, same record."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from foundation.clock import monotonic, pause
from sandbox import cast
from sandbox.story import StoryOptions, play, stages
from sandbox.story_centre import Started, started_centre

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
BIDDERS = 4
EAGER = """
import centre.runner
from centre.cli import main
# A child killed nineteen times within minutes would otherwise be started again only every half minute.
centre.runner.LONGEST_PAUSE_SECONDS = 0.5
main()
"""
REFUSED = [
    "a deadline with too little time to prepare",
    "an organisation that is not verified seals",
    "files that are not encrypted",
    "a bid whose header was changed",
    "the host starts decryption before the deadline",
    "a bid handed in after the deadline",
    "32 bytes that are not the committed ones",
    "a second draw",
]


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
    assert told["prices"] == {one.company.zh: f"{one.price:.2f}" for one in cast.BIDDERS[:BIDDERS]}
    assert [one["tried"] for one in told["refusals"]] == REFUSED
    assert (told["bids"], told["journal_ok"], told["log_ok"]) == (BIDDERS, True, True)
    assert len(told["record"]) == 64
    assert float(told["K"]) in {0.95, 0.955, 0.96, 0.965, 0.97, 0.975, 0.98}
