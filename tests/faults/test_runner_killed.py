"""The runner itself is killed (-9) in the middle of a story: its children end, and the next start goes on."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from foundation.clock import monotonic, parse_iso, pause
from sandbox.story import StoryOptions, play
from sandbox.story_centre import Started, started_centre
from tests.support.told import assert_told

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
BIDDERS = 3
KILLED_BEFORE = ("seal", "freeze", "read", "refund")
PROCESSES = ("cosigner", "web", "room", "worker", "bank", "agents", "bots")
DOWN = timedelta(seconds=4)
ORPHANS_SECONDS = 10
PULSE = timedelta(seconds=2)
"""The clock's place is written down every second; what passed since may pass again."""


def civil_time(centre: Started) -> datetime:
    return parse_iso(httpx.get(f"{centre.url}/time", headers={"Accept": "application/json"}, timeout=30).json()["now"])


class Killer:
    """Kills the runner before some stages, waits for its orphans to end, and starts the centre anew on its folder."""

    def __init__(self, folder: Path, starts: ExitStack) -> None:
        self._folder, self._starts = folder, starts
        self.centre = starts.enter_context(started_centre(folder, print))
        self.orphans_took: list[float] = []

    def __call__(self, stage: str) -> None:
        if stage in KILLED_BEFORE:
            before, killed_at = civil_time(self.centre), monotonic()
            self._kill()
            pause(DOWN.total_seconds())
            again = self._starts.enter_context(started_centre(self._folder, print))
            assert again.url == self.centre.url, "the same ports: people's pages find it again"
            self.centre = again
            passed = civil_time(again) - before
            real = timedelta(seconds=monotonic() - killed_at)
            assert -PULSE <= passed <= real - DOWN + PULSE, "the demonstration clock stood still while it was down"

    def _kill(self) -> None:
        children = [self.centre.child(name) for name in PROCESSES]
        assert all(children), "the whole group runs"
        os.kill(self.centre.pid, signal.SIGKILL)
        started = monotonic()
        while any(is_running(child) for child in children):
            assert monotonic() - started < ORPHANS_SECONDS, "orphans work on"
            pause(0.05)
        self.orphans_took.append(monotonic() - started)


def is_running(pid: int) -> bool:
    """Not gone, and not a dead process that nobody has collected."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in {"Z", "X"}


def test_a_story_goes_on_after_the_runner_was_killed(tmp_path: Path) -> None:
    with ExitStack() as starts:
        killer = Killer(tmp_path, starts)
        told = play(StoryOptions(killer.centre.url, bidders=BIDDERS), say=print, before=killer)
    assert len(killer.orphans_took) == len(KILLED_BEFORE)
    assert_told(told, BIDDERS)
