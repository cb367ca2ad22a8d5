"""With few sequences the room asks at once what is new, with many it reads their heads first: listeners see no odds."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import event
from websockets.asyncio.client import connect

from bid_opening.client import gather_frames
from bid_opening.room import server as serving
from bid_opening.room import source as reading
from bid_opening.room import wire as reading_wire
from bid_opening.room.channel import Channel
from bid_opening.room.wire import PLAIN, Made
from tests.rooms.conftest import LOT, Book, Hall, until

OTHER = "01940000-0000-7000-8000-00000000000b"


@pytest.mark.parametrize("few_channels", [0, 50])
@pytest.mark.parametrize("limit", [3, 2000])
def test_every_frame_comes_once_by_both_ways_of_looking(
    in_hall: Callable[..., Any], book: Book, monkeypatch: pytest.MonkeyPatch, few_channels: int, limit: int
) -> None:
    monkeypatch.setattr(serving, "FEW_CHANNELS", few_channels)
    monkeypatch.setattr(serving, "NEWER_LIMIT", limit)
    monkeypatch.setattr(reading, "NEWER_LIMIT", limit)
    book.make_room(OTHER)

    async def story(hall: Hall) -> None:
        here = [asyncio.create_task(gather_frames(hall.client("", "public"), 20, 20)) for _ in range(3)]
        there = asyncio.create_task(gather_frames(hall.client("", "public", lot=OTHER), 20, 20))
        for _ in range(4):
            await asyncio.to_thread(book.say, *["share_released"] * 5)
            await asyncio.to_thread(book.say, *["seal_checked"] * 5, lot=OTHER)
            await asyncio.sleep(0.03)
        for frames in await asyncio.gather(*here):
            assert [(frame["seq"], frame["type"]) for frame in frames] == [(n, "share_released") for n in range(1, 21)]
        assert [(frame["seq"], frame["type"]) for frame in await there] == [(n, "seal_checked") for n in range(1, 21)]

    in_hall(story)


def test_with_few_channels_the_heads_are_not_asked(
    in_hall: Callable[..., Any], book: Book, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []
    original = reading.SqlSource.heads

    def heads(self: reading.SqlSource, lots: Any) -> Any:
        asked.append(lots)
        return original(self, lots)

    monkeypatch.setattr(reading.SqlSource, "heads", heads)

    async def story(hall: Hall) -> None:
        gathered = asyncio.create_task(gather_frames(hall.client("", "public", lot=LOT), 2, 20))
        await asyncio.to_thread(book.say, "share_released", "share_released")
        assert len(await gathered) == 2

    in_hall(story)
    assert asked == []


def test_two_hundred_quiet_rooms_cost_one_small_query_a_look_and_nobody_a_write(
    in_hall: Callable[..., Any], book: Book, runtime: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "LOOK_SECONDS", 0.05)
    lots = [f"01940000-0000-7000-8000-{number:012x}" for number in range(200)]
    for lot in lots:
        if lot != LOT:
            book.make_room(lot)
    statements: list[str] = []

    async def story(hall: Hall) -> None:
        async with contextlib.AsyncExitStack() as stack:
            for lot in lots:
                await (await stack.enter_async_context(connect(f"{hall.url}/rooms/{lot}?after=public:0"))).recv()
            looks = 0
            look = hall.server._look

            async def counting(rooms: Any) -> None:
                nonlocal looks
                looks += 1
                await look(rooms)

            written: list[int] = []
            monkeypatch.setattr(hall.server, "_look", counting)
            monkeypatch.setattr(reading_wire.Made, "bytes_for", lambda _, coding: written.append(coding) or b"")
            event.listen(runtime.units.engine, "before_cursor_execute", lambda *said: statements.append(said[2]))
            await until(lambda: looks >= 8)
            assert len([one for one in statements if "room_heads" in one]) <= looks
            assert [one for one in statements if "room_frames" in one] == []
            assert written == []

    in_hall(story)
    assert statements


def test_a_frame_is_found_from_the_end_whatever_the_history() -> None:
    short, long = Channel("public"), Channel("public")
    short.append([(1, "a"), (2, "b")])
    long.append([(number, "x") for number in range(1, 3001)])
    touched: list[int] = []

    class Counted(deque[Made]):
        def __getitem__(self, place: Any) -> Any:
            touched.append(place)
            return super().__getitem__(place)

    for channel in (short, long):
        channel._frames = Counted(channel._frames)
        touched.clear()
        assert channel.bytes_after(channel.head - 1, PLAIN)
        assert len(touched) == 1
    assert long.texts_after(0, 5) == ["x"] * 5
    assert long.piece_after(2998, PLAIN)[0] == 3000
