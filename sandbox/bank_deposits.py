"""The deposit side of the demonstration's bank: virtual sub-accounts, orders to pay money back, the statement.

All sub-accounts are numbers of one account, so the money lies in one place and the statement tells whose it is. An
order pays the interest the bank owes and the whole refund in one transaction, once for its key.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from foundation.clock import iso, machine_now
from sandbox.bank_book import Book, Transfer
from sandbox.errors import TransferRefused

DEPOSIT_ACCOUNT: Final = "3204120000000002"
"""Where the money of all sub-accounts lies."""
INTEREST_ACCOUNT: Final = "3204120000000003"
"""The bank's own, from which it pays interest on deposits."""
INTEREST_FEN: Final = 100_000_000_00
STATEMENT_PAGE: Final = 500

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS sub_accounts (number TEXT PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS movements (
  serial TEXT PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL DEFAULT '', fen INTEGER NOT NULL,
  interest INTEGER NOT NULL DEFAULT 0, account TEXT NOT NULL, at TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS orders (
  key TEXT PRIMARY KEY, body TEXT NOT NULL, status TEXT NOT NULL, serial TEXT NOT NULL DEFAULT '',
  why TEXT NOT NULL DEFAULT '', at TEXT NOT NULL DEFAULT '', ready_at TEXT NOT NULL,
  is_refused INTEGER NOT NULL DEFAULT 0) STRICT;
"""


@dataclass
class Faults:
    """What goes wrong next; every number counts down, seconds stay until they are set again.

    ``lose_answers``: orders done but not answered · ``drop_orders``: neither done nor answered · ``reject_orders`` ·
    ``repeat_notices``: told twice · ``delay_orders_s``, ``delay_notices_s``: seconds.
    """

    lose_answers: int = 0
    drop_orders: int = 0
    reject_orders: int = 0
    repeat_notices: int = 0
    delay_orders_s: float = 0.0
    delay_notices_s: float = 0.0

    def __post_init__(self) -> None:
        self._lock = threading.Lock()

    def take(self, name: str) -> bool:
        """Whether the fault ``name`` strikes now; it is used up by that."""
        with self._lock:
            left = int(getattr(self, name))
            if left > 0:
                setattr(self, name, left - 1)
            return left > 0

    def set(self, wanted: dict[str, Any]) -> None:
        """Raises KeyError for an unknown fault, ValueError for a number below zero."""
        with self._lock:
            known = {one.name: type(getattr(self, one.name)) for one in fields(self)}
            for name, value in wanted.items():
                number = known[name](value)
                if number < 0:
                    raise ValueError(name)
                setattr(self, name, number)


@dataclass(frozen=True, slots=True)
class Order:
    """Pay ``principal`` and ``interest`` (fen) to the account; ``key`` is the orderer's own number for it."""

    key: str
    payee_name: str
    payee_account: str
    principal: int
    interest: int


class DepositBook(Book):
    """A book with sub-accounts and orders."""

    def __init__(self, path: Path, clock: Callable[[], datetime] = machine_now) -> None:
        super().__init__(path, clock)
        with self._connection() as connection:
            connection.executescript(_SCHEMA)
        self.open_account(DEPOSIT_ACCOUNT, "武进区公共资源交易中心投标保证金专户", 0)
        self.open_account(INTEREST_ACCOUNT, "演示银行利息支出", INTEREST_FEN)

    def open_sub_account(self, number: str) -> None:
        """One that is open stays as it is."""
        with self._transaction() as connection:
            if connection.execute("SELECT 1 FROM accounts WHERE number = ?", (number,)).fetchone():
                raise TransferRefused(why="number_taken")
            connection.execute("INSERT OR IGNORE INTO sub_accounts VALUES (?)", (number,))

    def place(self, order: Order, *, delay: timedelta = timedelta(0), is_refused: bool = False) -> dict[str, str]:
        """Take an order and carry it out, now or after ``delay``; returns its status. The same key does it once.

        Raises TransferRefused where the key is known with another body.
        """
        body = json.dumps([order.payee_name, order.payee_account, order.principal, order.interest])
        at = iso(self.clock())
        with self._transaction() as connection:
            known = connection.execute("SELECT * FROM orders WHERE key = ?", (order.key,)).fetchone()
            if known is not None:
                if known["body"] != body:
                    raise TransferRefused(why="request_differs")
                return _status(known)
            connection.execute(
                "INSERT INTO orders (key, body, status, ready_at, is_refused) VALUES (?, ?, 'processing', ?, ?)",
                (order.key, body, iso(machine_now() + delay), int(is_refused)),
            )
            if delay <= timedelta(0):
                self._carry_out(connection, order, at, is_refused=is_refused)
            return _status(connection.execute("SELECT * FROM orders WHERE key = ?", (order.key,)).fetchone())

    def order(self, key: str) -> dict[str, str] | None:
        with self._connection() as connection:
            row = connection.execute("SELECT * FROM orders WHERE key = ?", (key,)).fetchone()
            return None if row is None else _status(row)

    def carry_out_ready(self) -> int:
        """Carry out the orders whose delay is over; returns how many."""
        with self._connection() as connection:
            ready = connection.execute(
                "SELECT key, body, is_refused FROM orders WHERE status = 'processing' AND ready_at <= ?",
                (iso(machine_now()),),
            ).fetchall()
        for row in ready:
            at = iso(self.clock())
            with self._transaction() as connection:
                fresh = connection.execute("SELECT status FROM orders WHERE key = ?", (row["key"],)).fetchone()
                if fresh["status"] == "processing":
                    order = Order(row["key"], *json.loads(row["body"]))
                    self._carry_out(connection, order, at, is_refused=bool(row["is_refused"]))
        return len(ready)

    def statement(self, after: str) -> list[dict[str, Any]]:
        """Movements of the deposit account behind the serial ``after``, a page at a time."""
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT * FROM movements WHERE serial > ? ORDER BY serial LIMIT ?", (after, STATEMENT_PAGE)
            )
            return [
                {
                    "serial": row["serial"],
                    "kind": row["kind"],
                    "order": row["key"],
                    "amount": yuan(row["fen"]),
                    "interest": yuan(row["interest"]),
                    "account": row["account"],
                    "at": row["at"],
                }
                for row in rows
            ]

    def _move(self, connection: sqlite3.Connection, order: Transfer, at: str) -> str:
        sub = connection.execute("SELECT 1 FROM sub_accounts WHERE number = ?", (order.credit,)).fetchone()
        if sub is not None:
            order = replace(order, credit=DEPOSIT_ACCOUNT, reference=order.credit)
        return super()._move(connection, order, at)

    def _arrived(self, connection: sqlite3.Connection, order: Transfer, payer: str, serial: str, at: str) -> None:
        if order.credit != DEPOSIT_ACCOUNT or order.debit == INTEREST_ACCOUNT:
            super()._arrived(connection, order, payer, serial, at)
            return
        connection.execute(
            "INSERT INTO movements (serial, kind, fen, account, at) VALUES (?, 'arrival', ?, ?, ?)",
            (serial, order.fen, order.debit, at),
        )
        said = {
            "kind": "arrival",
            "serial": serial,
            "number": order.reference,
            "payer_name": payer,
            "payer_account": order.debit,
            "amount": yuan(order.fen),
            "currency": "CNY",
            "value_at": at,
        }
        self._tell(connection, serial, said)

    def _carry_out(self, connection: sqlite3.Connection, order: Order, at: str, *, is_refused: bool) -> None:
        payee = connection.execute("SELECT holder FROM accounts WHERE number = ?", (order.payee_account,)).fetchone()
        why = "account_closed" if is_refused or payee is None else ""
        if not why and payee["holder"] != order.payee_name:
            why = "name_differs"
        serial = "" if why else self._pay(connection, order, at)
        connection.execute(
            "UPDATE orders SET status = ?, serial = ?, why = ?, at = ? WHERE key = ?",
            ("rejected" if why else "paid", serial, why, at, order.key),
        )
        row = connection.execute("SELECT * FROM orders WHERE key = ?", (order.key,)).fetchone()
        self._tell(connection, f"order-{order.key}", {"kind": "order", **_status(row)})

    def _pay(self, connection: sqlite3.Connection, order: Order, at: str) -> str:
        if order.interest:
            request = f"interest-{order.key}"
            credit = Transfer(request, INTEREST_ACCOUNT, DEPOSIT_ACCOUNT, order.interest, "interest")
            super()._move(connection, credit, at)
        total = order.principal + order.interest
        payment = Transfer(f"order-{order.key}", DEPOSIT_ACCOUNT, order.payee_account, total, "refund of a deposit")
        serial = super()._move(connection, payment, at)
        connection.execute(
            "INSERT INTO movements VALUES (?, 'refund', ?, ?, ?, ?, ?)",
            (serial, order.key, total, order.interest, order.payee_account, at),
        )
        return serial


def yuan(fen: int) -> str:
    """100 → "1.00"."""
    return f"{fen // 100}.{fen % 100:02d}"


def _status(row: sqlite3.Row) -> dict[str, str]:
    return {
        "order": row["key"],
        "status": row["status"],
        "serial": row["serial"],
        "why": row["why"],
        "at": row["at"],
    }
