"""Slow and stuck bidders stop nobody: two hundred of each kind hang on web and room while one bidder seals.

What counts is that the seal is received and that the slow ones are let go after their limit; nothing is timed.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed

from centre import doorway
from centre.doorway import PageServer
from centre.room import Gate
from foundation.sealing import SEGMENT_BYTES
from foundation.sealing.padding import ciphertext_size, padded_size
from foundation.settings import Settings
from tendering import receiver as receiving
from tendering.bid_rules import AnnouncedPart
from tendering.receiver import CONNECTIONS_PER_ORGANISATION
from tendering.services import uploads
from tests.rooms.serving import RoomThread, free_port
from tests.support.tender_world import TenderWorld, make_world
from tests.support_bids import FILES, Bidder, SealedFiles, make_app, make_bidder, seal_body, token_of

pytestmark = pytest.mark.slow
SLOW = 204
WEB_THREADS = 2
FRAME = 256 * 1024


@dataclass
class Centre:
    world: TenderWorld
    web_port: int
    room_port: int

    def line(self, upload_id: str, token: str) -> connect:
        url = f"ws://localhost:{self.room_port}/uploads/{upload_id}"
        return connect(url, additional_headers={"Authorization": f"Bearer {token}"}, compression=None, proxy=None)


class PatientRoom(RoomThread):
    """The room's loop with the few seconds for a handshake that this test grants."""

    async def _main(self, ready: threading.Event) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        gate = Gate(self.runtime)
        options: dict[str, Any] = {"open_timeout": 4, "max_queue": 2, "compression": None}
        async with serve(
            gate.handle, "localhost", self.port, process_request=gate.process_request, backlog=1024, **options
        ):
            ready.set()
            await self._over.wait()


@pytest.fixture
def centre(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Centre]:
    monkeypatch.setattr(receiving, "IDLE_SECONDS", 4.0)
    monkeypatch.setattr(receiving, "SLOWEST_BYTES_PER_SECOND", 1 << 30)
    monkeypatch.setattr(doorway, "HEAD_SECONDS", 4.0)
    monkeypatch.setattr(doorway, "BODY_SECONDS", 0.0)
    world = make_world(tmp_path)
    room_port = free_port()
    app = make_app(world, room_port=room_port)
    server = PageServer(("127.0.0.1", 0), app, numthreads=WEB_THREADS, timeout=60)
    server.prepare()
    serving = threading.Thread(target=server.serve, daemon=True)
    serving.start()
    settings = Settings(data_dir=tmp_path, web_port=server.bind_addr[1], room_port=room_port)
    settings.run_dir.mkdir(exist_ok=True)
    room = PatientRoom(dataclasses.replace(world.runtime, settings=settings))
    room.start()
    yield Centre(world, server.bind_addr[1], room_port)
    room.stop()
    server.stop()
    serving.join(10)
    world.engine.dispose()


def announce(world: TenderWorld, bidder: Bidder, lot_id: str) -> tuple[str, int]:
    """An upload of one whole segment and more; its id, and the bytes of that segment."""
    sizes = {"price_schedule": 1, "technical": 2 * SEGMENT_BYTES, "commercial": 1}
    sealed = {part: ciphertext_size(padded_size(size)) for part, size in sizes.items()}
    parts = [AnnouncedPart(part, size, -(-size // SEGMENT_BYTES)) for part, size in sealed.items()]
    with world.units.begin(bidder.actor) as unit:
        return uploads.start_upload(unit, lot_id, parts), SEGMENT_BYTES


async def begin_slowly(line: ClientConnection, size: int) -> None:
    """Announce a segment and send little of it."""
    assert "held" in json.loads(await line.recv())
    order = {"part": "technical", "index": 0, "size": size, "sha256": "0" * 64}
    await line.send(json.dumps({"put": order}))
    await line.send(b"x" * 100)


async def drip(lines: list[ClientConnection], pages: list[socket.socket]) -> None:
    """A byte from everybody, again and again, until nobody takes one more."""
    while lines or pages:
        for line in tuple(lines):
            try:
                await line.send(b"x")
            except ConnectionClosed:
                lines.remove(line)
        for page in tuple(pages):
            try:
                page.send(b"x")
            except OSError:
                pages.remove(page)
        await asyncio.sleep(0.2)


async def upload(line: ClientConnection, made: SealedFiles) -> None:
    assert "held" in json.loads(await line.recv())
    for part, segment, block in made.segments():
        order = {"part": part, "index": segment.number, "size": len(block), "sha256": segment.sha256}
        await line.send(json.dumps({"put": order}))
        for at in range(0, len(block), FRAME):
            await line.send(block[at : at + FRAME])
        assert "stored" in json.loads(await line.recv())


def test_a_bid_is_uploaded_and_sealed_while_hundreds_are_slow_and_these_are_let_go(centre: Centre) -> None:
    world = centre.world
    lot = world.open_lot()
    bidder = make_bidder(world)
    made = bidder.seal(lot, files={**FILES, "technical": b"x" * (SEGMENT_BYTES + 1_000_000)})
    with world.units.begin(bidder.actor) as unit:
        upload_id = uploads.start_upload(unit, lot.id, made.announced())
    crowd = [Bidder(world, world.organisation(f"慢{n}", "bidder")) for n in range(SLOW // CONNECTIONS_PER_ORGANISATION)]
    tokens = {one: (token_of(world, who.actor), announce(world, who, lot.id)) for one, who in enumerate(crowd)}
    own = token_of(world, bidder.actor)

    async def story() -> httpx.Response:
        lines: list[ClientConnection] = []
        for token, (slow_id, size) in tokens.values():
            for _ in range(CONNECTIONS_PER_ORGANISATION):
                lines.append(await centre.line(slow_id, token))
                await begin_slowly(lines[-1], size)
        pages = [socket.create_connection(("localhost", centre.web_port)) for _ in range(2 * SLOW)]
        pages += [socket.create_connection(("localhost", centre.room_port)) for _ in range(SLOW)]
        for number, page in enumerate(pages):
            page.sendall(
                b"POST /lots HTTP/1.1\r\nHost: localhost\r\n" + b"Content-Length: 99999\r\n\r\n" * (number % 2)
            )
        everybody = list(pages)
        dripping = asyncio.create_task(drip(list(lines), pages))
        async with centre.line(upload_id, own) as line:
            await upload(line, made)
        headers = {"Authorization": f"Bearer {own}", "Accept": "application/json"}
        async with httpx.AsyncClient(trust_env=False, timeout=60, headers=headers) as web:
            url = f"http://localhost:{centre.web_port}/lots/{lot.id}/seals"
            answer = await web.post(url, json=seal_body(made, upload_id))
        await asyncio.wait_for(dripping, 60)
        for page in everybody:
            page.close()
        await asyncio.gather(*(line.close() for line in lines))
        return answer

    answer = asyncio.run(story())
    assert answer.status_code == 201, answer.text
    assert answer.json()["receipt_number"].startswith("HZ-")
    assert list((world.folder / "objects" / ".incoming").iterdir()) == []
