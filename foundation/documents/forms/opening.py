"""The opening record (开标记录表), that of a failed opening (流标记录) and the submission receipt (递交确认回执)."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

import segno

from foundation.documents.fonts import FONT_DIR
from foundation.documents.forms.paper import Paper, render_paper


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningRecordBid:
    """One bidder's line of the opening record (R3.15).

    A bid that was not opened has ``total_price`` "" (printed as a dash) and its reason in ``decrypt_result``.
    ``objections`` is "" when there was none; ``confirm_result`` says how and when the bidder confirmed.
    """

    number: str
    name: str
    total_price: str
    duration_days: str
    quality: str
    project_manager: str
    deposit_form: str
    deposit_status: str
    decrypt_result: str
    decrypted_at: str
    representative: str
    confirm_result: str
    objections: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnCoefficient:
    """A coefficient drawn in public at the opening, with the hash of the transcript anyone can replay."""

    name: str
    value: str
    value_set: str
    drawn_at: str
    transcript_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningRecordData(Paper):
    """The opening record of one lot, published to society except for secrets (电子招标投标办法 Art 32).

    ``shown_sha256``: the digest of all that was read out, drawn and objected, which signed confirmations name (R3.48).
    """

    project_name: str
    lot_name: str
    lot_code: str
    tenderee: str
    tender_agency: str
    ceiling_price: str
    bid_deadline: str
    opened_at: str
    closed_at: str
    place: str = "网上不见面开标"
    bids_received: str
    bids_opened: str
    freeze_root_sha256: str
    shown_sha256: str = ""
    coefficients: tuple[DrawnCoefficient, ...] = ()
    bids: tuple[OpeningRecordBid, ...]
    remarks: tuple[str, ...] = ()
    host: str
    tenderee_representative: str
    supervisor: str
    attendance: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedOpeningSeat:
    """One bidder of a list that was published before the opening failed."""

    number: str
    name: str
    decrypt_result: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedOpeningData(Paper):
    """The record of an opening that failed: why, how many against how many, and who attended.

    ``seats`` is empty where the list of bidders was never published: the paper then tells their number, never a name.
    """

    project_name: str
    lot_name: str
    lot_code: str
    tenderee: str
    tender_agency: str
    bid_deadline: str
    failed_at: str
    place: str = "网上不见面开标"
    cause: str
    ground: str
    count: str
    minimum: str
    freeze_root_sha256: str
    seats: tuple[FailedOpeningSeat, ...] = ()
    host: str
    tenderee_representative: str
    supervisor: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionReceiptData(Paper):
    """The confirmation receipt of a sealed bid (R1.12).

    ``ciphertext_sha256`` is the hash of what is stored; ``signature`` the platform's signature over the receipt
    statement (base64) by the key ``signing_key``; ``verify_url`` becomes the QR image; ``inclusion`` says where the
    receipt stands in the transparency log ("第 4,182 条，已入检查点 4,200" or that the proof follows).
    """

    receipt_number: str
    serial_number: str
    project_name: str
    lot_name: str
    lot_code: str
    bidder: str
    bidder_uscc: str
    ciphertext_sha256: str
    header_sha256: str
    size_bytes: str
    received_at: str
    bid_deadline: str
    keyset_fingerprint: str
    signature: str
    signing_key: str
    inclusion: str
    verify_url: str

    def as_data(self) -> dict[str, object]:
        """The fields, and the picture made from ``verify_url``."""
        return {**asdict(self), "qr_svg": qr_svg(self.verify_url)}


def render_opening_record(record: OpeningRecordData, *, at: datetime, font_dirs: Sequence[Path] = (FONT_DIR,)) -> bytes:
    """The opening record as PDF/A, landscape. Raises ``MissingGlyphs`` and ``FontsMissing``."""
    return render_paper("opening_record", record, at=at, font_dirs=font_dirs)


def render_failed_opening(record: FailedOpeningData, *, at: datetime, font_dirs: Sequence[Path] = (FONT_DIR,)) -> bytes:
    """The record of a failed opening as PDF/A. Raises ``MissingGlyphs`` and ``FontsMissing``."""
    return render_paper("failed_opening", record, at=at, font_dirs=font_dirs)


def render_submission_receipt(
    receipt: SubmissionReceiptData, *, at: datetime, font_dirs: Sequence[Path] = (FONT_DIR,)
) -> bytes:
    """The receipt as PDF/A on one page. Raises ``MissingGlyphs`` and ``FontsMissing``."""
    return render_paper("receipt", receipt, at=at, font_dirs=font_dirs)


def qr_svg(text: str) -> str:
    """A QR code (error correction M) as an SVG picture."""
    picture = io.BytesIO()
    segno.make(text, error="m", micro=False).save(picture, kind="svg", xmldecl=False, border=2, dark="#13222b")
    return picture.getvalue().decode()
