"""From a commit to every room process: datagrams on one machine, NOTIFY after the commit between machines.

And what hints cost those who write: sixteen writers with them and without, beside the same NOTIFY inside the
transaction, which PostgreSQL lets commit one at a time.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
from sqlalchemy import event, text

from bench.paired import Line, Table, paired, quantile, verdict
from bench.town import durable_postgres
from foundation.actor import system
from foundation.clock import SystemClock
from foundation.entropy import SystemEntropy
from foundation.hints import Listener, UnixHints
from foundation.store import far_hints
from foundation.store.engine import open_engine
from foundation.store.far_hints import CHANNEL, FarHints, FarListener
from foundation.store.unit import Hints, NoHints, Units

GOAL = "an event from the commit to every room process: p99 <= 10 ms; commits with hints >= 0.9 x without"
LISTENERS = 3
EVENTS = 200
SPACING_SECONDS = 0.01
WRITERS = 16
ROWS = int(os.environ.get("BENCH_ROWS", "2000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
TOPIC = "room"
NEAR, FAR = "datagrams, three processes of this machine", "NOTIFY after the commit, three machines"
WITHOUT, WITH, INSIDE = "no hints", "centre: datagram and NOTIFY after the commit", "NOTIFY inside the transaction"


class Bell:
    """Notes when it rings."""

    def __init__(self) -> None:
        self.rung = threading.Event()
        self.at = 0

    def ring(self) -> None:
        self.at = time.monotonic_ns()
        self.rung.set()


def run() -> list[Table]:
    """Times from commit to ring, and rows a second."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        url = stack.enter_context(durable_postgres())
        engine = open_engine(url, pool_size=WRITERS + 4)
        stack.callback(engine.dispose)
        address = far_hints.address_of(engine)
        if address is None:
            raise AssertionError(url)
        with psycopg.connect(address, autocommit=True) as admin:
            admin.execute("CREATE TABLE rows (id bigserial PRIMARY KEY, body text)")
        run_dir = folder / "run"
        run_dir.mkdir()

        def units(hints: Hints) -> Units:
            return Units(engine, SystemClock(), SystemEntropy(), hints)

        far = FarHints(run_dir, address)
        stack.callback(far.close)
        with near_bells(run_dir) as bells:
            near_ms = times(units(UnixHints(run_dir)), bells)
        with far_bells(folder, address) as bells:
            far_ms = times(units(far), bells)
        figures: dict[str, Callable[[], float]] = {
            WITHOUT: lambda: rate(units(NoHints()), inside=False),
            WITH: lambda: rate(units(far), inside=False),
            INSIDE: lambda: rate(units(NoHints()), inside=True),
        }
        rates = paired(figures, rounds=ROUNDS)
    return [time_table({NEAR: near_ms, FAR: far_ms}), rates.table("Durable commits by 16 writers", "rows/s")]


@contextmanager
def near_bells(run_dir: Path) -> Iterator[list[Bell]]:
    """Listeners of datagrams, each in a thread."""
    over, bells = threading.Event(), [Bell() for _ in range(LISTENERS)]

    def listen(bell: Bell, listener: Listener) -> None:
        while not over.is_set():
            if listener.wait(0.2):
                bell.ring()
        listener.close()

    threads = [
        threading.Thread(target=listen, args=(bell, Listener(run_dir, str(number), (TOPIC,))))
        for number, bell in enumerate(bells)
    ]
    for thread in threads:
        thread.start()
    yield bells
    over.set()
    for thread in threads:
        thread.join()


@contextmanager
def far_bells(folder: Path, address: str) -> Iterator[list[Bell]]:
    """Listeners of NOTIFY, each as on a machine of its own."""
    bells, listeners = [Bell() for _ in range(LISTENERS)], []
    for number, bell in enumerate(bells):
        elsewhere = folder / f"machine-{number}"
        elsewhere.mkdir()
        listeners.append(FarListener(elsewhere, address, bell.ring))
    for bell in bells:
        bell.rung.wait(10)  # it listens
    yield bells
    for listener in listeners:
        listener.close()
    for listener in listeners:
        listener.join()


def times(units: Units, bells: list[Bell]) -> list[float]:
    """Milliseconds from the commit to each bell."""
    taken = []
    for _ in range(EVENTS):
        for bell in bells:
            bell.rung.clear()
        began = write(units, inside=False)
        for bell in bells:
            if not bell.rung.wait(5):
                raise RuntimeError("a hint was lost")
            taken.append((bell.at - began) / 1e6)
        time.sleep(SPACING_SECONDS)
    return taken


def write(units: Units, *, inside: bool) -> int:
    """One durable row; the instant after its commit."""
    committed: list[int] = []
    with units.begin(system("bench")) as unit:
        event.listen(unit.session, "after_commit", lambda _: committed.append(time.monotonic_ns()))
        unit.session.execute(text("INSERT INTO rows (body) VALUES (:body)"), {"body": "x" * 300})
        if inside:
            unit.session.execute(text("SELECT pg_notify(:channel, 'room bench')"), {"channel": CHANNEL})
        unit.topics.add(TOPIC)
    return committed[0]


def rate(units: Units, *, inside: bool) -> float:
    """Rows a second of all writers together."""
    began = time.monotonic()
    with ThreadPoolExecutor(WRITERS) as pool:
        for done in [pool.submit(write, units, inside=inside) for _ in range(ROWS)]:
            done.result()
    return ROWS / (time.monotonic() - began)


def time_table(taken: dict[str, list[float]]) -> Table:
    """p99 of each way, against the first."""
    reference = quantile(taken[NEAR], 0.99)
    lines = []
    for name, found in taken.items():
        p99 = quantile(found, 0.99)
        ratio = p99 / reference
        lines.append(Line(f"{name}, p99 (p50 {quantile(found, 0.5):.2f} ms)", p99, ratio, ratio, ratio))
    note = f"{EVENTS} durable commits on PostgreSQL; from the end of the commit to the last instruction of a listener."
    return Table("From commit to hint", "ms", tuple(lines), note)


def judge(tables: list[Table]) -> list[str]:
    """Both ways in time, and writers not held up."""
    waits, rates = tables
    held = rates.line(WITH).ratio
    return [
        *(
            verdict(f"{line.name.split(',')[0]}: p99 <= 10 ms", is_met=line.median <= 10, found=f"{line.median:.1f} ms")
            for line in waits.lines
        ),
        verdict("commits with hints >= 0.9 x without", is_met=held >= 0.9, found=f"{held:.2f}"),
    ]
