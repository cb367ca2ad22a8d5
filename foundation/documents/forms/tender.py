"""Papers of the tender before the opening: notice, tender document, clarification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from foundation.documents.fonts import FONT_DIR
from foundation.documents.forms.paper import Paper, render_paper

EscrowRule = Literal["compulsory", "on_request", "none"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """An organisation and how to reach it; ``address``, ``contact`` and ``phone`` may be ""."""

    name: str
    address: str = ""
    contact: str = ""
    phone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextSection:
    """A heading of its own with paragraphs, printed after the standard text."""

    title: str
    paragraphs: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodParameter:
    """A parameter of the evaluation method: symbol or name, its value or value set, how it is determined."""

    name: str
    value: str
    determined: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeysetSeat:
    """A seat of the lot's keyset: a gate holder (启封人) or custodian (备份保管人) and its key's fingerprint."""

    seat: str
    holder: str
    fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that belongs to the tender document (drawings, bill of quantities) and its SHA-256."""

    name: str
    size: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _Tender(Paper):
    """What the notice and the document both state about a lot."""

    project_name: str
    project_code: str
    deal_code: str
    lot_name: str
    lot_code: str
    tenderee: Party
    tender_agency: Party
    regulator: Party
    approval: str
    funding: str
    location: str
    scope: str
    contract_estimate: str
    ceiling_price: str
    duration_days: str
    quality: str
    qualification: tuple[str, ...]
    consortium: str
    bid_deposit: str
    deposit_forms: str
    documents_from: str
    documents_until: str
    bid_deadline: str
    opening_place: str
    decrypt_minutes: str
    method: str
    site: str
    published_on: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TenderNoticeData(_Tender):
    """The tender notice (招标公告) of one lot. ``site`` is the address where everything is free to download."""

    media: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TenderDocumentData(_Tender):
    """The tender document (招标文件) of one lot.

    ``escrow_rule`` is printed as the remedy (补救方案) of 电子招标投标办法 Art 31; ``gate_threshold`` and
    ``escrow_threshold`` read like "3 席中任意 2 席". ``beacon_round`` is the round of the public beacon that goes into
    the draws, "" where none does, and ``beacon_at`` when it comes. ``rulebook`` is the id of the dated law the lot is
    bound to.
    """

    clarification_deadline: str
    objection_deadline: str
    bid_validity_days: str
    check_in_from: str
    confirm_minutes: str
    min_decrypted: str
    common_failure_percent: str = "30"
    suite: str
    keyset_fingerprint: str
    client_sha256: str = ""
    gate_threshold: str
    gate_holders: tuple[KeysetSeat, ...]
    escrow_rule: EscrowRule
    escrow_threshold: str = ""
    custodians: tuple[KeysetSeat, ...] = ()
    max_bid_size: str
    bid_parts: tuple[str, ...]
    method_summary: str
    method_parameters: tuple[MethodParameter, ...]
    beacon_round: str = ""
    beacon_at: str = ""
    rejection_grounds: tuple[str, ...]
    contract_points: tuple[TextSection, ...]
    attachments: tuple[Attachment, ...] = ()
    rulebook: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A question about the tender document, without its asker, and the answer. ``asked_at`` may be ""."""

    question: str
    answer: str
    asked_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClarificationData(Paper):
    """A clarification (澄清、答疑) of a tender document.

    ``changes`` are amendments that bind every bidder; ``new_deadline`` is "" when the deadline stays.
    """

    project_name: str
    lot_name: str
    lot_code: str
    sequence: str
    tenderee: str
    tender_agency: str
    answers: tuple[Answer, ...] = ()
    changes: tuple[str, ...] = ()
    bid_deadline: str
    new_deadline: str = ""
    attachments: tuple[Attachment, ...] = ()
    published_at: str


def render_tender_notice(notice: TenderNoticeData, *, at: datetime, font_dirs: Sequence[Path] = (FONT_DIR,)) -> bytes:
    """The tender notice as PDF/A. Raises ``MissingGlyphs`` and ``FontsMissing``."""
    return render_paper("tender_notice", notice, at=at, font_dirs=font_dirs)


def render_tender_document(
    document: TenderDocumentData, *, at: datetime, font_dirs: Sequence[Path] = (FONT_DIR,)
) -> bytes:
    """The tender document as PDF/A. Raises ``MissingGlyphs`` and ``FontsMissing``."""
    return render_paper("tender_document", document, at=at, font_dirs=font_dirs)


def render_clarification(
    clarification: ClarificationData, *, at: datetime, font_dirs: Sequence[Path] = (FONT_DIR,)
) -> bytes:
    """The clarification as PDF/A. Raises ``MissingGlyphs`` and ``FontsMissing``."""
    return render_paper("clarification", clarification, at=at, font_dirs=font_dirs)
