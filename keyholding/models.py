"""Rows of seats, key sets, rehearsals and releases."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from foundation.machine import Machine
from foundation.sealing import Role
from foundation.store.base import Base, EnumText, Instant, Json
from keyholding.states import (
    KEYSET_MACHINE,
    REHEARSAL_MACHINE,
    KeysetState,
    KeysetTrigger,
    RehearsalState,
    RehearsalTrigger,
    Side,
)


class HolderSeat(Base):
    """A standing appointment: who stands for a side, and who runs the machine its agent works on."""

    __tablename__ = "holder_seats"
    __table_args__ = (
        # Nobody is two holders.
        Index(
            "uq_holder_seats_active_user",
            "user_id",
            unique=True,
            sqlite_where=text("is_active = 1 AND user_id IS NOT NULL"),
            postgresql_where=text("is_active AND user_id IS NOT NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    side: Mapped[Side] = mapped_column(EnumText(Side))
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"), index=True)
    org_name: Mapped[str] = mapped_column(String(200))
    user_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("users.id"))
    holder_name: Mapped[str] = mapped_column(String(200))
    operator: Mapped[str] = mapped_column(String(200))
    agent_token_hash: Mapped[str | None] = mapped_column(String(64), unique=True)
    browser_since: Mapped[datetime | None] = mapped_column(Instant)
    """Since when the holder acts by hand, in its own browser; None where it has only an agent or nothing."""
    last_seen_at: Mapped[datetime | None] = mapped_column(Instant)
    """Machine clock."""
    warned_at: Mapped[datetime | None] = mapped_column(Instant)
    """Machine clock: when the holder was told that its agent is silent while something is asked of it."""
    is_active: Mapped[bool] = mapped_column(Boolean)
    appointed_at: Mapped[datetime] = mapped_column(Instant)


class LotKeyset(Base):
    """The holders of one lot. ``json_text`` and ``hash`` are empty until every key is there."""

    __tablename__ = "keysets"
    __table_args__ = (
        UniqueConstraint("lot_id", "version"),
        CheckConstraint("t >= 2 AND t <= m", name="gate_threshold"),
        CheckConstraint("(k = 0 AND n = 0) OR (k >= 2 AND k <= n)", name="escrow_threshold"),
        # One key set of a lot counts at a time.
        Index(
            "uq_keysets_current",
            "lot_id",
            unique=True,
            sqlite_where=text("state <> 'retired'"),
            postgresql_where=text("state <> 'retired'"),
        ),
    )
    MACHINE: ClassVar[Machine[KeysetState, KeysetTrigger]] = KEYSET_MACHINE

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36), index=True)
    tender: Mapped[str] = mapped_column(String(64))
    lot_code: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(Integer)
    state: Mapped[KeysetState] = mapped_column(EnumText(KeysetState))
    suite: Mapped[str] = mapped_column(String(4))
    t: Mapped[int] = mapped_column(Integer)
    m: Mapped[int] = mapped_column(Integer)
    k: Mapped[int] = mapped_column(Integer)
    n: Mapped[int] = mapped_column(Integer)
    json_text: Mapped[str] = mapped_column(Text, default="")
    hash: Mapped[str] = mapped_column(String(64), default="")
    warnings: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    requested_at: Mapped[datetime] = mapped_column(Instant)
    completed_at: Mapped[datetime | None] = mapped_column(Instant)
    rehearsed_at: Mapped[datetime | None] = mapped_column(Instant)


class KeysetMember(Base):
    """One seat's place in a key set; names are kept as they were then."""

    __tablename__ = "keyset_members"
    __table_args__ = (UniqueConstraint("keyset_id", "role", "index"), UniqueConstraint("public_key"))

    keyset_id: Mapped[str] = mapped_column(String(36), ForeignKey("keysets.id"), primary_key=True)
    seat_id: Mapped[str] = mapped_column(String(36), ForeignKey("holder_seats.id"), primary_key=True, index=True)
    role: Mapped[Role] = mapped_column(EnumText(Role))
    index: Mapped[int] = mapped_column(Integer)
    side: Mapped[Side] = mapped_column(EnumText(Side))
    org_name: Mapped[str] = mapped_column(String(200))
    holder_name: Mapped[str] = mapped_column(String(200))
    operator: Mapped[str] = mapped_column(String(200))
    public_key: Mapped[str | None] = mapped_column(String(130))
    proof: Mapped[str] = mapped_column(String(128), default="")
    ready_at: Mapped[datetime | None] = mapped_column(Instant)


class HolderLoss(Base):
    """A holder of a lot that is lost before the deadline: declared by one person, confirmed by another (R1.26)."""

    __tablename__ = "holder_losses"
    __table_args__ = (UniqueConstraint("keyset_id", "seat_id"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36), index=True)
    keyset_id: Mapped[str] = mapped_column(String(36), ForeignKey("keysets.id"))
    seat_id: Mapped[str] = mapped_column(String(36), ForeignKey("holder_seats.id"))
    reason: Mapped[str] = mapped_column(Text)
    declared_by: Mapped[str] = mapped_column(String(36))
    declared_at: Mapped[datetime] = mapped_column(Instant)
    confirmed_by: Mapped[str | None] = mapped_column(String(36))
    confirmed_at: Mapped[datetime | None] = mapped_column(Instant)


class Rehearsal(Base):
    """A dummy bid. Its content is destroyed once it was opened; the hashes stay."""

    __tablename__ = "rehearsals"
    __table_args__ = (UniqueConstraint("keyset_id", "number"),)
    MACHINE: ClassVar[Machine[RehearsalState, RehearsalTrigger]] = REHEARSAL_MACHINE

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    keyset_id: Mapped[str] = mapped_column(String(36), ForeignKey("keysets.id"))
    number: Mapped[int] = mapped_column(Integer)
    state: Mapped[RehearsalState] = mapped_column(EnumText(RehearsalState))
    header: Mapped[bytes | None] = mapped_column(LargeBinary)
    manifest: Mapped[bytes | None] = mapped_column(LargeBinary)
    ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary)
    opening_key: Mapped[str | None] = mapped_column(String(64))
    """The dummy bidder's private key (hex): only a key set without custodians needs it to be opened."""
    header_hash: Mapped[str] = mapped_column(String(64))
    content_hash: Mapped[str] = mapped_column(String(64))
    started_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    culprit: Mapped[str] = mapped_column(String(200), default="")
    cause: Mapped[str] = mapped_column(String(40), default="")


class RehearsalShare(Base):
    """A share of a running rehearsal (hex); deleted when it ends."""

    __tablename__ = "rehearsal_shares"

    rehearsal_id: Mapped[str] = mapped_column(String(36), ForeignKey("rehearsals.id"), primary_key=True)
    seat_id: Mapped[str] = mapped_column(String(36), ForeignKey("holder_seats.id"), primary_key=True)
    share: Mapped[str] = mapped_column(String(66))


class GateRequest(Base):
    """The window of this lot is closed: gate holders may publish their keys."""

    __tablename__ = "gate_requests"

    lot_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    keyset_id: Mapped[str] = mapped_column(String(36), ForeignKey("keysets.id"))
    entry_id: Mapped[str] = mapped_column(String(36))
    requested_at: Mapped[datetime] = mapped_column(Instant)


class GateKey(Base):
    """A published private key: 64 hex digits."""

    __tablename__ = "gate_keys"

    lot_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    index: Mapped[int] = mapped_column(Integer, primary_key=True)
    keyset_id: Mapped[str] = mapped_column(String(36), ForeignKey("keysets.id"))
    seat_id: Mapped[str] = mapped_column(String(36), ForeignKey("holder_seats.id"))
    private_key: Mapped[str] = mapped_column(String(64))
    released_at: Mapped[datetime] = mapped_column(Instant)


class EscrowRequest(Base):
    """Shares of frozen bids that were not released are asked for."""

    __tablename__ = "escrow_requests"

    lot_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    keyset_id: Mapped[str] = mapped_column(String(36), ForeignKey("keysets.id"))
    published_entry_id: Mapped[str] = mapped_column(String(36), server_default="")
    """The published lot states the escrow rule (R3.20)."""
    frozen_entry_id: Mapped[str] = mapped_column(String(36))
    list_entry_id: Mapped[str] = mapped_column(String(36))
    ended_entry_id: Mapped[str] = mapped_column(String(36))
    requested_at: Mapped[datetime] = mapped_column(Instant)


class EscrowBid(Base):
    """One bid of an escrow request: what a custodian needs to check and unwrap its own share."""

    __tablename__ = "escrow_bids"

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("escrow_requests.lot_id"), primary_key=True)
    bid: Mapped[str] = mapped_column(String(32), primary_key=True)
    header: Mapped[bytes] = mapped_column(LargeBinary)
    manifest: Mapped[bytes] = mapped_column(LargeBinary)
    request_entry_id: Mapped[str | None] = mapped_column(String(36))
    """The confirmed request for this bid, where the tender document has escrow on request."""


class EscrowShare(Base):
    """One custodian's answer for one bid: a share that matches its commitment, or why there is none (``fault``)."""

    __tablename__ = "escrow_shares"
    __table_args__ = (CheckConstraint("(share = '') <> (fault = '')", name="share_or_fault"),)

    lot_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    bid: Mapped[str] = mapped_column(String(32), primary_key=True)
    index: Mapped[int] = mapped_column(Integer, primary_key=True)
    seat_id: Mapped[str] = mapped_column(String(36), ForeignKey("holder_seats.id"))
    share: Mapped[str] = mapped_column(String(66), default="")
    fault: Mapped[str] = mapped_column(String(40), default="")
    at: Mapped[datetime] = mapped_column(Instant)
