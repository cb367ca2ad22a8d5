"""What is served to seal with, by hash, and its entry in the public log: written once, and again whenever it changes.

Who fears that a bidder is given another program than everybody else compares the hash of what it got with the log.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import structlog

from foundation.events.publication import ClientReleased
from foundation.journal.read import Entry, read_stream
from foundation.store.unit import Unit
from foundation.version import VERSION
from tendering.clients.modules import ModuleForm, graph_of
from tendering.clients.offline_page import ROOT, offline_encryptor

OFFLINE: Final = "offline-encryptor.html"
ONLINE: Final = "online-modules.txt"
STREAM: Final = "client"
PAGES: Final = (
    "js/kit/kit.js",
    "js/bids/seal-page.js",
    "js/bids/archive-page.js",
    "js/sealing/worker.js",
    "js/bids/workbench.js",
    "js/bids/receipt-page.js",
    "js/room/page.js",
    "js/room/session.js",
)
"""The modules from which everything is loaded that touches a bidder's files and keys online."""

log = structlog.get_logger("clients")


@dataclass(frozen=True, slots=True)
class Served:
    """A program as this process serves it."""

    name: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(frozen=True, slots=True)
class Shown:
    """A program on a page: ``entry_id`` is its entry of the log, "" while what is served is not the logged one."""

    name: str
    sha256: str
    entry_id: str


def online_modules(root: Path = ROOT) -> bytes:
    """One line a module, ``sha256  path`` as sha256sum writes it, sorted by path. Raises ModuleForm, OSError."""
    modules = graph_of(root / "static", PAGES).modules
    lines = [f"{hashlib.sha256(module.text.encode()).hexdigest()}  {path}" for path, module in modules.items()]
    return "".join(f"{line}\n" for line in sorted(lines, key=lambda line: line[66:])).encode()


@cache
def served() -> Mapping[str, Served]:
    """The programs by name; none, with an error in the log file, where the tree cannot give them (tools/vendor.py)."""
    try:
        made = (Served(OFFLINE, offline_encryptor()), Served(ONLINE, online_modules()))
    except (OSError, ModuleForm) as error:
        log.error("clients_not_built", reason=str(error))  # noqa: TRY400 - the reason says it all
        return {}
    return {one.name: one for one in made}


def release(unit: Unit, programs: Mapping[str, Served] | None = None) -> int:
    """Write an entry for each program whose last entry is of other bytes; how many were written."""
    last = logged(unit)
    written = 0
    for one in (served() if programs is None else programs).values():
        entry = last.get(one.name)
        if entry is None or _event(entry).sha256 != one.sha256:
            unit.append(STREAM, ClientReleased(one.name, VERSION, one.sha256, len(one.content)))
            written += 1
    return written


def logged(unit: Unit) -> dict[str, Entry]:
    """The last entry of each program."""
    return {_event(entry).name: entry for entry in read_stream(unit.session, STREAM)}


def shown(unit: Unit) -> tuple[Shown, ...]:
    """The programs for a page, in the order of :func:`served`."""
    last = logged(unit)
    return tuple(
        Shown(
            one.name,
            one.sha256,
            last[one.name].id if one.name in last and _event(last[one.name]).sha256 == one.sha256 else "",
        )
        for one in served().values()
    )


def offline_sha256() -> str:
    """For the tender document; "" where the tree cannot give the program."""
    one = served().get(OFFLINE)
    return one.sha256 if one else ""


def _event(entry: Entry) -> ClientReleased:
    if not isinstance(entry.event, ClientReleased):
        raise TypeError(f"{STREAM}: {entry.event.TYPE}")
    return entry.event
