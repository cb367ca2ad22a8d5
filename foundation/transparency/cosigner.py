"""The cosigner as a server of its own, and the client that the log's publisher calls it with."""

from __future__ import annotations

import logging
import socketserver
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import socket
from typing import Any

import httpx

from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.cosigning import AddCheckpoint, Cosigner, CosignerRecord, Reply
from foundation.transparency.errors import (
    BadSignature,
    CosignerRefused,
    CosignerUnavailable,
    LogRolledBack,
    MalformedText,
)
from foundation.transparency.keys import SigningKey, VerifierKey
from foundation.transparency.notes import Note, SignatureLine, is_future, verified
from foundation.transparency.text import decimal

MAX_BODY_BYTES = 131_072
MAX_CONNECTIONS = 64
IDLE_SECONDS = 10.0
# Each 409 tells a newer size; under one publisher the second attempt fits, more means somebody else submits too.
ATTEMPTS = 4

logger = logging.getLogger(__name__)


class _Handler(BaseHTTPRequestHandler):
    """HTTP/1.1 with kept connections; limits on body, time and number of connections."""

    protocol_version = "HTTP/1.1"
    server_version = "cosigner"
    sys_version = ""
    timeout = IDLE_SECONDS
    server: CosignerServer

    def do_POST(self) -> None:
        if self.path != "/add-checkpoint":
            self.close_connection = True  # the body is left unread
            self._answer(Reply(HTTPStatus.NOT_FOUND, "no such path\n"))
            return
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()) or "Transfer-Encoding" in self.headers:
            self.close_connection = True
            self._answer(Reply(HTTPStatus.LENGTH_REQUIRED, "a length is required\n"))
            return
        if int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self._answer(Reply(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too large\n"))
            return
        body = self.rfile.read(int(length))
        if len(body) < int(length):
            self.close_connection = True
            return
        reply = self.server.cosigner.add_checkpoint(body, self.server.now())
        logger.info("add-checkpoint: %s %s", reply.status.value, reply.body.strip()[:200])
        self._answer(reply)

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self._answer(Reply(HTTPStatus.OK, f"{self.server.cosigner.key.verifier}\n"))
            return
        hashed_origin, slash, rest = self.path.removeprefix("/").partition("/")
        note = self.server.cosigner.published(hashed_origin) if slash and rest == "checkpoint" else None
        found = Reply(HTTPStatus.OK, note) if note is not None else Reply(HTTPStatus.NOT_FOUND, "nothing here\n")
        self._answer(found)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class names it so
        logger.debug(format, *args)

    def _answer(self, reply: Reply) -> None:
        data = reply.body.encode()
        self.send_response(reply.status.value)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)


class CosignerServer(ThreadingHTTPServer):
    """Serves one ``Cosigner``; ``now`` is the clock its cosignatures state."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], cosigner: Cosigner, now: Callable[[], datetime]) -> None:
        self.cosigner = cosigner
        self.now = now
        self._seats = threading.BoundedSemaphore(MAX_CONNECTIONS)
        super().__init__(address, _Handler)

    def server_bind(self) -> None:
        # Not HTTPServer's: it asks the name service who we are, and waits where there is none.
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]  # type: ignore[assignment]

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{host!s}:{port}"

    def process_request(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        if not self._seats.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._seats.release()

    def handle_error(self, request: socket | tuple[bytes, socket], client_address: Any) -> None:  # noqa: ARG002
        # A full disk or a lost client: the connection closes without an answer, and the client tries again.
        logger.error("a request from %s failed: %r", client_address, sys.exception())


@contextmanager
def running(
    host: str,
    port: int,
    state_dir: Path,
    key: SigningKey,
    log_vkeys: Iterable[str],
    *,
    now: Callable[[], datetime],
) -> Iterator[CosignerServer]:
    """A bound server that holds its record; the caller runs ``serve_forever``. Port 0 takes a free one."""
    log_keys = [VerifierKey.parse(text) for text in log_vkeys]
    with (
        CosignerRecord(state_dir) as record,
        CosignerServer((host, port), Cosigner(key, log_keys, record), now) as server,
    ):
        yield server


def serve(
    host: str,
    port: int,
    state_dir: Path,
    key: SigningKey,
    log_vkeys: Iterable[str],
    *,
    now: Callable[[], datetime],
) -> None:
    """Run the cosigner until the process ends; SIGKILL is a proper end. Raises CosignerBusy when one already runs."""
    with running(host, port, state_dir, key, log_vkeys, now=now) as server:
        logger.info("cosigner %s listens on %s", key.name, server.url)
        server.serve_forever()


class CosignerClient:
    """Asks one cosigner, known by its vkey, to sign checkpoints. Remembers the size it last signed for each log."""

    def __init__(
        self, url: str, vkey: str, *, timeout_seconds: float = 5.0, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.key = VerifierKey.parse(vkey)
        self._sizes: dict[str, int] = {}
        self._http = httpx.Client(
            base_url=url,
            timeout=timeout_seconds,
            transport=transport,
            trust_env=False,  # a proxy of the environment has no business between log and cosigner
        )

    def close(self) -> None:
        self._http.close()

    def add_checkpoint(
        self, signed_checkpoint: str, prove: Callable[[int], Sequence[bytes]], *, now: datetime | None = None
    ) -> SignatureLine:
        """The cosigner's verified line for ``signed_checkpoint``.

        ``prove(old)`` gives the consistency proof from ``old`` to the checkpoint; for 0 it returns an empty list
        (``TileReader.consistency_proof`` does). A cosignature later than ``now`` is refused when given.
        Safe to repeat. Raises CosignerUnavailable (try again), or Tampering: CosignerRefused, LogRolledBack,
        BadSignature.
        """
        checkpoint = Checkpoint.parse(Note.parse(signed_checkpoint).text)
        old = min(self._sizes.get(checkpoint.origin, 0), checkpoint.size)
        for _ in range(ATTEMPTS):
            request = AddCheckpoint(old, tuple(prove(old)), signed_checkpoint)
            answer = self._post(str(request))
            if answer.status_code != HTTPStatus.CONFLICT:
                line = self._line(answer, Note.parse(signed_checkpoint).text, now)
                self._sizes[checkpoint.origin] = checkpoint.size
                return line
            old = self._stated_size(answer)
            if old > checkpoint.size:
                raise LogRolledBack(cosigner=self.key.name, cosigned=old, size=checkpoint.size)
        raise CosignerUnavailable(cosigner=self.key.name, reason="keeps_moving")

    def _post(self, body: str) -> httpx.Response:
        try:
            return self._http.post("/add-checkpoint", content=body.encode())
        except httpx.HTTPError as error:
            raise CosignerUnavailable(cosigner=self.key.name, reason=type(error).__name__) from error

    def _line(self, answer: httpx.Response, text: str, now: datetime | None) -> SignatureLine:
        status = answer.status_code
        if status in {HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS} or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise CosignerUnavailable(cosigner=self.key.name, reason=str(status))
        if status != HTTPStatus.OK:
            raise CosignerRefused(cosigner=self.key.name, status=status)
        try:
            note = Note.parse(f"{text}\n{answer.content.decode('utf-8')}")
        except (MalformedText, UnicodeDecodeError) as error:
            raise BadSignature(key=self.key.name, reason="malformed") from error
        (signer,) = verified(note, [self.key])
        if signer.at is None or is_future(signer.at, now):
            raise BadSignature(key=self.key.name, reason="time")
        # The cosigner may hold other keys; only the line of the key we know goes into our checkpoint.
        return next(line for line in note.signatures if line.is_by(self.key))

    def _stated_size(self, answer: httpx.Response) -> int:
        try:
            return decimal(answer.text.removesuffix("\n"), "cosigner size")
        except MalformedText as error:
            raise CosignerRefused(cosigner=self.key.name, status=answer.status_code) from error
