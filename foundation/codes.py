"""Official codes: unified social credit code, project / tender project / lot codes, unified deal code.

Sources: GB 32100-2015 and GB 11714 (R7.20), 公共资源交易平台系统数据规范 V2.0 (R9.02-R9.04), ISO 7064 MOD 37-2.
A validator returns the canonical code or raises :class:`CodeRefused` (422).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NewType

from stdnum.cn import uscc as gb32100
from stdnum.iso7064 import mod_37_2

from foundation.errors import InvalidInput

Uscc = NewType("Uscc", str)
ProjectCode = NewType("ProjectCode", str)
TenderProjectCode = NewType("TenderProjectCode", str)
LotCode = NewType("LotCode", str)
UnifiedDealCode = NewType("UnifiedDealCode", str)

WUJIN = "320412"
"""GB/T 2260 region of 常州市武进区."""

PROJECT_CODE_LENGTH, TENDER_PROJECT_CODE_LENGTH, LOT_CODE_LENGTH = 17, 20, 23

USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_SHAPE = re.compile(rf"[{USCC_ALPHABET}]{{2}}[0-9]{{6}}[{USCC_ALPHABET}]{{10}}")
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_DEAL_SHAPE = re.compile(rf"([A-Z][0-9]{{2}})-([{USCC_ALPHABET}]{{18}})-([0-9]{{8}})-([0-9]{{6}})-([0-9A-Z*])")
_PROJECT_HEAD = re.compile(r"[A-Z][0-9]{6}")


class CodeRefused(InvalidInput):
    """A code is malformed or its check character is wrong (fields: ``code_text``, ``expected`` where known)."""

    code = "foundation.code_malformed"


class UsccMalformed(CodeRefused):
    """Not 18 characters of the alphabet (no I, O, S, V, Z), or no region at 3 to 8."""

    code = "foundation.uscc_malformed"


class UsccCheckFailed(CodeRefused):
    """Well formed, but the last character is not the computed one. An override with evidence can admit it."""

    code = "foundation.uscc_check_failed"


class DealCodeCheckFailed(CodeRefused):
    code = "foundation.deal_code_check_failed"


class UsccCheck(StrEnum):
    """How a code was admitted."""

    COMPUTED = "computed"
    OVERRIDDEN = "overridden"


@dataclass(frozen=True, slots=True)
class UsccOverride:
    """A really issued code whose check character is wrong, admitted on evidence.

    ``evidence`` names the document seen (the id of a stored scan of the licence, a registry query number);
    ``decided_by`` names the officer.
    """

    uscc: str
    evidence: str
    decided_by: str

    def __post_init__(self) -> None:
        if not self.evidence.strip() or not self.decided_by.strip():
            msg = "An override states its evidence and who decided"
            raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class CheckedUscc:
    """A credit code together with the ground on which it was admitted."""

    uscc: Uscc
    check: UsccCheck
    override: UsccOverride | None = None


def check_uscc(text: str, overrides: Iterable[UsccOverride] = ()) -> CheckedUscc:
    """Admit a unified social credit code.

    Letter case, blanks and full-width forms are tidied. A wrong check character is admitted only under an override
    of exactly this code; a malformed code never is.
    """
    # The library's own validator wants a digit first; registrars such as N (rural collectives) and Y are letters,
    # so only its arithmetic is used.
    tidy = re.sub(r"[ -]", "", unicodedata.normalize("NFKC", text)).upper()
    if not _USCC_SHAPE.fullmatch(tidy):
        raise UsccMalformed(code_text=text[:40])
    expected = uscc_check_character(tidy[:17])
    if tidy[17] == expected:
        return CheckedUscc(Uscc(tidy), UsccCheck.COMPUTED)
    for override in overrides:
        if override.uscc == tidy:
            return CheckedUscc(Uscc(tidy), UsccCheck.OVERRIDDEN, override)
    raise UsccCheckFailed(code_text=tidy, expected=expected)


def uscc_check_character(first_17: str) -> str:
    """The 18th character (GB 32100-2015: 31 minus the weighted sum modulo 31)."""
    return str(gb32100.calc_check_digit(first_17))


def organisation_check_character(first_8: str) -> str:
    """The 9th character of an organisation code (GB 11714), which stands at 17 of the credit code."""
    total = sum(int(char, 36) * weight for char, weight in zip(first_8, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X0"[11 - total % 11]


def synthetic_uscc(serial: int, region: str = WUJIN, registrar: str = "9", kind: str = "1") -> Uscc:
    """A well-formed code for an organisation that does not exist (demo and tests): ``MA1W`` plus ``serial``.

    ``serial`` is 0 to 923,520 (31^4 - 1). Both check characters are right.
    """
    body, left = "", serial
    for _ in range(4):
        left, digit = divmod(left, len(USCC_ALPHABET))
        body = USCC_ALPHABET[digit] + body
    if left:
        msg = f"No synthetic code number {serial}"
        raise ValueError(msg)
    organisation = f"MA1W{body}"
    first_17 = f"{registrar}{kind}{region}{organisation}{organisation_check_character(organisation)}"
    return Uscc(first_17 + uscc_check_character(first_17))


@dataclass(frozen=True, slots=True)
class InnerSplit:
    """How the ten digits after letter and region are divided (R9.02: the length is fixed, the split is local).

    ``is_dated``: the head is yyMMdd; otherwise it is the number of the platform with ``head_digits`` digits.
    """

    is_dated: bool
    head_digits: int

    @property
    def sequence_digits(self) -> int:
        return PROJECT_CODE_LENGTH - 7 - self.head_digits


DATE_AND_SEQUENCE = InnerSplit(is_dated=True, head_digits=6)
PLATFORM_AND_SEQUENCE = InnerSplit(is_dated=False, head_digits=4)


def project_code(industry: str, region: str, head: date | int, sequence: int, split: InnerSplit) -> ProjectCode:
    """17 characters: industry letter, region, head (date or platform number), sequence from 1."""
    if isinstance(head, date) is not split.is_dated:
        msg = "The head is a date exactly when the split is dated"
        raise TypeError(msg)
    digits = f"{head:%y%m%d}" if isinstance(head, date) else _padded(head, split.head_digits, least=0)
    return check_project_code(f"{industry}{region}{digits}{_padded(sequence, split.sequence_digits)}", split)


def tender_project_code(parent: ProjectCode, sequence: int) -> TenderProjectCode:
    """20 characters: the project code and a three-digit sequence from 1."""
    return TenderProjectCode(parent + _padded(sequence, 3))


def lot_code(parent: TenderProjectCode, sequence: int) -> LotCode:
    """23 characters: the tender project code and a three-digit sequence from 1."""
    return LotCode(parent + _padded(sequence, 3))


def check_project_code(text: str, split: InnerSplit = DATE_AND_SEQUENCE) -> ProjectCode:
    return ProjectCode(_checked(text, PROJECT_CODE_LENGTH, split))


def check_tender_project_code(text: str, split: InnerSplit = DATE_AND_SEQUENCE) -> TenderProjectCode:
    return TenderProjectCode(_checked(text, TENDER_PROJECT_CODE_LENGTH, split))


def check_lot_code(text: str, split: InnerSplit = DATE_AND_SEQUENCE) -> LotCode:
    return LotCode(_checked(text, LOT_CODE_LENGTH, split))


def parents_of(code: LotCode) -> tuple[ProjectCode, TenderProjectCode]:
    """The project and tender project a lot code belongs to: its first 17 and its first 20 characters."""
    return ProjectCode(code[:PROJECT_CODE_LENGTH]), TenderProjectCode(code[:TENDER_PROJECT_CODE_LENGTH])


def _padded(number: int, digits: int, least: int = 1) -> str:
    if not least <= number < 10**digits:
        raise CodeRefused(code_text=str(number))
    return f"{number:0{digits}d}"


def _checked(text: str, length: int, split: InnerSplit) -> str:
    tail = text[7:]
    if len(text) != length or not _PROJECT_HEAD.fullmatch(text[:7]) or not (tail.isascii() and tail.isdigit()):
        raise CodeRefused(code_text=text[:40])
    if split.is_dated:
        _checked_date(f"20{tail[:6]}", text)
    sequences = [tail[split.head_digits : 10], *(tail[at : at + 3] for at in range(10, len(tail), 3))]
    if any(int(sequence) == 0 for sequence in sequences):
        raise CodeRefused(code_text=text)
    return text


def _checked_date(digits: str, whole: str) -> date:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError as exc:
        raise CodeRefused(code_text=whole[:50]) from exc


@dataclass(frozen=True, slots=True)
class DealCodeParts:
    """The five parts of a unified deal code (R9.03)."""

    category: str
    centre: Uscc
    created_on: date
    serial: int
    check: str


def unified_deal_code(category: str, centre: Uscc, created_on: date, serial: int) -> UnifiedDealCode:
    """统一交易标识码: category (A01 works), credit code of the centre, date, serial from 1, check character."""
    parts = (category, str(centre), f"{created_on:%Y%m%d}", _padded(serial, 6))
    code = "-".join((*parts, deal_check_character("".join(parts))))
    check_unified_deal_code(code)
    return UnifiedDealCode(code)


def deal_check_character(first_35: str) -> str:
    """ISO 7064 MOD 37-2 over the characters without hyphens; the check set is 0-9, A-Z and ``*``."""
    return str(mod_37_2.calc_check_digit(first_35))


def check_unified_deal_code(text: str) -> DealCodeParts:
    """Take a deal code apart; refuses a wrong shape, an impossible date, serial 0 and a wrong check character."""
    found = _DEAL_SHAPE.fullmatch(text)
    if found is None:
        raise CodeRefused(code_text=text[:50])
    category, centre, digits, serial, check = found.groups()
    created_on = _checked_date(digits, text)
    if int(serial) == 0:
        raise CodeRefused(code_text=text)
    expected = deal_check_character(f"{category}{centre}{digits}{serial}")
    if check != expected:
        raise DealCodeCheckFailed(code_text=text, expected=expected)
    return DealCodeParts(category, Uscc(centre), created_on, int(serial), check)
