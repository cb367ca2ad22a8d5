"""No process prints what its variables hold: not a failing job, not a library's logger, not an error nobody caught."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from foundation.logs import bare
from tests.conftest import ROOT

CANARY = "c0ffee" * 10 + "beef"
CHILD = Path(__file__).with_name("logs_child.py")


def said_by(setting: str, way: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Everything a failing process says; the canary comes by its environment, so that it is in no line of code."""
    return subprocess.run(
        [sys.executable, str(CHILD), setting, way, str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "CANARY": CANARY, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def lines_of(process: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in process.stderr.splitlines()]


@pytest.mark.parametrize("way", ["job", "logger", "thread", "loop", "process", "command"])
def test_a_failure_tells_where_it_was_and_nothing_of_what_it_held(tmp_path: Path, way: str) -> None:
    found = said_by("configured", way, tmp_path)
    assert CANARY not in found.stdout + found.stderr
    told = [line for line in lines_of(found) if "exception" in line]
    assert told, found.stderr
    for line in told:
        assert "in unwrap" in line["exception"]
        assert line["exception"].splitlines()[-1] == "ValueError"
        assert "KeyError" in line["exception"].splitlines()  # the cause, before it
    assert (found.returncode != 0) is (way in {"process", "command"})


@pytest.mark.parametrize("way", ["job", "thread"])
def test_left_to_itself_the_same_failure_shows_the_canary(tmp_path: Path, way: str) -> None:
    found = said_by("raw", way, tmp_path)
    assert CANARY in found.stdout + found.stderr


def test_our_own_errors_and_the_systems_keep_their_message(tmp_path: Path) -> None:
    informed, failed = lines_of(said_by("configured", "told", tmp_path))
    assert (informed["event"], informed["level"], informed["lot"]) == ("told", "info", "x")
    assert "OSError: No space left on device" in failed["exception"]
    assert "foundation.unavailable(what='broker')" in failed["exception"]


@pytest.mark.parametrize("level", ["nonsense", "error"])
def test_a_command_guards_its_output_whatever_the_level_says(tmp_path: Path, level: str) -> None:
    found = said_by("raw", "command", tmp_path, CENTRE_LOG_LEVEL=level)
    assert CANARY not in found.stdout + found.stderr
    assert "in unwrap" in found.stderr


def test_an_error_that_is_its_own_cause_is_told_in_the_end() -> None:
    first, second = ValueError("a"), KeyError("b")
    first.__cause__, second.__cause__ = second, first
    assert bare(first).splitlines()[-1] == "ValueError"
