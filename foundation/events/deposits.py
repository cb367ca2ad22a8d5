"""Deposits: what arrived, what the ledger moved, what was refunded. Amounts are decimal text in CNY.

All private: before the freeze nobody may learn who paid (R2.08), and afterwards names stay with those concerned.

A bidder's events stand in its own stream ``bid:<lot>:<org>``; every movement stands once more, in the order of the
ledger, in the stream ``ledger``.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from foundation.events.base import Event, event_type


@event_type
@dataclass(frozen=True)
class DepositAccountOpened(Event):
    """The bank has opened a sub-account for this bidder and lot (R2.05)."""

    TYPE: ClassVar[str] = "deposits.account_opened"

    lot: str
    org_id: str
    number: str


@event_type
@dataclass(frozen=True)
class DepositArrived(Event):
    """The bank told of money. ``outcome``: matched, late, name_differs, unknown_account."""

    TYPE: ClassVar[str] = "deposits.arrived"

    lot: str
    org_id: str
    serial: str
    payer_name: str
    account_tail: str
    amount: str
    value_at: datetime
    outcome: str


@dataclass(frozen=True)
class LedgerLine:
    """One entry: the account's code, and fen (a debit is positive)."""

    account: str
    fen: int


@event_type
@dataclass(frozen=True)
class TransferRecorded(Event):
    """One transfer of the ledger; ``resolves``: the pending transfer it posts or voids, or empty."""

    TYPE: ClassVar[str] = "deposits.transfer_recorded"

    transfer: str
    key: str
    kind: str
    purpose: str
    resolves: str
    lines: tuple[LedgerLine, ...]


@event_type
@dataclass(frozen=True)
class RefundFellDue(Event):
    TYPE: ClassVar[str] = "deposits.refund_fell_due"

    lot: str
    org_id: str
    refund: str
    serial: str
    ground: str
    due_at: datetime


@event_type
@dataclass(frozen=True)
class RefundOrdered(Event):
    """The pending transfer stands; a job sends the payment order with ``order`` as its key."""

    TYPE: ClassVar[str] = "deposits.refund_ordered"

    lot: str
    org_id: str
    refund: str
    order: str
    principal: str
    interest: str


@event_type
@dataclass(frozen=True)
class RefundPaid(Event):
    TYPE: ClassVar[str] = "deposits.refund_paid"

    lot: str
    org_id: str
    refund: str
    order: str
    bank_serial: str
    amount: str
    paid_at: datetime


@event_type
@dataclass(frozen=True)
class RefundRejected(Event):
    """The bank declined the order; the money is held again."""

    TYPE: ClassVar[str] = "deposits.refund_rejected"

    lot: str
    org_id: str
    refund: str
    order: str
    why: str


@event_type
@dataclass(frozen=True)
class RefundsBlocked(Event):
    """Refunds of the lot (``org_id`` empty) or of one bidder wait (R2.19)."""

    TYPE: ClassVar[str] = "deposits.refunds_blocked"

    lot: str
    org_id: str
    ground: str
    reference: str


@event_type
@dataclass(frozen=True)
class RefundsUnblocked(Event):
    TYPE: ClassVar[str] = "deposits.refunds_unblocked"

    lot: str
    org_id: str
    ground: str
    reference: str
