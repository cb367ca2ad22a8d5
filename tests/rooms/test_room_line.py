"""The line itself: versions, shared deflate, waiting answers, signs of life, and what one reader may cost."""

from __future__ import annotations

import asyncio
import contextlib
import json
import zlib
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Opcode

from bid_opening import client as clients
from bid_opening.client import RoomClient, RoomRefused, gather_frames
from bid_opening.room import channel as channels
from bid_opening.room import polling, pulse, wire
from bid_opening.room import server as serving
from bid_opening.room.reader import Limits, Reader
from bid_opening.room.wire import PACKED, PLAIN, Made, packed_text, raw_text
from foundation import roomwire
from foundation.roomwire import Sequencer, retry_seconds
from tests.rooms.conftest import LOT, Book, Hall, until

NO_CONTEXT = ClientPerMessageDeflateFactory(server_no_context_takeover=True, client_no_context_takeover=True)


def inflated(raw: bytes) -> bytes:
    """The payload of a deflated server frame of less than 64 KiB."""
    start = 4 if raw[1] & 127 == 126 else 2
    return zlib.decompressobj(-wire.WINDOW_BITS).decompress(raw[start:] + b"\x00\x00\xff\xff")


# --- versions ---------------------------------------------------------------------------------------------------------


async def code_and_reason(url: str) -> tuple[int, str]:
    async with connect(url) as socket:
        with contextlib.suppress(ConnectionClosed):
            async with asyncio.timeout(8):
                await socket.recv()
        return socket.close_code or 0, socket.close_reason or ""


@pytest.mark.parametrize(("version", "code"), [("0", 4426), ("2", 4426), ("x", 4426), ("9" * 3000, 1008)])
def test_a_page_of_another_version_is_told_to_reload(in_hall, version: str, code: int) -> None:
    async def story(hall: Hall) -> None:
        assert (await code_and_reason(f"{hall.url}/rooms/{LOT}?v={version}&after=public:0"))[0] == code

    in_hall(story)


def test_the_hello_names_the_version_and_a_client_without_one_speaks_the_first(in_hall, book: Book) -> None:
    async def story(hall: Hall) -> None:
        for query in ("after=public:0", f"v={roomwire.VERSION}&after=public:0"):
            async with connect(f"{hall.url}/rooms/{LOT}?{query}") as socket:
                assert json.loads(await socket.recv())["hello"]["version"] == roomwire.VERSION

    in_hall(story)


def test_an_old_client_stops_after_a_new_room_came_up(in_hall, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    book.say("window_opened")

    async def story(hall: Hall) -> None:
        stream = hall.client("", "public").frames()
        await anext(stream)
        monkeypatch.setattr(roomwire, "OLDEST_VERSION", 2)
        monkeypatch.setattr(roomwire, "VERSION", 2)
        for reader in tuple(hall.server.rooms[LOT].readers):
            reader.cut()
        with pytest.raises(RoomRefused) as refused:
            await asyncio.wait_for(anext(stream), 10)
        assert refused.value.code == 4426
        with pytest.raises(RoomRefused) as refused:
            await anext(hall.client("", "public").polled())
        assert refused.value.code == 4426

    in_hall(story)


# --- shared deflate ---------------------------------------------------------------------------------------------------


def test_a_frame_is_deflated_once_and_says_the_same() -> None:
    text = json.dumps({"seq": 1, "data": {"text": "开标" * 100}}, ensure_ascii=False)
    made = Made(text)
    packed = made.bytes_for(PACKED)
    assert made.bytes_for(PACKED) is packed
    assert packed[0] == 0x80 | 0x40 | Opcode.TEXT
    assert inflated(packed).decode() == text
    assert len(packed) < len(raw_text(text)) / 2
    assert made.bytes_for(PLAIN) == raw_text(text)


def test_what_deflate_does_not_shorten_is_sent_plain() -> None:
    assert packed_text("x") == raw_text("x")


def test_readers_that_deflate_and_those_that_do_not_get_the_same_frames_and_nothing_is_made_twice(
    in_hall, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []
    monkeypatch.setattr(wire, "packed_text", lambda text: made.append(text) or packed_text(text))

    async def story(hall: Hall) -> None:
        url = f"{hall.url}/rooms/{LOT}?after=public:0"
        async with contextlib.AsyncExitStack() as stack:
            options: list[dict[str, Any]] = [
                {"compression": None},
                {},
                {"compression": None, "extensions": [NO_CONTEXT]},
            ]
            sockets = [await stack.enter_async_context(connect(url, **one)) for one in options * 3]
            for socket in sockets:
                await socket.recv()
            written = await asyncio.to_thread(book.say, *["share_released"] * 5, pad=300)
            for socket in sockets:
                heard: list[Any] = []
                while len(heard) < 5:
                    message = json.loads(await asyncio.wait_for(socket.recv(), 5))
                    heard += [message] if "seq" in message else []
                assert heard == written
            codings = sorted(reader.coding for reader in hall.server.rooms[LOT].readers)
            assert codings == [PLAIN] * 3 + [PACKED] * 6

    in_hall(story)
    assert len(made) == 5


def test_a_client_with_a_smaller_window_is_served_plain(in_hall, book: Book) -> None:
    small = ClientPerMessageDeflateFactory(server_max_window_bits=9)
    book.say("window_opened", pad=500)

    async def story(hall: Hall) -> None:
        async with connect(f"{hall.url}/rooms/{LOT}", compression=None, extensions=[small]) as socket:
            assert not socket.protocol.extensions
            await socket.recv()
            assert json.loads(await socket.recv())["type"] == "window_opened"

    in_hall(story)


# --- without a socket -------------------------------------------------------------------------------------------------


def test_a_waiting_request_is_answered_when_there_is_news(in_hall, book: Book) -> None:
    async def story(hall: Hall) -> None:
        client = hall.client("", "public")
        stream = client.polled()
        first = asyncio.create_task(anext(stream))
        await until(lambda: hall.server.rooms.get(LOT) and hall.server.rooms[LOT].pollers == 1)
        assert not first.done()
        written = await asyncio.to_thread(book.say, "share_released", "share_released")
        assert [await asyncio.wait_for(first, 5), await anext(stream)] == written
        assert client.polls == 1
        await stream.aclose()

    in_hall(story)


def test_a_waiting_request_ends_with_nothing_when_nothing_happens(
    in_hall, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(polling, "WAIT_SECONDS", 0.1)
    book.say("window_opened")

    async def story(hall: Hall) -> None:
        async with httpx.AsyncClient() as http:
            answer = await http.get(f"http{hall.url[2:]}/rooms/{LOT}/poll?v=1&after=public:1")
            assert answer.status_code == 200
            body = answer.json()
            assert (body["frames"], body["heads"], body["from"]) == ([], {"public": 1}, {"public": 1})
            old = await http.get(f"http{hall.url[2:]}/rooms/{LOT}/poll?after=public:99")
            assert [frame["seq"] for frame in old.json()["frames"]] == [1]
            assert old.json()["from"] == {"public": 0}
        assert hall.server.rooms[LOT].pollers == 0

    in_hall(story)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{LOT}/poll?after=staff:0", 401),
        ("nowhere/poll?after=public:0", 404),
        (f"{LOT}/poll?after=everything:0", 422),
        (f"{LOT}/poll?v=99", 426),
    ],
)
def test_a_request_that_may_not_wait_is_refused_as_at_the_socket(in_hall, path: str, status: int) -> None:
    async def story(hall: Hall) -> None:
        async with httpx.AsyncClient() as http:
            assert (await http.get(f"http{hall.url[2:]}/rooms/{path}")).status_code == status

    in_hall(story)


def test_where_sockets_are_blocked_the_client_waits_at_the_room_and_comes_back_to_the_socket(
    in_hall, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "SOCKET_AGAIN_SECONDS", 0.3)
    monkeypatch.setattr(polling, "WAIT_SECONDS", 0.2)
    blocked = True
    plain = clients.connect

    def connecting(*given: Any, **more: Any) -> Any:
        if blocked:
            raise OSError("blocked")
        return plain(*given, **more)

    monkeypatch.setattr(clients, "connect", connecting)

    async def story(hall: Hall) -> None:
        nonlocal blocked
        client = hall.client("", "public")
        gathered = asyncio.create_task(gather_frames(client, 20, 25))
        await until(lambda: client.is_polling)
        for _ in range(10):
            await asyncio.to_thread(book.say, "share_released")
        await until(lambda: client.position.heads["public"] == 10)
        assert client.connections == 0
        blocked = False
        await until(lambda: client.connections == 1)
        for _ in range(10):
            await asyncio.to_thread(book.say, "share_released")
        assert await gathered == book.written["public"]
        assert not client.is_polling

    in_hall(story)


# --- one seat, two devices --------------------------------------------------------------------------------------------


def test_a_second_device_takes_over_where_the_first_stood(in_hall, book: Book) -> None:
    book.say(*["share_released"] * 4)
    book.say("share_rejected", audience="bidder:org-1")

    async def story(hall: Hall) -> None:
        first = hall.client("b1")
        stream = first.frames()
        seen = [await asyncio.wait_for(anext(stream), 5) for _ in range(5)]
        second = RoomClient(LOT, room_url=hall.url, token="b1", after=first.position.text())
        await stream.aclose()
        book.say("window_ended")
        book.say("seal_checked", audience="bidder:org-1")
        seen += await gather_frames(second, 2)
        for audience in ("public", "bidder:org-1"):
            assert [f for f in seen if f["audience"] == audience] == book.written[audience]

    in_hall(story)


# --- signs of life ----------------------------------------------------------------------------------------------------


def test_a_seat_that_gives_no_sign_is_cut_and_a_spectator_only_much_later(
    in_hall, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "ASK_SECONDS", 0.05)
    monkeypatch.setattr(pulse, "SEAT_SILENCE", 0.5)

    async def story(hall: Hall) -> None:
        async with contextlib.AsyncExitStack() as stack:
            seat = await stack.enter_async_context(
                connect(f"{hall.url}/rooms/{LOT}", additional_headers={"Authorization": "Bearer b1"}, close_timeout=0.1)
            )
            gallery = await stack.enter_async_context(connect(f"{hall.url}/rooms/{LOT}", close_timeout=0.1))
            for socket in (seat, gallery):
                await socket.recv()
            await asyncio.sleep(1.0)
            assert len(hall.server.rooms[LOT].readers) == 2  # both answer pings
            for socket in (seat, gallery):
                socket.transport.pause_reading()  # the network swallows what the room says
            await until(lambda: len(hall.server.rooms[LOT].readers) == 1)
            (left,) = hall.server.rooms[LOT].readers
            assert left.is_gallery

    in_hall(story)


def test_a_stop_of_the_process_itself_cuts_nobody(in_hall, book: Book) -> None:
    async def story(hall: Hall) -> None:
        async with connect(f"{hall.url}/rooms/{LOT}", additional_headers={"Authorization": "Bearer b1"}) as socket:
            await socket.recv()
            (reader,) = hall.server.rooms[LOT].readers
            reader.connection.heard_at -= 100  # type: ignore[attr-defined]
            hall.server.pulse._asked_at = reader.heard_at
            await hall.server.pulse.ask_lines()
            await socket.ping()
            assert hall.server.rooms[LOT].readers == {reader}

    in_hall(story)


def test_silence_is_found_within_fifteen_seconds_on_both_ends() -> None:
    assert roomwire.SILENT_SECONDS <= 15
    assert pulse.SEAT_SILENCE <= 15
    assert pulse.ASK_SECONDS * 2 < pulse.SEAT_SILENCE
    assert pulse.TIME_SECONDS < roomwire.SILENT_SECONDS


# --- coming back ------------------------------------------------------------------------------------------------------


def test_spectators_are_told_how_wide_to_strew_their_return_and_seats_come_at_once(
    in_hall, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pulse, "SPREAD_MS_PER_READER", 400)
    monkeypatch.setattr(serving, "TIME_SECONDS", 0.1)

    async def story(hall: Hall) -> None:
        headers = {"Authorization": "Bearer b1"}
        async with (
            connect(f"{hall.url}/rooms/{LOT}") as gallery,
            connect(f"{hall.url}/rooms/{LOT}", additional_headers=headers) as seat,
        ):
            assert json.loads(await gallery.recv())["hello"]["spread_ms"] >= 400
            assert json.loads(await seat.recv())["hello"]["spread_ms"] == 0
            await until(lambda: len(hall.server.rooms[LOT].readers) == 2)
            assert (await next_with(gallery, "time", lambda said: said["spread_ms"] == 800))["time"]
            assert "spread_ms" not in await next_with(seat, "time", lambda _: True)

    in_hall(story)


async def next_with(socket: Any, key: str, holds: Any) -> dict[str, Any]:
    async with asyncio.timeout(5):
        while True:
            said = json.loads(await socket.recv())
            if key in said and holds(said):
                return said


def test_waiting_times_double_carry_chance_and_are_bounded() -> None:
    assert [retry_seconds(tries, 0.0) for tries in range(7)] == [0.25, 0.5, 1, 2, 4, 7.5, 7.5]
    assert [retry_seconds(tries, 1.0) for tries in range(7)] == [0.5, 1, 2, 4, 8, 15, 15]
    assert retry_seconds(0, 0.5, spread=8.0) == pytest.approx(0.375 + 4.0)
    assert retry_seconds(1, 0.5, spread=8.0) == retry_seconds(1, 0.5)
    assert pulse.spread_ms(11_000) == 8800
    assert pulse.spread_ms(20_000) == pulse.LONGEST_SPREAD_MS


def test_a_storm_of_returns_costs_no_query_for_each(in_hall, book: Book, runtime: Any) -> None:
    from sqlalchemy import event

    book.say(*["share_released"] * 50)
    statements: list[str] = []

    async def story(hall: Hall) -> None:
        await gather_frames(hall.client("", "public"), 50)
        event.listen(runtime.units.engine, "before_cursor_execute", lambda *said: statements.append(said[2]))
        ahead = [hall.client("", "public") for _ in range(40)]
        for number, client in enumerate(ahead):
            # Some claim to be ahead: they polled elsewhere, or invent it. Neither may make a query each.
            client.position.begin_at({"public": 45 if number % 2 else 60})
        await asyncio.gather(*(gather_frames(client, 5, 20) for client in ahead))

    in_hall(story, limits=Limits(per_address=100))
    assert len(statements) <= 12, statements  # looks of the room itself, one a second or on a hint


# --- what one reader may cost -----------------------------------------------------------------------------------------


def test_a_reader_never_holds_more_than_its_share_of_memory(
    in_hall, book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither a long history nor many frames at once: what waits for a reader that does not read stays bounded."""
    made: list[Reader] = []

    def noting(*given: Any) -> Reader:
        made.append(Reader(*given))
        return made[-1]

    monkeypatch.setattr(serving, "Reader", noting)
    for _ in range(30):
        book.say(*["share_released"] * 4, pad=6000)
    held: list[int] = []

    async def story(hall: Hall) -> None:
        url = f"{hall.url}/rooms/{LOT}?after=public"
        options: dict[str, Any] = {"compression": None, "max_queue": 1, "close_timeout": 0.1}
        async with connect(f"{url}:0", **options) as late, connect(f"{url}:120", **options) as live:
            for socket in (late, live):
                await socket.recv()
            for _ in range(60):
                await asyncio.to_thread(book.say, *["seal_checked"] * 5, pad=6000)
                await asyncio.sleep(0.005)
                held.extend(reader._transport.get_write_buffer_size() for reader in made)

    in_hall(story)
    assert max(held) > 10_000
    assert max(held) <= Limits().pending_bytes


def test_a_burst_beyond_one_share_reaches_whoever_reads_whole_and_in_order(in_hall, book: Book) -> None:
    async def story(hall: Hall) -> None:
        async with connect(f"{hall.url}/rooms/{LOT}?after=public:0", compression=None) as line:
            await line.recv()  # the hello
            await asyncio.to_thread(book.say, *["seal_checked"] * 40, pad=6000)
            told: list[int] = []
            async with asyncio.timeout(60):
                while len(told) < 40:
                    message = json.loads(await line.recv())
                    if "seq" in message:
                        told.append(message["seq"])
        assert told == list(range(1, 41))

    in_hall(story)


def test_pieces_are_bounded_by_bytes_and_by_number() -> None:
    channel = channels.Channel("public")
    channel.append([(number, "x" * 5000) for number in range(1, 51)])
    number, pieces = 0, []
    while number < channel.head:
        number, piece = channel.piece_after(number, PLAIN)
        pieces.append(piece)
    assert max(map(len, pieces)) <= channels.NEAR_BYTES
    assert b"".join(pieces) == channel.bytes_after(0, PLAIN)
    huge = channels.Channel("public")
    huge.append([(1, "x" * 100_000)])
    assert huge.piece_after(0, PLAIN)[0] == 1


def test_a_sequencer_bounds_what_it_keeps_early() -> None:
    order = Sequencer({"public": 0})
    for number in range(2, roomwire.EARLY_LIMIT + 500):
        assert order.accept({"audience": "public", "seq": number}) == []
    assert len(order._early["public"]) == roomwire.EARLY_LIMIT
