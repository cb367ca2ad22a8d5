"""Clients against small servers of their own: waiting, refusals, uploads that resume, rooms without a gap."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from websockets.sync.server import Server, ServerConnection, serve

from sandbox.clients.bidder import socket_origin
from sandbox.clients.http import CentreClient, wait_for
from sandbox.clients.keys import BidderKeys
from sandbox.clients.room import RoomWatch
from sandbox.clients.upload import CipherPart, Ticket, Uploader, is_held
from sandbox.errors import CentreAway, CentreRefused, NotInTime, ProofFailed

Answer = tuple[int, Any]
Handle = Callable[[str, str, bytes], Answer]


@contextmanager
def web(handle: Handle) -> Iterator[str]:
    """An HTTP server that answers with what ``handle(method, path, body)`` gives."""

    class Handler(BaseHTTPRequestHandler):
        def _do(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, answer = handle(self.command, self.path, body)
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PUT = _do  # noqa: N815 - the names are the base class's

        def log_message(self, *args: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@contextmanager
def sockets(handle: Callable[[ServerConnection], None]) -> Iterator[str]:
    server: Server
    with serve(handle, "127.0.0.1", 0) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        server.shutdown()
        thread.join()


def test_a_refusal_carries_code_and_reasons() -> None:
    problem = {"code": "tendering.seal_refused", "title": "not received", "objections": [{"code": "x.late"}]}
    with (
        web(lambda *_: (422, problem)) as url,
        CentreClient(url) as client,
        pytest.raises(CentreRefused) as refused,
    ):
        client.post("/lots/1/seals")
    assert refused.value.codes == ("tendering.seal_refused", "x.late")
    assert refused.value.status == 422


def test_an_answer_that_is_no_problem_document_is_still_a_refusal() -> None:
    with (
        web(lambda *_: (500, ["nonsense"])) as url,
        CentreClient(url) as client,
        pytest.raises(CentreRefused) as refused,
    ):
        client.get("/")
    assert refused.value.problem == "http.500"


def test_a_centre_that_comes_back_is_waited_for_and_one_that_stays_away_is_not() -> None:
    left = [2]

    def handle(*_: object) -> Answer:
        left[0] -= 1
        return (503, {}) if left[0] >= 0 else (200, {"ok": True})

    with web(handle) as url, CentreClient(url, away_seconds=10) as client:
        assert client.get("/") == {"ok": True}
    with CentreClient(url, away_seconds=0.2) as client, pytest.raises(CentreAway):
        client.get("/")


def test_waiting_ends() -> None:
    seen = iter([None, 0, "here"])
    assert wait_for("it", lambda: next(seen), every=0.0) == "here"
    with pytest.raises(NotInTime):
        wait_for("it", lambda: None, seconds=0.05, every=0.01)


def test_keys_are_made_once_and_a_lost_one_is_another_one(tmp_path: Path) -> None:
    first = BidderKeys.in_folder(tmp_path)
    again = BidderKeys.in_folder(tmp_path)
    assert first.signing.private_numbers() == again.signing.private_numbers()
    assert first.opening.private_numbers() == again.opening.private_numbers()
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    BidderKeys.lose_opening(tmp_path)
    after = BidderKeys.in_folder(tmp_path)
    assert after.opening.private_numbers() != first.opening.private_numbers()
    assert after.signing.private_numbers() == first.signing.private_numbers()


def test_ranges_of_held_segments() -> None:
    held = {"a": [[0, 2], [5, 5]]}
    assert [is_held(held, "a", at) for at in range(7)] == [True, True, True, False, False, True, False]
    assert not is_held(held, "b", 0)
    assert socket_origin("http://localhost:1") == "ws://localhost:1"
    assert socket_origin("https://x") == "wss://x"
    assert socket_origin("ws://x") == "ws://x"


class Store:
    """Keeps segments as the centre does, told by digest."""

    def __init__(self) -> None:
        self.segments: dict[tuple[str, int], bytes] = {}

    def held(self) -> dict[str, list[list[int]]]:
        found: dict[str, list[list[int]]] = {}
        for part, index in sorted(self.segments):
            found.setdefault(part, []).append([index, index])
        return found

    def handle(self, method: str, path: str, body: bytes) -> Answer:
        if method == "GET":
            return 200, {"held": self.held()}
        _, _, _, _, part, _, index = path.split("/")
        self.segments[part, int(index)] = body
        return 201, {"stored": {"part": part, "index": int(index)}}

    def receive(self, connection: ServerConnection, *, damage: int = 0, leave_after: int = 10**9) -> None:
        connection.send(json.dumps({"held": self.held()}))
        count = 0
        for message in connection:
            put = json.loads(message)["put"]
            data = b""
            while len(data) < put["size"]:
                piece = connection.recv()
                assert isinstance(piece, bytes)
                data += piece
            place = {"part": put["part"], "index": put["index"]}
            if damage and (damage := damage - 1) >= 0:
                connection.send(json.dumps({"refused": {**place, "code": "tendering.digest_mismatch"}}))
                continue
            assert hashlib.sha256(data).hexdigest() == put["sha256"]
            self.segments[put["part"], put["index"]] = data
            connection.send(json.dumps({"stored": place}))
            count += 1
            if count >= leave_after:
                connection.close()
                return


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[CipherPart]:
    monkeypatch.setattr("sandbox.clients.upload.SEGMENT_BYTES", 1000)
    made = []
    for name, size in (("technical", 3500), ("commercial", 1000)):
        path = tmp_path / name
        path.write_bytes(bytes((at * 7 + len(name)) % 256 for at in range(size)))
        made.append(CipherPart(name, path))
    return made


def whole(store: Store, part: CipherPart) -> bytes:
    return b"".join(data for (name, _), data in sorted(store.segments.items()) if name == part.id)


def test_an_upload_goes_through_the_socket_and_damage_on_the_way_is_sent_again(parts: list[CipherPart]) -> None:
    store = Store()
    with (
        web(store.handle) as url,
        sockets(lambda connection: store.receive(connection, damage=1)) as origin,
        CentreClient(url) as client,
    ):
        sender = Uploader(client, Ticket("u1", origin), parts)
        sender.run()
    assert [whole(store, part) == part.path.read_bytes() for part in parts] == [True, True]
    assert (sender.by_socket, sender.by_http) == (5, 0)


def test_an_upload_that_is_cut_sends_only_what_is_missing(parts: list[CipherPart]) -> None:
    store = Store()
    with (
        web(store.handle) as url,
        sockets(lambda connection: store.receive(connection, leave_after=2)) as origin,
        CentreClient(url) as client,
    ):
        sender = Uploader(client, Ticket("u1", origin), parts)
        sender.run()
    assert [whole(store, part) == part.path.read_bytes() for part in parts] == [True, True]
    assert sender.by_socket + sender.by_http == 5


def test_where_no_socket_gets_through_plain_http_carries_it(parts: list[CipherPart]) -> None:
    store = Store()
    with web(store.handle) as url, CentreClient(url) as client:
        sender = Uploader(client, Ticket("u1", "ws://127.0.0.1:9"), parts)
        sender.run()
    assert (sender.by_socket, sender.by_http) == (0, 5)
    assert [whole(store, part) == part.path.read_bytes() for part in parts] == [True, True]


def frame(seq: int, audience: str = "public", type_name: str = "share_released") -> str:
    values = {"seq": seq, "audience": audience, "type": type_name, "at": "", "data": {}, "state": "DECRYPTING"}
    return json.dumps({**values, "phase_until": None})


HELLO = json.dumps({"hello": {"server_time": "", "heads": {"public": 2, "bidder:1": 0}}})


def test_a_room_that_breaks_is_taken_up_where_it_was_and_asks_for_every_audience() -> None:
    asked: list[str] = []

    def room(connection: ServerConnection) -> None:
        assert connection.request is not None
        asked.append(connection.request.path)
        connection.send(HELLO)
        if len(asked) == 1:
            connection.send(frame(1))
            connection.send(frame(2))
            connection.close()
            return
        connection.send(frame(2))
        connection.send(frame(3))
        connection.send(frame(1, "bidder:1"))
        for _ in connection:
            pass

    with sockets(room) as origin, CentreClient("http://127.0.0.1:9", away_seconds=0.1) as client:
        watch = RoomWatch(client, "lot", origin).start()
        watch.wait_for_type("share_released", count=4, seconds=20)
        watch.stop()
    assert [(one.audience, one.seq) for one in watch.frames] == [
        ("public", 1),
        ("public", 2),
        ("public", 3),
        ("bidder:1", 1),
    ]
    assert asked == ["/rooms/lot?v=1", "/rooms/lot?v=1&after=bidder:1:0,public:2"]


def test_a_gap_in_the_frames_is_tampering() -> None:
    def room(connection: ServerConnection) -> None:
        connection.send(HELLO)
        connection.send(frame(1))
        connection.send(frame(3))
        for _ in connection:
            pass

    with sockets(room) as origin, CentreClient("http://127.0.0.1:9", away_seconds=0.1) as client:
        watch = RoomWatch(client, "lot", origin).start()
        with pytest.raises(ProofFailed):
            watch.wait_for_type("closed", seconds=10)
        watch.stop()


def test_a_room_one_may_not_enter_is_a_refusal_and_not_tried_for_ever() -> None:
    with (
        sockets(lambda connection: connection.close(4403, "not yours")) as origin,
        CentreClient("http://127.0.0.1:9", away_seconds=0.1) as client,
    ):
        watch = RoomWatch(client, "lot", origin).start()
        with pytest.raises(CentreRefused) as refused:
            watch.wait_for_type("closed", seconds=10)
        watch.stop()
    assert refused.value.problem == "room.4403"


def test_where_the_socket_fails_the_room_is_polled() -> None:
    def handle(_method: str, path: str, _body: bytes) -> Answer:
        after = 0 if "after" not in path else int(path.rpartition("%3A")[2])
        return 200, {"heads": {"public": 2}, "frames": [json.loads(frame(at)) for at in (1, 2) if at > after]}

    with web(handle) as url, CentreClient(url) as client:
        watch = RoomWatch(client, "lot", "ws://127.0.0.1:9").start()
        watch.wait_for_type("share_released", count=2, seconds=20)
        watch.stop()
    assert watch.polls >= 1
    assert [one.seq for one in watch.frames] == [1, 2]
