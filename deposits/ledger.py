"""The ledger: immutable transfers of two entries or more that sum to zero, each told in the stream ``ledger``.

A refund on its way is a *pending* transfer into ``refunds_in_flight``; a second transfer *posts* it (the bank has paid)
or *voids* it (it has not). Corrections are more transfers. Balances are sums, asked when wanted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Result, func, insert, select, text

from deposits.errors import LedgerUnsound
from deposits.models import LedgerAccount, LedgerEntry, LedgerTransfer
from deposits.states import SIDES, AccountKind, Purpose, Side, TransferKind
from foundation.events.deposits import LedgerLine, TransferRecorded
from foundation.money import Money
from foundation.store.unit import Unit

STREAM: Final = "ledger"
_LOCK: Final = 0x1ED6E8
"""Number of the advisory lock on PostgreSQL."""


@dataclass(frozen=True, slots=True)
class Account:
    """A sub-ledger; lot and bidder empty for money that names neither."""

    kind: AccountKind
    lot_id: str
    org_id: str

    @property
    def code(self) -> str:
        return f"{self.kind}:{self.lot_id}:{self.org_id}"


@dataclass(frozen=True, slots=True)
class Line:
    """``amount``: a debit positive, a credit negative."""

    account: Account
    amount: Money


@dataclass(frozen=True, slots=True)
class Transfer:
    """What is to be recorded. The same ``key`` again records nothing more."""

    key: str
    kind: TransferKind
    purpose: Purpose
    lines: tuple[Line, ...]
    resolves_id: str | None = None


def lock(unit: Unit) -> None:
    """Let one Unit at a time move money: what it reads of the ledger stays true until it commits."""
    if unit.session.get_bind().dialect.name == "postgresql":
        unit.session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _LOCK})


def record(unit: Unit, transfer: Transfer) -> str:
    """Record a transfer; returns its id. The caller holds :func:`lock`.

    Raises LedgerUnsound for what the law of the ledger forbids, and for a known key that says something else.
    """
    known = unit.session.scalar(select(LedgerTransfer).where(LedgerTransfer.key == transfer.key))
    lines = [(line.account.code, line.amount.fen) for line in transfer.lines]
    if known is not None:
        if lines != _lines(unit, known.id) or known.resolves_id != transfer.resolves_id:
            raise LedgerUnsound(what="key says something else", key=transfer.key)
        return known.id
    _require_sound(unit, transfer)
    transfer_id = unit.new_id()
    event = TransferRecorded(
        transfer=transfer_id,
        key=transfer.key,
        kind=transfer.kind,
        purpose=transfer.purpose,
        resolves=transfer.resolves_id or "",
        lines=tuple(LedgerLine(code, fen) for code, fen in lines),
    )
    entry = unit.append(STREAM, event)
    _open_accounts(unit, transfer.lines)
    unit.session.execute(
        insert(LedgerEntry),
        [
            {"transfer_id": transfer_id, "line": number, "account": code, "fen": fen}
            for number, (code, fen) in enumerate(lines, start=1)
        ],
    )
    first = transfer.lines[0].account
    unit.session.execute(
        insert(LedgerTransfer).values(
            id=transfer_id,
            seq=entry.seq,
            key=transfer.key,
            kind=transfer.kind,
            purpose=transfer.purpose,
            resolves_id=transfer.resolves_id,
            lot_id=first.lot_id,
            org_id=first.org_id,
            at=entry.recorded_at,
        )
    )
    return transfer_id


def lines_of(unit: Unit, transfer_id: str) -> tuple[Line, ...]:
    """The lines of a recorded transfer."""
    rows = unit.session.execute(
        select(LedgerAccount, LedgerEntry.fen)
        .join(LedgerEntry, LedgerEntry.account == LedgerAccount.code)
        .where(LedgerEntry.transfer_id == transfer_id)
        .order_by(LedgerEntry.line)
    )
    return tuple(Line(Account(row.kind, row.lot_id, row.org_id), Money(fen)) for row, fen in rows)


def balance(unit: Unit, account: Account) -> Money:
    """Debits less credits."""
    total = unit.session.scalar(select(func.sum(LedgerEntry.fen)).where(LedgerEntry.account == account.code))
    return Money(int(total or 0))


def trial_balance(unit: Unit, *, position: int | None = None) -> dict[AccountKind, Money]:
    """The balance of every kind of account after the transfer ``position`` of the journal's stream; all, for None."""
    query = (
        select(LedgerAccount.kind, func.sum(LedgerEntry.fen))
        .join(LedgerEntry, LedgerEntry.account == LedgerAccount.code)
        .group_by(LedgerAccount.kind)
    )
    if position is not None:
        query = query.join(LedgerTransfer, LedgerTransfer.id == LedgerEntry.transfer_id).where(
            LedgerTransfer.seq <= position
        )
    return _by_kind(unit.session.execute(query))


def lot_balance(unit: Unit, lot_ids: Iterable[str]) -> dict[AccountKind, Money]:
    """The same for these lots only."""
    query = (
        select(LedgerAccount.kind, func.sum(LedgerEntry.fen))
        .join(LedgerEntry, LedgerEntry.account == LedgerAccount.code)
        .where(LedgerAccount.lot_id.in_(list(lot_ids)))
        .group_by(LedgerAccount.kind)
    )
    return _by_kind(unit.session.execute(query))


def _by_kind(rows: Result[AccountKind, int]) -> dict[AccountKind, Money]:
    found = {kind: Money(int(total)) for kind, total in rows}
    return {kind: found.get(kind, Money(0)) for kind in AccountKind}


def _require_sound(unit: Unit, transfer: Transfer) -> None:
    """The same law as the triggers, so that a mistake is named here and can not pass there."""
    if len(transfer.lines) < 2 or any(line.amount.fen == 0 for line in transfer.lines):  # noqa: PLR2004 - double entry
        raise LedgerUnsound(what="too few entries", key=transfer.key)
    if Money.sum(line.amount for line in transfer.lines).fen != 0:
        raise LedgerUnsound(what="sum", key=transfer.key)
    if len({(line.account.lot_id, line.account.org_id) for line in transfer.lines}) != 1:
        raise LedgerUnsound(what="one bidder's money for another's", key=transfer.key)
    if (transfer.kind in {TransferKind.POST, TransferKind.VOID}) != (transfer.resolves_id is not None):
        raise LedgerUnsound(what="resolution", key=transfer.key)
    if transfer.resolves_id is not None:
        _require_resolution(unit, transfer, transfer.resolves_id)
    moved: dict[Account, Money] = {}
    for line in transfer.lines:
        moved[line.account] = moved.get(line.account, Money(0)) + line.amount
    for account, change in moved.items():
        after = balance(unit, account) + change
        if after.fen and (after.fen < 0) is (SIDES[account.kind] is Side.DEBIT):
            raise LedgerUnsound(what="overdrawn", key=transfer.key, account=account.code)


def _require_resolution(unit: Unit, transfer: Transfer, pending_id: str) -> None:
    pending = unit.session.get(LedgerTransfer, pending_id)
    if pending is None or pending.kind is not TransferKind.PENDING:
        raise LedgerUnsound(what="nothing pending", key=transfer.key)
    if unit.session.scalar(select(LedgerTransfer.id).where(LedgerTransfer.resolves_id == pending_id)) is not None:
        raise LedgerUnsound(what="resolved already", key=transfer.key)
    both = (*lines_of(unit, pending_id), *transfer.lines)
    if Money.sum(one.amount for one in both if one.account.kind is AccountKind.REFUNDS_IN_FLIGHT).fen != 0:
        raise LedgerUnsound(what="in flight differs", key=transfer.key)


def _open_accounts(unit: Unit, lines: Sequence[Line]) -> None:
    accounts = {line.account.code: line.account for line in lines}
    known = set(unit.session.scalars(select(LedgerAccount.code).where(LedgerAccount.code.in_(accounts))))
    new = [
        {"code": code, "kind": one.kind, "side": SIDES[one.kind], "lot_id": one.lot_id, "org_id": one.org_id}
        for code, one in accounts.items()
        if code not in known
    ]
    if new:
        unit.session.execute(insert(LedgerAccount), new)


def _lines(unit: Unit, transfer_id: str) -> list[tuple[str, int]]:
    rows = unit.session.execute(
        select(LedgerEntry.account, LedgerEntry.fen)
        .where(LedgerEntry.transfer_id == transfer_id)
        .order_by(LedgerEntry.line)
    )
    return [(account, fen) for account, fen in rows]
