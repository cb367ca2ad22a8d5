"""The doorway of the web process: requests reach a thread only when they are whole, whoever else is slow."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from centre import doorway
from centre.doorway import PageServer, announced_length
from centre.tls import ensure_certificate
from centre.web import PatientTls
from foundation.clock import machine_now

SLOW = 200
THREADS = 2
BLOCK = bytes(range(256)) * 1024


@dataclass
class Site:
    """A server with an application that tells what it was sent; ``seen`` keeps the bodies."""

    server: PageServer
    port: int
    seen: list[tuple[str, bytes]] = field(default_factory=list)

    def line(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


Start = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setattr(doorway, "HEAD_SECONDS", 3.0)
    monkeypatch.setattr(doorway, "BODY_SECONDS", 0.0)
    seen: list[tuple[str, bytes]] = []

    def application(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read()
        seen.append((environ["PATH_INFO"], body))
        start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "2")])
        return [b"ok"]

    server = PageServer(("127.0.0.1", 0), application, numthreads=THREADS, timeout=60)
    server.prepare()
    serving = threading.Thread(target=server.serve, daemon=True)
    serving.start()
    yield Site(server, server.bind_addr[1], seen)
    server.stop()
    serving.join(10)


def answer_of(line: socket.socket) -> bytes:
    """Everything until the server closes, or the answers that have come."""
    return b"".join(iter(lambda: line.recv(65536), b""))


def test_slow_heads_and_slow_bodies_keep_nobody_out_and_are_let_go(site: Site) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(site.line()) for _ in range(2 * SLOW)]
        for number, line in enumerate(slow):
            head = b"POST /slow HTTP/1.1\r\nHost: x\r\n"
            line.sendall(head if number % 2 else head + b"Content-Length: 100000\r\n\r\n{")
        with httpx.Client(trust_env=False, timeout=10) as client:
            for number in range(8):
                for line in slow:
                    line.sendall(b"x" if number % 2 else b"y")
                assert client.post(f"{site.url}/normal", content=BLOCK).status_code == 200
        assert site.seen == [("/normal", BLOCK)] * 8
        for line in slow:
            assert answer_of(line) == b""  # hung up on, without a word and without a thread


def test_a_body_that_is_long_waits_in_a_file_and_comes_whole(site: Site) -> None:
    body = BLOCK * 16
    with site.line() as line:
        line.sendall(b"PUT /long HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\n")
        line.sendall(f"Content-Length: {len(body)}\r\n\r\n".encode())
        assert line.recv(100).startswith(b"HTTP/1.1 100 ")
        line.sendall(body)
        assert answer_of(line).startswith(b"HTTP/1.1 200 ")
    assert site.seen == [("/long", body)]


def test_requests_behind_each_other_on_one_line_are_answered_in_order(site: Site) -> None:
    one, two, last = (
        f"POST /{name} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n{more}\r\n".encode()
        for name, more in (("a", ""), ("b", ""), ("c", "Connection: close\r\n"))
    )
    with site.line() as line:
        line.sendall(one + b"111\r\n" + two + b"222" + last[:20])
        line.sendall(last[20:] + b"333")
        assert answer_of(line).count(b"200 OK") == 3
    assert site.seen == [("/a", b"111"), ("/b", b"222"), ("/c", b"333")]


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ("Transfer-Encoding: chunked", b"411"),
        ("Content-Length: 1\r\nContent-Length: 2", b"400"),
        ("Content-Length: +1", b"400"),
        ("Content-Length: -1", b"400"),
        ("Content-Length:\r\n 1", b"400"),
        ("X: " + "x" * 40_000, b"431"),
    ],
)
def test_a_request_without_one_plain_length_is_turned_away_unread(site: Site, fields: str, status: bytes) -> None:
    with site.line() as line:
        line.sendall(f"POST / HTTP/1.1\r\nHost: x\r\n{fields}\r\n\r\n".encode())
        assert answer_of(line).startswith(b"HTTP/1.1 " + status)
    assert site.seen == []


def test_a_body_beyond_every_route_reaches_the_application_unread_and_ends_the_line(site: Site) -> None:
    with site.line() as line:
        line.sendall(f"POST /huge HTTP/1.1\r\nHost: x\r\nContent-Length: {1 << 40}\r\n\r\nabc".encode())
        assert b"200 OK" in answer_of(line)
    assert site.seen == [("/huge", b"")]


def test_where_all_places_are_taken_the_slowest_goes_and_the_newcomer_is_served(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.server, "keep_alive_conn_limit", 20)
    with ExitStack() as stack:
        slow = [stack.enter_context(site.line()) for _ in range(30)]
        for line in slow:
            line.sendall(b"G")
        assert httpx.get(site.url, trust_env=False, timeout=10).status_code == 200
        assert answer_of(slow[0]) == b""


def test_a_handshake_that_is_never_finished_keeps_nobody_out(site: Site, tmp_path: Any) -> None:
    made = ensure_certificate(tmp_path, ["localhost"], at=machine_now())
    site.server.ssl_adapter = PatientTls(str(made.certificate), str(made.key))
    trust = ssl.create_default_context(cafile=str(made.certificate))
    with ExitStack() as stack:
        for _ in range(SLOW):
            stack.enter_context(site.line()).sendall(b"\x16\x03\x01\x02\x00\x01")
        with httpx.Client(trust_env=False, verify=trust, timeout=10) as client:
            answer = client.post(f"https://localhost:{site.port}/safe", content=BLOCK)
        assert answer.status_code == 200
        assert site.seen == [("/safe", BLOCK)]


def test_lengths_are_read_as_one_number_of_digits() -> None:
    assert announced_length([b"Host: x"]) == 0
    assert announced_length([b"Host: x", b"CONTENT-length:  17 "]) == 17
