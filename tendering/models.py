"""Rows of projects, lots, documents, questions, and of sealed submission."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
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
from foundation.money import Money
from foundation.store.base import Base, EnumText, Fen, Instant, Json
from tendering.rulebook import RulebookKind
from tendering.states import (
    BID_MACHINE,
    LOT_MACHINE,
    ORDER_MACHINE,
    BidState,
    BidTrigger,
    LotState,
    LotTrigger,
    OrderState,
    OrderTrigger,
)


class Project(Base):
    """A project and its tender project (one each in this release): codes of 17 and 20 digits (R9.02)."""

    __tablename__ = "projects"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    project_code: Mapped[str] = mapped_column(String(17), unique=True)
    tender_code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    location: Mapped[str] = mapped_column(String(200))
    fund_source: Mapped[str] = mapped_column(String(200))
    approval: Mapped[str] = mapped_column(String(200), default="")
    """The decision by which the project was approved, as the notice cites it."""
    trade_kind: Mapped[str] = mapped_column(String(20))
    """works, procurement, state_property, rural_property"""
    is_state_funded: Mapped[bool] = mapped_column(Boolean)
    tenderee_org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"))
    agency_org_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("organisations.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    is_imported: Mapped[bool] = mapped_column(Boolean, default=False)


class Lot(Base):
    """A lot (标段): what is tendered, by which rules, until when."""

    __tablename__ = "lots"
    __table_args__ = (
        CheckConstraint("ceiling IS NULL OR ceiling > 0", name="ceiling_positive"),
        CheckConstraint("deposit IS NULL OR deposit >= 0", name="deposit_not_negative"),
        Index("ix_lots_state_deadline_at", "state", "deadline_at"),
    )
    MACHINE: ClassVar[Machine[LotState, LotTrigger]] = LOT_MACHINE

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    project_id: Mapped[str] = mapped_column(String(36), ForeignKey("projects.id"), index=True)
    number: Mapped[int] = mapped_column(Integer)
    lot_code: Mapped[str] = mapped_column(String(23), unique=True)
    unified_deal_code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    state: Mapped[LotState] = mapped_column(EnumText(LotState))
    scope: Mapped[str] = mapped_column(Text, default="")
    qualification: Mapped[str] = mapped_column(Text, default="")
    quality: Mapped[str] = mapped_column(String(100), default="")
    subject: Mapped[str] = mapped_column(String(20), default="works")
    estimate: Mapped[Money | None] = mapped_column(Fen)
    ceiling: Mapped[Money | None] = mapped_column(Fen)
    deposit: Mapped[Money | None] = mapped_column(Fen)
    duration_days: Mapped[int | None] = mapped_column(Integer)
    validity_days: Mapped[int] = mapped_column(Integer, default=90)
    rulebook_kind: Mapped[RulebookKind] = mapped_column(EnumText(RulebookKind), default=RulebookKind.WORKS_MANDATORY)
    """Which body of rules the clerk runs the lot under; the dated book is chosen and stamped at publication."""
    rulebook_id: Mapped[str | None] = mapped_column(String(40))
    method_id: Mapped[str | None] = mapped_column(String(40))
    method_params: Mapped[dict[str, Any] | None] = mapped_column(Json)
    decrypt_minutes: Mapped[int] = mapped_column(Integer, default=30)
    query_minutes: Mapped[int] = mapped_column(Integer, default=10)
    confirm_minutes: Mapped[int] = mapped_column(Integer, default=10)
    checkin_lead_minutes: Mapped[int] = mapped_column(Integer, default=1440)
    min_decrypted: Mapped[int] = mapped_column(Integer, default=3)
    escrow_rule: Mapped[str] = mapped_column(String(20), default="compulsory")
    suite: Mapped[str] = mapped_column(String(4), default="S1", server_default="S1")
    """The set of algorithms bids are sealed with; fixed once keys were asked for."""
    beacon: Mapped[str] = mapped_column(String(12), default="", server_default="")
    """The public beacon in the draws of the opening, by prior notice: "quicknet", or "" for none."""
    freeze_grace_seconds: Mapped[int] = mapped_column(Integer, default=60, server_default="60")
    """As the centre's setting was at publication; part of the notice."""
    common_failure_percent: Mapped[int] = mapped_column(Integer, default=30, server_default="30")
    """The share of seats failing together that stops the opening's clock; as the rulebook had it at publication."""
    publish_at: Mapped[datetime | None] = mapped_column(Instant)
    """When publication is planned; the timetable is simulated from it."""
    published_at: Mapped[datetime | None] = mapped_column(Instant)
    deadline_at: Mapped[datetime | None] = mapped_column(Instant)
    submitted_by: Mapped[str | None] = mapped_column(String(36))
    approved_by: Mapped[str | None] = mapped_column(String(36))
    is_imported: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(Instant)
    is_guided: Mapped[bool] = mapped_column(Boolean, default=False)
    """In a demonstration centre: the lot whose moments the clock control jumps to and whose other seats robots take."""


class PastDeal(Base):
    """How a lot ended, for lists and statistics: of an imported lot (without proofs, and saying so) or awarded here."""

    __tablename__ = "past_deals"

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("lots.id"), primary_key=True)
    awardee_name: Mapped[str] = mapped_column(String(200))
    amount: Mapped[Money] = mapped_column(Fen)
    saved: Mapped[Money] = mapped_column(Fen)
    deal_on: Mapped[date] = mapped_column(Date)


class Stay(Base):
    """Something undecided that holds up award, contract and refunds of a lot (R1.41)."""

    __tablename__ = "stays"
    __table_args__ = (
        Index(
            "uq_stays_lot_id_ground_open",
            "lot_id",
            "ground",
            unique=True,
            sqlite_where=text("lifted_at IS NULL"),
            postgresql_where=text("lifted_at IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("lots.id"), index=True)
    ground: Mapped[str] = mapped_column(String(120))
    placed_at: Mapped[datetime] = mapped_column(Instant)
    lifted_at: Mapped[datetime | None] = mapped_column(Instant)


class Document(Base):
    """A published file of a lot: notice, tender document, clarification, attachment. Never changed, only superseded."""

    __tablename__ = "documents"
    __table_args__ = (UniqueConstraint("lot_id", "kind", "version"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("lots.id"), index=True)
    kind: Mapped[str] = mapped_column(String(30))
    version: Mapped[int] = mapped_column(Integer)
    title: Mapped[str] = mapped_column(String(200))
    object_name: Mapped[str] = mapped_column(String(200))
    media_type: Mapped[str] = mapped_column(String(80))
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(Integer)
    issued_at: Mapped[datetime] = mapped_column(Instant)


class Question(Base):
    """A question on the documents. Who asked is hidden from everybody but the asker (R1.05)."""

    __tablename__ = "questions"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("lots.id"), index=True)
    asker_org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"))
    text: Mapped[str] = mapped_column(Text)
    asked_at: Mapped[datetime] = mapped_column(Instant)
    clarification_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("clarifications.id"))
    answer: Mapped[str] = mapped_column(Text, default="")


class Clarification(Base):
    """An answer to everybody, with what it does to the deadline (R1.06, R1.33)."""

    __tablename__ = "clarifications"
    __table_args__ = (UniqueConstraint("lot_id", "number"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("lots.id"), index=True)
    number: Mapped[int] = mapped_column(Integer)
    text: Mapped[str] = mapped_column(Text)
    affects_bids: Mapped[bool] = mapped_column(Boolean)
    issued_at: Mapped[datetime] = mapped_column(Instant)
    deadline_before: Mapped[datetime] = mapped_column(Instant)
    deadline_after: Mapped[datetime] = mapped_column(Instant)


class Subscription(Base):
    """Who wants to hear of clarifications: hidden like downloads."""

    __tablename__ = "subscriptions"

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("lots.id"), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36), ForeignKey("users.id"), primary_key=True)
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"))
    since: Mapped[datetime] = mapped_column(Instant)
    told_through: Mapped[int] = mapped_column(Integer, default=0)
    """Number of the last clarification this person was told of, so that a repeated job tells nobody twice."""


class PaperOrder(Base):
    """Papers on their way to publication: rendered by a job outside any Unit, then issued in one Unit, or failed.

    ``wanted`` is what was asked for (answers, changes, a new deadline), so that a failed order can be repeated.
    """

    __tablename__ = "paper_orders"
    __table_args__ = (
        # One paper at a time and lot: two clicks on "publish" must not race for the same number.
        Index(
            "uq_paper_orders_lot_id_ordered",
            "lot_id",
            unique=True,
            sqlite_where=text("state = 'ordered'"),
            postgresql_where=text("state = 'ordered'"),
        ),
    )
    MACHINE: ClassVar[Machine[OrderState, OrderTrigger]] = ORDER_MACHINE

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("lots.id"), index=True)
    kind: Mapped[str] = mapped_column(String(20))
    """publication or clarification"""
    state: Mapped[OrderState] = mapped_column(EnumText(OrderState))
    wanted: Mapped[dict[str, Any]] = mapped_column(Json)
    ordered_by: Mapped[str] = mapped_column(String(36), ForeignKey("users.id"))
    ordered_by_org: Mapped[str | None] = mapped_column(String(36), ForeignKey("organisations.id"))
    ordered_role: Mapped[str] = mapped_column(String(40))
    source: Mapped[str] = mapped_column(String(120))
    ordered_at: Mapped[datetime] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    fault: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """Why it failed: code, fields and objections, for the sentence made at the edge."""


class CodeCounter(Base):
    """The last number given out within a scope (a day's projects, a project's lots, a day's deal codes)."""

    __tablename__ = "code_counters"

    scope: Mapped[str] = mapped_column(String(80), primary_key=True)
    last: Mapped[int] = mapped_column(Integer)


class Upload(Base):
    """Ciphertext on its way: parts with sizes, filled by segments in any order, days ahead if one likes."""

    __tablename__ = "uploads"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("lots.id"), index=True)
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"))
    parts: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Instant)


class Segment(Base):
    """One stored segment of ciphertext (8 MiB, the last one shorter)."""

    __tablename__ = "segments"

    upload_id: Mapped[str] = mapped_column(String(36), ForeignKey("uploads.id"), primary_key=True)
    part: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    size_bytes: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    """What the sender announced and the bytes were compared with on arrival."""
    leaf: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """The digest in the lot's suite, which the signed root stands over; "" means that it is ``sha256``."""
    stored_at: Mapped[datetime] = mapped_column(Instant)


class SealedBid(Base):
    """One sealed revision of a bid. The platform can not read it; older revisions stay as sealed evidence."""

    __tablename__ = "sealed_bids"
    __table_args__ = (
        UniqueConstraint("lot_id", "org_id", "rev"),
        # One live revision per bidder and lot, in the database and not only in code.
        Index(
            "uq_sealed_bids_live",
            "lot_id",
            "org_id",
            unique=True,
            sqlite_where=text("state = 'sealed'"),
            postgresql_where=text("state = 'sealed'"),
        ),
    )
    MACHINE: ClassVar[Machine[BidState, BidTrigger]] = BID_MACHINE

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("lots.id"), index=True)
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"))
    bid: Mapped[str] = mapped_column(String(32), index=True)
    """The 16 random bytes of the binding, hex: stays the same over revisions."""
    rev: Mapped[int] = mapped_column(Integer)
    state: Mapped[BidState] = mapped_column(EnumText(BidState))
    upload_id: Mapped[str] = mapped_column(String(36), ForeignKey("uploads.id"), unique=True)
    header: Mapped[bytes] = mapped_column(LargeBinary)
    manifest: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    envelope_hash: Mapped[str] = mapped_column(String(64), unique=True)
    commit_bidder: Mapped[str] = mapped_column(String(64), unique=True)
    size_bytes: Mapped[int] = mapped_column(Integer)
    received_at: Mapped[datetime] = mapped_column(Instant)
    receipt: Mapped[str] = mapped_column(Text)
    entry_id: Mapped[str] = mapped_column(String(36))
    withdrawn_at: Mapped[datetime | None] = mapped_column(Instant)
    told_to_reseal_at: Mapped[datetime | None] = mapped_column(Instant)
    """When the bidder of a void revision was told that it can seal again."""


class Receiver(Base):
    """One receiving process: through which instant it has decided every seal it stamped (docs/threat-model.md §2)."""

    __tablename__ = "receivers"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    lease_until: Mapped[datetime] = mapped_column(Instant)
    """Machine clock."""
    drained_through: Mapped[datetime] = mapped_column(Instant)
    """Civil clock: no seal stamped before this instant is undecided here, and none will be stamped."""
