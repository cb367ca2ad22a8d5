"""What receiving ciphertext costs the room process: processor time for a GiB, memory for an upload, by file size.

The centre's line is the true ``centre room``: it asks the database about every segment, hashes it as it comes, writes
it to the store, syncs it, and notes it. The bare line is a loop that reads a socket, hashes and writes to one file,
which it syncs at the end. Both get 8 MiB segments in frames of 256 KiB from a process of the same kind.
"""

from __future__ import annotations

import hashlib
import os
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import cycle
from pathlib import Path

from bench.fanout import wait_for
from bench.paired import Rounds, Table, paired, verdict
from bench.processes import CLIENT_CPU, SERVER_CPU, Child, child
from foundation.sealing import SEGMENT_BYTES
from foundation.sealing.padding import ciphertext_size, padded_size
from tendering.bid_rules import AnnouncedPart
from tendering.receiver import CONNECTIONS_PER_ORGANISATION
from tendering.services import uploads
from tests.support.services import free_port
from tests.support.tender_world import TenderWorld, make_world
from tests.support_bids import Bidder, make_bidder, token_of

GOAL = "sealed upload: <= 2.5 x the processor time of a bare receiver for a GiB, <= 1 MiB of memory for an upload"
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
SMALL_MIB, LARGE_MIB = 64, 512
BIDDERS = 4
TOGETHER = BIDDERS * CONNECTIONS_PER_ORGANISATION
"""Uploads at a time: as many as four organisations may have."""
BARE, ROOM, ROOM_SMALL = "bare: socket, SHA-256, file, fsync", "centre: room process", "centre: small files"
FRAME = 256 * 1024


class Room:
    """A room process over a world with bidders."""

    def __init__(self, folder: Path, server: Child, world: TenderWorld, port: int) -> None:
        self.child, self.world, self.port, self.folder = server, world, port, folder
        self.bidders = [make_bidder(world, f"Bidder {number}") for number in range(BIDDERS)]
        self.lot = world.open_lot()
        self.tokens = [token_of(world, bidder.actor) for bidder in self.bidders]
        self.peaks: dict[tuple[int, int], list[float]] = {}
        """MiB, by size and by how many came together."""

    @property
    def bidder(self) -> Bidder:
        return self.bidders[0]

    @property
    def token(self) -> str:
        return self.tokens[0]

    def announce(self, size_mib: int, number: int = 0) -> str:
        """An upload of one large part by one of the bidders; returns its id."""
        sizes = {"price_schedule": 2, "technical": (size_mib << 20) - 8, "commercial": 2}
        sealed = {part: ciphertext_size(padded_size(size)) for part, size in sizes.items()}
        parts = [AnnouncedPart(part, size, -(-size // SEGMENT_BYTES)) for part, size in sealed.items()]
        with self.world.units.begin(self.bidders[number % BIDDERS].actor) as unit:
            return uploads.start_upload(unit, self.lot.id, parts)

    def receive(self, size_mib: int, together: int = 1) -> float:
        """Seconds of its processor time for a GiB, while ``together`` uploads come at once."""
        ids = [self.announce(size_mib, number) for number in range(together)]
        size = ciphertext_size(padded_size((size_mib << 20) - 8))
        cpu, peak = self.child.cpu_seconds(), 0
        with ExitStack() as stack:
            clients = [
                stack.enter_context(
                    child(["-m", "bench.uploader", str(self.port), token, str(size), one], cpu=CLIENT_CPU)
                )
                for one, token in zip(ids, cycle(self.tokens), strict=False)
            ]
            for client in clients:
                if client.hear() != "begun":
                    raise AssertionError("an upload was refused")
            for client in clients:
                while (said := client.hear()) != "done":
                    if not said.startswith("stored"):
                        raise AssertionError(said)
                    peak = max(peak, self.child.memory_kib())
        spent = self.child.cpu_seconds() - cpu
        self.peaks.setdefault((size_mib, together), []).append(peak / 1024)
        self._forget(ids)
        return spent / (size * together) * (1 << 30)

    def _forget(self, ids: Sequence[str]) -> None:
        for number, one in enumerate(ids):
            with self.world.units.begin(self.bidders[number % BIDDERS].actor) as unit:
                if sum(last - first + 1 for first, last in uploads.held(unit, one)["technical"]) < 1:
                    raise AssertionError("nothing was stored")
                uploads.forget(unit, [one])
            self.world.runtime.objects.delete_prefix(f"sealed/{one}")


@contextmanager
def open_room(folder: Path, *, web_port: int = 0) -> Iterator[Room]:
    """``web_port``: of the pages whose browsers may connect."""
    folder.mkdir()
    world, port = make_world(folder), free_port()
    world.runtime.settings.run_dir.mkdir(parents=True, exist_ok=True)
    environment = {
        "CENTRE_DATA_DIR": str(folder),
        "DATABASE_URL": world.engine.url.render_as_string(hide_password=False),
        "STORAGE_URL": f"file://{folder / 'objects'}",
        "CENTRE_ROOM_PORT": str(port),
        "CENTRE_WEB_PORT": str(web_port or free_port()),
        "CENTRE_LOG_LEVEL": "warning",
    }
    with child(["-m", "centre", "room"], cpu=SERVER_CPU, environment=environment) as server:
        wait_for(f"http://127.0.0.1:{port}/healthz", seconds=120)
        yield Room(folder, server, world, port)
    world.engine.dispose()


def bare_round(folder: Path) -> float:
    """Seconds of the bare receiver's processor time for a GiB."""
    with child(["-m", "bench.uploads", str(folder)], cpu=SERVER_CPU) as server:
        port = int(server.hear())
        cpu, block = server.cpu_seconds(), bytes(FRAME)
        with socket.create_connection(("127.0.0.1", port)) as line:
            for _ in range((LARGE_MIB << 20) // FRAME):
                line.sendall(block)
        if int(server.hear()) != LARGE_MIB << 20:
            raise AssertionError("bytes were lost")
        return (server.cpu_seconds() - cpu) / LARGE_MIB * 1024


def serve_bare(folder: Path) -> None:
    """The bare receiver: one connection, one file."""
    listening = socket.create_server(("127.0.0.1", 0))
    print(listening.getsockname()[1], flush=True)
    line, _ = listening.accept()
    digest, received, buffer = hashlib.sha256(), 0, bytearray(FRAME)
    view = memoryview(buffer)
    with line, (folder / "bare").open("wb", buffering=0) as out:
        while size := line.recv_into(buffer):
            digest.update(view[:size])
            out.write(view[:size])
            received += size
        os.fsync(out.fileno())
    print(received, flush=True)
    sys.stdin.readline()


def run() -> list[Table]:
    """Processor time by GiB; memory by upload."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name, open_room(Path(name) / "world") as room:
        room.receive(SMALL_MIB)  # what is loaded once is not memory of an upload
        room.peaks.clear()
        figures = {
            BARE: lambda: bare_round(Path(name)),
            ROOM: lambda: room.receive(LARGE_MIB),
            ROOM_SMALL: lambda: room.receive(SMALL_MIB),
            "many": lambda: room.receive(SMALL_MIB, TOGETHER),
        }
        taken = paired(figures, rounds=ROUNDS)
        names = {
            (SMALL_MIB, 1): f"one of {SMALL_MIB} MiB",
            (LARGE_MIB, 1): f"one of {LARGE_MIB} MiB",
            (SMALL_MIB, TOGETHER): f"{TOGETHER} of {SMALL_MIB} MiB at once",
        }
        memory = Rounds({name: room.peaks[key] for key, name in names.items()})
    return [
        taken.table("Receiving ciphertext", "CPU s for a GiB", (BARE, ROOM, ROOM_SMALL)),
        memory.table("Peak of the room's resident memory while it receives", "MiB"),
    ]


def judge(tables: list[Table]) -> list[str]:
    cpu, memory = tables
    small, large, many = (line.median for line in memory.lines)
    ratio, each = cpu.line(ROOM).ratio, (many - small) / (TOGETHER - 1)
    return [
        verdict("processor time for a GiB <= 2.5 x bare", is_met=ratio <= 2.5, found=f"{ratio:.2f}"),
        verdict(f"memory <= 1 MiB for each of {TOGETHER} uploads at once", is_met=each <= 1, found=f"{each:.2f} MiB"),
        verdict("memory is flat in file size", is_met=large <= small + 2, found=f"{small:.1f} and {large:.1f} MiB"),
    ]


if __name__ == "__main__":
    serve_bare(Path(sys.argv[1]))
