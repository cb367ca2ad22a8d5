"""Plaintext on disk: in the scratch folder only, for its owner only, and gone before the next worker's first job."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from bid_opening.services import acts, unsealing
from centre.bootstrap import prepare_folders
from centre.migrate import upgrade
from foundation.clock import monotonic, pause
from foundation.sealing.opening import TEMPORARY_PREFIX
from foundation.settings import Settings
from foundation.store.engine import open_engine
from tests.conftest import ROOT
from tests.support_opening import make_opening
from tests.unit.sealing.story import TECHNICAL

CHILD = Path(__file__).with_name("scratch_child.py")
READY_SECONDS = 60


def start(folder: Path, *more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(CHILD), str(folder), *more],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_a_kill_between_write_and_rename_leaves_is_swept_when_a_worker_starts(tmp_path: Path) -> None:
    folder, scratch = tmp_path / "data", tmp_path / "data" / "scratch"
    with start(folder) as killed:
        assert killed.wait(60) == -signal.SIGKILL
    (left,) = scratch.iterdir()
    assert left.name.startswith(TEMPORARY_PREFIX)
    assert left.read_bytes() == TECHNICAL  # whole, but never under its name
    assert (mode(scratch), mode(left)) == (0o700, 0o600)
    (scratch / "kept.pdf").write_bytes(b"opened whole")
    upgrade(open_engine(Settings(data_dir=folder).database))
    worker = start(folder, "worker")
    try:
        limit = monotonic() + READY_SECONDS
        while not (folder / "ready").exists() and worker.poll() is None and monotonic() < limit:
            pause(0.05)
        assert [path.name for path in scratch.iterdir()] == ["kept.pdf"]
    finally:
        worker.send_signal(signal.SIGTERM)
        _, said = worker.communicate(timeout=60)
    assert '"count": 1' in said
    assert "half_opened_parts_swept" in said


def test_a_scratch_folder_that_was_wider_is_closed_before_anything_is_written(tmp_path: Path) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir(mode=0o755)
    scratch.chmod(0o755)
    prepare_folders(Settings(data_dir=tmp_path))
    assert mode(scratch) == 0o700


def test_a_price_schedule_is_opened_without_any_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opening = make_opening(tmp_path)
    opening.to_window_closed()
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    scratch = opening.world.runtime.scratch_dir
    assert unsealing.sweep_scratch(opening.world.runtime) == 0
    (scratch / f"{TEMPORARY_PREFIX}old").write_bytes(b"half")
    assert unsealing.sweep_scratch(opening.world.runtime) == 1
    made: list[object] = []
    monkeypatch.setattr("tempfile.mkstemp", lambda *args, **kwargs: made.append((args, kwargs)))
    assert opening.run_jobs() == []
    assert all(seat.total is not None for seat in opening.state.seats)
    assert made == []
    assert list(scratch.iterdir()) == []
