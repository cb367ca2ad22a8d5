"""评标报告, 中标候选人公示, 中标通知书, 中标结果通知书 and the contract agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from foundation.documents.fonts import FONT_DIR
from foundation.documents.forms.paper import Paper, render_paper


@dataclass(frozen=True, slots=True, kw_only=True)
class RankedRow:
    """One bid in rank order; ``rank`` "" and the reason of rejection in ``remark`` where it is out."""

    rank: str
    seat: str
    name: str
    price: str
    technical: str
    price_points: str
    total: str
    remark: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRow:
    """What one member said on one item of one bid."""

    member: str
    seat: str
    item: str
    said: str
    ground: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberRow:
    """A member under its number: names are secret until the winner is decided (R4.01)."""

    member: str
    blinded: str
    signed_at: str
    dissent: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LotPaper(Paper):
    """What every paper of this chapter says about its lot."""

    project_name: str
    lot_name: str
    lot_code: str
    tenderee: str
    tender_agency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationReportData(LotPaper):
    """The report with its calculation, step by step: what E12 42 asks for (R4.59)."""

    media: str
    opened_at: str
    opening_record_sha256: str
    method: str
    ceiling_price: str
    benchmark: str
    started_at: str
    locked_at: str
    rows: tuple[RankedRow, ...]
    steps: tuple[str, ...]
    marks: tuple[MarkRow, ...]
    changes: tuple[str, ...]
    members: tuple[MemberRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateRow:
    """R1.50: what is published of a candidate."""

    rank: str
    name: str
    price: str
    total: str
    duration_days: str
    quality: str
    project_manager: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CandidateNoticeData(LotPaper):
    benchmark: str
    candidates: tuple[CandidateRow, ...]
    rows: tuple[RankedRow, ...]
    published_at: str
    until: str
    objection_url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AwardNoticeData(LotPaper):
    """``amount_words``: the amount in Chinese capitals."""

    awardee: str
    amount: str
    amount_words: str
    duration_days: str
    quality: str
    project_manager: str
    contract_until: str
    decided_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoserNoticeData(LotPaper):
    """A bidder's own points and rank, or why its bid was rejected (R5.04)."""

    bidder: str
    price: str
    technical: str
    price_points: str
    total: str
    rank: str
    rejection: str
    awardee: str
    amount: str
    decided_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractData(LotPaper):
    """The agreement as both parties sign it: it follows document and bid, without a side agreement (R5.05)."""

    deal_code: str
    location: str
    scope: str
    awardee: str
    awardee_uscc: str
    amount: str
    amount_words: str
    duration_days: str
    quality: str
    project_manager: str
    award_decided_on: str
    sign_until: str


def render_evaluation_report(
    report: EvaluationReportData, *, at: datetime, font_dirs: Sequence[Path] = (FONT_DIR,)
) -> bytes:
    """The report as PDF/A. Raises ``MissingGlyphs`` and ``FontsMissing``, like all functions here."""
    return render_paper("evaluation_report", report, at=at, font_dirs=font_dirs)


def render_candidate_notice(
    notice: CandidateNoticeData, *, at: datetime, font_dirs: Sequence[Path] = (FONT_DIR,)
) -> bytes:
    return render_paper("candidate_notice", notice, at=at, font_dirs=font_dirs)


def render_award_notice(notice: AwardNoticeData, *, at: datetime, font_dirs: Sequence[Path] = (FONT_DIR,)) -> bytes:
    return render_paper("award_notice", notice, at=at, font_dirs=font_dirs)


def render_loser_notice(notice: LoserNoticeData, *, at: datetime, font_dirs: Sequence[Path] = (FONT_DIR,)) -> bytes:
    return render_paper("loser_notice", notice, at=at, font_dirs=font_dirs)


def render_contract(contract: ContractData, *, at: datetime, font_dirs: Sequence[Path] = (FONT_DIR,)) -> bytes:
    return render_paper("contract", contract, at=at, font_dirs=font_dirs)
