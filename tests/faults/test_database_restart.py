"""The story on a PostgreSQL that crashes and comes back at every stage: nothing is lost, nothing is there twice."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from foundation.clock import monotonic, pause
from sandbox.clients.http import wait_for
from sandbox.story import StoryOptions, play, stages
from sandbox.story_centre import Started, started_centre
from tests.support import postgres
from tests.support.told import assert_nothing_twice, assert_told

pytestmark = [pytest.mark.slow, pytest.mark.postgres, pytest.mark.timeout(900)]
BIDDERS = 3
AWAY_SECONDS = 1.0
INTO_STAGE_SECONDS = 0.4


class Server:
    """A PostgreSQL of this test's own, whose commits are durable."""

    def __init__(self, folder: Path) -> None:
        self._made = postgres.initialise(folder, durable=True)
        self._process: subprocess.Popen[bytes] | None = None
        self._log = folder / "log"
        self.crashes = 0

    @property
    def url(self) -> str:
        return self._made.url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)

    def start(self) -> None:
        as_user: dict[str, Any] = {}
        if self._made.user != "-":
            group = postgres.pwd.getpwnam(self._made.user).pw_gid
            as_user = {"user": self._made.user, "group": group, "extra_groups": []}
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._made.command, stdout=log, stderr=log, **as_user)
        until = monotonic() + 60
        while not self._made.answers():
            assert monotonic() < until, self._log.read_text(errors="replace")[-2000:]
            pause(0.05)

    def crash(self) -> None:
        """SIGQUIT is the "immediate" shutdown: every connection breaks, and the next start recovers from the log."""
        assert self._process is not None
        self._process.send_signal(signal.SIGQUIT)
        self._process.wait(30)
        self.crashes += 1

    def restart(self) -> None:
        self.crash()
        pause(AWAY_SECONDS)
        self.start()

    def stop(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(30)

    def rows(self, statement: str) -> list[tuple[Any, ...]]:
        address = self._made.url.render_as_string(hide_password=False)
        with psycopg.connect(address) as connection:
            return connection.execute(statement.encode()).fetchall()


@pytest.fixture
def server() -> Iterator[Server]:
    # Not below tmp_path: the server runs as another user, and its socket's path is limited to 107 bytes.
    with tempfile.TemporaryDirectory(prefix="centre-pg-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        made = Server(folder)
        made.start()
        yield made
        made.stop()


class Crasher:
    """At every other stage the server is gone when it begins; in the rest it goes in the middle."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._at_work: threading.Thread | None = None
        self._count = 0

    def __call__(self, _stage: str) -> None:
        self.join()
        self._count += 1
        if self._count % 2:
            self._server.crash()
            self._at_work = threading.Timer(AWAY_SECONDS, self._server.start)
        else:
            self._at_work = threading.Timer(INTO_STAGE_SECONDS, self._server.restart)
        self._at_work.start()

    def join(self) -> None:
        if self._at_work is not None:
            self._at_work.join()


def log_of(centre: Started, name: str) -> str:
    return (centre.data_dir / "log" / f"{name}.log").read_text(encoding="utf-8", errors="replace")


def test_a_story_survives_a_database_that_crashes_at_every_stage(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", server.url)
    with started_centre(tmp_path, print) as centre:
        first = {name: centre.child(name) for name in ("web", "room", "worker")}
        crasher = Crasher(server)
        told = play(StoryOptions(centre.url, bidders=BIDDERS), say=print, before=crasher)
        crasher.join()
        assert {name: centre.child(name) for name in first} == first, "all reconnected, none had to be replaced"
        assert "database_away" in log_of(centre, "web"), "while it was away the pages said so"
        assert "bug request=" not in log_of(centre, "web")
    assert server.crashes == len(stages())
    assert_told(told, BIDDERS)
    assert_nothing_twice(server.rows)


def test_without_a_database_pages_answer_503_and_recover_by_themselves(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", server.url)
    with started_centre(tmp_path, print) as centre, httpx.Client(base_url=centre.url, timeout=30) as client:
        signed_in = {"Authorization": f"Bearer {'0' * 64}"}  # shaped like a token, so that the database is asked
        assert client.get("/notices").status_code == 200
        server.crash()
        for path, headers in (("/notices", {}), ("/inbox", signed_in), ("/time", {"Accept": "application/json"})):
            answer = client.get(path, headers=headers)
            assert (path, answer.status_code) == (path, 503)
            assert int(answer.headers["Retry-After"]) > 0
            assert "数据库暂时连接不上" in answer.text
            assert "Traceback" not in answer.text
        assert client.get("/time", headers={"Accept": "application/json"}).json()["code"] == "foundation.database_away"
        assert client.get("/healthz").status_code == 200, "the process itself is well: nobody must restart it"
        assert client.get("/readyz").status_code == 503
        server.start()
        wait_for("the pages", lambda: client.get("/notices").is_success, seconds=30)


def test_a_start_without_a_database_ends_at_once_with_exit_code_5(tmp_path: Path) -> None:
    environment = {**os.environ, "LANG": "zh_CN.UTF-8"} | {
        "DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:1/nothing"
    }
    argv = [sys.executable, "-m", "centre", "up", "--demo", "--data-dir", str(tmp_path / "data")]
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 5
    assert "Traceback" not in done.stderr
    assert "数据库" in done.stderr
