"""A client of an opening room in Python: connects, resumes where it stopped, polls where the socket fails.

Used by tests, demonstration bidders and measurements. It knows the wire only (docs/reference/room-protocol.md): frames
of each audience come to the caller in order, each once, whatever breaks in between.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any, Final

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake

Frame = dict[str, Any]
HELLO_SECONDS: Final = 3.0
SILENT_SECONDS: Final = 25.0
"""The room speaks every ten seconds; after this it counts as lost."""
POLL_SECONDS: Final = 2.0
RETRY_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0)
FINAL_CODES: Final = frozenset({4401, 4403, 4404})
OK: Final = 200


class RoomRefused(Exception):
    """The room does not let this client in; ``code`` is the close code or the HTTP status."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the room refused: {code}")
        self.code = code


class FrameLost(Exception):
    """A frame is missing in a sequence that has no holes: the server broke its promise."""


@dataclass(slots=True)
class Position:
    """How far each audience has been read."""

    heads: dict[str, int] = field(default_factory=dict)

    def take(self, frame: Frame) -> bool:
        """Note a frame; False when it was seen before. Raises FrameLost for a hole."""
        audience, number = str(frame["audience"]), int(frame["seq"])
        last = self.heads.get(audience, 0)
        if number <= last:
            return False
        if number != last + 1:
            raise FrameLost(f"{audience}: {number} after {last}")
        self.heads[audience] = number
        return True

    def text(self) -> str:
        return ",".join(f"{audience}:{number}" for audience, number in sorted(self.heads.items()))


class RoomClient:
    """One watcher of one room.

    ``room_url`` is the room process (``ws://host:port``), ``web_url`` the web process, used for polling; ``token`` a
    Bearer token or empty. ``audiences`` names what to read; empty: everything this token may see.
    """

    def __init__(
        self,
        lot_id: str,
        *,
        room_url: str,
        web_url: str = "",
        token: str = "",
        audiences: tuple[str, ...] = (),
        verify: Any = True,
    ) -> None:
        self.lot_id = lot_id
        self.position = Position(dict.fromkeys(audiences, 0))
        self.server_time = ""
        self.presence: dict[str, Any] = {}
        self.is_polling = False
        self.connections = 0
        self._room_url = room_url.rstrip("/")
        self._web_url = web_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._verify = verify
        self._socket: ClientConnection | None = None

    async def frames(self) -> AsyncIterator[Frame]:
        """Every frame from the present position on, for ever. Raises RoomRefused when there is no way in."""
        tries = 0
        while True:
            try:
                async for frame in self._by_socket():
                    tries = 0
                    yield frame
            except (OSError, TimeoutError, InvalidHandshake, ConnectionClosed) as broken:
                code = broken.rcvd.code if isinstance(broken, ConnectionClosed) and broken.rcvd else 0
                if code in FINAL_CODES:
                    raise RoomRefused(code) from broken
            for frame in await self._poll():
                yield frame
            await asyncio.sleep(RETRY_SECONDS[min(tries, len(RETRY_SECONDS) - 1)])
            tries += 1

    async def polled(self) -> AsyncIterator[Frame]:
        """The same frames without a socket."""
        self.is_polling = True
        while True:
            for frame in await self._poll():
                yield frame
            await asyncio.sleep(POLL_SECONDS)

    async def drop(self) -> None:
        """Break the line, as a lost network does; ``frames`` goes on by itself."""
        if self._socket is not None:
            self._socket.transport.abort()

    def _address(self) -> str:
        after = self.position.text()
        return f"{self._room_url}/rooms/{self.lot_id}" + (f"?after={after}" if after else "")

    async def _by_socket(self) -> AsyncIterator[Frame]:
        ssl: dict[str, Any] = (
            {"ssl": self._verify} if self._room_url.startswith("wss") and self._verify is not True else {}
        )
        async with connect(
            self._address(), additional_headers=self._headers, open_timeout=HELLO_SECONDS, compression=None, **ssl
        ) as socket:
            self._socket = socket
            self._greet(json.loads(await asyncio.wait_for(socket.recv(), HELLO_SECONDS)))
            self.connections += 1
            self.is_polling = False
            while True:
                frame = self._read(json.loads(await asyncio.wait_for(socket.recv(), SILENT_SECONDS)))
                if frame is not None:
                    yield frame

    def _greet(self, message: dict[str, Any]) -> None:
        hello = message["hello"]
        self.server_time = hello["server_time"]
        # Where the room starts further back than we are, it is another history (a restored database): begin again.
        self.position.heads = {audience: int(number) for audience, number in hello["from"].items()}

    def _read(self, message: dict[str, Any]) -> Frame | None:
        if "time" in message:
            self.server_time = str(message["time"])
        elif "presence" in message:
            self.presence = dict(message["presence"])
        elif "seq" in message and self.position.take(message):
            return message
        return None

    async def _poll(self) -> list[Frame]:
        """What HTTP has after the present position; empty when there is no web process to ask or it is down."""
        if not self._web_url:
            return []
        headers = {**self._headers, "Accept": "application/json"}
        try:
            async with httpx.AsyncClient(verify=self._verify) as http:
                answer = await http.get(
                    f"{self._web_url}/rooms/{self.lot_id}/events",
                    params={"after": self.position.text()},
                    headers=headers,
                )
        except httpx.TransportError:
            return []
        if answer.status_code in {401, 403, 404}:
            raise RoomRefused(answer.status_code)
        if answer.status_code != OK:
            return []
        body = answer.json()
        self.server_time = str(body["server_time"])
        return [frame for frame in body["frames"] if self.position.take(frame)]


async def gather_frames(client: RoomClient, count: int, seconds: float = 10.0) -> list[Frame]:
    """The next ``count`` frames. Raises TimeoutError."""
    found: list[Frame] = []
    async with asyncio.timeout(seconds):
        async for frame in client.frames():
            found.append(frame)
            if len(found) >= count:
                break
    return found
