"""A bad network around an opening: lines are cut, swallowed and half open, clocks jump, hints are lost (R3.18).

A link that breaks changes no right, loses no event and shows nobody another history. Outages are shortened: what lasts
ninety seconds outside lasts one here, while the civil clock goes ninety on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.server import serve

from bench.chaos import Chaos, Harm
from bid_opening import client as clients
from bid_opening.client import Frame, RoomClient, gather_frames
from bid_opening.room import line, pulse
from bid_opening.room import server as serving
from bid_opening.states import Phase
from centre.room import Gate
from foundation.actor import Actor
from foundation.hints import UnixHints
from tests.rooms.conftest import LOT, Book, Hall, until
from tests.support_bids import token_of
from tests.support_opening import Opening, make_opening

BIDDERS = 4
SPECTATORS = 14
OUTAGE_SECONDS = 1.0


@pytest.fixture
def opening(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Opening]:
    monkeypatch.setattr(serving, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(clients, "SOCKET_AGAIN_SECONDS", 1.0)
    made = make_opening(tmp_path, bids=BIDDERS)
    made.world.runtime.settings.run_dir.mkdir(parents=True, exist_ok=True)
    yield made
    made.world.engine.dispose()


@contextlib.asynccontextmanager
async def gate_of(opening: Opening) -> AsyncIterator[int]:
    """The room process itself, as ``centre room`` serves it; its port."""
    gate = Gate(opening.world.runtime)
    async with serve(gate.handle, "127.0.0.1", 0, process_request=gate.process_request, **line.options()) as server:
        tail = asyncio.create_task(gate.rooms.run())
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            tail.cancel()
            await asyncio.gather(tail, return_exceptions=True)


class Watcher:
    """A client that notes everything it is told."""

    def __init__(self, client: RoomClient) -> None:
        self.client = client
        self.seen: list[Frame] = []
        self.task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        async for frame in self.client.frames():
            self.seen.append(frame)

    def of(self, audience: str) -> list[Frame]:
        return [frame for frame in self.seen if frame["audience"] == audience]

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def audiences(opening: Opening, actor: Actor | None) -> list[str]:
    """What this person is told."""
    if actor is None:
        return ["public"]
    return ["public", "staff"] if actor in {opening.host, opening.supervisor} else ["public", f"bidder:{actor.org_id}"]


async def decrypt_in_an_outage(opening: Opening) -> None:
    people: list[Actor | None] = [opening.host, opening.supervisor, *(one.actor for one in opening.bidders)]
    people += [None] * SPECTATORS
    tokens = [token_of(opening.world, who) if who is not None else "" for who in people]
    async with gate_of(opening) as port, Chaos((port,)) as good, Chaos((port,)) as bad:
        # Three in ten: two seats, the supervisor, and spectators.
        harmed = {1, 2, 3, *range(6, 9)}
        watchers = [
            Watcher(RoomClient(opening.lot.id, room_url=(bad if n in harmed else good).url, token=token))
            for n, token in enumerate(tokens)
        ]
        await until(lambda: all(one.client.connections for one in watchers), 20)
        await asyncio.to_thread(opening.release, 2)
        assert opening.state.phase is Phase.DECRYPTING
        outage = asyncio.create_task(bad.outage(OUTAGE_SECONDS))
        await asyncio.sleep(0)
        opening.world.clock.step(timedelta(seconds=90))
        # A seat without a line acts all the same, by plain requests: its key is taken, its window is the same.
        released = [await asyncio.to_thread(opening.release, index) for index in (0, 1)]
        assert all(one.is_accepted for one in released)
        assert await outage == len(harmed)
        await asyncio.to_thread(opening.release, 3)
        await asyncio.to_thread(opening.look)
        assert opening.state.phase is Phase.WINDOW_CLOSED
        wanted = {who: opening.frames(who) for actor in people for who in audiences(opening, actor)}
        for watcher, actor in zip(watchers, people, strict=True):
            for audience in audiences(opening, actor):
                await until(lambda w=watcher, a=audience: len(w.of(a)) >= len(wanted[a]), 30)
                assert watcher.of(audience) == wanted[audience]
        await until(lambda: all(watchers[n].client.connections >= 2 for n in harmed), 30)
        assert all(one.client.connections == 1 for n, one in enumerate(watchers) if n not in harmed)
        for watcher in watchers:
            await watcher.stop()
    assert all(seat.released_at is not None for seat in opening.state.seats)
    assert opening.state.extensions == 0
    opening.assert_story_holds()


def test_three_in_ten_lose_the_line_for_ninety_seconds_and_no_event_and_no_right(opening: Opening) -> None:
    opening.to_window()
    asyncio.run(asyncio.wait_for(decrypt_in_an_outage(opening), 60))


@pytest.mark.parametrize("harm", [Harm.HOLE, Harm.DEAF])
def test_a_line_that_swallows_is_found_by_both_ends_and_the_history_is_the_same_afterwards(
    in_hall, book: Book, monkeypatch: pytest.MonkeyPatch, harm: Harm
) -> None:
    monkeypatch.setattr(serving, "ASK_SECONDS", 0.1)
    monkeypatch.setattr(serving, "TIME_SECONDS", 0.2)
    monkeypatch.setattr(pulse, "SEAT_SILENCE", 0.8)
    monkeypatch.setattr(clients, "SILENT_SECONDS", 0.8)
    monkeypatch.setattr(clients, "CLOSE_SECONDS", 0.1)

    async def story(hall: Hall) -> None:
        async with Chaos((hall.port,)) as network:
            client = RoomClient(LOT, room_url=network.url, token="b1")
            gathered = asyncio.create_task(gather_frames(client, 40, 25))
            await until(lambda: client.connections == 1)
            for _ in range(10):
                await asyncio.to_thread(book.say, "share_released")
            await until(lambda: client.position.heads["public"] == 10)
            network.harm(harm)
            for _ in range(30):
                await asyncio.to_thread(book.say, "share_released")
            assert await gathered == book.written["public"]
            assert client.connections >= 2
            await until(lambda: len(hall.server.rooms[LOT].readers) <= 1)  # the room let the dead line go as well

    in_hall(story)


def test_a_lost_hint_costs_a_look_and_nothing_else(in_hall, book: Book, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever carries hints (datagrams, NOTIFY) may be killed, emptied or cut off: the table is the truth."""
    monkeypatch.setattr(UnixHints, "poke", lambda *_: None)

    async def story(hall: Hall) -> None:
        gathered = [asyncio.create_task(gather_frames(hall.client("", "public"), 12, 20)) for _ in range(3)]
        for _ in range(4):
            await asyncio.to_thread(book.say, *["share_released"] * 3)
            await asyncio.sleep(0.05)
        for frames in await asyncio.gather(*gathered):
            assert frames == book.written["public"]

    in_hall(story)
    assert serving.LOOK_SECONDS <= 2


@pytest.mark.parametrize("jump", [timedelta(hours=1), timedelta(hours=-1)], ids=["forward", "back"])
def test_a_civil_clock_that_jumps_moves_no_frame_and_is_told(
    in_hall, book: Book, runtime: Any, monkeypatch: pytest.MonkeyPatch, jump: timedelta
) -> None:
    monkeypatch.setattr(serving, "TIME_SECONDS", 0.1)

    async def story(hall: Hall) -> None:
        client = hall.client("", "public")
        stream = client.frames()
        book.say("window_opened")
        seen = [await anext(stream)]
        runtime.clock.set(runtime.clock.now() + jump)
        wanted = runtime.clock.now().isoformat()[:16]
        book.say(*["share_released"] * 3)
        seen += [await asyncio.wait_for(anext(stream), 5) for _ in range(3)]
        await client.drop()
        book.say("window_ended")
        seen.append(await asyncio.wait_for(anext(stream), 10))
        assert seen == book.written["public"]
        assert client.server_time.startswith(wanted)
        await stream.aclose()

    in_hall(story)


def test_one_reader_in_ten_never_reads_and_the_others_get_everything(in_hall, book: Book) -> None:
    async def story(hall: Hall) -> None:
        async with Chaos((hall.port,)) as stuck:
            deaf = [RoomClient(LOT, room_url=stuck.url, audiences=("public",)) for _ in range(3)]
            watching = [asyncio.create_task(gather_frames(client, 60, 25)) for client in deaf]
            await until(lambda: all(client.connections for client in deaf))
            quick = [asyncio.create_task(gather_frames(hall.client("", "public"), 60, 25)) for _ in range(27)]
            for link in stuck.links:
                link.server.transport.pause_reading()  # type: ignore[attr-defined]
            for _ in range(60):
                await asyncio.to_thread(book.say, "share_released", pad=20_000)
            for frames in await asyncio.gather(*quick):
                assert frames == book.written["public"]
            await until(lambda: not hall.server.rooms[LOT].readers)
            for link in tuple(stuck.links):
                link.reset()
            for frames in await asyncio.gather(*watching):  # cut for being slow, back, and nothing is missing
                assert frames == book.written["public"]

    in_hall(story)
