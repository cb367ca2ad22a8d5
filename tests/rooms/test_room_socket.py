"""The socket's promise: each audience's frames, in order, each once, whatever breaks, and to nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket as sockets
import threading
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from bid_opening.client import RoomRefused, gather_frames
from bid_opening.presence import PresenceSpan
from bid_opening.room import reader as reading
from bid_opening.room import server as serving
from bid_opening.room.presence import PresenceWriter
from bid_opening.room.reader import Limits
from tests.rooms.conftest import LOT, Book, Hall, until


async def hear(socket: Any, count: int) -> list[dict[str, Any]]:
    """The next ``count`` frames of a plain socket, without time and presence."""
    found: list[dict[str, Any]] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            message = json.loads(await socket.recv())
            if "seq" in message:
                found.append(message)
    return found


async def code_said_by(socket: Any) -> int:
    """Read until the room closes; the code it gives."""
    try:
        async with asyncio.timeout(8):
            async for _ in socket:
                pass
    except ConnectionClosed:
        pass
    return socket.close_code or 0


async def code_of(url: str, token: str = "") -> int:
    """The close code of a connection that is not let in."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with connect(url, additional_headers=headers) as socket:
        return await code_said_by(socket)


def test_a_newcomer_gets_the_hello_then_all_frames_then_live_ones(in_hall, book: Book) -> None:
    book.say("window_opened", "share_released")

    async def story(hall: Hall) -> None:
        async with connect(f"{hall.url}/rooms/{LOT}?after=public:0") as socket:
            hello = json.loads(await socket.recv())["hello"]
            assert hello["heads"] == {"public": 2}
            assert hello["from"] == {"public": 0}
            assert hello["server_time"].startswith("2026-11-24T01:30:0")
            assert [f["seq"] for f in await hear(socket, 2)] == [1, 2]
            book.say("share_released")
            assert [f["seq"] for f in await hear(socket, 1)] == [3]

    in_hall(story)


def test_after_a_drop_exactly_the_missed_frames_come(in_hall, book: Book) -> None:
    book.say(*["share_released"] * 3)

    async def story(hall: Hall) -> None:
        client = hall.client("", "public")
        stream = client.frames()
        first = [await anext(stream) for _ in range(3)]
        await client.drop()
        book.say(*["share_released"] * 4)  # while nobody listens
        second = [await asyncio.wait_for(anext(stream), 10) for _ in range(4)]
        assert first + second == book.written["public"]
        assert client.connections == 2
        await stream.aclose()

    in_hall(story)


def test_two_clients_with_different_drops_end_with_the_same_frames(in_hall, book: Book) -> None:
    async def story(hall: Hall) -> None:
        clients = [hall.client("", "public"), hall.client("", "public")]
        gathered = [asyncio.create_task(gather_frames(client, 60, 20)) for client in clients]
        for step in range(30):
            await asyncio.to_thread(book.say, "share_released", "seal_checked")
            if step % 7 == 3:
                await clients[0].drop()
            if step % 5 == 4:
                await clients[1].drop()
            await asyncio.sleep(0.02)
        one, two = await asyncio.gather(*gathered)
        assert one == two == book.written["public"]
        assert all(client.connections > 1 for client in clients)

    in_hall(story)


def test_frames_written_while_somebody_joins_are_neither_lost_nor_doubled(in_hall, book: Book) -> None:
    async def story(hall: Hall) -> None:
        def write() -> None:
            for _ in range(40):
                book.say("share_released")

        writing = asyncio.create_task(asyncio.to_thread(write))
        clients = [hall.client("", "public") for _ in range(8)]
        gathered = []
        for client in clients:
            gathered.append(asyncio.create_task(gather_frames(client, 40, 20)))
            await asyncio.sleep(0.015)
        await writing
        for frames in await asyncio.gather(*gathered):
            assert [f["seq"] for f in frames] == list(range(1, 41))

    in_hall(story)


def test_each_audience_is_its_own_sequence_and_nobody_gets_anothers(in_hall, book: Book) -> None:
    book.say("window_opened")
    book.say("halt_proposed", audience="staff")
    book.say("share_rejected", audience="bidder:org-1")

    async def story(hall: Hall) -> None:
        host = await gather_frames(hall.client("host"), 2)
        assert sorted((f["audience"], f["seq"]) for f in host) == [("public", 1), ("staff", 1)]
        own = await gather_frames(hall.client("b1"), 2)
        assert sorted((f["audience"], f["seq"]) for f in own) == [("bidder:org-1", 1), ("public", 1)]
        public = hall.client("")
        stream = public.frames()
        assert (await anext(stream))["audience"] == "public"
        book.say("halt_withdrawn", audience="staff")
        book.say("share_released")
        following = await asyncio.wait_for(anext(stream), 5)
        assert (following["audience"], following["seq"]) == ("public", 2)
        await stream.aclose()

    in_hall(story)


@pytest.mark.parametrize(
    ("who", "after", "code"),
    [
        ("", "staff:0", 4401),
        ("", "bidder:org-1:0", 4401),
        ("b9", "bidder:org-1:0", 4403),
        ("b1", "staff:0", 4403),
        ("b9", "bidder:org-9:0", 4403),
        ("host", "bidder:org-1:0", 4403),
        ("", "public:-1", 1008),
        ("", "everything:0", 1008),
    ],
)
def test_an_audience_that_is_not_yours_is_refused(in_hall, who: str, after: str, code: int) -> None:
    async def story(hall: Hall) -> None:
        assert await code_of(f"{hall.url}/rooms/{LOT}?after={after}", who) == code

    in_hall(story)


def test_the_bidder_of_another_lot_may_watch_but_gets_no_seat(in_hall, book: Book) -> None:
    book.say("window_opened")

    async def story(hall: Hall) -> None:
        frames = await gather_frames(hall.client("b9"), 1)
        assert [f["audience"] for f in frames] == ["public"]
        with pytest.raises(RoomRefused) as refused:
            await gather_frames(hall.client("b9", "staff"), 1)
        assert refused.value.code == 4403

    in_hall(story)


def test_an_unknown_room_is_said_to_be_unknown(in_hall) -> None:
    async def story(hall: Hall) -> None:
        assert await code_of(f"{hall.url}/rooms/nowhere") == 4404

    in_hall(story)


def test_a_reader_that_does_not_read_is_cut_and_the_others_get_their_frames(in_hall, book: Book) -> None:
    async def story(hall: Hall) -> None:
        raw = sockets.socket()
        raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4096)
        raw.connect(("127.0.0.1", hall.port))
        raw.sendall(
            f"GET /rooms/{LOT}?after=public:0 HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade"
            "\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        quick = asyncio.create_task(gather_frames(hall.client("", "public"), 120, 20))
        room = None
        while room is None or len(room.readers) < 2:
            await asyncio.sleep(0.01)
            room = hall.server.rooms.get(LOT)
        for _ in range(120):
            await asyncio.to_thread(book.say, "share_released", pad=60_000)
        frames = await quick
        assert [f["seq"] for f in frames] == list(range(1, 121))
        await until(lambda: not room.readers and not hall.server._total)
        raw.close()

    in_hall(story)


def test_what_a_cut_reader_hears_is_the_code(in_hall, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(hall: Hall) -> None:
        async with connect(f"{hall.url}/rooms/{LOT}?after=public:0", max_queue=1) as socket:
            await socket.recv()
            reader = next(iter(hall.server.rooms[LOT].readers))
            monkeypatch.setattr(type(reader._transport), "get_write_buffer_size", lambda _: 10**6, raising=False)
            book.say("share_released")
            assert await code_said_by(socket) == 4408

    in_hall(story)


def test_a_stalled_presence_writer_does_not_stall_the_loop(in_hall, book: Book, runtime: Any) -> None:
    release = threading.Event()
    written: list[Any] = []

    def stuck(unit: Any, edges: Any) -> None:
        release.wait(20)
        written.extend(edges)

    async def story(hall: Hall) -> None:
        stream = hall.client("b1").frames()
        for _ in range(20):
            await asyncio.to_thread(_poke_presence, hall)
        book.say("share_released")
        frame = await asyncio.wait_for(anext(stream), 5)
        assert frame["seq"] == 1
        assert not written
        await stream.aclose()
        release.set()

    # The stuck thread holds a database lock in another file: the frames' own table stays free.
    idle = _NoUnits()
    in_hall(story, presence=PresenceWriter(idle, stuck))  # type: ignore[arg-type]
    assert written
    assert written[0].org_id == "org-1"


def _poke_presence(hall: Hall) -> None:
    hall.server.presence.put(serving.Edge(LOT, "org-1", came=True))


class _NoUnits:
    @contextlib.contextmanager
    def begin(self, _actor: Any) -> Any:
        yield None


def test_presence_is_kept_as_spans_and_shown_to_staff_only_after_the_list(
    in_hall, book: Book, runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "PRESENCE_SECONDS", 0.05)
    book.say("intake_closed")

    async def story(hall: Hall) -> None:
        host = hall.client("host", "staff")
        watching = asyncio.create_task(gather_frames(host, 1))
        bidder = hall.client("b1", "bidder:org-1", "public")
        sitting = bidder.frames()
        await anext(sitting)
        await asyncio.sleep(0.3)
        assert host.presence == {}  # nobody may know who is there before the list is public
        book.say("list_published")
        await anext(sitting)
        await until(lambda: host.presence)
        assert host.presence["bidders"]["org-1"]["online"] is True
        await sitting.aclose()
        await until(lambda: not host.presence["bidders"]["org-1"]["online"])
        book.say("halt_proposed", audience="staff")
        await watching

    in_hall(story)
    with runtime.units.read() as unit:
        spans = unit.session.query(PresenceSpan).all()
    assert [(span.org_id, span.left_at is not None) for span in spans] == [("org-1", True)]


def test_the_room_tells_the_time_and_answers_a_ping(in_hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "TIME_SECONDS", 0.1)

    async def story(hall: Hall) -> None:
        async with connect(f"{hall.url}/rooms/{LOT}") as socket:
            await socket.recv()
            await socket.send('{"ping": 7}')
            said = [json.loads(await socket.recv()) for _ in range(2)]
        assert {"pong", "time"} <= {key for message in said for key in message}
        assert next(m["pong"] for m in said if "pong" in m) == 7
        assert all(m["time"].startswith("2026-11-24T01:30:") for m in said)

    in_hall(story)


@pytest.mark.parametrize(("sends", "code"), [(["x" * 2000], 1009), (['{"ping":1}'] * 40, 4429), (["[" * 900], None)])
def test_a_client_that_talks_too_much_is_closed(in_hall, sends: list[str], code: int | None) -> None:
    async def story(hall: Hall) -> None:
        async with connect(f"{hall.url}/rooms/{LOT}") as socket:
            await socket.recv()
            with contextlib.suppress(ConnectionClosed):
                for text in sends:
                    await socket.send(text)
            if code is None:
                await socket.send('{"ping": 1}')
                assert json.loads(await asyncio.wait_for(socket.recv(), 5))["pong"] == 1
                return
            assert await code_said_by(socket) == code

    in_hall(story)


def test_connections_are_counted_by_address_and_by_session(in_hall) -> None:
    async def story(hall: Hall) -> None:
        url = f"{hall.url}/rooms/{LOT}"
        headers = {"Authorization": "Bearer host"}
        async with contextlib.AsyncExitStack() as open_ones:
            for _ in range(2):
                await (await open_ones.enter_async_context(connect(url, additional_headers=headers))).recv()
            assert await code_of(url, "host") == 4429
            await (await open_ones.enter_async_context(connect(url))).recv()
            assert await code_of(url) == 4429
        await until(lambda: not hall.server._total)
        assert not hall.server._addresses
        assert not hall.server._sessions

    in_hall(story, limits=Limits(per_address=3, per_session=2))


def test_a_revoked_session_loses_its_socket(in_hall, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "SESSION_SECONDS", 0.1)

    async def story(hall: Hall) -> None:
        # No such session row: to the database it is the same as an ended one. The anonymous public stays.
        async with connect(f"{hall.url}/rooms/{LOT}") as public:
            await public.recv()
            assert await code_of(f"{hall.url}/rooms/{LOT}?after=public:0", "b9") == 4401
            pong = await public.ping()
            await asyncio.wait_for(pong, 5)

    in_hall(story)


def test_a_long_history_is_sent_in_pieces_from_memory_and_from_the_table(
    in_hall, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    from bid_opening.room import source

    monkeypatch.setattr(source, "RECENT", 120)
    for _ in range(5):
        book.say(*["share_released"] * 100)

    async def story(hall: Hall) -> None:
        frames = await gather_frames(hall.client("", "public"), 500)
        assert frames == book.written["public"]

    in_hall(story)


def test_a_position_of_another_history_begins_again(in_hall, book: Book) -> None:
    book.say("window_opened")

    async def story(hall: Hall) -> None:
        client = hall.client("", "public")
        client.position.heads = {"public": 50}
        frames = await gather_frames(client, 1)
        assert [f["seq"] for f in frames] == [1]

    in_hall(story)


def test_the_public_costs_no_query_for_each_spectator(in_hall, book: Book, runtime: Any) -> None:
    from sqlalchemy import event

    book.say("window_opened")
    statements: list[str] = []
    event.listen(runtime.units.engine, "before_cursor_execute", lambda *said: statements.append(said[2]))

    async def story(hall: Hall) -> None:
        async with contextlib.AsyncExitStack() as open_ones:
            first = await open_ones.enter_async_context(connect(f"{hall.url}/rooms/{LOT}?after=public:0"))
            await hear(first, 1)
            before = len(statements)
            for _ in range(30):
                socket = await open_ones.enter_async_context(connect(f"{hall.url}/rooms/{LOT}?after=public:0"))
                await hear(socket, 1)
            looks = [s for s in statements[before:] if "room_heads" in s]
            assert len(statements) - before == len(looks)
            assert len(looks) <= 4  # one a second, whatever the number of people

    in_hall(story)


def test_a_small_room_is_not_held_up_by_a_big_one(in_hall, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """The big room's readers are written to in parts; between two parts the small room gets its turn."""
    monkeypatch.setattr("bid_opening.room.channel.CHUNK", 5)
    small = "01940000-0000-7000-8000-00000000000b"
    book.make_room(small)
    order: list[str] = []
    plain = reading.Reader.catch_up

    def noting(self: Any, channel: Any) -> None:
        if channel.head:
            order.append("small" if self in small_readers else "big")
        plain(self, channel)

    small_readers: set[Any] = set()

    async def story(hall: Hall) -> None:
        async with contextlib.AsyncExitStack() as open_ones:
            for _ in range(60):
                await (await open_ones.enter_async_context(connect(f"{hall.url}/rooms/{LOT}"))).recv()
            last = await open_ones.enter_async_context(connect(f"{hall.url}/rooms/{small}"))
            await last.recv()
            small_readers.update(hall.server.rooms[small].readers)
            monkeypatch.setattr(reading.Reader, "catch_up", noting)
            book.say("share_released")
            book.say("share_released", lot=small)
            await hear(last, 1)
        assert "small" in order
        assert order.index("small") < 60

    in_hall(story)
