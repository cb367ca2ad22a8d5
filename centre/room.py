"""The room process: one asyncio loop for what many slow people do at once — rooms, and the intake of ciphertext.

``/rooms/<lot>`` is an opening room and ``/rooms/<lot>/poll`` the same without a socket, ``/uploads/<upload>`` takes
segments of a sealed bid, ``/self-check`` trial bytes, ``/drills/<drill>.<key>`` is a drill's channel. A cookie or a
Bearer token says who it is; a browser's Origin must be one of this centre's own pages, since cookies ignore ports.
"""

from __future__ import annotations

import asyncio
import gc
import http
import signal
import ssl
from typing import Any, Final
from urllib.parse import urlsplit

import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.http11 import Request, Response

from accounts.sessions import COOKIE, actor_of_token
from bid_opening.room import RoomServer, line, polling
from bid_opening.room.reader import Limits, address_of
from centre.drills.channel import LIMIT, DrillSource
from centre.ports import allow_many_connections
from foundation.actor import PUBLIC, Actor
from foundation.runtime import Runtime
from foundation.web.security import allowed_host
from tendering.receiver import UploadReceiver
from tendering.self_check_receiver import TrialReceiver

log = structlog.get_logger("room")
MAX_MESSAGE_BYTES: Final = 256 * 1024
HANDSHAKE_SECONDS: Final = 10
COLLECT: Final = (20_000, 20, 50)


class Gate:
    """The handshake: health, host and origin, identity, and which service a path belongs to."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.rooms = RoomServer(runtime)
        self.drills = RoomServer(runtime, source=DrillSource(runtime.units), limits=Limits(total=LIMIT))
        self.uploads = UploadReceiver(runtime)
        self.trials = TrialReceiver()

    async def run(self) -> None:
        """Look for frames of rooms and of drills, until one of the two ends."""
        async with asyncio.TaskGroup() as both:
            both.create_task(self.rooms.run(), name="rooms")
            both.create_task(self.drills.run(), name="drills")

    async def process_request(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer plain requests; refuse a page of another site before any session is looked at."""
        path = urlsplit(request.path).path
        if path == "/healthz":
            return connection.respond(http.HTTPStatus.OK, "ok\n")
        if not self._origin_is_ours(request):
            return connection.respond(http.HTTPStatus.FORBIDDEN, "origin\n")
        if path != "/self-check" and not path.startswith(("/rooms/", "/uploads/", "/drills/")):
            return connection.respond(http.HTTPStatus.NOT_FOUND, "not found\n")
        # A spectator without a login is the public: no thread and no query for one of ten thousand.
        token = _token(request)
        actor = await asyncio.to_thread(self._actor_of, token) if token else PUBLIC
        if path.startswith("/rooms/") and path.endswith("/poll"):
            return await self._poll(connection, request, actor)
        connection.actor = actor  # type: ignore[attr-defined]
        line.prepare(connection, request, is_room=path.startswith(("/rooms/", "/drills/")))
        return None

    async def _poll(self, connection: ServerConnection, request: Request, actor: Actor) -> Response:
        """The answer to a plain request that waited for news; the page that asks has another port, hence the origin."""
        parts = urlsplit(request.path)
        lot_id = parts.path.removeprefix("/rooms/").removesuffix("/poll")
        status, body = await polling.answer(self.rooms, lot_id, parts.query, actor, address_of(connection))
        response = connection.respond(status, body)
        del response.headers["Content-Type"]
        response.headers["Content-Type"] = "application/json"
        response.headers["Cache-Control"] = "no-store"
        if (origin := request.headers.get("Origin")) is not None:
            response.headers["Access-Control-Allow-Origin"] = origin
            response.headers["Access-Control-Allow-Credentials"] = "true"
            response.headers["Vary"] = "Origin"
        return response

    def _origin_is_ours(self, request: Request) -> bool:
        origin = request.headers.get("Origin")
        if origin is None:
            return True  # not a browser
        parts = urlsplit(origin)
        settings = self.runtime.settings
        host = urlsplit(f"//{request.headers.get('Host', '')}").hostname
        return (
            parts.scheme == settings.scheme
            and parts.port in {settings.web_port, None}
            and parts.hostname == host
            and allowed_host(parts.hostname or "", settings)
        )

    def _actor_of(self, token: str) -> Actor:
        with self.runtime.units.read() as unit:
            return actor_of_token(unit, token) or PUBLIC

    async def handle(self, connection: ServerConnection) -> None:
        request = connection.request
        if request is None:
            return
        parts = urlsplit(request.path)
        actor: Actor = connection.actor  # type: ignore[attr-defined]
        _, service, name = (*parts.path.split("/", 2), "")[:3]
        if service == "rooms":
            await self.rooms.handle(connection, name, parts.query, actor)
        elif service == "drills":
            await self.drills.handle(connection, name, parts.query, actor)
        elif service == "self-check":
            await self.trials.handle(connection, actor)
        else:
            await self.uploads.handle(connection, name, actor)


def _token(request: Request) -> str:
    """The session a client names; empty for the public."""
    authorization = request.headers.get("Authorization", "")
    if authorization.startswith("Bearer "):
        return authorization.removeprefix("Bearer ")
    return _cookie(request.headers.get("Cookie", ""), COOKIE)


def _cookie(header: str, name: str) -> str:
    for pair in header.split(";"):
        key, _, value = pair.strip().partition("=")
        if key == name:
            return value
    return ""


async def serve_rooms(runtime: Runtime) -> None:
    """Serve until SIGTERM."""
    settings = runtime.settings
    context: ssl.SSLContext | None = None
    if settings.tls_certificate and settings.tls_key:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(settings.tls_certificate, settings.tls_key)
    gate = Gate(runtime)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    options: dict[str, Any] = {
        "max_size": MAX_MESSAGE_BYTES,
        "open_timeout": HANDSHAKE_SECONDS,
        "max_queue": 2,  # frames buffered per connection: a slow upload costs half a megabyte, not four
        "ping_interval": 20,
        "ping_timeout": 20,
        **line.options(),  # frames are deflated once per room and audience, not once per connection
        "ssl": context,
        "process_request": gate.process_request,
    }
    server: Server
    async with serve(gate.handle, settings.bind_host, settings.room_port, **options) as server:
        tail = asyncio.create_task(gate.run(), name="room-tail")
        log.info("room_ready", port=settings.room_port)
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({tail, stopped}, return_when=asyncio.FIRST_COMPLETED)
        if tail.done():
            tail.result()  # a tail that ends is a bug: let the runner restart us
        tail.cancel()
        server.close(close_connections=True)


def run_room(runtime: Runtime) -> None:
    """Run the loop (uvloop where it is there)."""
    import uvloop

    allow_many_connections()
    # Ten thousand connections are a million objects that stay: to walk through them after every few thousand new ones
    # (the default) costs more than the cycles it finds.
    gc.set_threshold(*COLLECT)
    uvloop.run(serve_rooms(runtime))
