"""A client of an opening room in Python: it sees every frame of its audiences in order, each once, whatever breaks.

It knows the wire only (docs/reference/room-protocol.md). It resumes where it stopped, falls back to requests that wait
where sockets are blocked, comes back after a time that carries chance, and hands its position to a second device.
Tests, rehearsals and measurements use it; the pages have the same in ``static/js/room/``.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from typing import Any, Final

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory

from foundation.clock import monotonic
from foundation.entropy import SystemEntropy
from foundation.roomwire import (
    FINAL,
    HELLO_SECONDS,
    SILENT_SECONDS,
    VERSION,
    Frame,
    Sequencer,
    parse_after,
    retry_seconds,
)

__all__ = ["Frame", "RoomClient", "RoomRefused", "gather_frames"]
POLL_SECONDS: Final = 2.0
"""Between two questions to the web process, whose answer does not wait."""
SOCKET_AGAIN_SECONDS: Final = 10.0
"""So long a client polls before it tries the socket again."""
ANSWER_SECONDS: Final = 12.0
CLOSE_SECONDS: Final = 1.0
"""A line that went silent does not answer a farewell either."""
_STATUS: Final = {401: 4401, 403: 4403, 404: 4404, 422: 1008, 426: 4426}
_BROKEN: Final = (OSError, TimeoutError, InvalidHandshake, ConnectionClosed)
OK: Final = 200


class RoomRefused(Exception):
    """The room does not let this client in, now or later; ``code`` is the close code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the room refused: {code}")
        self.code = code


class RoomClient:
    """One watcher of one room.

    ``room_url`` is the room process (``ws://host:port``), ``web_url`` the web process, asked where that one answers
    nothing; ``token`` a Bearer token or empty. ``audiences`` names what to read from the beginning, ``after`` what
    another device handed over (``position.text()``); with neither: everything this token may see, from the beginning.
    """

    def __init__(
        self,
        lot_id: str,
        *,
        room_url: str,
        web_url: str = "",
        token: str = "",
        audiences: tuple[str, ...] = (),
        after: str = "",
        verify: bool | ssl.SSLContext = True,
    ) -> None:
        self.lot_id = lot_id
        self.position = Sequencer(parse_after(after) if after else dict.fromkeys(audiences, 0))
        self.server_time = ""
        self.presence: dict[str, Any] = {}
        self.is_polling = False
        self.connections = 0
        self.polls = 0
        self._room_url = room_url.rstrip("/")
        self._web_url = web_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._verify = verify
        self._socket: ClientConnection | None = None
        self._spread_seconds = 0.0
        self._is_room_deaf = False

    async def frames(self) -> AsyncIterator[Frame]:
        """Every frame from the present position on, for ever. Raises RoomRefused when there is no way in."""
        tries = 0
        while True:
            before = self.connections
            try:
                async for frame in self._by_socket():
                    yield frame
            except _BROKEN as broken:
                code = broken.rcvd.code if isinstance(broken, ConnectionClosed) and broken.rcvd else 0
                if code in FINAL:
                    raise RoomRefused(code) from broken
            tries = 0 if self.connections > before else tries + 1
            if tries:  # not the line that broke, but no line at all: a network may block sockets and nothing else
                async for frame in self.polled(SOCKET_AGAIN_SECONDS):
                    yield frame
            await asyncio.sleep(retry_seconds(tries, _chance(), spread=self._spread_seconds))

    async def polled(self, seconds: float = float("inf")) -> AsyncIterator[Frame]:
        """The same frames without a socket; ends after ``seconds``, or when nobody answers."""
        end = monotonic() + seconds
        async with httpx.AsyncClient(verify=self._verify, timeout=ANSWER_SECONDS, trust_env=False) as http:
            while monotonic() < end:
                found = await self._ask(http)
                if found is None:
                    return
                self.is_polling = True
                for frame in found:
                    yield frame
                if self._is_room_deaf:
                    await asyncio.sleep(POLL_SECONDS * (1 + _chance()))

    async def snapshot(self) -> dict[str, Any]:
        """The room as this client may see it now; frames follow from there. For late joiners. Raises RoomRefused."""
        headers = {**self._headers, "Accept": "application/json"}
        async with httpx.AsyncClient(verify=self._verify, timeout=ANSWER_SECONDS, trust_env=False) as http:
            answer = await http.get(f"{self._web_url}/rooms/{self.lot_id}", headers=headers)
        _refuse(answer.status_code)
        room: dict[str, Any] = answer.raise_for_status().json()
        self.position.begin_at({audience: int(number) for audience, number in room["heads"].items()})
        return room

    async def drop(self) -> None:
        """Break the line, as a lost network does; ``frames`` goes on by itself."""
        if self._socket is not None:
            self._socket.transport.abort()

    def _query(self) -> dict[str, str]:
        after = self.position.text()
        return {"v": str(VERSION), **({"after": after} if after else {})}

    async def _by_socket(self) -> AsyncIterator[Frame]:
        query = "&".join(f"{name}={value}" for name, value in self._query().items())
        more: dict[str, Any] = {"ssl": self._verify} if isinstance(self._verify, ssl.SSLContext) else {}
        async with connect(
            f"{self._room_url}/rooms/{self.lot_id}?{query}",
            additional_headers=self._headers,
            open_timeout=HELLO_SECONDS,
            compression=None,
            extensions=[ClientPerMessageDeflateFactory(client_max_window_bits=True)],
            proxy=None,
            close_timeout=CLOSE_SECONDS,
            **more,
        ) as socket:
            self._socket = socket
            self._greet(json.loads(await asyncio.wait_for(socket.recv(), HELLO_SECONDS)))
            self.connections += 1
            self.is_polling = False
            while True:
                for frame in self._read(json.loads(await asyncio.wait_for(socket.recv(), SILENT_SECONDS))):
                    yield frame

    def _greet(self, message: dict[str, Any]) -> None:
        hello = message["hello"]
        self.server_time = hello["server_time"]
        self._spread_seconds = hello.get("spread_ms", 0) / 1000
        # Where the room starts further back than we are, it is another history (a restored database): begin again.
        self._begin(hello["from"])

    def _begin(self, told: dict[str, int]) -> None:
        if any(int(number) != self.position.heads.get(audience) for audience, number in told.items()):
            self.position.begin_at({audience: int(number) for audience, number in told.items()})

    def _read(self, message: dict[str, Any]) -> list[Frame]:
        if "time" in message:
            self.server_time = str(message["time"])
            self._spread_seconds = message.get("spread_ms", 0) / 1000
        elif "presence" in message:
            self.presence = dict(message["presence"])
        elif "seq" in message:
            return self.position.accept(message)
        return []

    async def _ask(self, http: httpx.AsyncClient) -> list[Frame] | None:
        """What plain HTTP has after the present position: of the room process, else of the web. None: no answer."""
        room = f"http{self._room_url.removeprefix('ws')}/rooms/{self.lot_id}/poll"
        web = f"{self._web_url}/rooms/{self.lot_id}/events" if self._web_url else ""
        headers = {**self._headers, "Accept": "application/json"}
        for url, is_deaf in ((room, False), (web, True)):
            if not url:
                continue
            try:
                answer = await http.get(url, params=self._query(), headers=headers)
            except httpx.TransportError:
                continue
            _refuse(answer.status_code)
            if answer.status_code == OK:
                self._is_room_deaf = is_deaf
                return self._take(answer.json())
        return None

    def _take(self, body: dict[str, Any]) -> list[Frame]:
        self.polls += 1
        self.server_time = str(body["server_time"])
        self._begin(body["from"])
        return [ready for frame in body["frames"] for ready in self.position.accept(frame)]


def _refuse(status: int) -> None:
    if status in _STATUS:
        raise RoomRefused(_STATUS[status])


def _chance() -> float:
    return int.from_bytes(SystemEntropy().token(4), "big") / 2**32


async def gather_frames(client: RoomClient, count: int, seconds: float = 10.0) -> list[Frame]:
    """The next ``count`` frames. Raises TimeoutError."""
    found: list[Frame] = []
    async with asyncio.timeout(seconds):
        async for frame in client.frames():
            found.append(frame)
            if len(found) >= count:
                break
    return found
