"""A room of 11,000: how long a frame takes to the last of them, and how they come back when the process is restarted.

The room process is the true one, killed with SIGKILL and started again on its port; the 11,000 know how wide to strew
their return because the room told them. Everybody is a spectator: no login, no query.
"""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from bench.fanout import BARE, CONTEXTS, Result, broadcaster, make_room, measure, room_sender
from bench.paired import Line, Rounds, Table, paired, quantile, verdict
from bench.processes import CLIENT_CPU, child
from bid_opening.room.pulse import spread_ms
from tests.support_opening import Opening

GOAL = "11,000 in one room: p99 told beside bare; all back within 15 s of a restart, <= 350 µs each"
PEOPLE = int(os.environ.get("BENCH_CROWD", "11000"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
FRAMES = 8
SPACING_SECONDS = 1.0
PLAIN, ROOM = "websockets.broadcast(), no compression", "centre: room process, deflated"
NAMES = (BARE, PLAIN, ROOM)


@dataclass
class Returns:
    """What every restart brought."""

    seconds: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    missing: int = 0


def run() -> list[Table]:
    """Processor time and delivery times by server, and the return after a restart."""
    results = {name: Result() for name in NAMES}
    returns = Returns()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        opening = make_room(Path(folder))

        def one(name: str) -> float:
            options = {"people": PEOPLE, "frames": FRAMES, "spacing_seconds": SPACING_SECONDS}
            if name != ROOM:
                with broadcaster(CONTEXTS[name]) as sender:
                    return measure(sender, results[name], **options)  # type: ignore[arg-type]
            with room_sender(opening) as sender:
                return measure(sender, results[name], is_deflated=True, **options)  # type: ignore[arg-type]

        cpu = paired({name: partial(one, name) for name in NAMES}, rounds=ROUNDS)
        for _ in range(ROUNDS):
            come_back(opening, returns)
        opening.world.engine.dispose()
    return [cpu_table(cpu, results), time_table(results), return_table(returns)]


def come_back(opening: Opening, returns: Returns) -> None:
    """Everybody connects, the process is killed, a new one starts, everybody comes back."""
    with room_sender(opening) as before:
        start = before.child.cpu_seconds()  # what a process costs before anybody comes
        arguments = ["-m", "bench.swarm", str(before.port), before.path, str(PEOPLE), "deflate"]
        with child(arguments, cpu=CLIENT_CPU) as swarm:
            if (said := swarm.hear()) != "connected":
                raise RuntimeError(said)
            before.child.process.kill()
            swarm.say(f"return {spread_ms(PEOPLE) / 1000}")
            with room_sender(opening, port=before.port) as after:
                told = json.loads(swarm.hear())
                returns.seconds.append(told["seconds"])
                returns.cpu_us.append((after.child.cpu_seconds() - start) / PEOPLE * 1e6)
                returns.missing += PEOPLE - told["back"]


def cpu_table(cpu: Rounds, results: dict[str, Result]) -> Table:
    faults = "; ".join(f"{name}: {dict(result.faults)}" for name, result in results.items())
    note = f"{PEOPLE:,} listeners, {FRAMES} frames a second apart. Faults: {faults}."
    return cpu.table("Processor time of a delivery in a room of 11,000", "µs", note=note)


def time_table(results: dict[str, Result]) -> Table:
    """p99 of each, against the bare server."""
    reference = quantile(results[BARE].milliseconds, 0.99)
    lines = []
    for name, result in results.items():
        p99, last = quantile(result.milliseconds, 0.99), max(result.milliseconds)
        ratio = p99 / reference
        lines.append(Line(f"{name}, p99 (last {last:.0f} ms)", p99, ratio, ratio, ratio))
    note = "From before the commit (room) or the call (others) to the reading in the listeners' one process."
    return Table("Time of a delivery in a room of 11,000", "ms", tuple(lines), note)


def return_table(returns: Returns) -> Table:
    note = (
        f"From SIGKILL to the last of {PEOPLE:,} being in again, the start of the new process included; processor time "
        f"of that process by listener, without its start. Missing: {returns.missing}."
    )
    lines = (
        Line("seconds until all are back", quantile(returns.seconds, 0.5), 1, 1, 1),
        Line("µs of processor time each", quantile(returns.cpu_us, 0.5), 1, 1, 1),
    )
    return Table("Return after a restart", "s / µs", lines, note)


def judge(tables: list[Table]) -> list[str]:
    """The return, and how the delivery compares."""
    _, times, back = tables
    seconds, micro = (line.median for line in back.lines)
    p99 = times.lines[-1]
    return [
        verdict("all back within 15 s", is_met=seconds <= 15 and "Missing: 0." in back.note, found=f"{seconds:.1f} s"),
        verdict("<= 350 µs of processor time each", is_met=micro <= 350, found=f"{micro:.0f} µs"),
        f"- p99 at {PEOPLE:,}: {p99.median:.0f} ms, {p99.ratio:.2f} x bare",
    ]
