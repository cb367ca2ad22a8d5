"""What an alert shows: detector results as plain data, quoted from the documents. Pure.

The shape has a number (``detectors.EVIDENCE_SCHEMA``): old alerts are shown as they were raised.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from oversight.copied_text import BidText, Pair, Span
from oversight.shared_payer import SharedAccount

PASSAGES_MAX: Final = 60
"""The longest passages of a pair that are kept word for word; the others are counted."""
PASSAGE_CHARACTERS: Final = 1_200
CONTEXT_CHARACTERS: Final = 60
TABLE_PAGES_MAX: Final = 10
ROWS_MAX: Final = 40

Rows = Sequence[tuple[int, tuple[str, ...]]]
"""Rows of tables with the page they stand on."""


def of_account(found: SharedAccount) -> dict[str, Any]:
    """The bank's lines, with the last four digits of the account only."""
    payments = [
        {"org_id": one.org_id, "serial": one.serial, "holder": one.holder, "account_tail": one.account_tail}
        for one in found.payments
    ]
    return {"payments": payments, "account_digest": found.digest}


def of_pair(pair: Pair, rows: Sequence[Mapping[str, Any]], tools: Mapping[str, str]) -> dict[str, Any]:
    """Numbers and passages of a copied text; passages in the order of the first bid."""
    kept = sorted(sorted(pair.spans, key=lambda span: -span.size)[:PASSAGES_MAX], key=lambda span: span.first)
    return {
        "matched": pair.matched,
        "share_permille": round(pair.share * 1000),
        "full_pages": pair.full_pages,
        "passages": len(pair.spans),
        "shown": [_passage(pair, span) for span in kept],
        "rows": list(rows)[:ROWS_MAX],
        "taken": {
            "tender": list(pair.taken.tender),
            "public": list(pair.taken.public),
            "common": pair.taken.common,
            "background": pair.taken.background,
        },
        "tools": dict(tools),
    }


def table_pages(pair: Pair) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The pages of either bid on which its passages stand: the only ones whose tables are read."""
    first = sorted({pair.first.text.page_of(span.first) for span in pair.spans})
    second = sorted({pair.second.text.page_of(span.second) for span in pair.spans})
    return tuple(first[:TABLE_PAGES_MAX]), tuple(second[:TABLE_PAGES_MAX])


def equal_rows(first: Rows, second: Rows, known: str) -> list[dict[str, Any]]:
    """Rows of tables that both bids have cell for cell and that do not stand in ``known`` (the tender's own signs)."""
    there = {cells: page for page, cells in reversed(second)}
    found: dict[tuple[str, ...], dict[str, Any]] = {}
    for page, cells in first:
        text = "".join(sign for sign in "".join(cells).lower() if sign.isalnum())
        if cells in there and sum(bool(cell) for cell in cells) > 1 and text not in known:
            found.setdefault(cells, {"cells": list(cells), "pages": [page, there[cells]]})
    return list(found.values())


def _passage(pair: Pair, span: Span) -> dict[str, Any]:
    return {
        "size": span.size,
        "first": _side(pair.first, span.first, span.size),
        "second": _side(pair.second, span.second, span.size),
    }


def _side(bid: BidText, start: int, size: int) -> dict[str, Any]:
    text = bid.text
    quote = text.quote(start, start + size)
    return {
        "page": text.page_of(start),
        "last_page": text.page_of(start + size - 1),
        "before": text.before(start, CONTEXT_CHARACTERS),
        "text": quote[:PASSAGE_CHARACTERS],
        "is_cut": len(quote) > PASSAGE_CHARACTERS,
        "after": text.after(start + size, CONTEXT_CHARACTERS),
    }
