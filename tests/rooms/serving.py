"""Web and room of a RoomWorld on real ports, for browsers: the web in threads, the room's loop in its own thread."""

from __future__ import annotations

import asyncio
import dataclasses
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from websockets.asyncio.server import serve
from werkzeug.serving import make_server

from accounts.sessions import COOKIE
from bid_opening.room import line
from centre.room import Gate
from foundation.actor import Actor
from foundation.settings import Settings
from tests.rooms.room_world import RoomWorld, make_app


@dataclass
class Site:
    """A running centre of one room."""

    found: RoomWorld
    web_port: int
    room: RoomThread

    @property
    def url(self) -> str:
        return f"http://localhost:{self.web_port}"

    def cookies(self, actor: Actor, **more: str) -> list[dict[str, Any]]:
        named = {COOKIE: self.found.token(actor), **more}
        return [{"name": name, "value": value, "domain": "localhost", "path": "/"} for name, value in named.items()]


class RoomThread:
    """The room's loop; ``stop`` and ``start`` again are a room process that goes and comes back."""

    def __init__(self, runtime: Any) -> None:
        self.runtime = runtime
        self.port = runtime.settings.room_port
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._main(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(10)

    async def _main(self, ready: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        gate = Gate(self.runtime)
        async with serve(
            gate.handle, "localhost", self.port, process_request=gate.process_request, **line.options()
        ) as server:
            tail = asyncio.create_task(gate.rooms.run())
            ready.set()
            await self._over.wait()
            tail.cancel()
            await asyncio.gather(tail, return_exceptions=True)
            for connection in tuple(server.connections):
                connection.transport.abort()

    def stop(self) -> None:
        if self._loop is None or self._thread is None or not self._thread.is_alive():
            return
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join(10)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


@contextmanager
def site_of(found: RoomWorld) -> Iterator[Site]:
    web_port, room_port = free_port(), free_port()
    settings = Settings(data_dir=found.world.folder, web_port=web_port, room_port=room_port)
    settings.run_dir.mkdir(exist_ok=True)
    found.world.runtime = dataclasses.replace(found.world.runtime, settings=settings)
    app = make_app(found, room_port=room_port)
    web = make_server("localhost", web_port, app, threaded=True)
    serving = threading.Thread(target=web.serve_forever, daemon=True)
    serving.start()
    room = RoomThread(found.world.runtime)
    room.start()
    try:
        yield Site(found, web_port, room)
    finally:
        room.stop()
        web.shutdown()
        web.server_close()
        serving.join(10)
        found.hints._socket.close()
        found.world.engine.dispose()
