"""The bank of the demonstration: accounts of invented companies, transfers, and notices to the centre about them.

A process of its own with a book of its own. Transfer and notice are written in one transaction, so a crash loses
neither; a notice carries the bank's serial number and is sent until the centre answers 2xx, so it counts exactly once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final

import httpx
import structlog

from foundation.clock import iso, machine_now
from sandbox.errors import TransferRefused

log = structlog.get_logger("bank")

CENTRE_ACCOUNT: Final = "3204120000000001"
"""Where companies send their verification transfers."""
SIGNATURE_HEADER: Final = "X-Bank-Signature"
SAMPLE_FEN: Final = 1_000_000_00
"""What a company that opens an account during the demonstration starts with."""
MAX_BODY_BYTES: Final = 16 * 1024
RETRY_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_OK: Final = range(200, 300)

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS accounts (
  number TEXT PRIMARY KEY, holder TEXT NOT NULL, balance INTEGER NOT NULL CHECK (balance >= 0)) STRICT;
CREATE TABLE IF NOT EXISTS transfers (
  serial INTEGER PRIMARY KEY AUTOINCREMENT, request TEXT NOT NULL UNIQUE, debit TEXT NOT NULL REFERENCES accounts,
  credit TEXT NOT NULL REFERENCES accounts, fen INTEGER NOT NULL CHECK (fen > 0), reference TEXT NOT NULL,
  at TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS notices (
  id TEXT PRIMARY KEY, body TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, next_at TEXT NOT NULL,
  delivered_at TEXT, outcome TEXT NOT NULL DEFAULT '') STRICT;
"""


@dataclass(frozen=True, slots=True)
class Transfer:
    """``request`` is the payer's own number for the order: the same one again pays nothing more. ``fen``: CNY 0.01."""

    request: str
    debit: str
    credit: str
    fen: int
    reference: str


class Book:
    """The bank's ledger in SQLite. Every method is one transaction."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._path = path
        with self._connection() as connection:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.executescript(SCHEMA)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self._path, isolation_level=None, timeout=30)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=FULL")
        try:
            yield connection
        finally:
            connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
            except BaseException:
                connection.execute("ROLLBACK")
                raise
            connection.execute("COMMIT")

    def open_account(self, number: str, holder: str, fen: int) -> None:
        """Open an account with its first balance; one that exists stays as it is."""
        with self._transaction() as connection:
            connection.execute("INSERT OR IGNORE INTO accounts VALUES (?, ?, ?)", (number, holder, fen))

    def account_of(self, holder: str) -> str:
        """The account of a company by its exact name; opened with SAMPLE_FEN where it has none."""
        with self._transaction() as connection:
            row = connection.execute(
                "SELECT number FROM accounts WHERE holder = ? ORDER BY number LIMIT 1", (holder,)
            ).fetchone()
            if row is not None:
                return str(row["number"])
            digits = int.from_bytes(hashlib.sha256(holder.encode()).digest()[:6], "big") % 10**10
            number = f"320412{digits:010d}"
            connection.execute("INSERT INTO accounts VALUES (?, ?, ?)", (number, holder, SAMPLE_FEN))
            return number

    def accounts(self) -> list[dict[str, Any]]:
        with self._connection() as connection:
            rows = connection.execute("SELECT number, holder, balance FROM accounts ORDER BY number")
            return [dict(row) for row in rows]

    def transfer(self, order: Transfer) -> str:
        """Move money and, where it arrives at the centre, write the notice. Returns the bank's serial number.

        Raises TransferRefused; the same ``request`` again gives the same number, or is refused when it says otherwise.
        """
        with self._transaction() as connection:
            known = connection.execute("SELECT * FROM transfers WHERE request = ?", (order.request,)).fetchone()
            if known is not None:
                same = (known["debit"], known["credit"], known["fen"], known["reference"])
                if same != (order.debit, order.credit, order.fen, order.reference):
                    raise TransferRefused(why="request_differs")
                return _serial(known["serial"])
            payer = connection.execute("SELECT * FROM accounts WHERE number = ?", (order.debit,)).fetchone()
            payee = connection.execute("SELECT 1 FROM accounts WHERE number = ?", (order.credit,)).fetchone()
            if payer is None or payee is None or order.debit == order.credit:
                raise TransferRefused(why="unknown_account")
            if not 0 < order.fen <= payer["balance"]:
                raise TransferRefused(why="balance")
            for number, change in ((order.debit, -order.fen), (order.credit, order.fen)):
                connection.execute("UPDATE accounts SET balance = balance + ? WHERE number = ?", (change, number))
            at = iso(machine_now())
            made = connection.execute(
                "INSERT INTO transfers (request, debit, credit, fen, reference, at) VALUES (?, ?, ?, ?, ?, ?)",
                (order.request, order.debit, order.credit, order.fen, order.reference, at),
            )
            serial = _serial(made.lastrowid)
            if order.credit == CENTRE_ACCOUNT:
                body = {
                    "notice_id": serial,
                    "payer_name": payer["holder"],
                    "payer_account": order.debit,
                    "reference": order.reference,
                    "amount": f"{order.fen // 100}.{order.fen % 100:02d}",
                    "currency": "CNY",
                    "at": at,
                }
                text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
                connection.execute("INSERT INTO notices (id, body, next_at) VALUES (?, ?, ?)", (serial, text, at))
            return serial

    def waiting(self) -> list[tuple[str, str, int]]:
        """Notices whose next attempt is due: (id, body, attempts so far)."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT id, body, attempts FROM notices WHERE delivered_at IS NULL AND next_at <= ? "
                "ORDER BY id LIMIT 50",
                (iso(machine_now()),),
            )
            return [(row["id"], row["body"], row["attempts"]) for row in rows]

    def delivered(self, notice_id: str, outcome: str) -> None:
        with self._transaction() as connection:
            connection.execute(
                "UPDATE notices SET delivered_at = ?, outcome = ? WHERE id = ?",
                (iso(machine_now()), outcome, notice_id),
            )

    def postpone(self, notice_id: str, attempts: int) -> None:
        """Try again later: the pauses grow to ten seconds and stay there."""
        seconds = RETRY_SECONDS[min(attempts, len(RETRY_SECONDS) - 1)]
        with self._transaction() as connection:
            connection.execute(
                "UPDATE notices SET attempts = ?, next_at = ? WHERE id = ?",
                (attempts + 1, iso(machine_now() + timedelta(seconds=seconds)), notice_id),
            )

    def notice(self, notice_id: str) -> dict[str, Any] | None:
        with self._connection() as connection:
            row = connection.execute("SELECT * FROM notices WHERE id = ?", (notice_id,)).fetchone()
            return dict(row) if row is not None else None


def _serial(number: int | None) -> str:
    return f"DB{number or 0:010d}"


class Messenger:
    """Tells the centre about transfers, one notice at a time, until it answers 2xx.

    ``certificate``: the PEM file of a self-signed centre.
    """

    def __init__(self, book: Book, centre_url: str, key_file: Path, certificate: Path | None = None) -> None:
        self._book = book
        self._url = f"{centre_url.rstrip('/')}/bank/notices"
        self._key_file = key_file
        self._wake = threading.Event()
        self._stop = threading.Event()
        tls = ssl.create_default_context(cafile=str(certificate)) if certificate is not None else True
        limits = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.Client(timeout=20, trust_env=False, limits=limits, verify=tls)

    def poke(self) -> None:
        self._wake.set()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()

    def run(self) -> None:
        while not self._stop.is_set():
            for notice_id, body, attempts in self._book.waiting():
                self.send(notice_id, body, attempts)
            self._wake.wait(0.2)
            self._wake.clear()
        self._http.close()

    def send(self, notice_id: str, body: str, attempts: int) -> bool:
        """One attempt; whether the centre took it."""
        data = body.encode()
        try:
            secret = self._key_file.read_bytes().strip()
            headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature_of(secret, data)}
            response = self._http.post(self._url, content=data, headers=headers)
        except (OSError, httpx.HTTPError) as error:
            log.info("notice_waits", notice=notice_id, attempts=attempts + 1, cause=type(error).__name__)
            self._book.postpone(notice_id, attempts)
            return False
        if response.status_code not in _OK:
            log.warning("notice_declined", notice=notice_id, attempts=attempts + 1, status=response.status_code)
            self._book.postpone(notice_id, attempts)
            return False
        self._book.delivered(notice_id, str(response.json().get("outcome", "")))
        return True


def signature_of(secret: bytes, body: bytes) -> str:
    """Hex HMAC-SHA256 over the body exactly as sent."""
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def fen_of(text: object) -> int:
    """``"1.00"`` → 100. Raises TransferRefused for anything but a positive amount with at most two decimals."""
    try:
        amount = Decimal(str(text))
    except InvalidOperation:
        raise TransferRefused(why="amount") from None
    fen = amount * 100
    if not amount.is_finite() or fen != fen.to_integral_value() or not 0 < fen < 10**15:
        raise TransferRefused(why="amount")
    return int(fen)


class _Handler(BaseHTTPRequestHandler):
    """``GET /healthz`` · ``GET /accounts`` · ``GET /notices/<id>`` · ``POST /accounts`` · ``POST /transfers``."""

    book: ClassVar[Book]
    messenger: ClassVar[Messenger]
    server_version = "demo-bank"
    protocol_version = "HTTP/1.1"
    timeout = 30

    def do_GET(self) -> None:
        if self.path == "/healthz":
            return self._answer(HTTPStatus.OK, {"status": "ok"})
        if self.path == "/accounts":
            return self._answer(HTTPStatus.OK, {"accounts": self.book.accounts()})
        if self.path.startswith("/notices/") and (found := self.book.notice(self.path.removeprefix("/notices/"))):
            return self._answer(HTTPStatus.OK, found)
        return self._answer(HTTPStatus.NOT_FOUND, {"code": "bank.not_found"})

    def do_POST(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        deed = {"/transfers": self._transfer, "/accounts": self._open}.get(self.path)
        if deed is None or not 0 < length <= MAX_BODY_BYTES:
            self.close_connection = True
            return self._answer(HTTPStatus.NOT_FOUND, {"code": "bank.not_found"})
        try:
            answer = deed(json.loads(self.rfile.read(length)))
        except (ValueError, KeyError, TypeError, AttributeError):
            return self._answer(HTTPStatus.BAD_REQUEST, {"code": "bank.malformed"})
        except TransferRefused as refused:
            return self._answer(HTTPStatus.UNPROCESSABLE_ENTITY, {"code": refused.code, **refused.fields})
        return self._answer(HTTPStatus.CREATED, answer)

    def _transfer(self, said: dict[str, Any]) -> dict[str, Any]:
        order = Transfer(
            request=str(said["request"])[:64],
            debit=str(said["debit"]),
            credit=str(said.get("credit", CENTRE_ACCOUNT)),
            fen=fen_of(said["amount"]),
            reference=str(said["reference"])[:40],
        )
        serial = self.book.transfer(order)
        self.messenger.poke()
        return {"serial": serial}

    def _open(self, said: dict[str, Any]) -> dict[str, Any]:
        holder = str(said["holder"]).strip()[:200]
        if not holder:
            raise TransferRefused(why="holder")
        return {"number": self.book.account_of(holder), "holder": holder}

    def _answer(self, status: HTTPStatus, body: dict[str, Any]) -> None:
        data = json.dumps(body, ensure_ascii=False).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        log.debug("request", line=format % args)


class BankServer:
    """The bank listening on an address, with its messenger."""

    def __init__(
        self, host: str, port: int, book: Book, centre_url: str, key_file: Path, certificate: Path | None = None
    ) -> None:
        self.messenger = Messenger(book, centre_url, key_file, certificate)
        handler = type("Handler", (_Handler,), {"book": book, "messenger": self.messenger})
        self.http = ThreadingHTTPServer((host, port), handler)
        self.http.daemon_threads = True
        self._thread = threading.Thread(target=self.messenger.run, name="messenger", daemon=True)

    @property
    def port(self) -> int:
        return int(self.http.server_address[1])

    def serve(self) -> None:
        """Serve until :meth:`stop` is called from another thread."""
        self._thread.start()
        self.http.serve_forever(poll_interval=0.2)
        self.messenger.stop()
        self._thread.join(5)

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()
