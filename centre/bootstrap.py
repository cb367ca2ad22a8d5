"""The composition root: from settings to a Runtime. Every process of the centre is built here."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine

import centre.models
import centre.tasks  # noqa: F401 - registers every listener: whoever appends an event writes the listeners' jobs
from centre import democlock
from foundation.clock import Clock, DemoClock, SystemClock
from foundation.entropy import SystemEntropy
from foundation.hints import UnixHints
from foundation.logs import configure_logging
from foundation.runtime import Runtime
from foundation.settings import Settings
from foundation.storage import open_store
from foundation.store import far_hints
from foundation.store.engine import open_engine
from foundation.store.unit import Hints, Units
from foundation.transparency.keys import Algorithm, load_or_create_key

__all__ = [
    "DEMO_MARK",
    "configure_logging",
    "is_demo_folder",
    "make_clock",
    "make_runtime",
    "prepare_folders",
]

DEMO_MARK = "demo-centre"
"""A file of this name says that the data folder was created for demonstration. No other folder accepts --demo."""


def make_runtime(settings: Settings) -> Runtime:
    """Build the ports of one process."""
    prepare_folders(settings)
    engine = open_engine(settings.database)
    clock = make_clock(settings, engine)
    entropy = SystemEntropy()
    return Runtime(
        settings=settings,
        units=Units(engine, clock, entropy, make_hints(settings, engine)),
        clock=clock,
        objects=open_store(settings.storage),
        log_key=load_or_create_key(settings.secrets_dir / "log.key", settings.log_origin, Algorithm.ED25519, entropy),
        receipt_key=load_or_create_key(
            settings.secrets_dir / "receipt.key", f"{settings.log_origin}/receipt", Algorithm.ED25519, entropy
        ),
        scratch_dir=settings.data_dir / "scratch",
    )


def make_hints(settings: Settings, engine: Engine) -> Hints:
    """Datagrams between processes of this machine, and NOTIFY for other machines on the same PostgreSQL."""
    address = far_hints.address_of(engine)
    return UnixHints(settings.run_dir) if address is None else far_hints.FarHints(settings.run_dir, address)


def prepare_folders(settings: Settings) -> None:
    """Make the data folder's parts; secrets and scratch are for the owner only."""
    for folder in (settings.data_dir, settings.run_dir):
        folder.mkdir(parents=True, exist_ok=True)
    for private in (settings.secrets_dir, settings.data_dir / "scratch"):
        private.mkdir(parents=True, exist_ok=True, mode=0o700)
        private.chmod(0o700)  # a folder that was there already may be wider


def make_clock(settings: Settings, engine: Engine) -> Clock:
    """The demonstration clock where folder and settings both say demo; the machine's clock otherwise."""
    if settings.demo and is_demo_folder(settings.data_dir):
        return DemoClock(lambda: democlock.reader(engine))
    return SystemClock()


def is_demo_folder(data_dir: Path) -> bool:
    return (data_dir / DEMO_MARK).exists()
