"""Strict readers shared by the text formats: one value has exactly one spelling, so nothing can be altered unseen."""

from __future__ import annotations

import base64
import binascii
import re

from foundation.transparency.errors import MalformedText
from foundation.transparency.merkle import HASH_BYTES, MAX_SIZE

_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_HEX = re.compile(r"(?:[0-9a-f]{2})*")


def decimal(text: str, what: str) -> int:
    """A number from 0 to 2**63-1 in ASCII decimal without leading zeroes."""
    if not _DECIMAL.fullmatch(text) or int(text) > MAX_SIZE:
        raise MalformedText(what=what, reason="decimal")
    return int(text)


def utf8(text: str, what: str) -> bytes:
    """The text's bytes; refuses the lone surrogates that JSON can carry and UTF-8 cannot."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise MalformedText(what=what, reason="utf8") from error


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def unb64(text: str, what: str, length: int | None = None) -> bytes:
    """Standard base64, canonical padding and no stray bits; ``length`` in bytes where the format fixes it."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise MalformedText(what=what, reason="base64") from error
    # Stray bits in the last character would give one value two spellings.
    if b64(data) != text or (length is not None and len(data) != length):
        raise MalformedText(what=what, reason="base64")
    return data


def unhex(text: str, what: str, length: int) -> bytes:
    """``length`` bytes in lowercase hex."""
    if len(text) != 2 * length or not _HEX.fullmatch(text):
        raise MalformedText(what=what, reason="hex")
    return bytes.fromhex(text)


def hash_lines(lines: list[str], what: str, limit: int = 63) -> tuple[bytes, ...]:
    """Base64 hashes, one a line; a path in a tree of 2**63 leaves has at most 63."""
    if len(lines) > limit:
        raise MalformedText(what=what, reason="too_many_hashes")
    return tuple(unb64(line, what, HASH_BYTES) for line in lines)
