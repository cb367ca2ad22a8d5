"""The text of the acknowledgement (确认回执, 电子招标投标办法 Art 27) that is wrapped in a signed note."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from foundation.sealing.errors import ReceiptMalformed
from foundation.sealing.text import COUNT, HEX_16, HEX_32, TOKEN, instant_text, note, parse_instant

RECEIPT_KIND: Final = "etender-receipt/v1"
MAX_RECEIPT_BYTES: Final = 1024
_DEMO_LINE: Final = "clock demo"
_LINES: Final = 9


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the centre acknowledges.

    ``received_at`` alone is compared with the deadline; the log must hold the bid by ``log_by``. ``is_demo_clock``:
    the instants come from a demonstration clock and prove nothing.
    """

    tender: str
    lot: str
    bid: str
    rev: int
    envelope_hash: str
    size_bytes: int
    received_at: datetime
    log_by: datetime
    is_demo_clock: bool


def receipt_text(
    tender: str,
    lot: str,
    bid: str,
    rev: int,
    envelope_hash: str,
    size_bytes: int,
    received_at: datetime,
    log_by: datetime,
    *,
    is_demo_clock: bool = False,
) -> str:
    """The note body, ending in LF. Refuses what :func:`parse_receipt` would refuse."""
    lines = [
        RECEIPT_KIND,
        tender,
        lot,
        bid,
        str(rev),
        envelope_hash,
        str(size_bytes),
        instant_text(received_at),
        instant_text(log_by),
    ]
    text = note(*lines, *((_DEMO_LINE,) if is_demo_clock else ())).decode()
    parse_receipt(text)
    return text


def parse_receipt(text: str) -> Receipt:
    """Read a note body; :class:`ReceiptMalformed` for any departure from the format page."""
    if len(text) > MAX_RECEIPT_BYTES:
        raise ReceiptMalformed(reason="too_large", path="", limit_bytes=MAX_RECEIPT_BYTES)
    lines = text.split("\n")
    is_demo = lines[_LINES:] == [_DEMO_LINE, ""]
    if not is_demo and lines[_LINES:] != [""]:
        raise ReceiptMalformed(reason="lines", path="")
    kind, tender, lot, bid, rev, envelope_hash, size_bytes, received_at, log_by = lines[:_LINES]
    forms = (
        kind == RECEIPT_KIND,
        TOKEN.fullmatch(tender),
        TOKEN.fullmatch(lot),
        HEX_16.fullmatch(bid),
        COUNT.fullmatch(rev),
        HEX_32.fullmatch(envelope_hash),
        COUNT.fullmatch(size_bytes),
    )
    if not all(forms):
        raise ReceiptMalformed(reason="form", path="")
    try:
        received, due = parse_instant(received_at), parse_instant(log_by)
    except ValueError as error:
        raise ReceiptMalformed(reason="form", path="received_at") from error
    return Receipt(tender, lot, bid, int(rev), envelope_hash, int(size_bytes), received, due, is_demo)
