"""One server of a kind a test run: the first worker that needs it starts it, the others find it.

The run's folder is made by the pytest process that controls the run and is handed to the workers by environment.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

RUN_VARIABLE = "CENTRE_TEST_RUN"
CONTROLLER_VARIABLE = "CENTRE_TEST_CONTROLLER"
GUARD = Path(__file__).with_name("guard.py")


class ServiceMissing(Exception):
    """A service cannot be provisioned here; the text says what a person can do."""


@dataclass(frozen=True)
class Choice:
    """Which of the possible providers a run uses: ``text`` for the header, ``url`` when somebody else runs it."""

    text: str
    url: str = ""


def open_run() -> Path:
    """Make the run's folder. Short, since sockets in it have a limit of 107 bytes; traversable for other users."""
    folder = Path(tempfile.mkdtemp(prefix="centre-tests-"))
    folder.chmod(0o711)
    os.environ[RUN_VARIABLE] = str(folder)
    os.environ[CONTROLLER_VARIABLE] = str(os.getpid())
    return folder


def run_folder() -> Path:
    return Path(os.environ[RUN_VARIABLE])


def close_run(folder: Path) -> None:
    """Stop every server of the run and remove its folder."""
    guards = [int(path.read_text()) for path in folder.glob("*.pid")]
    for pid in guards:
        _signal(pid, signal.SIGTERM)
    limit = time.monotonic() + 10
    while any(_signal(pid, 0) for pid in guards) and time.monotonic() < limit:
        _reap()
        time.sleep(0.05)
    shutil.rmtree(folder, ignore_errors=True)
    os.environ.pop(RUN_VARIABLE, None)


def shared(name: str, start: Callable[[Path], str]) -> str:
    """The address of the run's server ``name``; ``start(folder)`` is called by exactly one worker."""
    run = run_folder()
    record = run / f"{name}.json"
    with (run / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if record.exists():
            found: str = json.loads(record.read_text())
            return found
        folder = run / name
        shutil.rmtree(folder, ignore_errors=True)  # of a start that failed
        folder.mkdir()
        url = start(folder)
        record.write_text(json.dumps(url))
        return url


def launch(name: str, command: Sequence[str], *, stop_with: signal.Signals = signal.SIGTERM, user: str = "-") -> None:
    """Start a server under the guard; what it prints goes to a log in the run's folder."""
    run = run_folder()
    guarded = [sys.executable, "-I", str(GUARD), os.environ[CONTROLLER_VARIABLE], str(int(stop_with)), user, *command]
    with (run / f"{name}.log").open("ab") as log:
        guard = subprocess.Popen(
            guarded, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
    # The guard outlives the worker that started it; it is stopped through its pid file, never through this object.
    guard.returncode = 0
    (run / f"{name}.pid").write_text(str(guard.pid))


def wait_until(name: str, is_ready: Callable[[], bool], *, seconds: float = 60) -> None:
    """Wait for a server to answer; a ServiceMissing with the end of its log when it does not."""
    limit = time.monotonic() + seconds
    while not is_ready():
        if time.monotonic() > limit:
            log = run_folder() / f"{name}.log"
            said = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise ServiceMissing(f"{name} did not start within {seconds:.0f} s; it said:\n{said}")
        time.sleep(0.05)


def accepts_connections(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 80), timeout=1):
            return True
    except OSError:
        return False


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def worker_number() -> int:
    """0 for a single process or gw0, 1 for gw1 …"""
    return int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))


def _signal(pid: int, number: int) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _reap() -> None:
    """Collect guards that were children of this very process (a run without workers)."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass
