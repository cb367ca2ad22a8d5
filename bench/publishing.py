"""How many journal entries a second the log takes, up to a checkpoint that is signed and cosigned.

Everything from the committed entry on is in the figure: leaves, tree, durable tiles, signature, the question to the
cosigner over HTTP, its signature, the stored note. The bare line inserts rows of 300 bytes, a hundred a durable commit,
hashes each as a leaf and signs one note a batch twice.
"""

from __future__ import annotations

import hashlib
import sqlite3
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from time import perf_counter, process_time

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bench.paired import Table, paired, verdict
from bench.town import durable_postgres
from foundation.clock import machine_now
from foundation.events.tendering import LotCancelled
from foundation.publication.models import STATE_ROW, LogCheckpoint, LogState
from tests.integration.publication_centre import SYSTEM, Centre, cosigner, make_runtime

GOAL = "journal entries in a signed, cosigned checkpoint: >= 2,000 a second (Tessera on a small machine: 1,500)"
ENTRIES = 5000
STREAMS = 50
ROUNDS = 3
BATCH = 100
ROW = bytes(300)
BARE = "bare: rows of 300 bytes, 100 a durable commit (SQLite), hashed, signed"
DATABASES = ("SQLite", "PostgreSQL")


def run() -> list[Table]:
    """Entries a second of wall time, and of processor time."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        url = stack.enter_context(durable_postgres())
        cpu: dict[str, list[float]] = {}
        figures: dict[str, Callable[[], float]] = {BARE: lambda: timed(BARE, cpu, lambda: bare(folder))}
        for database in DATABASES:
            log = Log(stack, folder / database, "" if database == "SQLite" else url)
            name = line_of(database)
            figures[name] = lambda log=log, name=name: log.published(name, cpu)  # type: ignore[misc]
        taken = paired(figures, rounds=ROUNDS)
    notes = "; ".join(f"{name}: {sum(spent) / len(spent) / ENTRIES * 1e6:.0f} µs" for name, spent in cpu.items())
    return [taken.table("From the journal to the cosigned checkpoint", "entries a second", note=f"CPU each: {notes}.")]


def line_of(database: str) -> str:
    return f"centre: publisher and cosigner, {database}"


def timed(name: str, cpu: dict[str, list[float]], work: Callable[[], None]) -> float:
    wall, spent = perf_counter(), process_time()
    work()
    cpu.setdefault(name, []).append(process_time() - spent)
    return ENTRIES / (perf_counter() - wall)


class Log:
    """A centre's log with a cosigner."""

    def __init__(self, stack: ExitStack, folder: Path, url: str) -> None:
        folder.mkdir()
        server = stack.enter_context(cosigner(folder, make_runtime(folder, url).log_key))
        address = f"http://127.0.0.1:{server.server_address[1]}"
        runtime = make_runtime(folder, url, address)
        self.centre = Centre(runtime, machine_now)
        stack.callback(runtime.units.engine.dispose)

    def published(self, name: str, cpu: dict[str, list[float]]) -> float:
        """Write entries, then publish them; the writing is not counted."""
        units = self.centre.runtime.units
        with units.begin(SYSTEM) as unit:
            for number in range(ENTRIES):
                unit.append(f"lot:{number % STREAMS}", LotCancelled(lot=str(number % STREAMS), why="x" * 120))
        rate = timed(name, cpu, self._publish)
        with units.read(SYSTEM) as unit:
            state = unit.session.get_one(LogState, STATE_ROW)
            newest = unit.session.get_one(LogCheckpoint, state.size)
            if state.published_size != state.size or newest.cosigned_at is None:
                raise AssertionError("the newest checkpoint is not cosigned")
        return rate

    def _publish(self) -> None:
        while self.centre.publisher.round():
            pass


def bare(folder: Path) -> None:
    """What no log can do without."""
    key = Ed25519PrivateKey.from_private_bytes(bytes(32))
    link = sqlite3.connect(folder / "bare.db", isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL"):
        link.execute(f"PRAGMA {pragma}")
    link.execute("CREATE TABLE IF NOT EXISTS leaves (id INTEGER PRIMARY KEY, body BLOB, hash BLOB)")
    for _ in range(ENTRIES // BATCH):
        link.execute("BEGIN IMMEDIATE")
        link.executemany(
            "INSERT INTO leaves (body, hash) VALUES (?, ?)",
            [(ROW, hashlib.sha256(b"\0" + ROW).digest()) for _ in range(BATCH)],
        )
        link.execute("COMMIT")
        for _ in range(2):
            key.sign(ROW)
    link.close()


def judge(tables: list[Table]) -> list[str]:
    """Each database against the goal."""
    rates = [(database, tables[0].line(line_of(database))) for database in DATABASES]
    return [
        verdict(f"{database}: >= 2,000 entries a second", is_met=line.median >= 2000, found=f"{line.median:,.0f}")
        for database, line in rates
    ]
