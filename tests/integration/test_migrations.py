"""The migrations: their head is what the models say, on both databases, and they keep the data they find."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.runtime.migration import HeadMaintainer
from sqlalchemy import Engine, inspect, select, text

from centre import migrate
from foundation.actor import system
from foundation.clock import SteppingClock
from foundation.entropy import SystemEntropy
from foundation.events.centre import DemoClockMoved
from foundation.jobs.models import Job, JobState
from foundation.journal import JournalEntry, verify_stream
from foundation.store.base import Base
from foundation.store.engine import open_engine
from foundation.store.unit import Units
from tests.support.spine import START

ROOT = Path(__file__).resolve().parent.parent.parent
CHECK = """
import sys
from centre import migrate
from foundation.store.engine import open_engine
migrate.check(open_engine(sys.argv[1]))
"""


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """An empty database of either kind."""
    is_sqlite = request.param == "sqlite"
    made = open_engine(f"sqlite:///{tmp_path / 'm.db'}" if is_sqlite else request.getfixturevalue("postgres_url"))
    yield made
    made.dispose()


def tables(engine: Engine) -> set[str]:
    return set(inspect(engine).get_table_names())


def product_tables() -> set[str]:
    """Tables of the models; other test modules may have registered some of their own."""
    return {name for name in Base.metadata.tables if not name.startswith("test_")}


def check(engine: Engine) -> subprocess.CompletedProcess[str]:
    """``centre.migrate.check`` in a process of its own, where no test has added tables to the metadata."""
    url = engine.url.render_as_string(hide_password=False)
    return subprocess.run(
        [sys.executable, "-c", CHECK, url], cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )


def test_the_head_is_what_the_models_say(engine: Engine) -> None:
    migrate.upgrade(engine)
    assert tables(engine) == product_tables() | {"alembic_version"}
    found = check(engine)
    assert found.returncode == 0, found.stderr[-2000:]


def test_a_difference_between_models_and_migrations_is_noticed(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'm.db'}")
    migrate.upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE jobs ADD COLUMN surprise INTEGER"))
    engine.dispose()
    found = check(engine)
    assert found.returncode != 0
    assert "surprise" in found.stderr


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    migrate.upgrade(engine)
    before = schema(engine)
    migrate.upgrade(engine)
    assert schema(engine) == before


def test_downgrading_to_the_base_leaves_nothing_behind(engine: Engine) -> None:
    migrate.upgrade(engine)
    command.downgrade(migrate.config(engine), "base")
    assert tables(engine) == {"alembic_version"}
    migrate.upgrade(engine)
    assert tables(engine) == product_tables() | {"alembic_version"}


def test_data_survives_an_upgrade(engine: Engine) -> None:
    """The centre's start upgrades a database in use; what it holds must be there afterwards and still verify."""
    migrate.upgrade(engine)
    units = Units(engine, SteppingClock(START), SystemEntropy())
    for number in range(3):
        with units.begin(system("tests")) as unit:
            unit.append("clock", DemoClockMoved(before=START, after=START, running=True, why=f"{number}"))
            unit.enqueue("tests.work", f"{number}", {"number": number})
    migrate.upgrade(engine)
    with units.read() as unit:
        assert verify_stream(unit.session, "clock") == 3
        assert len(unit.session.scalars(select(JournalEntry)).all()) == 3
        jobs = unit.session.scalars(select(Job).order_by(Job.key)).all()
        assert [(job.key, job.payload, job.state) for job in jobs] == [
            (f"{number}", {"number": number}, JobState.QUEUED) for number in range(3)
        ]


def test_a_migration_that_fails_leaves_the_schema_as_it_was(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last statement of the run fails, after every table was made."""

    def fail(*_arguments: object) -> None:
        raise RuntimeError("power cut")

    monkeypatch.setattr(HeadMaintainer, "update_to_step", fail)
    with pytest.raises(RuntimeError, match="power cut"):
        migrate.upgrade(engine)
    monkeypatch.undo()
    assert tables(engine) == set()
    migrate.upgrade(engine)
    assert tables(engine) == product_tables() | {"alembic_version"}


def test_references_are_enforced_after_a_migration(tmp_path: Path) -> None:
    """SQLite: changing a table by copying it needs the check switched off; it must be on again afterwards."""
    engine = open_engine(f"sqlite:///{tmp_path / 'm.db'}", pool_size=1)
    migrate.upgrade(engine)
    with engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1


def schema(engine: Engine) -> dict[str, object]:
    found = inspect(engine)
    return {
        name: (
            [(column["name"], str(column["type"]), column["nullable"]) for column in found.get_columns(name)],
            sorted(str(index["name"]) for index in found.get_indexes(name)),
        )
        for name in found.get_table_names()
    }
