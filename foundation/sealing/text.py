"""The text rule: everything that is hashed, committed to or signed is lines that a person can redo with ``printf``."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime

TOKEN = re.compile(r"[A-Za-z0-9._:-]{1,64}")
WORD = re.compile(r"[a-z0-9_-]{1,40}")
HEX_32 = re.compile(r"[0-9a-f]{64}")
HEX_16 = re.compile(r"[0-9a-f]{32}")
INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z")
COUNT = re.compile(r"0|[1-9][0-9]{0,15}")
PUBLIC_HEX = re.compile(r"04[0-9a-f]{128}")
PREVIOUS = re.compile(r"-|[0-9a-f]{64}")

_FORBIDDEN = ("\n", "\r", "\0")


def note(*lines: str) -> bytes:
    """The lines in UTF-8, each ended by LF.

    Raises ``ValueError`` for a line holding LF, CR or NUL: two different lists of lines must never give the same bytes.
    """
    for line in lines:
        if any(char in line for char in _FORBIDDEN):
            raise ValueError("a note line holds a line break or NUL")
    return "".join(f"{line}\n" for line in lines).encode()


def h(*lines: str) -> str:
    """Lower-case hex SHA-256 of :func:`note`."""
    return hashlib.sha256(note(*lines)).hexdigest()


def instant_text(at: datetime) -> str:
    """``2026-11-25T01:30:00.000Z``: UTC, milliseconds cut (never rounded up past a deadline)."""
    if at.tzinfo is None:
        raise ValueError("an instant carries its time zone")
    utc = at.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def parse_instant(text: str) -> datetime:
    """The aware UTC instant of :func:`instant_text`; ``ValueError`` for any other form or an impossible date."""
    if not INSTANT.fullmatch(text):
        raise ValueError("not an instant")
    return datetime.fromisoformat(text)
