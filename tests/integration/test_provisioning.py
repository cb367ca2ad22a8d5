"""The services that other tests stand on are really there, under one worker or several."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import psycopg
import redis

from tests.support import guard, services
from tests.support.postgres import make_url


def test_each_test_has_an_empty_postgres_database_of_its_own(postgres_url: str) -> None:
    address = make_url(postgres_url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address) as connection:
        connection.execute("CREATE TABLE written (n int)")
        tables = connection.execute("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").fetchone()
        encoding = connection.execute("SHOW server_encoding").fetchone()
    assert tables == (1,)
    assert encoding == ("UTF8",)


def test_a_second_test_does_not_see_what_the_first_wrote(postgres_url: str) -> None:
    test_each_test_has_an_empty_postgres_database_of_its_own(postgres_url)


def test_redis_is_there_and_empty(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.dbsize() == 0
        assert client.set("k", "v")
        assert client.get("k") == b"v"


def test_s3_answers(s3_endpoint: str) -> None:
    with urllib.request.urlopen(s3_endpoint, timeout=10) as answer:  # noqa: S310 (a server of this run)
        assert answer.status == 200


def test_chromium_starts_and_shows_chinese(browser) -> None:
    page = browser.new_page()
    page.set_content("<!doctype html><title>开标</title><h1>开标大厅</h1>")
    assert page.title() == "开标"
    page.close()


def test_a_server_does_not_outlive_a_run_that_is_killed(tmp_path: Path) -> None:
    watched = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    started = tmp_path / "pid"
    server = f"import os, time; open({str(started)!r}, 'w').write(str(os.getpid())); time.sleep(60)"
    command = [sys.executable, str(services.GUARD), str(watched.pid), str(int(signal.SIGTERM)), "-"]
    guarded = subprocess.Popen([*command, sys.executable, "-c", server])
    limit = time.monotonic() + 20
    while not (started.exists() and started.read_text()) and time.monotonic() < limit:
        time.sleep(0.02)
    watched.kill()
    watched.wait()
    assert guarded.wait(timeout=20) == 256 - signal.SIGTERM
    assert not guard.is_alive(int(started.read_text()))
