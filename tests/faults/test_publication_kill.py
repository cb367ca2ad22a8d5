"""The publisher under kill -9: whatever it was doing, no entry is lost, none is there twice, every proof holds."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import func, select

from foundation.clock import machine_now
from foundation.events import Audience
from foundation.events.tendering import DocumentDownloaded, LotCancelled
from foundation.journal.models import JournalEntry
from foundation.publication import proofs
from foundation.publication.models import STATE_ROW, LogLeaf, LogPlacement, LogState
from tests.conftest import ROOT
from tests.faults.publication_child import POINTS
from tests.integration.publication_centre import SYSTEM, Centre, cosigner, make_runtime
from tests.support.services import free_port

ROUND = 90
"""Public entries between two deaths: three rounds fill a tile, so deaths fall on partial and on full ones."""


@pytest.mark.slow
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_publisher_killed_at_any_point_loses_nothing_and_repeats_nothing(
    request: pytest.FixtureRequest, tmp_path: Path, database: str
) -> None:
    database_url = request.getfixturevalue("postgres_url") if database == "postgresql" else ""
    port = free_port()
    centre = Centre(make_runtime(tmp_path, database_url, f"http://127.0.0.1:{port}"), machine_now)
    with cosigner(tmp_path, centre.runtime.log_key, port):
        ahead = 0
        for point in POINTS:
            # "note_committed" is the deletion of partial tiles, which happens when a tile has filled.
            _append(centre, ROUND if point != "note_committed" else 3 * ROUND)
            ahead += 20
            assert _child(tmp_path, database_url, port, ahead, point) == (-signal.SIGKILL, ""), point
            ahead += 20
            assert _child(tmp_path, database_url, port, ahead, "") == (0, "round done\n"), point
            _check(centre, point)
    centre.runtime.units.engine.dispose()


def _append(centre: Centre, count: int) -> None:
    with centre.runtime.units.begin(SYSTEM) as unit:
        for n in range(count):
            unit.append(f"lot:{n % 4}", LotCancelled(lot="1", why=str(n)))
        for n in range(5):
            unit.append(f"bid:1:{n}", DocumentDownloaded(lot="1", org_id=str(n), document="d"))


def _child(folder: Path, database_url: str, port: int, ahead: int, point: str) -> tuple[int, str]:
    program = str(ROOT / "tests" / "faults" / "publication_child.py")
    arguments = [str(folder), database_url, f"http://127.0.0.1:{port}", str(ahead), point]
    done = subprocess.run(
        [sys.executable, program, *arguments],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout


def _check(centre: Centre, point: str) -> None:
    with centre.runtime.units.read() as unit:
        state = unit.session.get_one(LogState, STATE_ROW)
        assert state.alarm is None, point
        assert state.published_size == state.signed_size == state.size
        size = proofs.verify_log(unit, centre.runtime.objects)
        assert size == state.size
    with centre.runtime.units.read() as unit:
        session = unit.session
        waiting = select(func.count()).select_from(JournalEntry).where(JournalEntry.leaf_index.is_(None))
        assert session.scalar(waiting) == 0
        counts = dict(
            session.execute(select(JournalEntry.audience, func.count()).group_by(JournalEntry.audience)).all()
        )
        told = session.scalar(select(func.count()).where(LogLeaf.journal_entry_id.is_not(None)))
        placed = session.scalar(select(func.count()).select_from(LogPlacement))
        assert (told, placed) == (counts[Audience.PUBLIC], counts[Audience.PRIVATE]), point
        for entry_id in session.scalars(select(JournalEntry.id).order_by(JournalEntry.id.desc())).all()[::25]:
            assert centre.verify(proofs.proof_of_entry(unit, entry_id)).cosigners == ("cosigner",)
