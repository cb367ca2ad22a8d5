"""Spans of presence from real sockets: written by edges and not by pings, ended for a process that was killed."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import event, select, update
from websockets.asyncio.client import connect

from bid_opening.presence import DEAD_SECONDS, PresenceSpan, RoomLife, write_edges
from bid_opening.queries.attendance import spans_of
from bid_opening.room.presence import PresenceWriter, presence_writer
from foundation.actor import system
from foundation.clock import machine_now
from tests.rooms.conftest import AT, LOT, Book, Hall, until
from tests.rooms.test_room_killed import free_port, start

TOKEN = {"Authorization": "Bearer b1"}


def spans(runtime: Any) -> list[PresenceSpan]:
    with runtime.units.read() as unit:
        return list(unit.session.scalars(select(PresenceSpan).order_by(PresenceSpan.came_at)))


@contextmanager
def statements(runtime: Any) -> Iterator[list[str]]:
    """Every statement the database is given meanwhile."""
    heard: list[str] = []
    with runtime.units.read() as unit:
        engine = unit.session.get_bind()

    def hear(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        heard.append(statement)

    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield heard
    finally:
        event.remove(engine, "before_cursor_execute", hear)


def touching(heard: list[str], table: str, verb: str) -> int:
    return sum(statement.lstrip().upper().startswith(verb) and table in statement for statement in heard)


def test_a_span_runs_from_the_first_line_to_the_last_and_pings_and_spectators_write_nothing(
    in_hall, book: Book, runtime: Any
) -> None:
    async def story(hall: Hall) -> None:
        asked = f"{hall.url}/rooms/{LOT}?after=public:0,bidder:org-1:0"
        async with connect(asked, additional_headers=TOKEN) as first:
            await first.recv()
            await until(lambda: spans(runtime))
            with statements(runtime) as heard:
                async with connect(asked, additional_headers=TOKEN) as second:
                    for number in range(4):
                        await second.send(json.dumps({"ping": number}))
                        while json.loads(await second.recv()).get("pong") != number:
                            pass
                crowd = [await connect(f"{hall.url}/rooms/{LOT}?after=public:0") for _ in range(10)]
                for one in crowd:
                    await one.close()
                await asyncio.sleep(0.7)  # longer than edges are gathered
            assert touching(heard, "presence_spans", "INSERT") == 0
            assert touching(heard, "presence_spans", "UPDATE") == 0
            assert touching(heard, "room_lives", "INSERT") + touching(heard, "room_lives", "UPDATE") == 0
            assert [span.left_at for span in spans(runtime)] == [None]
        await until(lambda: all(span.left_at for span in spans(runtime)))

    in_hall(story)
    (span,) = spans(runtime)
    with runtime.units.read() as unit:
        assert unit.session.get(RoomLife, span.life) is not None


def test_a_killed_room_leaves_spans_that_end_at_its_last_sign_of_life(book: Book, runtime: Any, tmp_path: Path) -> None:
    port = free_port()
    process = start(tmp_path, port)
    try:

        async def sit() -> None:
            async with connect(
                f"ws://127.0.0.1:{port}/rooms/{LOT}?after=bidder:org-1:0", additional_headers=TOKEN
            ) as socket:
                await socket.recv()
                await until(lambda: spans(runtime))
                process.send_signal(signal.SIGKILL)
                process.wait()

        asyncio.run(sit())
        (span,) = spans(runtime)
        assert span.left_at is None  # it could not say so any more
        age(runtime, span.life)
        runtime.clock.step(timedelta(hours=1))
        with runtime.units.read() as unit:
            (shown,) = spans_of(unit, LOT, "org-1")
            seen_at = unit.session.get_one(RoomLife, span.life).seen_at
        assert (shown.came_at, shown.left_at) == (span.came_at, max(span.came_at, seen_at))
        assert seen_at < AT + timedelta(hours=1)
        heir = writer(runtime)  # the next process writes it down, though nobody came to it
        heir.start()
        try:
            asyncio.run(until(lambda: all(one.left_at for one in spans(runtime))))
        finally:
            heir.stop()
        assert spans(runtime)[0].left_at == shown.left_at
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def age(runtime: Any, life: str) -> None:
    """As if this process had been silent for long."""
    with runtime.units.begin(system("test")) as unit:
        old = machine_now() - timedelta(seconds=DEAD_SECONDS + 1)
        unit.session.execute(update(RoomLife).where(RoomLife.id == life).values(beat_at=old))


def writer(runtime: Any) -> PresenceWriter:
    return PresenceWriter(runtime.units, write_edges, life="heir", beat_seconds=0.05)


def test_a_process_that_lives_keeps_its_spans_open_and_says_so_once_for_all(in_hall, book: Book, runtime: Any) -> None:
    lively = presence_writer(runtime.units)
    lively._beat_seconds = 0.05

    async def story(hall: Hall) -> None:
        async with connect(f"{hall.url}/rooms/{LOT}?after=bidder:org-1:0", additional_headers=TOKEN) as socket:
            await socket.recv()
            await until(lambda: spans(runtime))
            age(runtime, lively._life)
            await until(lambda: beats(runtime, lively._life) > machine_now() - timedelta(seconds=DEAD_SECONDS))
            assert [span.left_at for span in spans(runtime)] == [None]

    in_hall(story, presence=lively)
    assert all(span.left_at for span in spans(runtime))


def beats(runtime: Any, life: str) -> Any:
    with runtime.units.read() as unit:
        return unit.session.get_one(RoomLife, life).beat_at
