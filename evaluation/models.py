"""Rows of the expert library, of committees and their draws, of score sheets, results and what follows from them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from sqlalchemy import Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from evaluation.states import (
    CASE_MACHINE,
    DRAW_MACHINE,
    SEAT_MACHINE,
    SHEET_MACHINE,
    CaseState,
    CaseTrigger,
    DrawState,
    DrawTrigger,
    SeatState,
    SeatTrigger,
    SheetState,
    SheetTrigger,
)
from foundation.machine import Machine
from foundation.money import Money
from foundation.store.base import Base, DecimalText, EnumText, Fen, Instant, Json


class Expert(Base):
    """A person of the expert library (评标专家库). ``employer_org_id`` where the employer is registered here."""

    __tablename__ = "experts"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(36), ForeignKey("users.id"), unique=True)
    employer: Mapped[str] = mapped_column(String(200))
    employer_org_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("organisations.id"))
    specialities: Mapped[list[str]] = mapped_column(Json)
    title: Mapped[str] = mapped_column(String(100))
    years: Mapped[int] = mapped_column(Integer)
    is_suspended: Mapped[bool] = mapped_column(Boolean, default=False)
    entered_at: Mapped[datetime] = mapped_column(Instant)


class EvaluationCase(Base):
    """The evaluation of one lot (its id is the lot's) from the committee to the contract."""

    __tablename__ = "evaluation_cases"
    __table_args__ = (Index("ix_evaluation_cases_state", "state"),)
    MACHINE: ClassVar[Machine[CaseState, CaseTrigger]] = CASE_MACHINE

    id: Mapped[str] = mapped_column(String(36), ForeignKey("lots.id"), primary_key=True)
    state: Mapped[CaseState] = mapped_column(EnumText(CaseState))
    opened_at: Mapped[datetime] = mapped_column(Instant)
    committee_size: Mapped[int] = mapped_column(Integer, default=0)
    specialities: Mapped[list[str]] = mapped_column(Json)
    expert_salt: Mapped[str] = mapped_column(String(64))
    """Blinds expert ids in public; told with the award."""
    rubric: Mapped[dict[str, Any] | None] = mapped_column(Json)
    code_salt: Mapped[str] = mapped_column(String(64), default="")
    round: Mapped[int] = mapped_column(Integer, default=0)
    """How often all sheets were in: the check before signing runs once a round."""
    findings: Mapped[list[dict[str, str]]] = mapped_column(Json)
    started_at: Mapped[datetime | None] = mapped_column(Instant)
    locked_at: Mapped[datetime | None] = mapped_column(Instant)
    signing_until: Mapped[datetime | None] = mapped_column(Instant)
    result: Mapped[dict[str, Any] | None] = mapped_column(Json)
    """Benchmark, coefficients and the calculation, step by step (see ``scoring``)."""
    tie_order: Mapped[list[str]] = mapped_column(Json)
    tie_reason: Mapped[str] = mapped_column(Text, default="")
    reported_at: Mapped[datetime | None] = mapped_column(Instant)
    publish_by: Mapped[datetime | None] = mapped_column(Instant)
    published_at: Mapped[datetime | None] = mapped_column(Instant)
    publicity_until: Mapped[datetime | None] = mapped_column(Instant)
    awarded_at: Mapped[datetime | None] = mapped_column(Instant)
    awardee_bid: Mapped[str] = mapped_column(String(32), default="")
    contract_until: Mapped[datetime | None] = mapped_column(Instant)
    tenderee_signed_at: Mapped[datetime | None] = mapped_column(Instant)
    tenderee_signer: Mapped[str] = mapped_column(String(200), default="")
    awardee_signed_at: Mapped[datetime | None] = mapped_column(Instant)
    awardee_signer: Mapped[str] = mapped_column(String(200), default="")
    contracted_at: Mapped[datetime | None] = mapped_column(Instant)


class CommitteeDraw(Base):
    """One draw of experts. A further one only when every ticket of the last is spent: its ``number`` is higher."""

    __tablename__ = "committee_draws"
    __table_args__ = (UniqueConstraint("lot_id", "number"), Index("ix_committee_draws_state", "state"))
    MACHINE: ClassVar[Machine[DrawState, DrawTrigger]] = DRAW_MACHINE

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("evaluation_cases.id"))
    number: Mapped[int] = mapped_column(Integer)
    draw_id: Mapped[str] = mapped_column(String(120), unique=True)
    state: Mapped[DrawState] = mapped_column(EnumText(DrawState))
    seats: Mapped[int] = mapped_column(Integer)
    pool: Mapped[list[str]] = mapped_column(Json)
    passed: Mapped[list[str]] = mapped_column(Json)
    """Blinded ids whose tickets are spent: seated, passed over, or vacated."""
    transcript: Mapped[str] = mapped_column(Text, default="")
    pool_entry_id: Mapped[str] = mapped_column(String(36))
    last_entry_id: Mapped[str] = mapped_column(String(36))
    """The last commitment: the draw waits until a cosigned checkpoint covers it."""
    asked_at: Mapped[datetime] = mapped_column(Instant)
    drawn_at: Mapped[datetime | None] = mapped_column(Instant)


class DrawContribution(Base):
    """One contributor's entropy. Secret until the draw is made; ``value`` is in no event before it."""

    __tablename__ = "draw_contributions"

    draw_row_id: Mapped[str] = mapped_column(String(36), ForeignKey("committee_draws.id"), primary_key=True)
    contributor: Mapped[str] = mapped_column(String(20), primary_key=True)
    value: Mapped[str] = mapped_column(String(64))
    words: Mapped[str] = mapped_column(Text)
    salt: Mapped[str] = mapped_column(String(64))
    by_user_id: Mapped[str | None] = mapped_column(String(36), ForeignKey("users.id"))
    at: Mapped[datetime] = mapped_column(Instant)

    def __repr__(self) -> str:
        return f"DrawContribution(contributor={self.contributor!r})"


class CommitteeSeat(Base):
    """An expert asked to sit, and what became of it. Who it is stays hidden until the winner is decided (R4.01)."""

    __tablename__ = "committee_seats"
    __table_args__ = (
        UniqueConstraint("lot_id", "expert_id"),
        Index("ix_committee_seats_user_id_state", "user_id", "state"),
    )
    MACHINE: ClassVar[Machine[SeatState, SeatTrigger]] = SEAT_MACHINE

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("evaluation_cases.id"))
    draw_row_id: Mapped[str] = mapped_column(String(36), ForeignKey("committee_draws.id"))
    expert_id: Mapped[str] = mapped_column(String(36), ForeignKey("experts.id"))
    user_id: Mapped[str] = mapped_column(String(36), ForeignKey("users.id"))
    blinded: Mapped[str] = mapped_column(String(64))
    state: Mapped[SeatState] = mapped_column(EnumText(SeatState))
    invited_at: Mapped[datetime] = mapped_column(Instant)
    answer_until: Mapped[datetime] = mapped_column(Instant)
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
    signed_at: Mapped[datetime | None] = mapped_column(Instant)
    dissent: Mapped[str] = mapped_column(Text, default="")
    is_silent: Mapped[bool] = mapped_column(Boolean, default=False)


class BidCode(Base):
    """Which bid lies under which code. Read by nobody but the platform until the technical part is locked (R4.58)."""

    __tablename__ = "bid_codes"
    __table_args__ = (UniqueConstraint("lot_id", "code"),)

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("evaluation_cases.id"), primary_key=True)
    bid: Mapped[str] = mapped_column(String(32), primary_key=True)
    code: Mapped[str] = mapped_column(String(4))


class ScoreSheet(Base):
    """One expert's sheet. Nobody else reads it before the report."""

    __tablename__ = "score_sheets"
    MACHINE: ClassVar[Machine[SheetState, SheetTrigger]] = SHEET_MACHINE

    id: Mapped[str] = mapped_column(String(36), ForeignKey("committee_seats.id"), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("evaluation_cases.id"), index=True)
    state: Mapped[SheetState] = mapped_column(EnumText(SheetState))
    saved_at: Mapped[datetime | None] = mapped_column(Instant)
    submitted_at: Mapped[datetime | None] = mapped_column(Instant)


class SheetMark(Base):
    """One cell: points on a scored item, a verdict on a pass-or-fail item."""

    __tablename__ = "sheet_marks"

    sheet_id: Mapped[str] = mapped_column(String(36), ForeignKey("score_sheets.id"), primary_key=True)
    code: Mapped[str] = mapped_column(String(4), primary_key=True)
    item: Mapped[str] = mapped_column(String(40), primary_key=True)
    points: Mapped[Decimal | None] = mapped_column(DecimalText)
    verdict: Mapped[str] = mapped_column(String(4), default="")
    """pass, fail or ""."""
    clause: Mapped[str] = mapped_column(String(200), default="")
    reason: Mapped[str] = mapped_column(Text, default="")


class RankedBid(Base):
    """One bid's outcome after the technical lock."""

    __tablename__ = "ranked_bids"

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("evaluation_cases.id"), primary_key=True)
    bid: Mapped[str] = mapped_column(String(32), primary_key=True)
    code: Mapped[str] = mapped_column(String(4), default="")
    seat: Mapped[int] = mapped_column(Integer)
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(String(200))
    price: Mapped[Money | None] = mapped_column(Fen)
    duration_days: Mapped[int | None] = mapped_column(Integer)
    quality: Mapped[str] = mapped_column(String(100), default="")
    project_manager: Mapped[str] = mapped_column(String(200), default="")
    is_valid: Mapped[bool] = mapped_column(Boolean)
    clause: Mapped[str] = mapped_column(Text, default="")
    reason: Mapped[str] = mapped_column(Text, default="")
    deviation: Mapped[Decimal | None] = mapped_column(DecimalText)
    technical: Mapped[Decimal | None] = mapped_column(DecimalText)
    price_points: Mapped[Decimal | None] = mapped_column(DecimalText)
    total: Mapped[Decimal | None] = mapped_column(DecimalText)
    rank: Mapped[int | None] = mapped_column(Integer)
    is_tied: Mapped[bool] = mapped_column(Boolean, default=False)
    is_candidate: Mapped[bool] = mapped_column(Boolean, default=False)


class ResultObjection(Base):
    """An objection to the result, raised by a bidder within publicity (R1.41)."""

    __tablename__ = "result_objections"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("evaluation_cases.id"), index=True)
    org_id: Mapped[str] = mapped_column(String(36), ForeignKey("organisations.id"))
    text: Mapped[str] = mapped_column(Text)
    raised_at: Mapped[datetime] = mapped_column(Instant)
    answer_until: Mapped[datetime] = mapped_column(Instant)
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_at: Mapped[datetime | None] = mapped_column(Instant)


class EvaluationPaper(Base):
    """An issued PDF: report, candidates, award, loser (one each), contract."""

    __tablename__ = "evaluation_papers"

    lot_id: Mapped[str] = mapped_column(String(36), ForeignKey("evaluation_cases.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    org_id: Mapped[str] = mapped_column(String(36), primary_key=True, default="")
    object_name: Mapped[str] = mapped_column(String(200))
    sha256: Mapped[str] = mapped_column(String(64))
    size_bytes: Mapped[int] = mapped_column(Integer)
    issued_at: Mapped[datetime] = mapped_column(Instant)
