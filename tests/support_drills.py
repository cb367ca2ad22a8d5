"""An installation in miniature for drills: pages, room, worker, publisher, holders' agents, a cosigner's clock."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from websockets.asyncio.server import serve
from werkzeug.serving import make_server

import centre.drills.running  # registers the jobs of drills
import centre.models  # every table
from bid_opening.room import line
from bid_opening.services import schedule
from centre.drills import services
from centre.room import Gate
from centre.web import make_app
from foundation.clock import machine_now
from foundation.hints import UnixHints
from foundation.settings import Settings
from foundation.store.unit import Units
from keyholding.models import HolderSeat
from tests.rooms.serving import free_port
from tests.support.tender_world import TESTS
from tests.support_opening import Opening, make_opening

assert centre.drills.running
assert centre.models


@dataclass
class Installation:
    """What may be broken: ``publishes``, ``works`` (jobs), ``silent`` (seat ids), the cosigner's ``clock_ahead``."""

    opening: Opening
    publishes: bool = True
    works: bool = True
    silent: set[str] = field(default_factory=set)
    clock_ahead: timedelta = timedelta()
    is_today: bool = False
    """The centre's clock follows the machine's, for commands that have no other."""
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def runtime(self) -> Any:
        return self.opening.world.runtime

    def order(self) -> str:
        with self.opening.world.units.begin(self.opening.host) as unit:
            return services.new_drill(unit, self.opening.lot.id)

    def settle(self, **settings: Any) -> None:
        changed = self.runtime.settings.model_copy(update=settings)
        self.opening.world.runtime = dataclasses.replace(self.runtime, settings=changed)

    def turn(self) -> None:
        """What goes on all the time: agents ask for work, jobs are done, the log follows."""
        while not self._over.wait(0.1):
            with self.opening.world.units.begin(TESTS) as unit:
                alive = update(HolderSeat).values(last_seen_at=machine_now())
                unit.session.execute(alive.where(HolderSeat.id.not_in(self.silent)))
            if self.is_today:
                self.opening.at(machine_now())
            if self.works:
                self.opening.run_jobs()
            if self.publishes:
                self.opening.publish()


class _Clock(BaseHTTPRequestHandler):
    installation: Installation

    def do_GET(self) -> None:
        self.send_response(404)
        self.end_headers()

    def date_time_string(self, timestamp: float | None = None) -> str:  # noqa: ARG002 - the library's signature
        return format_datetime(machine_now() + self.installation.clock_ahead, usegmt=True)

    def log_message(self, *args: Any) -> None:
        """Nothing to tell."""


class _RoomThread:
    """The room process's loop with rooms and drills."""

    def __init__(self, runtime: Any) -> None:
        self._runtime, self._ready = runtime, threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main()), daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(10)

    async def _main(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        gate = Gate(self._runtime)
        options = {**line.options(), "process_request": gate.process_request}
        async with serve(gate.handle, "localhost", self._runtime.settings.room_port, **options) as server:
            tail = asyncio.create_task(gate.run())
            self._ready.set()
            await self._over.wait()
            tail.cancel()
            await asyncio.gather(tail, return_exceptions=True)
            for connection in tuple(server.connections):
                connection.transport.abort()

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)


@contextmanager
def installed(folder: Path, now: datetime | None = None, **wanted: Any) -> Iterator[Installation]:
    """A centre with one published lot whose opening is to come, all of it alive."""
    opening = make_opening(folder, **({"now": now} if now else {}), **wanted)
    world = opening.world
    web_port, room_port = free_port(), free_port()
    settings = Settings(data_dir=folder, web_port=web_port, room_port=room_port)
    for part in (settings.run_dir, settings.secrets_dir):
        part.mkdir(exist_ok=True)
    hints = UnixHints(settings.run_dir)
    world.units = Units(world.engine, world.runtime.clock, world.units.entropy, hints)
    world.runtime = dataclasses.replace(world.runtime, settings=settings, units=world.units)
    with world.units.begin(TESTS) as unit:
        schedule.schedule_room(unit, opening.lot.id)
        for seat in unit.session.scalars(select(HolderSeat)):
            seat.agent_token_hash = hashlib.sha256(seat.id.encode()).hexdigest()
    found = Installation(opening, is_today=now is not None)
    handler = type("Clock", (_Clock,), {"installation": found})
    clock = ThreadingHTTPServer(("localhost", 0), handler)
    web = make_server("localhost", web_port, make_app(world.runtime), threaded=True)
    room = _RoomThread(world.runtime)
    threads = [
        threading.Thread(target=one, daemon=True) for one in (clock.serve_forever, web.serve_forever, found.turn)
    ]
    for thread in threads:
        thread.start()
    room.start()
    found.settle(cosigner_url=f"http://localhost:{clock.server_address[1]}")
    try:
        yield found
    finally:
        found._over.set()
        threads[2].join(10)
        room.stop()
        for server in (web, clock):
            server.shutdown()
            server.server_close()
        hints._socket.close()
        world.engine.dispose()
