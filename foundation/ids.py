"""Identifiers: UUIDv7 text (RFC 9562), so that new rows sort near each other. Official numbers are separate things."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import NewType

from foundation.entropy import Entropy
from foundation.errors import NotFound

OrgId = NewType("OrgId", str)
UserId = NewType("UserId", str)
SessionId = NewType("SessionId", str)
ProjectId = NewType("ProjectId", str)
LotId = NewType("LotId", str)
BidId = NewType("BidId", str)
UploadId = NewType("UploadId", str)
KeysetId = NewType("KeysetId", str)
SeatId = NewType("SeatId", str)
JobId = NewType("JobId", str)
EntryId = NewType("EntryId", str)


def new_id(at: datetime, entropy: Entropy) -> str:
    """A fresh UUIDv7 for the instant ``at``."""
    millis = int(at.timestamp() * 1000)
    tail = int.from_bytes(entropy.token(10), "big")
    value = (millis << 80) | (0x7 << 76) | ((tail >> 68) << 64) & (0xFFF << 64) | (0b10 << 62) | tail & ((1 << 62) - 1)
    return str(uuid.UUID(int=value))


def parse_id(text: str) -> str:
    """The canonical text of an id from a URL; anything else is simply not found."""
    try:
        canonical = str(uuid.UUID(text))
    except ValueError:
        raise NotFound(what=text[:64]) from None
    if canonical != text:
        raise NotFound(what=text[:64])
    return canonical
