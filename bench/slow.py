"""2,000 slow bodies and 2,000 slow heads hang on web and room: what a page and a bidder at normal speed notice.

The true ``centre web`` and ``centre room``. A probe asks a page twenty times a second on a connection of its own each
time; a bidder uploads 64 MiB. Both first while nobody else is there.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.request import urlopen

from bench.fanout import wait_for
from bench.paired import Line, Table, quantile, verdict
from bench.processes import CLIENT_CPU, SERVER_CPU, child
from bench.uploads import Room, open_room
from foundation.sealing.padding import ciphertext_size, padded_size
from tests.support.services import free_port

GOAL = (
    "2,000 slow bodies + 2,000 slow heads: a page's p99 <= 2 x idle + 50 ms; a normal upload loses <= 10 % of its rate"
)
COUNT = int(os.environ.get("BENCH_SLOW", "2000"))
PROBES = 200
EVERY_SECONDS = 0.05
UPLOAD_MIB = 64
UPLOADS = 3
IDLE, SLOW = "nobody else there", "{count:,} slow bodies, {count:,} slow heads"


@contextmanager
def open_web(room: Room, port: int) -> Iterator[str]:
    """The web process over the room's world; the address of a page."""
    environment = {
        "CENTRE_DATA_DIR": str(room.folder),
        "DATABASE_URL": room.world.engine.url.render_as_string(hide_password=False),
        "STORAGE_URL": f"file://{room.folder / 'objects'}",
        "CENTRE_WEB_PORT": str(port),
        "CENTRE_ROOM_PORT": str(room.port),
        "CENTRE_LOG_LEVEL": "error",
    }
    with child(["-m", "centre", "web"], cpu=SERVER_CPU, environment=environment):
        wait_for(f"http://127.0.0.1:{port}/healthz", seconds=120)
        yield f"http://127.0.0.1:{port}/healthz"


def probe(url: str) -> list[float]:
    """Milliseconds of each answer. Raises OSError where one does not come within ten seconds."""
    taken = []
    for _ in range(PROBES):
        began = time.perf_counter()
        with urlopen(url, timeout=10) as answer:  # noqa: S310 - our own loopback
            answer.read()
        taken.append((time.perf_counter() - began) * 1000)
        time.sleep(EVERY_SECONDS)
    return taken


def upload(room: Room) -> float:
    """MiB a second of one bidder, the median of a few."""
    size = ciphertext_size(padded_size((UPLOAD_MIB << 20) - 8))
    rates = []
    for _ in range(UPLOADS):
        arguments = ["-m", "bench.uploader", str(room.port), room.token, str(size), room.announce(UPLOAD_MIB)]
        with child(arguments, cpu=CLIENT_CPU) as client:
            if client.hear() != "begun":
                raise AssertionError("refused")
            began = time.perf_counter()
            while (said := client.hear()) != "done":
                if not said.startswith("stored"):
                    raise AssertionError(said)
            rates.append(UPLOAD_MIB / (time.perf_counter() - began))
    return sorted(rates)[UPLOADS // 2]


def run() -> list[Table]:
    """Answers of the web, then the upload's rate; each idle and under the crowd."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        port = free_port()
        room = stack.enter_context(open_room(folder / "world", web_port=port))
        url = stack.enter_context(open_web(room, port))
        probe(url)
        answers, rates = [probe(url)], [upload(room)]
        crowd = stack.enter_context(
            child(["-m", "bench.slowpokes", str(port), str(room.port), str(COUNT)], cpu=CLIENT_CPU)
        )
        if crowd.hear() != "ready":
            raise AssertionError("the crowd did not get in")
        answers.append(probe(url))
        rates.append(upload(room))
        crowd.say("")
        made = int(crowd.hear())
    names = (IDLE, SLOW.format(count=COUNT))
    p99 = [quantile(taken, 0.99) for taken in answers]
    p50 = [quantile(taken, 0.5) for taken in answers]
    note = f"p50 {p50[0]:.1f} and {p50[1]:.1f} ms. The crowd made {made:,} connections: who is let go comes again."
    return [
        Table("A page, p99", "ms", lines(names, p99), note),
        Table("A bidder at normal speed", "MiB/s", lines(names, rates)),
    ]


def lines(names: tuple[str, str], found: list[float]) -> tuple[Line, ...]:
    ratios = [value / found[0] for value in found]
    return tuple(Line(name, value, x, x, x) for name, value, x in zip(names, found, ratios, strict=True))


def judge(tables: list[Table]) -> list[str]:
    (idle, slow), (_, rate) = tables[0].lines, tables[1].lines
    return [
        verdict(
            "p99 of a page <= 2 x idle + 50 ms",
            is_met=slow.median <= 2 * idle.median + 50,
            found=f"{slow.median:.0f} ms, idle {idle.median:.0f} ms",
        ),
        verdict("a normal upload keeps >= 0.9 of its rate", is_met=rate.ratio >= 0.9, found=f"{rate.ratio:.2f}"),
    ]
