"""Money as whole fen. There is no float anywhere; rounding happens in :meth:`Money.portion` and nowhere else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal

from foundation.errors import InvalidInput

FEN_PER_YUAN = 100
MAX_YUAN_DIGITS = 14
"""Longest whole-yuan part that is read: keeps every amount, and sums of many, inside a 64-bit column."""

_STRICT = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]{1,2})?")
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]{1,2})?")
_PLAIN = re.compile(r"[0-9]+(?:\.[0-9]{1,2})?")
# Wide enough that the product of any amount and any sensible rate is exact before the one rounding.
_EXACT = Context(prec=96)

_DIGITS = "零壹贰叁肆伍陆柒捌玖"
_UNITS = ((10**8, "亿"), (10**4, "万"), (1000, "仟"), (100, "佰"), (10, "拾"))


class MoneyUnreadable(InvalidInput):
    """The text is not an amount (fields: ``text``)."""

    code = "foundation.money_unreadable"


class CurrencyMismatchError(TypeError):
    """Two currencies met in one sum or comparison: a bug, not a refusal."""


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in the smallest unit of its currency (fen for CNY); may be negative, as a ledger needs."""

    fen: int
    currency: str = "CNY"

    def __post_init__(self) -> None:
        if type(self.fen) is not int:
            msg = f"Money counts whole fen as int, not {type(self.fen).__name__}"
            raise TypeError(msg)

    @classmethod
    def yuan(cls, text: str, currency: str = "CNY") -> Money:
        """Read canonical decimal text in yuan ("12860000.00").

        Refuses (:class:`MoneyUnreadable`) more than two decimals, exponents, separators, blanks and leading zeros.
        """
        if type(text) is not str:
            msg = f"Money.yuan reads text, not {type(text).__name__}"
            raise TypeError(msg)
        if not _STRICT.fullmatch(text):
            raise MoneyUnreadable(text=text[:40])
        return cls._from_text(text, currency)

    @classmethod
    def parse_input(cls, text: str, currency: str = "CNY") -> Money:
        """Read what a person typed: full-width digits, thousands commas, a leading ¥ and a trailing 元 are understood.

        A comma in the wrong place, a sign or a third decimal is refused (:class:`MoneyUnreadable`), never guessed.
        """
        plain = unicodedata.normalize("NFKC", text).strip().replace("，", ",").replace("。", ".")
        plain = plain.removeprefix("¥").removesuffix("元").strip()
        if not (_PLAIN.fullmatch(plain) or _GROUPED.fullmatch(plain)):
            raise MoneyUnreadable(text=text[:40])
        return cls._from_text(plain.replace(",", ""), currency)

    @classmethod
    def _from_text(cls, text: str, currency: str) -> Money:
        whole, _, fraction = text.removeprefix("-").partition(".")
        # `isascii` because \d of other scripts would slip through int().
        if not text.isascii() or len(whole.lstrip("0")) > MAX_YUAN_DIGITS:
            raise MoneyUnreadable(text=text[:40])
        fen = int(whole) * FEN_PER_YUAN + int(fraction.ljust(2, "0"))
        return cls(-fen if text.startswith("-") else fen, currency)

    @classmethod
    def zero(cls, currency: str = "CNY") -> Money:
        return cls(0, currency)

    @staticmethod
    def sum(amounts: Iterable[Money], currency: str = "CNY") -> Money:
        """Exact total; zero of ``currency`` for no amounts."""
        total = Money(0, currency)
        for amount in amounts:
            total += amount
        return total

    def _same(self, other: object) -> Money:
        if not isinstance(other, Money):
            msg = f"Money does not mix with {type(other).__name__}"
            raise TypeError(msg)
        if other.currency != self.currency:
            msg = f"{self.currency} does not mix with {other.currency}"
            raise CurrencyMismatchError(msg)
        return other

    def __add__(self, other: Money) -> Money:
        return Money(self.fen + self._same(other).fen, self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.fen - self._same(other).fen, self.currency)

    def __mul__(self, times: int) -> Money:
        if type(times) is not int:
            msg = "Money is multiplied by whole numbers; a rate goes through portion()"
            raise TypeError(msg)
        return Money(self.fen * times, self.currency)

    __rmul__ = __mul__

    def __neg__(self) -> Money:
        return Money(-self.fen, self.currency)

    def __abs__(self) -> Money:
        return Money(abs(self.fen), self.currency)

    def __bool__(self) -> bool:
        return self.fen != 0

    def __lt__(self, other: Money) -> bool:
        return self.fen < self._same(other).fen

    def __le__(self, other: Money) -> bool:
        return self.fen <= self._same(other).fen

    def __gt__(self, other: Money) -> bool:
        return self.fen > self._same(other).fen

    def __ge__(self, other: Money) -> bool:
        return self.fen >= self._same(other).fen

    def portion(self, rate: Decimal, rounding: str = ROUND_HALF_UP) -> Money:
        """The amount times ``rate``, rounded once to whole fen (ties away from zero unless told otherwise)."""
        if type(rate) is not Decimal:
            msg = f"A rate is a Decimal, not {type(rate).__name__}"
            raise TypeError(msg)
        if not rate.is_finite():
            msg = "A rate is a finite number"
            raise ValueError(msg)
        exact = _EXACT.multiply(Decimal(self.fen), rate)
        return Money(int(exact.to_integral_value(rounding=rounding, context=_EXACT)), self.currency)

    def decimal(self) -> Decimal:
        """Yuan as an exact decimal with two places, for formulas that go on in Decimal."""
        return Decimal(self.text())

    def text(self) -> str:
        """Canonical text in yuan, always two decimals: "12860000.00". ``Money.yuan`` reads it back."""
        whole, fen = divmod(abs(self.fen), FEN_PER_YUAN)
        return f"{'-' if self.fen < 0 else ''}{whole}.{fen:02d}"

    def grouped(self) -> str:
        """For people: "12,860,000.00"."""
        whole, fen = divmod(abs(self.fen), FEN_PER_YUAN)
        return f"{'-' if self.fen < 0 else ''}{whole:,}.{fen:02d}"

    def in_words(self) -> str:
        """Chinese capital amount as on a bid letter: 壹仟贰佰捌拾陆万元整. Only renminbi is written this way."""
        if self.currency != "CNY":
            msg = "Only renminbi has a capital amount"
            raise ValueError(msg)
        whole, rest = divmod(abs(self.fen), FEN_PER_YUAN)
        jiao, fen = divmod(rest, 10)
        words = f"{_whole_words(whole)}元" if whole or not rest else ""
        if jiao:
            words += f"{_DIGITS[jiao]}角"
        elif fen and words:
            words += "零"
        words += f"{_DIGITS[fen]}分" if fen else "整"
        return f"负{words}" if self.fen < 0 else words

    def __str__(self) -> str:
        return f"{self.text()} {self.currency}"


def _whole_words(number: int) -> str:
    for size, unit in _UNITS:
        if number >= size:
            head, rest = divmod(number, size)
            words = _whole_words(head) + unit
            if not rest:
                return words
            # An empty place directly under the unit is spoken once as 零.
            return words + ("零" if rest < size // 10 else "") + _whole_words(rest)
    return _DIGITS[number]
