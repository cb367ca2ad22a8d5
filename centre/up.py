"""``centre up``: one command that brings the whole process group up on a bare data folder, and keeps it up."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from centre import bootstrap, democlock, migrate, tls
from centre.errors import NotADemoFolder
from centre.lockfile import DataFolderLock
from centre.ports import PortPair, describe, pick_ports
from centre.runner import ChildSpec, Runner
from foundation.clock import machine_now
from foundation.settings import Settings
from foundation.store.engine import open_engine, translated
from foundation.web.security import further_hosts

LOOPBACK: Final = "127.0.0.1"
ROLE_NAMES: Final = ("agency", "bidder", "centre", "custodian", "expert", "supervisor", "tenderee", "witness")
"""Each opens as ``<name>.localhost``. OpenSSL and browsers refuse a certificate for ``*.localhost``."""


@dataclass(frozen=True, slots=True)
class UpOptions:
    """What the command line asks for."""

    demo: bool = False
    tls: bool = False
    echo: bool = False
    port: int = 0


def bring_up(settings: Settings, options: UpOptions, say: Callable[[str], None]) -> int:
    """Lock the folder, prepare it, start the children; returns the exit code when the group has ended."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    with DataFolderLock(settings.data_dir) as lock:
        mark_folder(settings, demo=options.demo)
        bootstrap.prepare_folders(settings)
        say("准备数据库 · preparing the database")
        engine = open_engine(settings.database)
        with translated():
            migrate.upgrade(engine)
            if options.demo:
                democlock.create(engine, machine_now())
                democlock.resume(engine)
        engine.dispose()
        ports = pick_ports(host=settings.bind_host, first=options.port or settings.web_port)
        environment = child_environment(settings, options, ports)
        if options.demo:
            say("准备演示中心 · preparing the demonstration centre")
            seed(environment, say)
        specs = group(settings, options, ports, environment)

        def ready() -> None:
            lock.tell(address=f"{'https' if options.tls else 'http'}://localhost:{ports.web}")
            announce(settings, options, ports, say)

        runner = Runner(specs, log_folder=settings.data_dir / "log", say=say, echo=options.echo, on_ready=ready)
        return runner.run()


def mark_folder(settings: Settings, *, demo: bool) -> None:
    """A folder is made for demonstration once, at birth, or never."""
    mark = settings.data_dir / bootstrap.DEMO_MARK
    born = (settings.secrets_dir / "log.key").exists()
    if demo and not mark.exists():
        if born:
            raise NotADemoFolder(folder=settings.data_dir.name, wanted="demo")
        mark.write_text("Created for demonstration: nothing here has legal force.\n", encoding="utf-8")
    if not demo and mark.exists():
        raise NotADemoFolder(folder=settings.data_dir.name, wanted="real")


def child_environment(settings: Settings, options: UpOptions, ports: PortPair) -> dict[str, str]:
    """What every child is told; addresses of this run only, no secrets."""
    environment = {
        "CENTRE_DATA_DIR": str(settings.data_dir),
        "CENTRE_WEB_PORT": str(ports.web),
        "CENTRE_ROOM_PORT": str(ports.room),
        "CENTRE_DEMO": "1" if options.demo else "0",
        "CENTRE_COSIGNER_URL": f"http://{LOOPBACK}:{free_port()}",
        "PYTHONUNBUFFERED": "1",
    }
    if options.demo:
        environment["CENTRE_BANK_URL"] = f"http://{LOOPBACK}:{free_port()}"
    if options.tls:
        own = ("localhost", *(f"{name}.localhost" for name in ROLE_NAMES), LOOPBACK)
        made = tls.ensure_certificate(settings.secrets_dir, (*own, *further_hosts(settings)), at=machine_now())
        environment["CENTRE_TLS_CERTIFICATE"] = str(made.certificate)
        environment["CENTRE_TLS_KEY"] = str(made.key)
    return environment


def free_port() -> int:
    """A port nobody listens on, for a server that only our own children call."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def group(settings: Settings, options: UpOptions, ports: PortPair, environment: Mapping[str, str]) -> list[ChildSpec]:
    """The children, in the order they are started."""
    scheme = "https" if options.tls else "http"

    def child(
        name: str, *, ready_url: str = "", ready_file: Path | None = None, after: tuple[str, ...] = ()
    ) -> ChildSpec:
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "centre", name]
        if ready_file is not None:
            argv += ["--ready-file", str(ready_file)]
        return ChildSpec(
            name=name, argv=argv, ready_url=ready_url, ready_file=ready_file, after=after, environment=environment
        )

    run = settings.run_dir
    specs = [
        child("cosigner", ready_url=f"{environment['CENTRE_COSIGNER_URL']}/healthz"),
        child("web", ready_url=f"{scheme}://{LOOPBACK}:{ports.web}/healthz"),
        child("room", ready_url=f"{scheme}://{LOOPBACK}:{ports.room}/healthz"),
        child("worker", ready_file=run / "worker.ready"),
    ]
    if options.demo:
        specs += [
            child("bank", ready_url=f"{environment['CENTRE_BANK_URL']}/healthz"),
            child("agents", ready_file=run / "agents.ready", after=("web",)),
            child("bots", ready_file=run / "bots.ready", after=("web", "room")),
        ]
    return specs


def seed(environment: Mapping[str, str], say: Callable[[str], None]) -> None:
    """Fill a fresh demonstration folder (idempotent), in a process of its own so that the runner stays small."""
    import subprocess

    done = subprocess.run(
        [sys.executable, "-m", "centre", "seed-demo"],
        env={**os.environ, **environment},
        check=False,
        capture_output=True,
        text=True,
    )
    for line in done.stdout.splitlines():
        say(line)
    if done.returncode:
        sys.stderr.write(done.stderr)
        raise SystemExit(done.returncode)


def announce(settings: Settings, options: UpOptions, ports: PortPair, say: Callable[[str], None]) -> None:
    """Print the addresses, and the demonstration's accounts."""
    say("")
    for line in describe(ports, machine=socket.gethostname(), tls=options.tls):
        say(line)
    accounts = settings.data_dir / "demo-accounts.txt"
    if options.demo and accounts.exists():
        say("")
        say(accounts.read_text(encoding="utf-8").rstrip())
