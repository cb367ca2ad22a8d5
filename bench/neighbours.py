"""A small room beside a big one in the same process: 10,000 are sent four frames a second, twenty wait for theirs.

Compared with the library's ``broadcast()`` of the same crowd in one call, and with the small room alone.
"""

from __future__ import annotations

import json
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from bench.broadcasters import SMALL
from bench.fanout import RoomSender, broadcaster, make_room, room_sender
from bench.paired import Line, Table, quantile, verdict
from bench.processes import CLIENT_CPU, Child, child
from bid_opening.models import RoomFrame, RoomHead
from bid_opening.services import rooms
from foundation.actor import system
from tests.support_opening import Opening

GOAL = "a small room's p99 <= 50 ms while a room of 10,000 broadcasts at 4 Hz, and <= 1/4 of one call's"
BIG = int(os.environ.get("BENCH_CROWD", "10000"))
FEW = 20
FRAMES = 40
SMALL_SPACING_SECONDS = 0.3
BIG_SPACING_SECONDS = 0.25
ALONE, BESIDE, ONE_CALL = "centre, small room alone", "centre, beside the big room", "websockets.broadcast()"


@dataclass
class Speaker:
    """Two rooms of one server: where to listen, and how to speak in each. ``small`` gives the instant before, in ns."""

    port: int
    big_path: str
    small_path: Callable[[int], str]
    """Where to listen in the small room after a number."""
    big: Callable[[int], int]
    small: Callable[[int], int]
    big_first: int
    small_first: int
    deflate: tuple[str, ...]


@contextmanager
def centre_speaker(opening: Opening) -> Iterator[Speaker]:
    """The room process with the opening and a second, quiet room."""
    lot = opening.world.open_lot()
    with room_sender(opening) as sender:
        assert isinstance(sender, RoomSender)
        with sender.units.begin(system("bench")) as unit:
            rooms.add_room(unit, lot.id)
            unit.session.add(RoomHead(lot_id=lot.id, audience="public", head_seq=0))

        def small(number: int) -> int:
            text = json.dumps({"seq": number, "audience": "public", "type": "share_released", "data": {"seat": 1}})
            with sender.units.begin(system("bench")) as unit:
                head = unit.session.scalars(select(RoomHead).where(RoomHead.lot_id == lot.id)).one()
                head.head_seq = number
                row = RoomFrame(lot_id=lot.id, audience="public", seq=number, type="x", at=unit.at, frame=text)
                unit.session.add(row)
                unit.topics.add(rooms.TOPIC)
                return time.monotonic_ns()

        def small_path(after: int) -> str:
            return f"/rooms/{lot.id}?after=public:{after}"

        yield Speaker(sender.port, sender.path, small_path, sender.send, small, sender.head + 1, 1, ("deflate",))


@contextmanager
def library_speaker() -> Iterator[Speaker]:
    """The library, without compression: its quickest."""
    with broadcaster("websockets") as sender:
        lock = threading.Lock()  # one pipe for two who speak

        def speak(number: int, group: str) -> int:
            began = time.monotonic_ns()  # before the server could hear of it: what holds it up is what is measured
            with lock:
                sender.child.say(group + json.dumps({"seq": number, "data": {"text": "x" * 280}}))
                sender.child.hear()
            return began

        def small(number: int) -> int:
            return speak(number, SMALL)

        yield Speaker(sender.port, "/", lambda _: SMALL, lambda number: speak(number, ""), small, 1, 1, ())


def run() -> list[Table]:
    """The small room's delivery times: alone, beside the big one, and beside one call to all."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        opening = make_room(Path(folder))
        with centre_speaker(opening) as speaker:
            beside, alone = (small_times(speaker, is_loud=is_loud) for is_loud in (True, False))
        opening.world.engine.dispose()
    with library_speaker() as speaker:
        one_call = small_times(speaker, is_loud=True)
    lines = []
    for name, taken in ((ALONE, alone), (BESIDE, beside), (ONE_CALL, one_call)):
        p99 = quantile(taken, 0.99)
        ratio = p99 / quantile(alone, 0.99)
        lines.append(Line(f"{name}, p99 (p50 {quantile(taken, 0.5):.1f} ms)", p99, ratio, ratio, ratio))
    note = (
        f"{FEW} listeners of the small room, {FRAMES} frames; beside it {BIG:,} are sent a frame every "
        f"{BIG_SPACING_SECONDS * 1000:.0f} ms. The small room's listeners read in a process of their own."
    )
    return [Table("Time of a delivery in a small room", "ms", tuple(lines), note)]


def small_times(speaker: Speaker, *, is_loud: bool) -> list[float]:
    """Milliseconds of each delivery in the small room."""
    with ExitStack() as stack:
        crowd = stack.enter_context(listeners(speaker, speaker.big_path, BIG)) if is_loud else None
        few = stack.enter_context(listeners(speaker, speaker.small_path(speaker.small_first - 1), FEW))
        over = threading.Event()
        loud = threading.Thread(target=speak_on, args=(speaker, over))
        if crowd is not None:
            loud.start()
        sent, first = {}, speaker.small_first
        for number in range(first, first + FRAMES):
            sent[number] = speaker.small(number)
            time.sleep(SMALL_SPACING_SECONDS)
        over.set()
        if crowd is not None:
            loud.join()
        few.say(f"{first} {FRAMES}")
        told = json.loads(few.hear())
    if told["lost"]:
        raise RuntimeError(f"{told['lost']} deliveries lost")
    speaker.small_first += FRAMES
    return [(at - sent[int(number)]) / 1e6 for number, arrivals in told["arrivals"].items() for at in arrivals]


def speak_on(speaker: Speaker, over: threading.Event) -> None:
    number = speaker.big_first
    while not over.wait(BIG_SPACING_SECONDS):
        speaker.big(number)
        number += 1


@contextmanager
def listeners(speaker: Speaker, path: str, count: int) -> Iterator[Child]:
    arguments = ["-m", "bench.swarm", str(speaker.port), path, str(count), *speaker.deflate]
    with child(arguments, cpu=CLIENT_CPU) as swarm:
        if (said := swarm.hear()) != "connected":
            raise RuntimeError(said)
        yield swarm


def judge(tables: list[Table]) -> list[str]:
    """In milliseconds, and against one call."""
    _, beside, one_call = (line.median for line in tables[0].lines)
    return [
        verdict("small room's p99 <= 50 ms", is_met=beside <= 50, found=f"{beside:.0f} ms"),
        verdict("<= 1/4 of one call's", is_met=beside <= one_call / 4, found=f"{beside / one_call:.2f}"),
    ]
