"""Bans and records follow the code, not the account: registering again under another name does not shake one off."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from credit.acts import Act
from credit.states import RECORD_MACHINE, RecordSource, RecordState, RecordTrigger, RulingKind
from foundation.machine import Machine
from foundation.store.base import Base, EnumText, Instant


class Ban(Base):
    __tablename__ = "bans"
    __table_args__ = (
        UniqueConstraint("uscc", "authority", "decision_no"),
        CheckConstraint("starts_at < ends_at", name="starts_before_end"),
        Index("ix_bans_uscc_starts_at", "uscc", "starts_at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    uscc: Mapped[str] = mapped_column(String(18))
    name: Mapped[str] = mapped_column(String(200))
    authority: Mapped[str] = mapped_column(String(200))
    decision_no: Mapped[str] = mapped_column(String(200))
    clause: Mapped[str] = mapped_column(String(200))
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    document_reference: Mapped[str] = mapped_column(String(500))
    entered_by: Mapped[str] = mapped_column(String(36))
    entered_at: Mapped[datetime] = mapped_column(Instant)
    annulled_at: Mapped[datetime | None] = mapped_column(Instant)
    annulled_ground: Mapped[str] = mapped_column(Text, default="")


_NOT_DROPPED = text("state <> 'dropped'")


class CreditRecord(Base):
    """What a decision says of an organisation. Written once; afterwards only ``state`` moves, by its table.

    It counts in [later of ``effective_at`` and ``decided_at``, ``ends_at``), and no longer than to ``closed_at``, the
    instant of the ruling that ended it. ``entry_id``: the journal entry of the fact, for a record made by one.
    """

    __tablename__ = "credit_records"
    __table_args__ = (
        CheckConstraint("effective_at < ends_at", name="effective_before_end"),
        CheckConstraint("months BETWEEN 3 AND 36", name="months_in_bounds"),
        CheckConstraint("(source = 'event') = (entry_id IS NOT NULL)", name="fact_has_entry"),
        Index("ix_credit_records_uscc", "uscc"),
        Index("ix_credit_records_state_id", "state", "id"),
        Index(
            "uq_credit_records_decision",
            "uscc",
            "authority",
            "decision_no",
            "act",
            unique=True,
            sqlite_where=_NOT_DROPPED,
            postgresql_where=_NOT_DROPPED,
        ),
    )
    MACHINE: ClassVar[Machine[RecordState, RecordTrigger]] = RECORD_MACHINE

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    uscc: Mapped[str] = mapped_column(String(18))
    name: Mapped[str] = mapped_column(String(200))
    act: Mapped[Act] = mapped_column(EnumText(Act))
    authority: Mapped[str] = mapped_column(String(200))
    decision_no: Mapped[str] = mapped_column(String(200))
    clause: Mapped[str] = mapped_column(String(200))
    facts: Mapped[str] = mapped_column(Text)
    lot_id: Mapped[str | None] = mapped_column(String(36))
    lot_code: Mapped[str] = mapped_column(String(30))
    lot_name: Mapped[str] = mapped_column(String(200))
    effective_at: Mapped[datetime] = mapped_column(Instant)
    months: Mapped[int] = mapped_column(Integer)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    document_reference: Mapped[str] = mapped_column(String(500))
    source: Mapped[RecordSource] = mapped_column(EnumText(RecordSource))
    entry_id: Mapped[str | None] = mapped_column(String(36), unique=True)
    entered_by: Mapped[str] = mapped_column(String(36))
    entered_at: Mapped[datetime] = mapped_column(Instant)
    decided_by: Mapped[str | None] = mapped_column(String(36))
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    object_until: Mapped[datetime | None] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)
    state: Mapped[RecordState] = mapped_column(EnumText(RecordState))


class CreditObjection(Base):
    """The organisation's word on its record, and the answer. One a record: afterwards review and court (R7.16)."""

    __tablename__ = "credit_objections"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    record_id: Mapped[str] = mapped_column(String(36), ForeignKey("credit_records.id"), unique=True)
    org_id: Mapped[str] = mapped_column(String(36))
    text: Mapped[str] = mapped_column(Text)
    filed_by: Mapped[str] = mapped_column(String(36))
    filed_at: Mapped[datetime] = mapped_column(Instant)
    answer_until: Mapped[datetime] = mapped_column(Instant)
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_by: Mapped[str | None] = mapped_column(String(36))
    answered_at: Mapped[datetime | None] = mapped_column(Instant)


class CreditRuling(Base):
    """A later decision that ends a record, with its own document. Only ever inserted."""

    __tablename__ = "credit_rulings"
    __table_args__ = (UniqueConstraint("record_id", "kind"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    record_id: Mapped[str] = mapped_column(String(36), ForeignKey("credit_records.id"))
    kind: Mapped[RulingKind] = mapped_column(EnumText(RulingKind))
    authority: Mapped[str] = mapped_column(String(200))
    decision_no: Mapped[str] = mapped_column(String(200))
    ground: Mapped[str] = mapped_column(Text)
    document_reference: Mapped[str] = mapped_column(String(500))
    entered_by: Mapped[str] = mapped_column(String(36))
    at: Mapped[datetime] = mapped_column(Instant)
