"""Where the facts of deposits are written."""

from __future__ import annotations

from typing import Final

UNMATCHED: Final = "deposits:unmatched"


def stream_of(lot_id: str, org_id: str) -> str:
    """A bidder's own stream of a lot, private until the opening; money that names neither has a stream apart."""
    return f"bid:{lot_id}:{org_id}" if org_id else UNMATCHED


def lot_stream(lot_id: str) -> str:
    """What concerns all deposits of a lot, private too: the lot's own stream holds public facts only."""
    return f"deposits:{lot_id}"
