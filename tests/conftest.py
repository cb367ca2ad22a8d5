"""Fixtures every suite may use. Services are found or provisioned by ``tests/support``; nothing is skipped silently:
what cannot be had makes the test fail with a hint, and the header says what the run uses.
"""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

from tests.support import chromium, postgres, redis_server, s3_server, services  # noqa: E402

_run = pytest.StashKey[Path]()
_database_numbers = itertools.count()
_prefix_numbers = itertools.count()
SOAK = os.environ.get("SOAK") == "1"

# Machines differ: an example may take its time (pytest-timeout bounds the test), and a failure prints how to repeat it.
settings.register_profile(
    "centre",
    deadline=None,
    print_blob=True,
    max_examples=2000 if SOAK else 100,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("centre")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--no-browser", action="store_true", help="leave out the tests marked browser (stated in the header)"
    )


def pytest_configure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        config.stash[_run] = services.open_run()


def pytest_unconfigure(config: pytest.Config) -> None:
    if (folder := config.stash.get(_run, None)) is not None:
        services.close_run(folder)


def pytest_report_header(config: pytest.Config) -> list[str]:
    lines = []
    for name, provider in (
        ("PostgreSQL", postgres),
        ("Redis", redis_server),
        ("S3", s3_server),
        ("Chromium", chromium),
    ):
        try:
            lines.append(f"{name}: {provider.choose().text}")
        except services.ServiceMissing as missing:
            lines.append(f"{name}: MISSING ({missing})")
    if config.getoption("--no-browser"):
        lines.append("Browser tests: NOT RUN (--no-browser)")
    if SOAK:
        lines.append("Soak: large counts")
    return lines


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _mark_by_fixture(items)
    if config.getoption("--no-browser"):
        left_out = [item for item in items if item.get_closest_marker("browser")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("browser")]


def _mark_by_fixture(items: list[pytest.Item]) -> None:
    """Whoever uses PostgreSQL or Chromium carries the marker without writing it."""
    marks = {"postgres_server": "postgres", "chromium_path": "browser"}
    for item in items:
        for fixture, mark in marks.items():
            if fixture in getattr(item, "fixturenames", ()):
                item.add_marker(mark)


def _or_fail(provide: Callable[[], Any]) -> Any:
    try:
        return provide()
    except services.ServiceMissing as missing:
        pytest.fail(str(missing), pytrace=False)


@pytest.fixture(scope="session")
def postgres_server() -> str:
    """The run's PostgreSQL server (its database ``postgres``). Most tests want ``postgres_url``."""
    return _or_fail(postgres.server_url).render_as_string(hide_password=False)


@pytest.fixture
def postgres_url(postgres_server: str) -> Iterator[str]:
    """An empty database of this test's own, as a SQLAlchemy address (psycopg 3); dropped afterwards."""
    with postgres.database(postgres.make_url(postgres_server), _database_name("test")) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: str) -> Callable[..., object]:
    """Makes databases: ``with postgres_databases(template="…") as url``. A migrated template is copied in 0.1 s."""

    def make(*, template: str = "template0", name: str = "") -> object:
        server = postgres.make_url(postgres_server)
        return postgres.database(server, name or _database_name("made"), template=template)

    return make


def _database_name(kind: str) -> str:
    return (
        f"centre_{kind}_{os.environ[services.CONTROLLER_VARIABLE]}_{services.worker_number()}_{next(_database_numbers)}"
    )


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A Redis database of this worker's own, empty before the test and after it."""
    import redis

    # One more than the worker's number: database 0 of somebody's server is where their data would be.
    url = f"{_or_fail(redis_server.server_url)}/{services.worker_number() + 1}"
    with redis.Redis.from_url(url) as client:
        if os.environ.get(redis_server.VARIABLE) and client.dbsize():
            pytest.fail(f"{url} is not empty; it would be flushed", pytrace=False)
        client.flushdb()
        yield url
        client.flushdb()


@pytest.fixture(scope="session")
def s3_endpoint() -> str:
    """The run's S3 server."""
    return _or_fail(s3_server.endpoint)


@pytest.fixture
def s3_url(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A ``STORAGE_URL`` with a prefix of this test's own. Credentials are in the environment."""
    bucket = os.environ.get("TEST_S3_BUCKET", "centre-tests")
    if not os.environ.get(s3_server.VARIABLE):
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
        s3_server.make_bucket(s3_endpoint, bucket)
    prefix = f"{os.environ[services.CONTROLLER_VARIABLE]}/{services.worker_number()}/{next(_prefix_numbers)}"
    return f"s3://{bucket}/{prefix}?endpoint={s3_endpoint}&region={s3_server.REGION}"


@pytest.fixture(scope="session")
def chromium_path() -> str:
    return _or_fail(chromium.path)


@pytest.fixture(scope="module")
def browser(chromium_path: str) -> Iterator[object]:
    """Chromium under Playwright (sync). One a module: while it is open its event loop owns the thread, and a test of
    another module that calls ``asyncio.run`` would be refused.
    """
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium_path, args=list(chromium.FLAGS))
        yield launched
        launched.close()
