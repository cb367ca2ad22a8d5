"""Sample bid files for invented bidders of the demo centre: a technical bid and a priced bill of quantities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from foundation.documents.fonts import FONT_DIR
from foundation.documents.forms.paper import Paper, render_paper

Row = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleBidData(Paper):
    """A technical bid (技术标) of several pages.

    ``variant`` (any whole number from 0) chooses among wordings, so that the bids of a demo tender differ.
    ``staff`` rows: post, name, title, certificate; ``machines`` rows: name, model, count, use;
    ``schedule`` rows: stage, start, end, days. ``blind`` leaves the bidder's name out (暗标). ``annex``: paragraphs of
    its own at the end.
    """

    project_name: str
    lot_name: str
    lot_code: str
    tenderee: str
    bidder: str
    bidder_uscc: str
    duration_days: str
    quality: str
    project_manager: str
    signed_on: str
    variant: int
    blind: bool = False
    staff: tuple[Row, ...]
    machines: tuple[Row, ...]
    schedule: tuple[Row, ...]
    annex: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BillItem:
    """A line of the bill: nine to twelve digit code, name, features, unit, quantity, unit price and amount in 元."""

    code: str
    name: str
    features: str
    unit: str
    quantity: str
    unit_price: str
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BillSection:
    """A division of the works with its items and their sum."""

    title: str
    items: tuple[BillItem, ...]
    subtotal: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryLine:
    """A line of the price summary; ``note`` names the basis of calculation."""

    name: str
    amount: str
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleBillData(Paper):
    """A priced bill of quantities (已标价工程量清单): summary first, then the items by section."""

    project_name: str
    lot_name: str
    lot_code: str
    tenderee: str
    bidder: str
    total: str
    total_in_words: str
    summary: tuple[SummaryLine, ...]
    sections: tuple[BillSection, ...]
    signed_on: str


def render_sample_bid(bid: SampleBidData, *, at: datetime, font_dirs: Sequence[Path] = (FONT_DIR,)) -> bytes:
    """The technical bid as PDF/A. Raises ``MissingGlyphs`` and ``FontsMissing``."""
    return render_paper("sample_bid", bid, at=at, font_dirs=font_dirs)


def render_sample_bill(bill: SampleBillData, *, at: datetime, font_dirs: Sequence[Path] = (FONT_DIR,)) -> bytes:
    """The priced bill of quantities as PDF/A. Raises ``MissingGlyphs`` and ``FontsMissing``."""
    return render_paper("sample_boq", bill, at=at, font_dirs=font_dirs)
