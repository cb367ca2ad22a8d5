"""With few sequences the room asks at once what is new, with many it reads their heads first: listeners see no odds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from bid_opening.client import gather_frames
from bid_opening.room import server as serving
from bid_opening.room import source as reading
from tests.rooms.conftest import LOT, Book, Hall

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
