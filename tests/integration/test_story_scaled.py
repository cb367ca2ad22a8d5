"""The whole story on PostgreSQL, Redis and S3 at once, with two workers: the same facts as on one machine's files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from sqlalchemy import Engine, create_engine, text

from foundation.clock import monotonic, pause
from foundation.storage import open_store
from sandbox.clients.http import wait_for
from sandbox.story import StoryOptions, play
from sandbox.story_centre import Started, started_centre
from tests.support.services import free_port
from tests.support.told import assert_nothing_twice, assert_told

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
BIDDERS = 3
APART = ("cosigner", "web", "room", "worker")


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch, postgres_url: str, redis_url: str, s3_url: str) -> None:
    """The environment that moves a centre to the run's own servers."""
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    monkeypatch.setenv("REDIS_URL", redis_url)
    monkeypatch.setenv("BROKER_URL", redis_url)
    monkeypatch.setenv("STORAGE_URL", s3_url)


@contextmanager
def second_worker(centre: Started, folder: Path) -> Iterator[Path]:
    """One more ``centre worker`` with the environment of the first; where it writes what it says."""
    pairs = Path(f"/proc/{centre.child('worker')}/environ").read_bytes().decode().split("\0")
    environment = dict(pair.split("=", 1) for pair in pairs if pair) | {"CENTRE_LOG_LEVEL": "debug"}
    ready, said = folder / "second.ready", folder / "second.log"
    with said.open("wb") as out:
        argv = [sys.executable, "-m", "centre", "worker", "--ready-file", str(ready)]
        process = subprocess.Popen(argv, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        until = monotonic() + 60
        while not ready.exists():
            assert process.poll() is None, said.read_text(errors="replace")
            assert monotonic() < until
            pause(0.1)
        yield said
        assert process.poll() is None, "it worked to the end"
    finally:
        process.terminate()
        process.wait(20)


def rows_of(engine: Engine, statement: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(text(statement)))


@pytest.mark.usefixtures("elsewhere")
def test_the_story_is_the_same_on_postgresql_redis_and_s3_with_two_workers(
    tmp_path: Path, postgres_url: str, redis_url: str, s3_url: str
) -> None:
    with started_centre(tmp_path, print) as centre, second_worker(centre, tmp_path) as said:
        told = play(StoryOptions(centre.url, bidders=BIDDERS), say=print)
        with redis.Redis.from_url(redis_url) as client:
            kept_in_redis = {key.decode() for key in client.keys("*")}
    assert_told(told, BIDDERS)
    assert not (tmp_path / "data" / "centre.db").exists(), "nothing was written beside PostgreSQL"
    assert not (tmp_path / "data" / "objects").exists(), "nothing was written beside S3"
    assert "_kombu.binding.centre-jobs" in kept_in_redis, "jobs went through Redis"
    assert any(key.startswith("LIMITS:") for key in kept_in_redis), "rates are counted in Redis"
    assert any(entry.name.startswith("sealed/") for entry in open_store(s3_url).list())
    assert "job_done" in said.read_text(errors="replace"), "the second worker did its share"
    engine = create_engine(postgres_url)
    assert_nothing_twice(lambda statement: rows_of(engine, statement))
    assert {row.state for row in rows_of(engine, "SELECT DISTINCT state FROM jobs")} <= {"done", "queued"}
    engine.dispose()


def test_two_workers_on_sqlite_double_nothing(tmp_path: Path) -> None:
    with started_centre(tmp_path, print) as centre, second_worker(centre, tmp_path) as said:
        told = play(StoryOptions(centre.url, bidders=BIDDERS), say=print)
    assert_told(told, BIDDERS)
    assert "job_done" in said.read_text(errors="replace"), "the second worker did its share"
    engine = create_engine(f"sqlite:///{tmp_path / 'data' / 'centre.db'}")
    assert_nothing_twice(lambda statement: rows_of(engine, statement))
    engine.dispose()


@contextmanager
def processes(names: Sequence[str], environment: Mapping[str, str], folder: Path) -> Iterator[None]:
    """``centre NAME`` for each name and nothing around them; stopped by SIGTERM, which each must obey."""
    started: dict[str, subprocess.Popen[bytes]] = {}
    try:
        for name in names:
            with (folder / f"{name}.log").open("wb") as out:
                argv = [sys.executable, "-m", "centre", name]
                started[name] = subprocess.Popen(argv, env=dict(environment), stdout=out, stderr=subprocess.STDOUT)
        yield
        ended = {name: process.returncode for name, process in started.items() if process.poll() is not None}
        assert ended == {}
    finally:
        for process in started.values():
            process.terminate()
        codes = {name: process.wait(20) for name, process in started.items()}
    # The cosigner has nothing to finish: all it says is on disk before it says it.
    assert codes == {name: -signal.SIGTERM if name == "cosigner" else 0 for name in names}


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5, trust_env=False, headers={"Accept": "application/json"}).is_success
    except httpx.HTTPError:
        return False


@pytest.mark.usefixtures("elsewhere")
def test_the_processes_run_apart_by_environment_as_the_handbook_says(tmp_path: Path) -> None:
    ports = {name: free_port() for name in ("web", "room", "cosigner")}
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CENTRE_")} | {
        "CENTRE_DATA_DIR": str(tmp_path / "data"),
        "CENTRE_WEB_PORT": str(ports["web"]),
        "CENTRE_ROOM_PORT": str(ports["room"]),
        "CENTRE_COSIGNER_URL": f"http://127.0.0.1:{ports['cosigner']}",
    }
    for _ in range(2):  # bringing a database up to date twice is no mistake
        subprocess.run([sys.executable, "-m", "centre", "admin", "migrate"], env=environment, check=True, timeout=60)
    with processes(APART, environment, tmp_path):
        for path in (f"{ports['web']}/readyz", f"{ports['room']}/healthz", f"{ports['web']}/log/policy"):
            wait_for(path, lambda path=path: answers(f"http://localhost:{path}"), seconds=60)
        told = httpx.get(f"http://localhost:{ports['web']}/time", headers={"Accept": "application/json"}).json()
        assert told["is_demo"] is False
