"""Lint, format, types and layers are tests like any other: the test command fails with them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.repository import PACKAGES, ROOT, listing

pytestmark = pytest.mark.slow


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"\n{(done.stdout + done.stderr)[-8000:]}"


def test_ruff_has_no_objection() -> None:
    run(sys.executable, "-m", "ruff", "check", "--no-cache", "--output-format=concise", ".")


def test_the_formatter_would_change_nothing() -> None:
    run(sys.executable, "-m", "ruff", "format", "--no-cache", "--check", ".")


def test_mypy_strict_has_no_objection() -> None:
    run(sys.executable, "-m", "mypy")


def test_a_later_stage_knows_the_earlier_ones_and_never_the_reverse() -> None:
    run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")


def test_every_package_is_listed_and_every_listed_package_exists() -> None:
    """A package that no list names is checked by no tool."""
    present = {
        path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name not in {"tests", "bench", "tools"}
    }
    assert present == set(PACKAGES), listing(sorted(present ^ set(PACKAGES)))
