"""The catalogue of detectors as everybody may read it: what is measured, from which threshold, on what basis. Pure.

Thresholds are public on purpose: whoever is asked about an alert can check it, and a change of a threshold is a change
of this file. ``VERSION`` is stored with every alert.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from oversight import copied_text, winnowing

VERSION: Final = "2026.11"
EVIDENCE_SCHEMA: Final = 1
"""Shape of ``Alert.evidence``; told with it."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """``key`` names the term ``threshold.<key>``."""

    key: str
    value: str


@dataclass(frozen=True, slots=True)
class Measurement:
    """What this detector did on known cases (``term``: ``measured.<key>``); ``result`` is a figure with its n."""

    key: str
    result: str


@dataclass(frozen=True, slots=True)
class Detector:
    """``kind``: fact (the law names it) or trace. ``item``: of the clause. ``innocent``: terms ``innocent.<key>``."""

    id: str
    kind: str
    clause: str
    item: int
    rule: str
    thresholds: tuple[Threshold, ...]
    measured: tuple[Measurement, ...]
    innocent: tuple[str, ...]


SHARED_PAYER: Final = Detector(
    id="D12",
    kind="fact",
    clause="REG 40",
    item=6,
    rule="R6.12",
    thresholds=(Threshold("same_account", "1"),),
    measured=(Measurement("exact_key", "—"),),
    innocent=("group_cashier", "paid_by_mistake", "loan"),
)
COPIED_TEXT: Final = Detector(
    id="D01",
    kind="trace",
    clause="REG 40",
    item=4,
    rule="R6.08",
    thresholds=(
        Threshold("gram", str(winnowing.GRAM)),
        Threshold("window", str(winnowing.WINDOW)),
        Threshold("run", f"≥ {copied_text.RUN_SIGNS}"),
        Threshold("review", f"≥ {copied_text.REVIEW_SIGNS}"),
        Threshold("strong", f"≥ {copied_text.STRONG_SIGNS}"),
        Threshold("pages", f"≥ {copied_text.STRONG_PAGES}"),
        Threshold("red", f"≥ {copied_text.RED_SHARE:.0%}, ≥ {copied_text.STRONG_SIGNS}"),
        Threshold("common", f"≥ {copied_text.COMMON_MIN_COPIES}, > 1/2, n ≥ {copied_text.COMMON_MIN_BIDS}"),
    ),
    measured=(
        Measurement("planted", "21/21"),
        Measurement("heavily_edited", "1/3"),
        Measurement("innocent_pairs", "0/216"),
        Measurement("sample", "24 × 5"),
    ),
    innocent=("writing_service", "maker_sheet", "software_sample", "shared_parent", "statute"),
)
CATALOGUE: Final = (SHARED_PAYER, COPIED_TEXT)
BY_ID: Final = {one.id: one for one in CATALOGUE}
