"""Marks as a careful expert would give them: near each other for one bid, not equal from expert to expert. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final

STEP: Final = Decimal("0.5")
LOWEST_SHARES: Final = (Decimal("0.70"), Decimal("0.75"), Decimal("0.80"), Decimal("0.85"))
"""Share of an item's most points below which no expert goes; which one, the bid's code and the item decide."""
TOO_FAR: Final = Decimal("0.20")
"""Beyond this share of the mean a subjective mark must be confirmed in writing (R4.56)."""
CONFIRMED: Final = "已对照招标文件复核，维持评分。"
Cells = dict[str, dict[str, dict[str, str]]]


def marks_for(expert: str, sheet: Mapping[str, Any]) -> Cells:
    """A whole sheet of one expert: every bid passes, every scored item has points; the same sheet gives the same marks.

    A cell the check before signing gave back is confirmed with a reason.
    """
    return {
        code: {item["key"]: _cell(expert, code, item, sheet["cells"][code][item["key"]]) for item in sheet["items"]}
        for code in sheet["codes"]
    }


def _cell(expert: str, code: str, item: Mapping[str, Any], known: Mapping[str, Any]) -> dict[str, str]:
    if item["kind"] == "pass":
        return {"verdict": "pass"}
    if item["kind"] == "objective":
        # What is a fact is the same for everybody: all members must give the same points.
        return {"points": str(item["most"])}
    cell = {"points": str(points(expert, code, item["key"], Decimal(str(item["most"]))))}
    return {**cell, "reason": CONFIRMED} if known["finding"] else cell


def points(expert: str, code: str, item: str, most: Decimal) -> Decimal:
    """A multiple of one half between the lowest share and ``most``; two experts differ by at most one step."""
    share = LOWEST_SHARES[_number(code, item) % len(LOWEST_SHARES)]
    lowest = (most * share / STEP).quantize(Decimal(1), rounding=ROUND_DOWN) * STEP
    may_differ = lowest > 0 and STEP / lowest <= TOO_FAR and lowest + STEP <= most
    return lowest + (STEP if may_differ and _number(expert, code, item) % 2 else Decimal(0))


def _number(*words: str) -> int:
    return int.from_bytes(hashlib.sha256("\n".join(words).encode()).digest()[:4], "big")
