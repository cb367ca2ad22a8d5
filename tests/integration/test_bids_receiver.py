"""The receiving of ciphertext over sockets, as the browser's uploader speaks it; with real connections."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from foundation.actor import PUBLIC, Actor
from foundation.sealing import SEGMENT_BYTES
from tendering import receiver as receiving
from tendering.bid_rules import HeldSegment
from tendering.receiver import UploadReceiver
from tendering.services import seals, uploads
from tests.support.tender_world import OpenLot, TenderWorld, make_world
from tests.support_bids import FILES, Bidder, SealedFiles, make_bidder

FRAME = 256 * 1024


@pytest.fixture
def world(tmp_path: Path) -> TenderWorld:
    return make_world(tmp_path)


@pytest.fixture
def lot(world: TenderWorld) -> OpenLot:
    return world.open_lot()


@pytest.fixture
def bidder(world: TenderWorld) -> Bidder:
    return make_bidder(world)


class Room:
    """The receiver behind a real server; who connects is told by the query."""

    def __init__(self, world: TenderWorld, *people: Actor) -> None:
        self.receiver = UploadReceiver(world.runtime)
        self.people = {str(person.user_id): person for person in people}
        self.port = 0

    async def _handle(self, connection: ServerConnection) -> None:
        assert connection.request is not None
        path, _, who = connection.request.path.partition("?")
        await self.receiver.handle(connection, path.removeprefix("/uploads/"), self.people.get(who, PUBLIC))

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Room]:
        async with serve(self._handle, "127.0.0.1", 0, max_size=FRAME, compression=None) as server:
            self.port = server.sockets[0].getsockname()[1]
            yield self

    def connect(self, upload_id: str, person: Actor | None) -> connect:
        who = str(person.user_id) if person else "nobody"
        return connect(f"ws://127.0.0.1:{self.port}/uploads/{upload_id}?{who}", compression=None)


def announced(world: TenderWorld, bidder: Bidder, lot: OpenLot, made: SealedFiles) -> str:
    with world.units.begin(bidder.actor) as unit:
        return uploads.start_upload(unit, lot.id, made.announced())


async def told(client: ClientConnection) -> dict[str, object]:
    return dict(json.loads(await asyncio.wait_for(client.recv(), 10)))


async def send(client: ClientConnection, part: str, segment: HeldSegment, block: bytes) -> None:
    order = {"part": part, "index": segment.number, "size": segment.size_bytes, "sha256": segment.sha256}
    await client.send(json.dumps({"put": order}))
    for at in range(0, len(block), FRAME):
        await client.send(block[at : at + FRAME])


def held(world: TenderWorld, bidder: Bidder, upload_id: str) -> uploads.Held:
    with world.units.read(bidder.actor) as unit:
        return uploads.held(unit, upload_id)


def test_segments_sent_over_a_socket_become_a_bid(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    made = bidder.seal(lot, files={**FILES, "technical": b"x" * (SEGMENT_BYTES + 5_000_000)})
    upload_id = announced(world, bidder, lot, made)

    async def story() -> None:
        async with Room(world, bidder.actor).open() as room, room.connect(upload_id, bidder.actor) as client:
            assert await told(client) == {"held": {}}
            for part, segment, block in made.segments():
                await send(client, part, segment, block)
                assert await told(client) == {"stored": {"part": part, "index": segment.number}}

    asyncio.run(story())
    assert held(world, bidder, upload_id)["technical"] == [[0, 1]]
    assert isinstance(bidder.submit(bidder.command(lot, made, upload_id)), seals.Acknowledged)


def test_a_broken_connection_is_taken_up_where_it_broke(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    made = bidder.seal(lot)
    upload_id = announced(world, bidder, lot, made)
    (part, segment, block), second, *_ = made.segments()

    async def story() -> None:
        async with Room(world, bidder.actor).open() as room:
            async with room.connect(upload_id, bidder.actor) as client:
                await told(client)
                await send(client, part, segment, block)
                await told(client)
                order = {"part": second[0], "index": 0, "size": second[1].size_bytes, "sha256": second[1].sha256}
                await client.send(json.dumps({"put": order}))
                await client.send(second[2][:100])  # and the line goes
            async with room.connect(upload_id, bidder.actor) as client:
                assert await told(client) == {"held": {part: [[0, 0]]}}
                await send(client, part, segment, block)  # again: fine
                assert "stored" in await told(client)
                await send(client, *second)
                assert "stored" in await told(client)

    asyncio.run(story())
    incoming = list((world.folder / "objects" / ".incoming").iterdir())
    assert incoming == []


def test_damage_and_exchange_are_refused_and_the_connection_goes_on(
    world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    made = bidder.seal(lot)
    upload_id = announced(world, bidder, lot, made)
    part, segment, block = next(made.segments())
    flipped = block[:-1] + bytes([block[-1] ^ 1])
    other = HeldSegment(0, len(flipped), hashlib.sha256(flipped).hexdigest())

    async def story() -> None:
        async with Room(world, bidder.actor).open() as room, room.connect(upload_id, bidder.actor) as client:
            await told(client)
            for sent, bytes_, code in [
                (segment, flipped, "tendering.digest_mismatch"),
                (segment, block, ""),
                (other, flipped, "tendering.segment_differs"),
                (HeldSegment(7, 5, "0" * 64), b"12345", "tendering.segment_refused"),
                (segment, block, ""),
            ]:
                await send(client, part, sent, bytes_)
                answer = await told(client)
                place = {"part": part, "index": sent.number}
                assert answer == ({"refused": {**place, "code": code}} if code else {"stored": place})

    asyncio.run(story())
    assert held(world, bidder, upload_id) == {part: [[0, 0]]}


@pytest.mark.parametrize("who", ["stranger", "nobody", "colleague"])
def test_an_upload_is_there_for_its_own_organisation_only(
    world: TenderWorld, lot: OpenLot, bidder: Bidder, who: str
) -> None:
    upload_id = announced(world, bidder, lot, bidder.seal(lot))
    stranger = make_bidder(world, "乙公司").actor
    colleague = world.person(str(bidder.actor.org_id), "x", ["bidder"], login="colleague")
    person = {"stranger": stranger, "nobody": None, "colleague": colleague}[who]

    async def story() -> dict[str, object]:
        async with Room(world, stranger, colleague).open() as room, room.connect(upload_id, person) as client:
            return await told(client)

    expected = {
        "stranger": {"refused": {"code": "foundation.not_found"}},
        "nobody": {"refused": {"code": "foundation.sign_in_required"}},
        "colleague": {"held": {}},
    }
    assert asyncio.run(story()) == expected[who]


@pytest.mark.parametrize(
    "message",
    ["{", "[]", '{"put":{}}', b"bytes first", '{"put":{"part":"technical","index":0,"size":99999999,"sha256":""}}'],
)
def test_who_does_not_keep_to_the_protocol_is_sent_away(
    world: TenderWorld, lot: OpenLot, bidder: Bidder, message: str | bytes
) -> None:
    upload_id = announced(world, bidder, lot, bidder.seal(lot))

    async def story() -> None:
        async with Room(world, bidder.actor).open() as room, room.connect(upload_id, bidder.actor) as client:
            await told(client)
            await client.send(message)
            assert await told(client) == {"refused": {"code": "tendering.segment_refused"}}
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(client.recv(), 10)

    asyncio.run(story())


def test_slow_bidders_stop_nobody_and_one_organisation_has_its_share_of_connections(
    world: TenderWorld, lot: OpenLot, bidder: Bidder, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = [make_bidder(world, f"慢公司{number}") for number in range(20)]
    made = bidder.seal(lot)
    upload_id = announced(world, bidder, lot, made)
    theirs = [announced(world, one, lot, made) for one in slow]

    async def story() -> None:
        people = [bidder.actor, *(one.actor for one in slow)]
        async with Room(world, *people).open() as room:
            crawling = []
            part, segment, block = next(made.segments())
            for one, its in zip(slow, theirs, strict=True):
                client = await room.connect(its, one.actor)
                await told(client)
                order = {"part": part, "index": 0, "size": segment.size_bytes, "sha256": segment.sha256}
                await client.send(json.dumps({"put": order}))
                await client.send(block[:1])
                crawling.append(client)
            async with room.connect(upload_id, bidder.actor) as client:
                await told(client)
                for one_part, one_segment, one_block in made.segments():
                    await send(client, one_part, one_segment, one_block)
                    assert "stored" in await told(client)
                more = [await room.connect(upload_id, bidder.actor) for _ in range(5)]
                one_too_many = await room.connect(upload_id, bidder.actor)
                with pytest.raises(ConnectionClosed) as closed:
                    await asyncio.wait_for(one_too_many.recv(), 10)
                assert closed.value.rcvd is not None
                assert closed.value.rcvd.code == receiving.CLOSE_TOO_MANY
            for client in (*crawling, *more):
                await client.close()

    asyncio.run(story())


def test_a_silent_connection_is_ended(
    world: TenderWorld, lot: OpenLot, bidder: Bidder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiving, "IDLE_SECONDS", 0.05)
    upload_id = announced(world, bidder, lot, bidder.seal(lot))

    async def story() -> None:
        async with Room(world, bidder.actor).open() as room, room.connect(upload_id, bidder.actor) as client:
            await told(client)
            with pytest.raises(ConnectionClosed):
                await asyncio.wait_for(client.recv(), 10)

    asyncio.run(story())
