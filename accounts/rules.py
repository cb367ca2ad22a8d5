"""Pure rules: names, logins, passwords, files, sessions. No clock, no database."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

MB: Final = 1000 * 1000

LOGIN_SHAPE: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{2,63}")
PASSWORD_MIN: Final = 10
PASSWORD_MAX: Final = 128
"""Characters. Length is what counts (NIST SP 800-63B); no rule about kinds of characters."""

SESSION_IDLE: Final = timedelta(hours=3)
"""Longer than any opening; whoever is away for longer signs in again."""
SESSION_LIFE: Final = timedelta(hours=24)
SEEN_EVERY: Final = timedelta(minutes=5)
"""How often the last use of a session is written down: not with every request."""

FAILURE_WINDOW: Final = timedelta(minutes=15)
FAILURES_PER_LOGIN: Final = 10
"""Per login *and* source: were it the login alone, a rival could lock a bidder out before its deadline."""
FAILURES_PER_SOURCE: Final = 100
"""A whole bidders' hall may sit behind one address."""

NONCE_LIFE: Final = timedelta(hours=24)
DOCUMENT_MAX_BYTES: Final = 10 * MB
DOCUMENTS_MAX: Final = 5
KEYS_MAX: Final = 20
"""Active keys of an organisation that belong to no lot."""
LOT_KEYS_MAX: Final = 8
"""Active decryption keys of an organisation for one lot; a bid is sealed to at most three of them."""
OFFICERS_NEEDED: Final = 2

REFERENCE_ALPHABET: Final = "23456789ABCDEFGHJKMNPQRTUVWXYZ"
REFERENCE_LENGTH: Final = 10


class FileKind(StrEnum):
    PDF = "application/pdf"
    PNG = "image/png"
    JPEG = "image/jpeg"


_MAGIC: Final = (
    (b"%PDF-", FileKind.PDF),
    (b"\x89PNG\r\n\x1a\n", FileKind.PNG),
    (b"\xff\xd8\xff", FileKind.JPEG),
)


def file_kind(content: bytes) -> FileKind | None:
    """The kind by its first bytes; the name a stranger gives is not asked."""
    return next((kind for magic, kind in _MAGIC if content.startswith(magic)), None)


def tidy_login(text: str) -> str:
    """The one form of a login: full-width and capital letters are the same as plain ones."""
    return unicodedata.normalize("NFKC", text).strip().casefold()


def same_name(one: str, other: str) -> bool:
    """Whether two texts name the same organisation: width, brackets, blanks and case of letters do not matter."""
    return _tidy_name(one) == _tidy_name(other) != ""


def _tidy_name(text: str) -> str:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"\s+", "", plain).translate(str.maketrans("〔〕【】", "()()"))


def names_code(texts: Iterable[str], uscc: str) -> bool:
    """Whether one of ``texts`` states the code as a word of its own (``NTRCN-9132…`` does, a longer number not)."""
    pattern = re.compile(rf"(?<![0-9A-Z]){re.escape(uscc)}(?![0-9A-Z])")
    return any(pattern.search(unicodedata.normalize("NFKC", text).upper()) for text in texts)


def session_is_live(*, seen_at: datetime, expires_at: datetime, ended_at: datetime | None, machine: datetime) -> bool:
    """Half-open: at the very instant of expiry the session is over."""
    return ended_at is None and machine < expires_at and machine < seen_at + SESSION_IDLE


def may_try_sign_in(*, of_login: int, of_source: int) -> bool:
    """Whether another attempt is looked at, given the failures within FAILURE_WINDOW."""
    return of_login < FAILURES_PER_LOGIN and of_source < FAILURES_PER_SOURCE


def reference_of(token: bytes) -> str:
    """A code people can type into a bank form: no 0/O, 1/I/L, S. ``token`` needs 10 bytes or more."""
    return "".join(REFERENCE_ALPHABET[byte % len(REFERENCE_ALPHABET)] for byte in token[:REFERENCE_LENGTH])


def tail_of(account_number: str) -> str:
    """The last four digits: enough for people to recognise an account, too little to use it."""
    return account_number[-4:]


def possession_text(org_id: str, uscc: str, nonce: str) -> bytes:
    """What the holder of a certificate signs to prove that the key is in its hands."""
    return f"centre-claim/v1\n{org_id}\n{uscc}\n{nonce}\n".encode()
