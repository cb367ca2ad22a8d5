"""Rows of deposits. Facts of money (ledger, arrivals) are only ever inserted; there is no balance to go stale."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    String,
    UniqueConstraint,
    event,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from deposits.ledger_ddl import guards
from deposits.states import (
    REFUND_MACHINE,
    AccountKind,
    BlockGround,
    Outcome,
    Purpose,
    RefundGround,
    RefundState,
    RefundTrigger,
    Side,
    TransferKind,
)
from foundation.machine import Machine
from foundation.money import Money
from foundation.store.base import Base, EnumText, Fen, Instant

NOBODY = ""
"""``lot_id`` and ``org_id`` of money that names no sub-account of ours."""


class LedgerAccount(Base):
    """A sub-ledger of one lot and bidder. ``code`` is ``kind:lot:org``."""

    __tablename__ = "ledger_accounts"

    code: Mapped[str] = mapped_column(String(120), primary_key=True)
    kind: Mapped[AccountKind] = mapped_column(EnumText(AccountKind))
    side: Mapped[Side] = mapped_column(EnumText(Side))
    lot_id: Mapped[str] = mapped_column(String(36), index=True)
    org_id: Mapped[str] = mapped_column(String(36))


class LedgerTransfer(Base):
    """One immutable transfer. ``seq`` is its number in the journal's stream ``ledger``; ``key`` makes it idempotent."""

    __tablename__ = "ledger_transfers"
    __table_args__ = (
        CheckConstraint("kind IN ('single', 'pending', 'post', 'void')", name="kind_known"),
        CheckConstraint("(resolves_id IS NOT NULL) = (kind IN ('post', 'void'))", name="resolution_points"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    seq: Mapped[int] = mapped_column(BigInteger, unique=True)
    key: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[TransferKind] = mapped_column(EnumText(TransferKind))
    purpose: Mapped[Purpose] = mapped_column(EnumText(Purpose))
    # Unique: a pending transfer is posted or voided once.
    resolves_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("ledger_transfers.id"), unique=True)
    lot_id: Mapped[str] = mapped_column(String(36), index=True)
    org_id: Mapped[str] = mapped_column(String(36))
    at: Mapped[datetime] = mapped_column(Instant)


class LedgerEntry(Base):
    """One line of a transfer: fen, a debit positive. Written before its transfer, which then closes the sum."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        CheckConstraint("fen <> 0", name="not_nothing"),
        Index("ix_ledger_entries_account", "account", "fen"),
    )

    transfer_id: Mapped[str] = mapped_column(
        String(36), ForeignKey("ledger_transfers.id", deferrable=True, initially="DEFERRED"), primary_key=True
    )
    line: Mapped[int] = mapped_column(Integer, primary_key=True)
    account: Mapped[str] = mapped_column(String(120), ForeignKey("ledger_accounts.code"))
    fen: Mapped[int] = mapped_column(BigInteger)


class DepositAccount(Base):
    """The virtual sub-account of one lot and bidder (R2.05)."""

    __tablename__ = "deposit_accounts"
    __table_args__ = (UniqueConstraint("lot_id", "org_id"),)

    number: Mapped[str] = mapped_column(String(34), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36))
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"), index=True)
    opened_at: Mapped[datetime] = mapped_column(Instant)


class DepositArrival(Base):
    """What the bank said, once per serial number of the bank's."""

    __tablename__ = "deposit_arrivals"
    __table_args__ = (
        CheckConstraint("amount > 0", name="amount_positive"),
        Index("ix_deposit_arrivals_lot_org", "lot_id", "org_id"),
    )

    serial: Mapped[str] = mapped_column(String(64), primary_key=True)
    body_hash: Mapped[str] = mapped_column(String(64))
    number: Mapped[str] = mapped_column(String(34))
    lot_id: Mapped[str] = mapped_column(String(36))
    org_id: Mapped[str] = mapped_column(String(36))
    payer_name: Mapped[str] = mapped_column(String(200))
    payer_account: Mapped[str] = mapped_column(String(34))
    amount: Mapped[Money] = mapped_column(Fen)
    value_at: Mapped[datetime] = mapped_column(Instant)
    outcome: Mapped[Outcome] = mapped_column(EnumText(Outcome))
    received_at: Mapped[datetime] = mapped_column(Instant)
    transfer_id: Mapped[str] = mapped_column(String(36), ForeignKey("ledger_transfers.id"), unique=True)


class Refund(Base):
    """The way back of one arrival, to the account it came from. ``attempt`` counts orders; a declined one is over."""

    __tablename__ = "refunds"
    __table_args__ = (
        CheckConstraint("interest >= 0", name="interest_not_negative"),
        Index("ix_refunds_lot_org", "lot_id", "org_id"),
        Index("ix_refunds_state", "state"),
    )
    MACHINE: ClassVar[Machine[RefundState, RefundTrigger]] = REFUND_MACHINE

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    serial: Mapped[str] = mapped_column(String(64), ForeignKey("deposit_arrivals.serial"), unique=True)
    lot_id: Mapped[str] = mapped_column(String(36))
    org_id: Mapped[str] = mapped_column(String(36))
    ground: Mapped[RefundGround] = mapped_column(EnumText(RefundGround))
    state: Mapped[RefundState] = mapped_column(EnumText(RefundState))
    fell_due_at: Mapped[datetime] = mapped_column(Instant)
    due_at: Mapped[datetime] = mapped_column(Instant)
    interest: Mapped[Money] = mapped_column(Fen)
    attempt: Mapped[int] = mapped_column(Integer, default=0)
    ordered_at: Mapped[datetime | None] = mapped_column(Instant)
    pending_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("ledger_transfers.id"))
    sent_at: Mapped[datetime | None] = mapped_column(Instant)
    """Set before the order leaves: from then on the bank is asked first, never told again blindly."""
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    bank_serial: Mapped[str | None] = mapped_column(String(64), unique=True)
    why: Mapped[str] = mapped_column(String(200), default="")


class RefundRelease(Base):
    """A lot whose deposits all go back: money that comes later goes back at once."""

    __tablename__ = "refund_releases"

    lot_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    ground: Mapped[RefundGround] = mapped_column(EnumText(RefundGround))
    since: Mapped[datetime] = mapped_column(Instant)


class RefundBlock(Base):
    """Why refunds wait (R2.19): of a whole lot (``org_id`` empty) or of one bidder."""

    __tablename__ = "refund_blocks"
    __table_args__ = (
        Index(
            "uq_refund_blocks_standing",
            "lot_id",
            "org_id",
            "ground",
            "reference",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36))
    org_id: Mapped[str] = mapped_column(String(36))
    ground: Mapped[BlockGround] = mapped_column(EnumText(BlockGround))
    reference: Mapped[str] = mapped_column(String(120))
    placed_at: Mapped[datetime] = mapped_column(Instant)
    lifted_at: Mapped[datetime | None] = mapped_column(Instant)


# After the last of them: a guard of one table reads the others.
event.listen(Base.metadata, "after_create", guards)
