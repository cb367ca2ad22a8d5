"""The acknowledgement (确认回执, EB20 27): a signed note given at once, and the paper made from it."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from foundation.documents.forms import SubmissionReceiptData
from foundation.i18n import ZH, instant
from foundation.sealing.receipts import receipt_text
from foundation.transparency.keys import SigningKey
from foundation.transparency.notes import Note, signed_note
from foundation.transparency.text import b64
from tendering.models import Lot, Project, SealedBid

LOG_WITHIN: Final = timedelta(seconds=60)
"""The log must hold the bid this long after receipt; a receipt without it proves the omission."""
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_DIGITS: Final = 12


def sign_receipt(project: Project, lot: Lot, bid: SealedBid, key: SigningKey, *, is_demo_clock: bool) -> str:
    """The receipt of a bid as a C2SP signed note."""
    text = receipt_text(
        project.tender_code,
        lot.lot_code,
        bid.bid,
        bid.rev,
        bid.envelope_hash,
        bid.size_bytes,
        bid.received_at,
        log_by(bid.received_at),
        is_demo_clock=is_demo_clock,
    )
    return signed_note(text, key)


def log_by(received_at: datetime) -> datetime:
    return received_at + LOG_WITHIN


def receipt_number(envelope_hash: str) -> str:
    """``HZ-7QK4-M2XD-9FHC``: for people and telephones. Made from the hash, so it betrays no count and no order."""
    digest = hashlib.sha256(f"etender-receipt-number/v1\n{envelope_hash}\n".encode()).digest()
    number = int.from_bytes(digest, "big")
    letters = [_ALPHABET[(number >> 5 * place) & 31] for place in range(_DIGITS)]
    return "-".join(["HZ", *("".join(letters[at : at + 4]) for at in range(0, _DIGITS, 4))])


def receipt_paper(
    project: Project,
    lot: Lot,
    bid: SealedBid,
    *,
    bidder: str,
    uscc: str,
    keyset_hash: str,
    inclusion: str,
    centre: str,
    verify_url: str,
    demo: bool,
) -> SubmissionReceiptData:
    """The data of the receipt's PDF. Every fact is one the signed note states, or the lot's own."""
    line = Note.parse(bid.receipt).signatures[0]
    number = receipt_number(bid.envelope_hash)
    if lot.deadline_at is None:
        raise AssertionError("a lot that received a bid has a deadline")
    return SubmissionReceiptData(
        document_number=number,
        centre=centre,
        demo=demo,
        receipt_number=number,
        serial_number=f"{bid.bid}/{bid.rev}",
        project_name=project.name,
        lot_name=lot.name,
        lot_code=lot.lot_code,
        bidder=bidder,
        bidder_uscc=uscc,
        ciphertext_sha256=bid.envelope_hash,
        header_sha256=hashlib.sha256(bid.header).hexdigest(),
        size_bytes=f"{bid.size_bytes:,} 字节",
        received_at=f"{instant(bid.received_at, 'date', ZH)} {instant(bid.received_at, 'ms', ZH)}",
        bid_deadline=instant(lot.deadline_at, "full", ZH),
        keyset_fingerprint=keyset_hash,
        signature=b64(line.key_id + line.signature),
        signing_key=line.name,
        inclusion=inclusion,
        verify_url=verify_url,
    )
