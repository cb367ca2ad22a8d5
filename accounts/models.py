"""Rows of organisations, people, sessions, keys and claims."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from accounts.states import CLAIM_MACHINE, ClaimState, ClaimTrigger, ClaimWay, KeyPurpose, UsccGround, Verdict
from foundation.machine import Machine
from foundation.store.base import Base, EnumText, Instant, Json


class Organisation(Base):
    """Several organisations may name the same code; only one claim to it can be verified (see :class:`Claim`)."""

    __tablename__ = "organisations"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    uscc: Mapped[str] = mapped_column(String(18), index=True)
    uscc_ground: Mapped[UsccGround] = mapped_column(EnumText(UsccGround))
    override_evidence: Mapped[str] = mapped_column(Text, default="")
    override_reviewed_by: Mapped[str | None] = mapped_column(String(36))
    override_reviewed_at: Mapped[datetime | None] = mapped_column(Instant)
    registered_at: Mapped[datetime] = mapped_column(Instant)

    @property
    def is_code_admitted(self) -> bool:
        return self.uscc_ground is UsccGround.COMPUTED or self.override_reviewed_at is not None


class User(Base):
    __tablename__ = "users"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"), index=True)
    login: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    password_hash: Mapped[str] = mapped_column(String(200))
    is_password_given: Mapped[bool] = mapped_column(Boolean)
    """Somebody else chose the password: the person is asked to change it."""
    registered_at: Mapped[datetime] = mapped_column(Instant)
    closed_at: Mapped[datetime | None] = mapped_column(Instant)


class UserRole(Base):
    __tablename__ = "user_roles"

    user_id: Mapped[str] = mapped_column(String(36), ForeignKey("users.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(40), primary_key=True)
    granted_at: Mapped[datetime] = mapped_column(Instant)
    granted_by: Mapped[str | None] = mapped_column(String(36))


class UserSession(Base):
    """A sign-in. Only the SHA-256 of the token is kept. All instants are of the machine clock."""

    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36), ForeignKey("users.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    opened_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    source: Mapped[str] = mapped_column(String(120))
    user_agent: Mapped[str] = mapped_column(String(300))


class SignInFailure(Base):
    """One failed attempt (machine clock), for counting. ``login_hash`` is a digest: the text may be a password."""

    __tablename__ = "sign_in_failures"
    __table_args__ = (
        Index("ix_sign_in_failures_source_at", "source", "at"),
        Index("ix_sign_in_failures_login_hash_source_at", "login_hash", "source", "at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    login_hash: Mapped[str] = mapped_column(String(64))
    source: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime] = mapped_column(Instant)


class OrganisationKey(Base):
    """A public key of an organisation. One key serves one organisation and one purpose for ever (R1.20)."""

    __tablename__ = "organisation_keys"
    __table_args__ = (UniqueConstraint("public_key"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"), index=True)
    purpose: Mapped[KeyPurpose] = mapped_column(EnumText(KeyPurpose))
    public_key: Mapped[str] = mapped_column(String(130))
    label: Mapped[str] = mapped_column(String(100))
    lot_id: Mapped[str | None] = mapped_column(String(36), index=True)
    """The one lot a decryption key is for; None for keys of no lot. To this package it is only an id."""
    certificate: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """What was verified of the certificate the key came with, if it came with one."""
    registered_at: Mapped[datetime] = mapped_column(Instant)
    registered_by: Mapped[str | None] = mapped_column(String(36))
    retired_at: Mapped[datetime | None] = mapped_column(Instant)


class Claim(Base):
    """An organisation's claim to its code. ``round`` counts attempts: approvals of one do not serve another."""

    __tablename__ = "claims"
    __table_args__ = (
        # The rule of the house in one line: several may claim a code, one may hold it.
        Index(
            "uq_claims_verified_uscc",
            "uscc",
            unique=True,
            sqlite_where=text("state = 'verified'"),
            postgresql_where=text("state = 'verified'"),
        ),
        CheckConstraint("round >= 0", name="round_not_negative"),
    )
    MACHINE: ClassVar[Machine[ClaimState, ClaimTrigger]] = CLAIM_MACHINE

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"), unique=True)
    uscc: Mapped[str] = mapped_column(String(18), index=True)
    state: Mapped[ClaimState] = mapped_column(EnumText(ClaimState))
    way: Mapped[ClaimWay | None] = mapped_column(EnumText(ClaimWay))
    round: Mapped[int] = mapped_column(Integer)
    reference: Mapped[str | None] = mapped_column(String(16), unique=True)
    account_number: Mapped[str] = mapped_column(String(40), default="")
    nonce: Mapped[str] = mapped_column(String(64), default="")
    nonce_until: Mapped[datetime | None] = mapped_column(Instant)
    """Machine clock."""
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    decided_at: Mapped[datetime | None] = mapped_column(Instant)
    reason: Mapped[str] = mapped_column(Text, default="")
    certificate: Mapped[dict[str, Any] | None] = mapped_column(Json)


class ClaimDocument(Base):
    __tablename__ = "claim_documents"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    claim_id: Mapped[str] = mapped_column(String(36), ForeignKey("claims.id"), index=True)
    round: Mapped[int] = mapped_column(Integer)
    title: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(40))
    object_name: Mapped[str] = mapped_column(String(200))
    size_bytes: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    filed_at: Mapped[datetime] = mapped_column(Instant)


class ClaimVerdict(Base):
    """What one officer said in one round."""

    __tablename__ = "claim_verdicts"
    __table_args__ = (UniqueConstraint("claim_id", "round", "officer_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    claim_id: Mapped[str] = mapped_column(String(36), ForeignKey("claims.id"))
    round: Mapped[int] = mapped_column(Integer)
    officer_id: Mapped[str] = mapped_column(String(36), ForeignKey("users.id"))
    verdict: Mapped[Verdict] = mapped_column(EnumText(Verdict))
    note: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(Instant)


class BankNotice(Base):
    """A notice of the bank, by its own number, and what became of it. The same number again changes nothing."""

    __tablename__ = "bank_notices"

    notice_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    body_hash: Mapped[str] = mapped_column(String(64))
    claim_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("claims.id"))
    payer_name: Mapped[str] = mapped_column(String(200))
    payer_account: Mapped[str] = mapped_column(String(40))
    reference: Mapped[str] = mapped_column(String(40))
    outcome: Mapped[str] = mapped_column(String(40))
    received_at: Mapped[datetime] = mapped_column(Instant)


class InboxItem(Base):
    """A message to a person or to everybody of an organisation. The sentence is the term ``code`` with ``params``."""

    __tablename__ = "inbox_items"
    __table_args__ = (
        CheckConstraint("(org_id IS NULL) <> (user_id IS NULL)", name="one_addressee"),
        Index("ix_inbox_items_org_id_at", "org_id", "at"),
        Index("ix_inbox_items_user_id_at", "user_id", "at"),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    org_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("organisations.id"))
    user_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("users.id"))
    code: Mapped[str] = mapped_column(String(80))
    params: Mapped[dict[str, Any]] = mapped_column(Json)
    link: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime] = mapped_column(Instant)
    read_at: Mapped[datetime | None] = mapped_column(Instant)
