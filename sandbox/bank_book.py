"""The bank's book: accounts, transfers, notices. Every method is one transaction of SQLite."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from foundation.clock import iso, machine_now
from sandbox.errors import TransferRefused

CENTRE_ACCOUNT: Final = "3204120000000001"
"""Where companies send their verification transfers."""
SAMPLE_FEN: Final = 1_000_000_00
"""What a company that opens an account during the demonstration starts with."""
RETRY_SECONDS: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

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

    def __init__(self, path: Path, clock: Callable[[], datetime] = machine_now) -> None:
        self.clock = clock
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
        at = iso(self.clock())
        with self._transaction() as connection:
            return self._move(connection, order, at)

    def _move(self, connection: sqlite3.Connection, order: Transfer, at: str) -> str:
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
        made = connection.execute(
            "INSERT INTO transfers (request, debit, credit, fen, reference, at) VALUES (?, ?, ?, ?, ?, ?)",
            (order.request, order.debit, order.credit, order.fen, order.reference, at),
        )
        serial = _serial(made.lastrowid)
        self._arrived(connection, order, str(payer["holder"]), serial, at)
        return serial

    def _arrived(self, connection: sqlite3.Connection, order: Transfer, payer: str, serial: str, at: str) -> None:
        """Write what the centre is to be told of this transfer, if anything."""
        if order.credit == CENTRE_ACCOUNT:
            body = {
                "notice_id": serial,
                "payer_name": payer,
                "payer_account": order.debit,
                "reference": order.reference,
                "amount": f"{order.fen // 100}.{order.fen % 100:02d}",
                "currency": "CNY",
                "at": at,
            }
            self._tell(connection, serial, body)

    def _tell(self, connection: sqlite3.Connection, number: str, body: dict[str, Any]) -> None:
        """Put a notice into the letter box, in the transaction of what it tells."""
        text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        connection.execute(
            "INSERT INTO notices (id, body, next_at) VALUES (?, ?, ?)", (number, text, iso(machine_now()))
        )

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
