"""Bringing ciphertext to the centre: by socket, by HTTP where it does not get through, taken up after a break."""

from __future__ import annotations

import hashlib
import json
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from websockets.exceptions import InvalidHandshake, WebSocketException
from websockets.sync.client import ClientConnection, connect

from foundation.clock import monotonic, pause
from foundation.sealing import SEGMENT_BYTES
from sandbox.clients.http import CentreClient
from sandbox.errors import CentreAway, CentreRefused

FRAME_BYTES: Final = 256 * 1024
OPEN_SECONDS: Final = 3.0
ANSWER_SECONDS: Final = 60.0
MAX_RESENDS: Final = 3


@dataclass(frozen=True, slots=True)
class CipherPart:
    """One part's ciphertext on disk."""

    id: str
    path: Path

    @property
    def size_bytes(self) -> int:
        return self.path.stat().st_size

    @property
    def segments(self) -> int:
        return -(-self.size_bytes // SEGMENT_BYTES)

    def segment(self, index: int) -> bytes:
        with self.path.open("rb") as file:
            file.seek(index * SEGMENT_BYTES)
            return file.read(SEGMENT_BYTES)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What the centre gave for a started upload. ``room_origin``: ``ws://host:port``, "" where it has no socket."""

    upload_id: str
    room_origin: str


class Uploader:
    """Sends every segment the centre does not hold yet; stored bytes are sent again, never encrypted anew."""

    def __init__(self, client: CentreClient, ticket: Ticket, parts: Sequence[CipherPart]) -> None:
        self._client = client
        self._ticket = ticket
        self._parts = parts
        self.by_socket = 0
        self.by_http = 0

    def run(self) -> None:
        """Return once the centre holds everything. Raises CentreRefused, CentreAway."""
        until = monotonic() + self._client.away_seconds
        while True:
            missing = list(self._missing())
            if not missing:
                return
            if self._through_socket(missing):
                continue
            self._through_http(list(self._missing()))
            if monotonic() > until:
                raise CentreAway(url=f"/uploads/{self._ticket.upload_id}", status=0)
            pause(0.1)

    def _missing(self) -> Iterator[tuple[CipherPart, int]]:
        held = held_of(self._client.get(f"/uploads/{self._ticket.upload_id}"))
        for part in self._parts:
            for index in range(part.segments):
                if not is_held(held, part.id, index):
                    yield part, index

    def _through_socket(self, missing: Sequence[tuple[CipherPart, int]]) -> bool:
        """Whether the socket carried everything; a lost connection is not an error."""
        if not self._ticket.room_origin:
            return False
        url = f"{self._ticket.room_origin}/uploads/{self._ticket.upload_id}"
        try:
            with connect(
                url,
                additional_headers={"Authorization": f"Bearer {self._client.token}"},
                open_timeout=OPEN_SECONDS,
                compression=None,
                proxy=None,
                ssl=self._client.tls if urlsplit(url).scheme == "wss" else None,
            ) as socket:
                read(socket)  # the list of held segments, known already
                for part, index in missing:
                    self._send(socket, part, index)
        except (WebSocketException, InvalidHandshake, OSError, TimeoutError, ssl.SSLError):
            return False
        return True

    def _send(self, socket: ClientConnection, part: CipherPart, index: int) -> None:
        data = part.segment(index)
        digest = hashlib.sha256(data).hexdigest()
        for attempt in range(MAX_RESENDS + 1):
            put = {"part": part.id, "index": index, "size": len(data), "sha256": digest}
            socket.send(json.dumps({"put": put}))
            for at in range(0, len(data), FRAME_BYTES):
                socket.send(data[at : at + FRAME_BYTES])
            answer = read(socket)
            if "stored" in answer:
                self.by_socket += 1
                return
            refused = answer.get("refused", {})
            if attempt == MAX_RESENDS or "digest" not in str(refused.get("code", "")):
                raise CentreRefused(status=409, problem=str(refused.get("code", "upload.refused")))

    def _through_http(self, missing: Sequence[tuple[CipherPart, int]]) -> None:
        for part, index in missing:
            data = part.segment(index)
            path = f"/uploads/{self._ticket.upload_id}/parts/{part.id}/segments/{index}"
            self._client.put_bytes(path, data, {"X-Content-SHA256": hashlib.sha256(data).hexdigest()})
            self.by_http += 1


def read(socket: ClientConnection) -> dict[str, Any]:
    """The next JSON message of the centre."""
    message = json.loads(socket.recv(timeout=ANSWER_SECONDS))
    return message if isinstance(message, dict) else {}


def held_of(answer: Any) -> Mapping[str, Sequence[Sequence[int]]]:
    held = answer.get("held", {}) if isinstance(answer, dict) else {}
    return held if isinstance(held, dict) else {}


def is_held(held: Mapping[str, Sequence[Sequence[int]]], part: str, index: int) -> bool:
    """Whether the inclusive ranges of ``part`` name segment ``index``."""
    return any(first <= index <= last for first, last in held.get(part, []))
