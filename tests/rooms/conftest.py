"""A room process in miniature: the real RoomServer over real sockets, a database, and a hand that writes frames."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlalchemy import Engine, Table, event, select, update
from websockets.asyncio.server import ServerConnection, serve
from websockets.http11 import Request, Response

import tendering.models
from accounts.models import UserSession
from bid_opening.client import RoomClient
from bid_opening.models import OpeningRoom, RoomFrame, RoomHead
from bid_opening.presence import PresenceSpan, RoomLife
from bid_opening.room import RoomServer, line, polling
from bid_opening.room.source import SqlSource
from bid_opening.states import Phase
from foundation.actor import PUBLIC, Actor, system
from foundation.clock import SteppingClock
from foundation.entropy import SystemEntropy
from foundation.hints import UnixHints
from foundation.ids import OrgId, SessionId, UserId
from foundation.journal.models import JournalEntry
from foundation.store.base import Base
from foundation.store.engine import open_engine
from foundation.store.unit import Units

assert tendering.models

AT = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
LOT = "01940000-0000-7000-8000-00000000000a"


def actor(name: str, *roles: str, org: str = "") -> Actor:
    return Actor(
        UserId(f"user-{name}"),
        OrgId(org or f"org-{name}"),
        frozenset(roles),
        roles[0],
        name,
        "",
        SessionId(f"s-{name}"),
    )


HOST = actor("host", "agency")
BIDDER = actor("b1", "bidder", org="org-1")
STRANGER = actor("b9", "bidder", org="org-9")
PEOPLE = {"host": HOST, "b1": BIDDER, "b9": STRANGER}


class Source(SqlSource):
    """The real queries; who may see what is a table of three people (access has its own tests)."""

    def audiences(self, lot_id: str, actor: Actor) -> Sequence[str]:  # noqa: ARG002 - the port's signature
        if actor.has_role("agency"):
            return ("public", "staff")
        return ("public", "bidder:org-1") if actor.org_id == "org-1" else ("public",)


def open_database(path: Path, url: str = "") -> Engine:
    """The tables, without foreign keys: these tests are about frames, not about lots."""
    engine = open_engine(url or f"sqlite:///{path}")
    unbound = "SET session_replication_role = replica" if url else "PRAGMA foreign_keys=OFF"
    event.listen(engine, "connect", lambda raw, _: _run(raw, unbound))
    Base.metadata.create_all(engine, tables=_needed())
    return engine


def _needed() -> list[Table]:
    """The tables a room process reads and writes, and those they point at."""
    found: dict[str, Table] = {}
    waiting = [
        model.__table__
        for model in (OpeningRoom, RoomFrame, RoomHead, RoomLife, PresenceSpan, UserSession, JournalEntry)
    ]
    while waiting:
        table = waiting.pop()
        if table.name not in found:
            found[table.name] = table
            waiting.extend(key.column.table for key in table.foreign_keys)
    return list(found.values())


def _run(raw: Any, statement: str) -> None:
    raw.execute(statement)
    raw.commit()


@dataclass
class Book:
    """Writes frames as the services do: head and frames in one transaction, the hint after it."""

    units: Units
    written: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def make_room(self, lot: str = LOT, phase: Phase = Phase.DECRYPTING) -> None:
        with self.units.begin(system("test")) as unit:
            unit.session.add(OpeningRoom(id=lot, state=phase, until=None, opens_at=AT, folded=None))
            unit.session.flush()
            unit.session.add(RoomHead(lot_id=lot, audience="public", head_seq=0))

    def say(self, *kinds: str, audience: str = "public", lot: str = LOT, pad: int = 0) -> list[dict[str, Any]]:
        frames = []
        with self.units.begin(system("test")) as unit:
            key = (RoomHead.lot_id == lot, RoomHead.audience == audience)
            head = unit.session.scalar(select(RoomHead.head_seq).where(*key))
            if head is None:
                head = 0
                unit.session.add(RoomHead(lot_id=lot, audience=audience, head_seq=0))
                unit.session.flush()
            for number, kind in enumerate(kinds, head + 1):
                data: dict[str, Any] = {"seat": number % 12 + 1}
                if pad:
                    data["pad"] = unit.entropy.token(pad // 2).hex()  # what deflate can not make small
                frame = {
                    "seq": number,
                    "audience": audience,
                    "type": kind,
                    "at": "2026-11-24T01:30:00.000Z",
                    "data": data,
                    "state": "DECRYPTING",
                    "phase_until": None,
                    "entry": f"e{number}",
                }
                text = json.dumps(frame)
                unit.session.add(RoomFrame(lot_id=lot, audience=audience, seq=number, type=kind, at=AT, frame=text))
                frames.append(frame)
            unit.session.execute(update(RoomHead).where(*key).values(head_seq=head + len(kinds)))
            unit.topics.add("room")
        self.written.setdefault(audience, []).extend(frames)
        return frames


@dataclass
class Hall:
    """A running room process."""

    server: RoomServer
    book: Book
    port: int
    _clients: list[RoomClient] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    def client(self, who: str = "", *audiences: str, lot: str = LOT) -> RoomClient:
        return RoomClient(lot, room_url=self.url, token=who, audiences=audiences)


async def until(holds: Callable[[], Any], seconds: float = 10.0) -> None:
    """Wait until something holds. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - what is waited for is in another thread or process
            await asyncio.sleep(0.01)


@pytest.fixture
def runtime(tmp_path: Path) -> Iterator[Any]:
    run_dir = tmp_path / "run"
    run_dir.mkdir()
    engine = open_database(tmp_path / "room.db")
    clock = SteppingClock(AT)
    hints = UnixHints(run_dir)
    units = Units(engine, clock, SystemEntropy(), hints)
    yield SimpleNamespace(units=units, clock=clock, settings=SimpleNamespace(run_dir=run_dir))
    hints._socket.close()
    engine.dispose()


@pytest.fixture
def book(runtime: Any) -> Book:
    book = Book(runtime.units)
    book.make_room()
    return book


@asynccontextmanager
async def hall_of(runtime: Any, book: Book, *, port: int = 0, **options: Any) -> AsyncIterator[Hall]:
    """Serve as centre.room does: identity from the token, then RoomServer.handle, and its tail beside it."""
    server = RoomServer(runtime, source=Source(runtime.units), **options)

    async def identify(connection: ServerConnection, request: Request) -> Response | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        actor = PEOPLE.get(token, PUBLIC)
        parts = urlsplit(request.path)
        if parts.path.endswith("/poll"):
            status, body = await polling.answer(server, parts.path.split("/")[2], parts.query, actor, "127.0.0.1")
            return connection.respond(status, body)
        connection.actor = actor  # type: ignore[attr-defined]
        line.prepare(connection, request, is_room=True)
        return None

    async def handle(connection: ServerConnection) -> None:
        assert connection.request is not None
        parts = urlsplit(connection.request.path)
        await server.handle(connection, parts.path.split("/")[2], parts.query, connection.actor)  # type: ignore[attr-defined]

    async with serve(handle, "127.0.0.1", port, process_request=identify, **line.options()) as listening:
        tail = asyncio.create_task(server.run())
        await asyncio.sleep(0)
        try:
            yield Hall(server, book, listening.sockets[0].getsockname()[1])
        finally:
            tail.cancel()
            await asyncio.gather(tail, return_exceptions=True)


@pytest.fixture
def in_hall(runtime: Any, book: Book) -> Callable[..., Any]:
    """Run an async story in a hall: ``in_hall(story)`` where ``async def story(hall)``."""

    def run(story: Callable[[Hall], Any], **options: Any) -> Any:
        async def main() -> Any:
            async with asyncio.timeout(30), hall_of(runtime, book, **options) as hall:
                return await story(hall)

        return asyncio.run(main())

    return run
