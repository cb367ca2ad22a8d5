"""The demonstration's bank: money is never made or lost, and a notice counts exactly once."""

from __future__ import annotations

import hmac
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from foundation.clock import monotonic, pause
from sandbox.bank import CENTRE_ACCOUNT, SIGNATURE_HEADER, BankServer, Book, Messenger, Transfer, fen_of
from sandbox.errors import TransferRefused

SECRET = b"0123456789abcdef0123456789abcdef"


@pytest.fixture
def book(tmp_path: Path) -> Book:
    made = Book(tmp_path / "bank.db")
    made.open_account(CENTRE_ACCOUNT, "centre", 0)
    made.open_account("1111", "常州澄岳建设工程有限公司", 1000_00)
    return made


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    path = tmp_path / "bank-notices.key"
    path.write_bytes(SECRET + b"\n")
    return path


class Centre:
    """Keeps a book of notices as the real one does; ``fails`` answers 503 to the first so many."""

    def __init__(self, fails: int = 0) -> None:
        self.seen: dict[str, int] = {}
        self.signed = True
        self.fails = fails
        centre = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                right = hmac.new(SECRET, body, "sha256").hexdigest()
                centre.signed &= self.headers[SIGNATURE_HEADER] == right
                centre.fails -= 1
                status = 503 if centre.fails >= 0 else 200
                if status == 200:
                    number = json.loads(body)["notice_id"]
                    centre.seen[number] = centre.seen.get(number, 0) + 1
                answer = b'{"outcome":"verified"}'
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *args: object) -> None:
                """Quiet."""

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def close(self) -> None:
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()


@pytest.fixture
def centres() -> Iterator[Callable[..., Centre]]:
    made: list[Centre] = []

    def make(fails: int = 0) -> Centre:
        made.append(Centre(fails))
        return made[-1]

    yield make
    for one in made:
        one.close()


def wait_until(is_so: Callable[[], object], seconds: float = 20.0) -> None:
    until = monotonic() + seconds
    while not is_so():
        assert monotonic() < until, "not in time"
        pause(0.05)


def order(request: str = "r1", fen: int = 100, reference: str = "ABC") -> Transfer:
    return Transfer(request, "1111", CENTRE_ACCOUNT, fen, reference)


def balances(book: Book) -> dict[str, int]:
    return {row["number"]: row["balance"] for row in book.accounts()}


def test_a_transfer_moves_money_and_writes_its_notice(book: Book) -> None:
    serial = book.transfer(order())
    assert balances(book) == {"1111": 999_00, CENTRE_ACCOUNT: 100}
    ((notice_id, body, attempts),) = book.waiting()
    assert (notice_id, attempts) == (serial, 0)
    assert json.loads(body)["payer_name"] == "常州澄岳建设工程有限公司"
    assert json.loads(body)["reference"] == "ABC"


def test_the_same_order_again_pays_once_and_a_different_one_under_its_number_is_refused(book: Book) -> None:
    first = book.transfer(order())
    assert book.transfer(order()) == first
    assert balances(book)["1111"] == 999_00
    assert len(book.waiting()) == 1
    with pytest.raises(TransferRefused):
        book.transfer(order(fen=200))
    assert balances(book)["1111"] == 999_00


@pytest.mark.parametrize(
    "wrong",
    [order(fen=0), order(fen=1000_01), Transfer("r", "2222", CENTRE_ACCOUNT, 1, ""), Transfer("r", "1111", "9", 1, "")],
)
def test_a_transfer_the_book_cannot_make_changes_nothing(book: Book, wrong: Transfer) -> None:
    with pytest.raises(TransferRefused):
        book.transfer(wrong)
    assert balances(book) == {"1111": 1000_00, CENTRE_ACCOUNT: 0}
    assert book.waiting() == []


@pytest.mark.parametrize(("text", "fen"), [("1", 100), ("1.00", 100), ("0.01", 1), ("12860000.5", 1286000050)])
def test_amounts_are_read_to_the_fen(text: str, fen: int) -> None:
    assert fen_of(text) == fen


@pytest.mark.parametrize("text", ["0", "-1", "1.001", "NaN", "1e30", "x", None])
def test_what_is_no_amount_is_refused(text: object) -> None:
    with pytest.raises(TransferRefused):
        fen_of(text)


def test_a_notice_is_sent_until_the_centre_takes_it_and_then_never_again(
    book: Book, key_file: Path, centres: Callable[..., Centre]
) -> None:
    centre = centres(fails=2)
    messenger = Messenger(book, centre.url, key_file)
    thread = threading.Thread(target=messenger.run, daemon=True)
    serial = book.transfer(order())
    thread.start()
    wait_until(lambda: centre.seen)
    pause(0.5)
    messenger.stop()
    thread.join(5)
    assert centre.seen == {serial: 1}
    assert centre.signed
    told = book.notice(serial)
    assert told is not None
    assert (told["attempts"], told["outcome"], bool(told["delivered_at"])) == (2, "verified", True)


def test_http_takes_orders_opens_accounts_and_refuses_nonsense(
    book: Book, key_file: Path, centres: Callable[..., Centre]
) -> None:
    centre = centres()
    server = BankServer("127.0.0.1", 0, book, centre.url, key_file)
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    with httpx.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False) as http:
        assert http.get("/healthz").json() == {"status": "ok"}
        body = {"request": "r1", "debit": "1111", "amount": "1.00", "reference": "ABC"}
        assert http.post("/transfers", json=body).status_code == 201
        assert http.post("/transfers", json={**body, "request": "r2", "amount": "9999999"}).status_code == 422
        assert http.post("/transfers", content=b"{").status_code == 400
        assert http.post("/transfers", json=[1]).status_code == 400
        assert http.get("/nowhere").status_code == 404
        opened = http.post("/accounts", json={"holder": "新公司"}).json()["number"]
        assert http.post("/accounts", json={"holder": "新公司"}).json()["number"] == opened
        wait_until(lambda: centre.seen)
    server.stop()
    thread.join(5)
    assert sum(balances(book).values()) == 1000_00 + 1_000_000_00


@pytest.mark.slow
def test_killed_after_a_transfer_the_bank_still_tells_the_centre_exactly_once(
    tmp_path: Path, centres: Callable[..., Centre]
) -> None:
    centre = centres(fails=3)
    (tmp_path / "demo").mkdir()
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "bank-notices.key").write_bytes(SECRET)
    (tmp_path / "demo" / "bank-accounts.json").write_text('[{"number": "1111", "holder": "甲", "fen": 100000}]')
    probe = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    port = probe.server_address[1]
    probe.server_close()
    environment = {
        **os.environ,
        "CENTRE_DATA_DIR": str(tmp_path),
        "CENTRE_BANK_URL": f"http://127.0.0.1:{port}",
        "CENTRE_WEB_PORT": centre.url.rsplit(":", 1)[1],
    }

    def start() -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-m", "centre", "bank"], env=environment, stderr=subprocess.DEVNULL)
        with httpx.Client(trust_env=False) as http:
            wait_until(lambda: _is_up(http, port))
        return process

    bank = start()
    body = {"request": "r1", "debit": "1111", "amount": "1.00", "reference": "ABC"}
    assert httpx.post(f"http://127.0.0.1:{port}/transfers", json=body, trust_env=False).status_code == 201
    bank.send_signal(signal.SIGKILL)
    bank.wait()
    bank = start()
    wait_until(lambda: centre.seen)
    pause(1)
    bank.terminate()
    bank.wait(10)
    assert list(centre.seen.values()) == [1]


def _is_up(http: httpx.Client, port: int) -> bool:
    try:
        return http.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    except httpx.TransportError:
        return False
