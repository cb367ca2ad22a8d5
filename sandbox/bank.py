"""The bank of the demonstration: accounts of invented companies, transfers, and notices to the centre about them.

A process of its own with a book of its own. Transfer and notice are written in one transaction, so a crash loses
neither; a notice carries the bank's serial number and is sent until the centre answers 2xx, so it counts exactly once.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import ssl
import threading
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final

import httpx
import structlog

from foundation.clock import machine_now, parse_iso
from sandbox.bank_book import CENTRE_ACCOUNT, Book, Transfer
from sandbox.bank_deposits import DepositBook, Faults, Order
from sandbox.errors import TransferRefused

__all__ = [
    "CENTRE_ACCOUNT",
    "SIGNATURE_HEADER",
    "BankServer",
    "Book",
    "CentreClock",
    "DepositBook",
    "Messenger",
    "Transfer",
    "fen_of",
    "signature_of",
]

log = structlog.get_logger("bank")

SIGNATURE_HEADER: Final = "X-Bank-Signature"
MAX_BODY_BYTES: Final = 16 * 1024
TIME_SECONDS: Final = 2.0
_OK: Final = range(200, 300)
_PATHS: Final = {"arrival": "/bank/arrivals", "order": "/bank/orders"}
"""Where a notice goes by its kind; one without a kind is about a verification transfer."""


class CentreClock:
    """The centre's civil time, which a demonstration moves: value dates must be of the same calendar as deadlines.

    While the centre does not answer, the last known distance to the machine clock stands.
    """

    def __init__(self, centre_url: str, certificate: Path | None = None) -> None:
        self._url = f"{centre_url.rstrip('/')}/time"
        self._ahead = timedelta(0)
        self._tls = trust_in(certificate)

    def __call__(self) -> datetime:
        try:
            answer = httpx.get(self._url, timeout=TIME_SECONDS, trust_env=False, verify=self._tls)
            answer.raise_for_status()
            self._ahead = parse_iso(answer.json()["now"]) - machine_now()
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            log.info("centre_time_unknown", cause=type(error).__name__)
        return machine_now() + self._ahead


class Messenger:
    """Tells the centre about transfers, one notice at a time, until it answers 2xx.

    ``certificate``: the PEM file of a self-signed centre.
    """

    def __init__(
        self,
        book: Book,
        centre_url: str,
        key_file: Path,
        certificate: Path | None = None,
        faults: Faults | None = None,
    ) -> None:
        self._book = book
        self._centre = centre_url.rstrip("/")
        self._faults = faults or Faults()
        self._key_file = key_file
        self._wake = threading.Event()
        self._stop = threading.Event()
        limits = httpx.Limits(max_keepalive_connections=0)
        self._http = httpx.Client(timeout=20, trust_env=False, limits=limits, verify=trust_in(certificate))

    def poke(self) -> None:
        self._wake.set()

    def stop(self) -> None:
        self._stop.set()
        self._wake.set()

    def run(self) -> None:
        while not self._stop.is_set():
            if isinstance(self._book, DepositBook):
                self._book.carry_out_ready()
            self._stop.wait(self._faults.delay_notices_s)
            for notice_id, body, attempts in self._book.waiting():
                self.send(notice_id, body, attempts)
            self._wake.wait(0.2)
            self._wake.clear()
        self._http.close()

    def send(self, notice_id: str, body: str, attempts: int) -> bool:
        """One attempt; whether the centre took it."""
        data = body.encode()
        url = f"{self._centre}{_PATHS.get(json.loads(body).get('kind', ''), '/bank/notices')}"
        try:
            secret = self._key_file.read_bytes().strip()
            headers = {"Content-Type": "application/json", SIGNATURE_HEADER: signature_of(secret, data)}
            response = self._http.post(url, content=data, headers=headers)
            if self._faults.take("repeat_notices"):
                response = self._http.post(url, content=data, headers=headers)
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


def trust_in(certificate: Path | None) -> ssl.SSLContext | bool:
    """What https to the centre is checked against: its own PEM file, else the machine's authorities."""
    return True if certificate is None else ssl.create_default_context(cafile=str(certificate))


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


class AnswerLost(Exception):
    """The line breaks before the answer."""


class _Handler(BaseHTTPRequestHandler):
    """``GET /healthz`` · ``GET /accounts`` · ``GET /notices/<id>`` · ``POST /accounts`` · ``POST /transfers``.

    From the centre alone, signed: ``POST /sub-accounts`` · ``POST /orders`` · ``POST /orders/ask`` ·
    ``POST /statement``. For tests and demonstrations of what may go wrong: ``POST /faults``.
    """

    book: ClassVar[Book]
    faults: ClassVar[Faults]
    key_file: ClassVar[Path]
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
        open_deeds = {"/transfers": self._transfer, "/accounts": self._open, "/faults": self._set_faults}
        signed_deeds = {
            "/sub-accounts": self._open_sub_account,
            "/orders": self._place_order,
            "/orders/ask": self._ask_order,
            "/statement": self._statement,
        }
        deed = open_deeds.get(self.path) or signed_deeds.get(self.path)
        if deed is None or not 0 < length <= MAX_BODY_BYTES:
            self.close_connection = True
            return self._answer(HTTPStatus.NOT_FOUND, {"code": "bank.not_found"})
        body = self.rfile.read(length)
        if self.path in signed_deeds and not self._is_signed(body):
            return self._answer(HTTPStatus.FORBIDDEN, {"code": "bank.not_signed"})
        try:
            answer = deed(json.loads(body))
        except AnswerLost:
            self.close_connection = True
            return None
        except (ValueError, KeyError, TypeError, AttributeError):
            return self._answer(HTTPStatus.BAD_REQUEST, {"code": "bank.malformed"})
        except TransferRefused as refused:
            return self._answer(HTTPStatus.UNPROCESSABLE_ENTITY, {"code": refused.code, **refused.fields})
        if answer is None:
            return self._answer(HTTPStatus.NOT_FOUND, {"code": "bank.not_found"})
        return self._answer(HTTPStatus.CREATED, answer)

    def _is_signed(self, body: bytes) -> bool:
        try:
            secret = self.key_file.read_bytes().strip()
        except OSError:
            return False
        return hmac.compare_digest(signature_of(secret, body), self.headers.get(SIGNATURE_HEADER, ""))

    def _set_faults(self, said: dict[str, Any]) -> dict[str, Any]:
        self.faults.set(said)
        return {"set": sorted(said)}

    def _open_sub_account(self, said: dict[str, Any]) -> dict[str, Any]:
        number = str(said["number"])
        if not (number.isdecimal() and 12 <= len(number) <= 34):  # noqa: PLR2004 - length of an account number
            raise TransferRefused(why="number")
        self._deposits.open_sub_account(number)
        return {"number": number}

    def _place_order(self, said: dict[str, Any]) -> dict[str, str]:
        if self.faults.take("drop_orders"):
            raise AnswerLost
        interest = str(said["interest"])
        order = Order(
            key=str(said["order"])[:80],
            payee_name=str(said["payee_name"]),
            payee_account=str(said["payee_account"]),
            principal=fen_of(said["principal"]),
            interest=0 if interest == "0.00" else fen_of(interest),
        )
        delay = timedelta(seconds=self.faults.delay_orders_s)
        is_known = self._deposits.order(order.key) is not None
        is_refused = not is_known and self.faults.take("reject_orders")
        answer = self._deposits.place(order, delay=delay, is_refused=is_refused)
        self.messenger.poke()
        if self.faults.take("lose_answers"):
            raise AnswerLost
        return answer

    def _ask_order(self, said: dict[str, Any]) -> dict[str, str] | None:
        return self._deposits.order(str(said["order"]))

    def _statement(self, said: dict[str, Any]) -> dict[str, Any]:
        return {"lines": self._deposits.statement(str(said["after"]))}

    @property
    def _deposits(self) -> DepositBook:
        if not isinstance(self.book, DepositBook):
            raise TransferRefused(why="no_deposits")
        return self.book

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
        self.faults = Faults()
        self.messenger = Messenger(book, centre_url, key_file, certificate, self.faults)
        parts = {"book": book, "messenger": self.messenger, "faults": self.faults, "key_file": key_file}
        handler = type("Handler", (_Handler,), parts)
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
