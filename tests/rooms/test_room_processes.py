"""Several room processes behind one PostgreSQL, each as on a machine of its own: the table is the truth."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

from bench.chaos import Chaos
from bid_opening.client import RoomClient, gather_frames
from foundation.clock import SteppingClock, monotonic
from foundation.entropy import SystemEntropy
from foundation.store import far_hints
from foundation.store.far_hints import FarHints, FarListener
from foundation.store.unit import Units
from tests.conftest import ROOT
from tests.rooms.conftest import AT, LOT, Book, open_database, until
from tests.rooms.test_room_killed import free_port

pytestmark = [pytest.mark.postgres, pytest.mark.slow]


@dataclass
class Farm:
    """Room processes that share nothing but the database, and a web process elsewhere that writes."""

    database: str
    folder: Path
    book: Book
    ports: list[int] = field(default_factory=list)
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, number: int) -> None:
        """Start or start again process ``number`` on its own port and in its own run folder."""
        folder = self.folder / f"machine-{number}"
        (folder / "run").mkdir(parents=True, exist_ok=True)
        command = [
            sys.executable,
            "-m",
            "tests.rooms.room_process",
            str(folder),
            str(self.ports[number]),
            self.database,
        ]
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        self.running[number] = process

    def kill(self, number: int) -> None:
        process = self.running[number]
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


@pytest.fixture
def farm(postgres_url: str, tmp_path: Path) -> Iterator[Farm]:
    engine = open_database(tmp_path, postgres_url)
    run_dir = tmp_path / "web" / "run"
    run_dir.mkdir(parents=True)
    address = far_hints.address_of(engine)
    assert address is not None
    hints = FarHints(run_dir, address)
    book = Book(Units(engine, SteppingClock(AT), SystemEntropy(), hints))
    book.make_room()
    made = Farm(postgres_url, tmp_path, book)
    for number in range(2):
        made.ports.append(free_port())
        made.running.append(None)  # type: ignore[arg-type]
        made.start(number)
    yield made
    for number in range(2):
        made.kill(number)
    hints.close()
    engine.dispose()


def test_killing_one_of_two_processes_loses_nothing_and_its_listeners_go_on_at_the_other(farm: Farm) -> None:
    book = farm.book

    async def story() -> None:
        async with Chaos(tuple(farm.ports)) as balancer:
            clients = [RoomClient(LOT, room_url=balancer.url, audiences=("public",)) for _ in range(8)]
            gathered = [asyncio.create_task(gather_frames(client, 60, 150)) for client in clients]
            await until(lambda: all(client.connections for client in clients), 20)
            for number in (0, 1, 0):
                for _ in range(5):
                    await asyncio.to_thread(book.say, "share_released", "seal_checked")
                farm.kill(number)
                for _ in range(5):
                    await asyncio.to_thread(book.say, "share_released", "seal_checked")
                await asyncio.to_thread(farm.start, number)
            for frames in await asyncio.gather(*gathered):
                assert frames == book.written["public"]
            assert sum(client.connections for client in clients) > len(clients)

    asyncio.run(story())


def test_listeners_of_both_processes_see_one_history(farm: Farm) -> None:
    async def story() -> None:
        clients = [RoomClient(LOT, room_url=f"ws://127.0.0.1:{port}", audiences=("public",)) for port in farm.ports]
        gathered = [asyncio.create_task(gather_frames(client, 20, 30)) for client in clients]
        for _ in range(20):
            await asyncio.to_thread(farm.book.say, "share_released")
        one, two = await asyncio.gather(*gathered)
        assert one == two == farm.book.written["public"]
        # A position of one process is a position of the other.
        moved = RoomClient(LOT, room_url=f"ws://127.0.0.1:{farm.ports[1]}", after=clients[0].position.text())
        farm.book.say("window_ended")
        assert await gather_frames(moved, 1) == farm.book.written["public"][-1:]

    asyncio.run(story())


def test_a_hint_reaches_other_machines_and_not_the_own_and_survives_a_lost_line(farm: Farm, tmp_path: Path) -> None:
    engine = farm.book.units.engine
    address = far_hints.address_of(engine)
    assert address is not None
    rung = {name: threading.Semaphore(0) for name in ("here", "there")}
    listeners = []
    for name, folder in (("here", tmp_path / "web" / "run"), ("there", tmp_path / "there")):
        folder.mkdir(exist_ok=True)
        listeners.append(FarListener(folder, address, rung[name].release))
    for bell in rung.values():
        assert bell.acquire(timeout=10)  # listening
    farm.book.say("window_opened")
    assert rung["there"].acquire(timeout=10)
    assert not rung["here"].acquire(timeout=0.5)
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query ~* '^LISTEN|pg_notify' AND pid <> pg_backend_pid()"
        )
    for bell in rung.values():
        assert bell.acquire(timeout=20)  # listening again; what was missed meanwhile is looked for
    until_at = monotonic() + 20
    while not rung["there"].acquire(timeout=0.3):
        assert monotonic() < until_at
        farm.book.say("share_released")  # the sender's line was cut as well: a hint may be lost, the next is not
    for listener in listeners:
        listener.close()
    for listener in listeners:
        listener.join()


def test_a_hint_never_waits_for_a_database_that_is_away(tmp_path: Path) -> None:
    hints = FarHints(tmp_path, "postgresql://nobody@127.0.0.1:1/none")
    for _ in range(100):
        hints.poke(frozenset({"room", "jobs"}))
    assert hints._pending <= {"room"}
    hints.close()


def test_the_look_of_a_process_without_hints_is_enough(farm: Farm, monkeypatch: pytest.MonkeyPatch) -> None:
    """With every hint lost, the other machine still learns of a frame by its look every second."""
    monkeypatch.setattr(FarHints, "poke", lambda *_: None)

    async def story() -> None:
        client = RoomClient(LOT, room_url=f"ws://127.0.0.1:{farm.ports[0]}", audiences=("public",))
        gathered = asyncio.create_task(gather_frames(client, 3, 30))
        await until(lambda: client.connections)
        await asyncio.to_thread(farm.book.say, *["share_released"] * 3)
        assert await gathered == farm.book.written["public"]

    asyncio.run(story())
