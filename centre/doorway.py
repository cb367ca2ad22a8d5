"""Where requests wait until they are whole: no thread is given to somebody who still has something to say.

A pool of threads that read for themselves dies of slow clients: 300 that sent a byte a second were measured to keep
everybody else out. Here the one thread that watches all connections takes what has come, without waiting for any of
them, and hands a request to the pool when its last byte is there. Who does not get on is let go, the slowest first.
"""

from __future__ import annotations

import enum
import io
import logging
import socket
import ssl
import sys
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from selectors import EVENT_READ, EVENT_WRITE
from typing import IO, TYPE_CHECKING, Any, Final

import structlog
from cheroot.connections import ConnectionManager
from cheroot.server import HTTPConnection
from cheroot.wsgi import Server

from foundation.clock import machine_now

log = structlog.get_logger("web")
CONNECTIONS_MAX: Final = 8000
BACKLOG: Final = 1024
HEAD_BYTES_MAX: Final = 32 * 1024
HEAD_SECONDS: Final = 15.0
"""For a TLS handshake and the head of a request together."""
BODY_BYTES_MAX: Final = 16 * 1024 * 1024
"""More than any route takes; a body announced as larger is refused by its route before it is read."""
BODY_SECONDS: Final = 30.0
SLOWEST_BYTES_PER_SECOND: Final = 8 * 1024
"""A body has BODY_SECONDS and one second more for each of these."""
KEPT_IN_MEMORY: Final = 64 * 1024
"""Of one request; what is longer waits in a temporary file."""
READ_BYTES: Final = 64 * 1024
READ_AT_ONCE: Final = 1024 * 1024
"""From one connection before the others have their turn."""
EVICTED: Final = 16
"""Where all places are taken, one in so many is emptied."""
BLANK_LINE: Final = b"\r\n\r\n"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Refused(Exception):
    """A request that cannot be framed; the connection ends with this status."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self.status = status


class Step(enum.Enum):
    """How a visit stands once everything that has come was taken."""

    WAITS_TO_READ = EVENT_READ
    WAITS_TO_WRITE = EVENT_WRITE
    WHOLE = 0
    GONE = -1


class Whole:
    """A whole request, as the server's parser reads it; ``surplus`` is what came behind it."""

    def __init__(self, file: IO[bytes], surplus: bytes, *, is_last: bool) -> None:
        self._file = file
        self.surplus = surplus
        self.is_last = is_last
        self.bytes_read = 0

    def read(self, size: int = -1) -> bytes:
        return self._counted(self._file.read(size))

    def readline(self, size: int = -1) -> bytes:
        return self._counted(self._file.readline(size))

    def has_data(self) -> bool:
        """Whether the next request has begun to come."""
        return bool(self.surplus)

    def close(self) -> None:
        self._file.close()

    def _counted(self, block: bytes) -> bytes:
        self.bytes_read += len(block)
        return block


class Visit:
    """One request on its way in."""

    def __init__(self, begun: bytes = b"") -> None:
        self.began = machine_now().timestamp()
        self._head = bytearray(begun)
        self._body: IO[bytes] | None = None
        self._left = 0
        self._received = 0
        self._surplus = b""
        self._is_last = False

    @property
    def must_end_by(self) -> float:
        """Machine time, in seconds: every byte of a body earns a little more of it, a head earns nothing."""
        if self._body is None:
            return self.began + HEAD_SECONDS
        return self.began + HEAD_SECONDS + BODY_SECONDS + self._received / SLOWEST_BYTES_PER_SECOND

    def receive(self, line: socket.socket) -> Step:
        """Take what has come, waiting for nothing. Raises Refused, OSError (TLS errors are some)."""
        line.settimeout(0)
        if self._head and self._body is None and self._is_whole(line):  # begun behind the request before
            return Step.WHOLE
        taken = 0
        while taken < READ_AT_ONCE or (isinstance(line, ssl.SSLSocket) and line.pending()):
            try:
                block = line.recv(READ_BYTES)
            except (BlockingIOError, ssl.SSLWantReadError):
                return Step.WAITS_TO_READ
            except ssl.SSLWantWriteError:
                return Step.WAITS_TO_WRITE
            if not block:
                return Step.GONE
            taken += len(block)
            if self._takes(block, line):
                return Step.WHOLE
        return Step.WAITS_TO_READ

    def whole(self) -> Whole:
        if self._body is None:
            raise AssertionError("asked before the request was whole")
        self._body.seek(0)
        return Whole(self._body, self._surplus, is_last=self._is_last)

    def drop(self) -> None:
        if self._body is not None:
            self._body.close()

    def _takes(self, block: bytes, line: socket.socket) -> bool:
        if self._body is None:
            self._head += block
            return self._is_whole(line)
        return self._fill(block)

    def _is_whole(self, line: socket.socket) -> bool:
        """Look for the end of the head; from there on bytes are a body."""
        while self._head.startswith(b"\r\n"):  # some clients end a body with one more line
            del self._head[:2]
        end = self._head.find(BLANK_LINE)
        if end > HEAD_BYTES_MAX or (end < 0 and len(self._head) > HEAD_BYTES_MAX):
            raise Refused(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        if end < 0:
            return False
        head, rest = bytes(self._head[:end]), bytes(self._head[end + len(BLANK_LINE) :])
        first, *fields = head.split(b"\r\n")
        length = announced_length(fields)
        if length > BODY_BYTES_MAX:
            length, rest, self._is_last = 0, b"", True
        kept = [field for field in fields if _name(field) != b"expect"]
        self._body = tempfile.SpooledTemporaryFile(KEPT_IN_MEMORY) if length else io.BytesIO()  # noqa: SIM115 - closed by its reader
        self._body.write(b"\r\n".join([first, *kept]) + BLANK_LINE)
        self._head.clear()
        self._left = length
        if length > len(rest) and len(kept) < len(fields):
            line.send(CONTINUE)
        return self._fill(rest)

    def _fill(self, block: bytes) -> bool:
        if self._body is None:
            raise AssertionError("a body has a head before it")
        mine, self._surplus = block[: self._left], block[self._left :]
        self._body.write(mine)
        self._left -= len(mine)
        self._received += len(mine)
        return self._left == 0


def announced_length(fields: list[bytes]) -> int:
    """Bytes of the body. Raises Refused: every client of ours says one length, in digits."""
    if any(_name(field) == b"transfer-encoding" for field in fields):
        raise Refused(HTTPStatus.LENGTH_REQUIRED)
    told = [field.partition(b":")[2].strip() for field in fields if _name(field) == b"content-length"]
    if len(told) > 1 or any(not text.isdigit() or len(text) > 15 for text in told):  # noqa: PLR2004 - a petabyte
        raise Refused(HTTPStatus.BAD_REQUEST)
    return int(told[0]) if told else 0


def _name(field: bytes) -> bytes:
    return field.partition(b":")[0].strip().lower()


class Caller(HTTPConnection):
    """A connection, with the request that is on its way in over it."""

    visit: Visit | None = None
    requests_answered = 0

    def close(self) -> None:
        if self.visit is not None:
            self.visit.drop()
        super().close()


class WaitingRoom(ConnectionManager):
    """Connections that no thread has: idle ones, and those whose request is on its way in."""

    def hold(self, conn: Caller, step: Step, until: float) -> None:
        """Look at it again when bytes come (or may go); it is closed at ``until``, machine time in seconds."""
        conn.last_used = until - self.server.timeout  # what the look for idle connections goes by
        self._selector.register(conn.socket.fileno(), step.value, data=conn)

    def make_room(self, limit: int) -> None:
        """Where all places are taken, close those that must end first anyway."""
        if len(self._selector) <= limit:
            return
        ends = sorted(conn.last_used for _, conn in self._held() if conn is not self.server)
        self._expire(ends[len(ends) // EVICTED] + 0.001)
        log.warning("slowest_connections_closed", open=len(ends))

    def _held(self) -> Iterable[tuple[int, Any]]:
        held: Any = self._selector.connections
        return list(held)

    if TYPE_CHECKING:
        _selector: Any

        def _expire(self, threshold: float) -> None: ...


class PageServer(Server):
    """cheroot behind the doorway. Its own trouble goes into the log like everybody's: it would print tracebacks."""

    ConnectionClass = Caller
    keep_alive_conn_limit = CONNECTIONS_MAX
    _connections: Any

    def prepare(self) -> None:
        # Its own five made connections of a rush wait 150 ms each.
        self.request_queue_size = BACKLOG
        super().prepare()
        self._connections.close()
        self._connections = WaitingRoom(self)

    def process_conn(self, conn: Caller) -> None:
        """Take what has come; give the request to a thread if it is whole, else wait for more."""
        if conn.visit is None:
            conn.visit = Visit(conn.rfile.surplus if isinstance(conn.rfile, Whole) else b"")
            if conn.requests_answered == 0:
                self._connections.make_room(self.keep_alive_conn_limit)
        visit = conn.visit
        try:
            step = visit.receive(conn.socket)
        except Refused as refused:
            self._turn_away(conn, refused.status)
            return
        except OSError:  # TLS that is none, a line that broke
            step = Step.GONE
        if step is Step.GONE:
            conn.close()
        elif step is Step.WHOLE:
            conn.rfile, conn.visit = visit.whole(), None
            conn.requests_answered += 1
            conn.socket.settimeout(self.timeout)
            super().process_conn(conn)
        else:
            self._connections.hold(conn, step, visit.must_end_by)

    def put_conn(self, conn: Caller) -> None:
        """A request was answered: the next one may come, unless its beginning cannot be found."""
        conn.rfile.close()  # a long body lies on disk
        if conn.rfile.is_last:
            conn.close()
        else:
            super().put_conn(conn)

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        error = sys.exception() if traceback else None
        if error is not None or level >= logging.WARNING:
            log.warning("server_trouble", about=msg if error is None else "", exc_info=error)

    def _turn_away(self, conn: Caller, status: HTTPStatus) -> None:
        answer = f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        with suppress(OSError):
            conn.socket.send(answer.encode("ascii"))
        conn.close()
