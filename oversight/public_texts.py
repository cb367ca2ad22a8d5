"""Texts anybody may have copied from: wordings the centre itself gives out. Pure but for reading its own files once."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final

from oversight.winnowing import grams, read

_FOLDER: Final = Path(__file__).resolve().parent.parent / "templates" / "documents"
SOURCES: Final = ("sample_bid.yaml", "sample_bid.typ", "sample_boq.typ")
"""The sample bids that the platform offers for trying out."""


@cache
def public_grams() -> frozenset[str]:
    """The grams of every public text, line by line."""
    found: set[str] = set()
    for name in SOURCES:
        for line in (_FOLDER / name).read_text(encoding="utf-8").splitlines():
            found |= grams(read([line]).signs)
    return frozenset(found)
