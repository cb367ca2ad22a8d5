"""Processor time of one delivery in a room of 2,000 listeners, against a bare server and ``websockets.broadcast``.

The centre's line is the true room process, ``centre room``: frames are appended by the opening's services in a
database, a hint wakes the room, it reads what is new and sends. Everything it does for that is in the figure: the
query, the numbers, the time told every ten seconds; not keep-alive pings, of which the first comes after twenty.
Servers run on one processor, listeners on the other.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from urllib.request import urlopen

import centre.models  # noqa: F401 - every table of the room process
from bench.paired import Line, Rounds, Table, paired, quantile, verdict
from bench.processes import CLIENT_CPU, SERVER_CPU, Child, child
from bid_opening.services import acts, rooms
from foundation.actor import system
from foundation.events.bid_opening import ObjectionAnswered
from foundation.hints import UnixHints
from foundation.store.unit import Units
from tests.support.services import free_port
from tests.support_opening import Opening, make_opening

GOAL = (
    "room of 2,000: <= 1.25 x the processor time of a bare server a delivery, <= 1.35 x deflated, "
    "<= 18 KiB a listener, p99 <= 1 s"
)
PEOPLE = int(os.environ.get("BENCH_PEOPLE", "2000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
FRAMES = 24
SPACING_SECONDS = 0.15
BYTES = 330
BARE, BARE_UV = "bare asyncio, ready frame", "bare, uvloop"
PLAIN, DEFLATED = "websockets.broadcast(), no compression", "websockets.broadcast(), its compression"
ROOM, ROOM_DEFLATED = "centre: room process", "centre: room process, deflated"
CONTEXTS = {BARE: "bare", BARE_UV: "bare-uvloop", PLAIN: "websockets", DEFLATED: "deflated"}
WITH_DEFLATE = {DEFLATED, ROOM_DEFLATED}


@dataclass
class Result:
    """What one kind of server brought, over all rounds."""

    cpu_us: list[float] = field(default_factory=list)
    kib: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    faults: dict[str, int] = field(default_factory=dict)
    reads: int = 0
    """Readings of a socket that brought frames: fewer than frames where some came together."""


class Sender(Protocol):
    """A server with a way to make it send. ``send`` returns the monotonic instant before, in nanoseconds."""

    child: Child
    port: int
    path: str
    head: int

    def send(self, number: int) -> int: ...


class Broadcaster:
    """A server that knows no rooms."""

    path, head = "/", 0

    def __init__(self, server: Child) -> None:
        self.child = server
        self.port = int(server.hear())
        frame = {"seq": 0, "audience": "public", "type": "objection_answered", "data": {"text": ""}}
        self.text = "x" * (BYTES - len(json.dumps(frame)))

    def send(self, number: int) -> int:
        data = {"text": self.text}
        self.child.say(json.dumps({"seq": number, "audience": "public", "type": "objection_answered", "data": data}))
        return int(self.child.hear())


class RoomSender:
    """The room process of the centre, and an opening in which somebody speaks."""

    def __init__(self, server: Child, opening: Opening, port: int) -> None:
        self.child, self.opening, self.port = server, opening, port
        self.units = Units(
            opening.world.engine, opening.world.clock, opening.world.units.entropy, UnixHints(run_dir(opening))
        )
        with self.units.read() as unit:
            self.head = rooms.heads_of(unit, opening.lot.id, ("public",))["public"]
        self.path = f"/rooms/{opening.lot.id}?after=public:{self.head}"

    def send(self, number: int) -> int:
        """Append one frame as an answer in the query phase does; the instant is that before the commit."""
        answer = ObjectionAnswered(
            self.opening.lot.id, self.opening.state.objections[0].id, f"{number:04d} " + "x" * 55
        )
        with self.units.begin(system("bench")) as unit:
            rooms.apply(unit, self.opening.lot.id, (answer,))
            return time.monotonic_ns()


def run_dir(opening: Opening) -> Path:
    return opening.world.runtime.settings.run_dir


def make_room(folder: Path) -> Opening:
    """An opening in its query phase, with one objection."""
    opening = make_opening(folder)
    opening.to_reading()
    opening.act(opening.host, acts.open_query)
    opening.act(opening.bidders[0].actor, acts.raise_objection, "?")
    run_dir(opening).mkdir(parents=True, exist_ok=True)
    return opening


@contextmanager
def room_sender(opening: Opening, *, port: int = 0) -> Iterator[Sender]:
    """The room process; with a ``port`` it is one that others besiege already, and nobody waits until it is there."""
    is_besieged, port = port != 0, port or free_port()
    environment = {
        "CENTRE_DATA_DIR": str(opening.world.folder),
        "DATABASE_URL": opening.world.engine.url.render_as_string(hide_password=False),
        "CENTRE_ROOM_PORT": str(port),
        "CENTRE_LOG_LEVEL": "warning",
    }
    with child(["-m", "centre", "room"], cpu=SERVER_CPU, environment=environment) as server:
        if not is_besieged:
            wait_for(f"http://127.0.0.1:{port}/healthz")
        yield RoomSender(server, opening, port)


@contextmanager
def broadcaster(kind: str) -> Iterator[Sender]:
    with child(["-m", "bench.broadcasters", kind], cpu=SERVER_CPU) as server:
        yield Broadcaster(server)


def wait_for(url: str, seconds: float = 90.0) -> None:
    limit = time.monotonic() + seconds
    while True:
        try:
            with urlopen(url, timeout=2):  # noqa: S310 - our own loopback
                return
        except OSError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.05)


def measure(
    sender: Sender,
    result: Result,
    *,
    is_deflated: bool = False,
    people: int = PEOPLE,
    frames: int = FRAMES,
    spacing_seconds: float = SPACING_SECONDS,
) -> float:
    """Connect everybody, send, count; the processor time of one delivery in µs."""
    server = sender.child
    time.sleep(0.5)
    before = server.memory_kib()
    swarm_arguments = ["-m", "bench.swarm", str(sender.port), sender.path, str(people)]
    swarm_arguments += ["deflate"] if is_deflated else []
    with child(swarm_arguments, cpu=CLIENT_CPU) as swarm:
        if (said := swarm.hear()) != "connected":
            raise RuntimeError(said)
        time.sleep(1.0)
        result.kib.append((server.memory_kib() - before) / people)
        first = sender.head + 1
        cpu, sent, due = server.cpu_seconds(), {}, time.monotonic()
        for number in range(first, first + frames):
            time.sleep(max(0.0, due - time.monotonic()))
            due += spacing_seconds
            sent[number] = sender.send(number)
        swarm.say(f"{first} {frames}")
        told = json.loads(swarm.hear())
        cpu_us = (server.cpu_seconds() - cpu) / people / frames * 1e6
    for fault in ("lost", "doubled", "unordered", "closed", "foreign"):
        result.faults[fault] = result.faults.get(fault, 0) + told[fault]
    result.reads += told["reads"]
    for number, arrivals in told["arrivals"].items():
        result.milliseconds.extend((at - sent[int(number)]) / 1e6 for at in arrivals)
    result.cpu_us.append(cpu_us)
    return cpu_us


def run() -> list[Table]:
    """One table of processor time, one of memory, one of delivery times."""
    results = {name: Result() for name in (*CONTEXTS, ROOM, ROOM_DEFLATED)}

    def bare_round(name: str) -> float:
        with broadcaster(CONTEXTS[name]) as sender:
            return measure(sender, results[name], is_deflated=name in WITH_DEFLATE)

    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        opening = make_room(Path(folder))

        def room_round(name: str) -> float:
            with room_sender(opening) as sender:
                return measure(sender, results[name], is_deflated=name in WITH_DEFLATE)

        figures = {name: (lambda name=name: bare_round(name)) for name in CONTEXTS}
        rooms_ = {name: (lambda name=name: room_round(name)) for name in (ROOM, ROOM_DEFLATED)}
        cpu = paired({**figures, **rooms_}, rounds=ROUNDS)
        opening.world.engine.dispose()
    return [cpu_table(cpu, results), memory_table(results), time_table(results)]


def cpu_table(cpu: Rounds, results: dict[str, Result]) -> Table:
    total = PEOPLE * FRAMES * ROUNDS
    faults = "; ".join(
        f"{name}: " + ", ".join(f"{count} {fault}" for fault, count in result.faults.items())
        for name, result in results.items()
    )
    together = ", ".join(
        f"{name} {len(result.milliseconds) / max(1, result.reads):.2f}" for name, result in results.items()
    )
    note = (
        f"{PEOPLE:,} listeners, {FRAMES} frames of {BYTES} bytes every {SPACING_SECONDS * 1000:.0f} ms, "
        f"{total:,} deliveries a line. Frames that came together are cheaper; frames in one reading: {together}. "
        f"Faults: {faults}."
    )
    return cpu.table("Processor time of a delivery", "µs", note=note)


def memory_table(results: dict[str, Result]) -> Table:
    kib = Rounds({name: result.kib for name, result in results.items()})
    note = "Growth of the server's resident memory from before the first to after the last handshake, by listener."
    return kib.table("Memory of an idle listener", "KiB", note=note)


def time_table(results: dict[str, Result]) -> Table:
    """p50 and p99 over all rounds; the room's start before the commit, the others' at the call."""
    note = (
        "From before the commit (room) or the call (others) to the reading of the frame in the listeners' process, "
        "over all rounds; that process is one of Python too, so these are upper bounds. No ratio is meant for p50."
    )
    lines = []
    reference = quantile(results[BARE].milliseconds, 0.99)
    for name, result in results.items():
        p99 = quantile(result.milliseconds, 0.99)
        p50 = quantile(result.milliseconds, 0.50)
        ratio = p99 / reference
        lines.append(Line(f"{name}, p99 (p50 {p50:.1f} ms)", p99, ratio, ratio, ratio))
    return Table("Time of a delivery", "ms", tuple(lines), note)


def judge(tables: list[Table]) -> list[str]:
    """Processor time, memory, p99, and that nothing was lost, doubled or out of order."""
    cpu, memory, times = tables
    found: list[str] = []
    for name, most, what in ((ROOM, 1.25, "plain"), (ROOM_DEFLATED, 1.35, "deflated")):
        ratio, kib = cpu.line(name).ratio, memory.line(name).median
        p99 = next(line.median for line in times.lines if line.name.startswith(f"{name}, p99"))
        told = faults_of(cpu, name)
        found += [
            verdict(f"{what}: processor time <= {most} x bare", is_met=ratio <= most, found=f"{ratio:.2f}"),
            verdict(f"{what}: memory <= 18 KiB a listener", is_met=kib <= 18, found=f"{kib:.1f} KiB"),
            verdict(f"{what}: p99 of a delivery <= 1 s from the commit", is_met=p99 <= 1000, found=f"{p99:.0f} ms"),
            verdict(f"{what}: each frame once, in order", is_met=is_sound(told), found=told),
        ]
    half = cpu.line(ROOM_DEFLATED).median / cpu.line(DEFLATED).median
    return [
        *found,
        verdict("deflated: <= 0.5 x the library's own compression", is_met=half <= 0.5, found=f"{half:.2f}"),
    ]


def faults_of(cpu: Table, name: str) -> str:
    """What the note says of this line."""
    return cpu.note.rpartition("Faults: ")[2].partition(f"{name}: ")[2].partition(";")[0].rstrip(".")


def is_sound(told: str) -> bool:
    return all(part.startswith("0 ") for part in told.split(", "))
