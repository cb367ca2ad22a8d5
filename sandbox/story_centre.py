"""The demonstration centre a story plays in: a named one, the one of this data folder, or a fresh one of its own."""

from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from foundation.clock import monotonic, pause
from sandbox.errors import CentreAway, NotInTime

START_SECONDS: Final = 90
FIRST_PORT: Final = 10_000
"""Up to 29,999: from 32,768 on Linux gives ports to whoever connects, and takes one while a centre starts again."""
STOP_SECONDS: Final = 30


@dataclass(frozen=True, slots=True)
class Address:
    """Where a centre answers, and the PEM file to trust when it made its certificate itself."""

    url: str
    certificate: Path | None = None


@contextmanager
def open_centre(
    server: str, data_dir: Path, say: Callable[[str], None], certificate: Path | None = None
) -> Iterator[Address]:
    """A running demonstration centre: ``server``, else the one that holds ``data_dir``, else a new one.

    One that was started here is stopped again.

    Raises CentreAway for a named one that does not answer, NotInTime for one that does not come up.
    """
    if server and not is_demo(server, certificate):
        raise CentreAway(url=server)
    found = Address(server, certificate) if server else running_in(data_dir)
    if found is not None:
        yield found
        return
    with (
        tempfile.TemporaryDirectory(prefix="centre-demo-", ignore_cleanup_errors=True) as folder,
        started_centre(Path(folder), say) as started,
    ):
        yield Address(started.url, started.certificate)


def running_in(data_dir: Path) -> Address | None:
    """Where the demonstration centre that holds this data folder answers; None when there is none."""
    try:
        address = str(json.loads((data_dir / "centre.lock").read_text(encoding="utf-8")).get("address", ""))
    except (OSError, ValueError):
        return None
    certificate = certificate_in(data_dir, address)
    return Address(address, certificate) if address and is_demo(address, certificate) else None


def certificate_in(data_dir: Path, url: str) -> Path | None:
    """The certificate that ``centre up --tls`` made in its data folder."""
    return data_dir / "secrets" / "certificate.pem" if url.startswith("https:") else None


@dataclass(frozen=True, slots=True)
class Started:
    """A centre started here. ``pid`` is its runner's, ``data_dir`` its folder."""

    url: str
    pid: int
    data_dir: Path

    @property
    def certificate(self) -> Path | None:
        return certificate_in(self.data_dir, self.url)

    def child(self, name: str) -> int:
        """The process ``centre <name>`` of this centre's own group; 0 while it is not running."""
        for line in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text(encoding="ascii").split():
            try:
                argv = Path(f"/proc/{line}/cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            if argv[1:4] == [b"-m", b"centre", name.encode()]:
                return int(line)
        return 0


@contextmanager
def started_centre(
    folder: Path,
    say: Callable[[str], None],
    program: Sequence[str] = ("-m", "centre"),
    options: Sequence[str] = (),
) -> Iterator[Started]:
    """``centre up --demo OPTIONS`` on ``folder``, stopped when the block is left.

    ``program``: what Python is told to run.
    """
    say("启动演示中心 · starting a demonstration centre")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CENTRE_")}
    environment |= {"PYTHONUNBUFFERED": "1"}
    output = folder / "up.log"
    # Each starter looks for its ports elsewhere: two centres that start in the same second must not pick the same pair.
    first = FIRST_PORT + os.getpid() % 10_000 * 2
    argv = [
        sys.executable,
        *program,
        "up",
        "--demo",
        "--data-dir",
        str(folder / "data"),
        "--port",
        str(first),
        *options,
    ]
    with output.open("wb") as out:
        process = subprocess.Popen(argv, stdout=out, stderr=subprocess.STDOUT, env=environment)
    try:
        yield Started(_wait_for_address(process, output, folder / "data"), process.pid, folder / "data")
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_for_address(process: subprocess.Popen[bytes], output: Path, data_dir: Path) -> str:
    """The printed address, once its pages answer."""
    until = monotonic() + START_SECONDS
    while monotonic() < until:
        text = output.read_text(encoding="utf-8", errors="replace")
        if process.poll() is not None:
            raise NotInTime(what=f"centre up: {text[-2000:]}", seconds=START_SECONDS)
        for word in text.split():
            is_address = word.startswith(("http://localhost:", "https://localhost:"))
            if is_address and is_demo(word, certificate_in(data_dir, word)):
                return word.rstrip("/")
        pause(0.3)
    raise NotInTime(what="centre up", seconds=START_SECONDS)


def is_demo(url: str, certificate: Path | None = None) -> bool:
    """Whether a demonstration centre answers there."""
    try:
        tls = ssl.create_default_context(cafile=str(certificate)) if certificate is not None else True
        address, headers = f"{url.rstrip('/')}/time", {"Accept": "application/json"}
        answer = httpx.get(address, timeout=5, trust_env=False, headers=headers, verify=tls)
        return answer.status_code == httpx.codes.OK and bool(answer.json().get("is_demo"))
    except (httpx.HTTPError, OSError, ValueError):
        return False
