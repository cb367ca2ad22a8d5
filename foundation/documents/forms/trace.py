"""The trace of one bid, for a dispute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from foundation.documents.fonts import FONT_DIR
from foundation.documents.forms.paper import Paper, render_paper


@dataclass(frozen=True, slots=True, kw_only=True)
class BidTraceStep:
    """One step: when by the platform's clock ("—" where it has not happened), what, and what shows it."""

    at: str
    text: str
    evidence: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class BidTraceData(Paper):
    """Everything that happened to one bid on one lot, in order. ``bid`` is "" where nothing was sealed."""

    project_name: str
    lot_name: str
    lot_code: str
    bidder: str
    bidder_uscc: str
    bid: str
    bid_deadline: str
    made_at: str
    steps: tuple[BidTraceStep, ...]


def render_bid_trace(trace: BidTraceData, *, at: datetime, font_dirs: Sequence[Path] = (FONT_DIR,)) -> bytes:
    """The trace as PDF/A. Raises ``MissingGlyphs`` and ``FontsMissing``."""
    return render_paper("bid_trace", trace, at=at, font_dirs=font_dirs)
