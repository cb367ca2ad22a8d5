"""How many seals a second one process commits and signs, against the bare durable insert of a 300-byte row.

A seal is the whole use case ``submit_seal``: every check, the journal entry, the revision, the signed receipt, the
commit. Its ciphertext was uploaded before, as the rules advise. The bare line inserts a row of 300 bytes and commits,
through the database's own driver, one connection a client, in the same database and as many threads.
"""

from __future__ import annotations

import sqlite3
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

import psycopg
from sqlalchemy.engine import make_url

from bench.paired import Line, Table, paired, quantile, verdict
from bench.town import Prepared, Town, durable_postgres
from foundation.entropy import SystemEntropy

GOAL = "a seal (durable commit + signed receipt), 16 clients, PostgreSQL: >= 0.5 x the bare durable insert, p99 <= 3 x"
CLIENTS = (1, 16)
ROUNDS = 5
SEALS = {1: 16, 16: 64}
"""Seals a round, by clients."""
INSERTS = {1: 200, 16: 1600}
BIDDERS = 16
ROW = 300
DATABASES = ("SQLite", "PostgreSQL")

Act = Callable[[], object]


class Latencies:
    """Seconds of every act, by line, over all rounds."""

    def __init__(self) -> None:
        self.taken: dict[str, list[float]] = {}
        self.cpu: dict[str, float] = {}

    def rate(self, name: str, queues: Sequence[Sequence[Act]]) -> float:
        """Do each queue in a thread of its own, all at once; acts a second."""
        mine: list[list[float]] = [[] for _ in queues]
        gate = threading.Barrier(len(queues) + 1)

        def work(acts: Sequence[Act], taken: list[float]) -> None:
            gate.wait()
            for act in acts:
                began = perf_counter()
                act()
                taken.append(perf_counter() - began)

        threads = [threading.Thread(target=work, args=(acts, taken)) for acts, taken in zip(queues, mine, strict=True)]
        for thread in threads:
            thread.start()
        gate.wait()
        began, cpu = perf_counter(), process_time()
        for thread in threads:
            thread.join()
        seconds = perf_counter() - began
        self.cpu[name] = self.cpu.get(name, 0.0) + process_time() - cpu
        done = sum(len(taken) for taken in mine)
        if done != sum(len(acts) for acts in queues):
            raise AssertionError(f"{name}: {done} done; the others failed")
        self.taken.setdefault(name, []).extend(second for taken in mine for second in taken)
        return done / seconds

    def table(self, title: str, names: Sequence[str]) -> Table:
        """The 99th percentile over all rounds; one ratio, so no range."""
        p99 = [quantile(self.taken[name], 0.99) * 1000 for name in names]
        ratios = [value / p99[0] for value in p99]
        lines = tuple(Line(name, ms, x, x, x) for name, ms, x in zip(names, p99, ratios, strict=True))
        return Table(title, "ms", lines, f"Over {len(self.taken[names[-1]])} seals.")

    def cpu_ms(self, name: str) -> float:
        """Processor time of this process for one act; PostgreSQL's own is not in it."""
        return self.cpu[name] / len(self.taken[name]) * 1000


class Bare:
    """Durable inserts through the driver alone."""

    def __init__(self, clients: int, insert: Callable[[int], Act]) -> None:
        self.queues = [[insert(client)] * (INSERTS[clients] // clients) for client in range(clients)]


@contextmanager
def bare_sqlite(path: Path, clients: int) -> Iterator[Bare]:
    body = SystemEntropy().token(ROW)
    with ExitStack() as stack:
        links = []
        for _ in range(clients):
            link = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
            stack.callback(link.close)
            for pragma in ("journal_mode=WAL", "synchronous=FULL"):
                link.execute(f"PRAGMA {pragma}")
            links.append(link)
        links[0].execute("CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, body BLOB)")
        yield Bare(clients, lambda n: partial(links[n].execute, "INSERT INTO bare (body) VALUES (?)", (body,)))


@contextmanager
def bare_postgres(url: str, clients: int) -> Iterator[Bare]:
    body = SystemEntropy().token(ROW)
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with ExitStack() as stack:
        links = [stack.enter_context(psycopg.connect(address, autocommit=True)) for _ in range(clients)]
        links[0].execute("CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, body bytea)")
        yield Bare(clients, lambda n: partial(links[n].execute, "INSERT INTO bare (body) VALUES (%s)", (body,)))


def seals(town: Town) -> Iterator[Prepared]:
    """Bids of all bidders on one lot after another: neighbours in a queue meet on the same lot."""
    lots = -(-ROUNDS * sum(SEALS.values()) // BIDDERS)
    for _ in range(lots):
        yield from town.prepare(town.open_lot())


def queues_of(waiting: list[Prepared], clients: int) -> list[list[Act]]:
    """The next bids, dealt so that no two clients seal for the same bidder at once."""
    taken = [waiting.pop(0) for _ in range(SEALS[clients])]
    return [[one.hand_in for one in taken[client::clients]] for client in range(clients)]


def run() -> list[Table]:
    """Seals and bare inserts a second, and their p99."""
    tables: list[Table] = []
    with tempfile.TemporaryDirectory(prefix="bench-") as name, durable_postgres() as url:
        path = Path(name) / "sqlite" / "world.db"
        for database in DATABASES:
            is_sqlite = database == "SQLite"
            town = Town(Path(name) / database.lower(), url="" if is_sqlite else url, bidders=BIDDERS)
            waiting = list(seals(town))
            with ExitStack() as stack:
                bare = {
                    clients: stack.enter_context(
                        bare_sqlite(path, clients) if is_sqlite else bare_postgres(url, clients)
                    )
                    for clients in CLIENTS
                }
                tables += measure(database, bare, waiting)
            town.close()
    return tables


def measure(database: str, bare: dict[int, Bare], waiting: list[Prepared]) -> list[Table]:
    latencies = Latencies()
    figures: dict[str, Callable[[], float]] = {}
    for clients in CLIENTS:
        one = bare[clients]
        figures[bare_name(clients)] = lambda one=one, n=clients: latencies.rate(bare_name(n), one.queues)  # type: ignore[misc]
        figures[seal_name(clients)] = lambda n=clients: latencies.rate(seal_name(n), queues_of(waiting, n))  # type: ignore[misc]
    taken = paired(figures, rounds=ROUNDS)
    tables = []
    for clients in CLIENTS:
        names = (bare_name(clients), seal_name(clients))
        bare_cpu, cpu = map(latencies.cpu_ms, names)
        note = f"Processor time in this process: bare {bare_cpu:.2f} ms, seal {cpu:.2f} ms."
        title = f"{database}, {plural(clients)}"
        tables += [taken.table(title, "a second", names, note=note), latencies.table(f"{title}: p99", names)]
    return tables


def plural(clients: int) -> str:
    return f"{clients} client{'s' if clients > 1 else ''}"


def bare_name(clients: int) -> str:
    return f"bare: durable insert of {ROW} bytes, {plural(clients)}"


def seal_name(clients: int) -> str:
    return f"centre: seal, {plural(clients)}"


def judge(tables: list[Table]) -> list[str]:
    """PostgreSQL with 16 clients is what the goal is about; the rest is told."""
    rate, p99 = (table.line(seal_name(16)).ratio for table in tables[-2:])
    return [
        verdict("seals >= 0.5 x bare inserts (PostgreSQL, 16 clients)", is_met=rate >= 0.5, found=f"{rate:.3f}"),
        verdict("p99 of a seal <= 3 x that of a bare insert", is_met=p99 <= 3, found=f"{p99:.0f} x"),
    ]
