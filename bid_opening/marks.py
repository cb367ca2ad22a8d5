"""What stands out in the figures of one bid, as facts anybody can find again (R3.47). Pure; nothing here rejects a bid.

One function for everybody: the page marks the cell, the frame of the line carries the codes, the record prints their
sentence, and whoever opens the price schedule with its published key gets the same codes. What follows from a mark is
for the evaluation committee to decide; the terms ``mark_meaning.…`` say by which clause.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from foundation.money import Money

CODES: Final = ("above_ceiling", "no_price", "words_differ", "longer_than_asked", "no_quality", "no_manager")
"""Every mark, in the order in which a line carries them. Terms ``price_remark.…`` and ``mark_meaning.…``."""

_SAME_SIGN: Final = str.maketrans("圆正〇貳參陸萬億", "元整零贰叁陆万亿")
_CURRENCY: Final = ("人民币", "RMB", "CNY", "¥", "￥")


@dataclass(frozen=True, slots=True)
class Figures:
    """What is read out of one bid. ``total_words``: the amount in capital figures (大写), "" where the bid has none."""

    total: Money
    duration_days: int
    quality: str
    project_manager: str
    total_words: str = ""


def marks_of(figures: Figures, *, ceiling: Money, duration_days: int) -> tuple[str, ...]:
    """The codes of what stands out, in the order of ``CODES``.

    ``ceiling`` of zero is none; ``duration_days`` of 0 is no limit. A figure equal to its limit does not stand out.
    """
    found = {
        "above_ceiling": ceiling.fen > 0 and figures.total > ceiling,
        # A negative amount has no form in a price schedule: such a bid is named unreadable before it comes here.
        "no_price": figures.total.fen <= 0,
        "words_differ": bool(figures.total_words.strip()) and not says(figures.total_words, figures.total),
        "longer_than_asked": duration_days > 0 and figures.duration_days > duration_days,
        "no_quality": not figures.quality.strip(),
        "no_manager": not figures.project_manager.strip(),
    }
    return tuple(code for code in CODES if found[code])


def says(words: str, amount: Money) -> bool:
    """Whether capital figures are this amount. Spellings that vary (圆 and 元, 正 and 整, spaces) count as the same."""
    return _plain(words) == _plain(amount.in_words())


def _plain(words: str) -> str:
    text = "".join(words.split()).translate(_SAME_SIGN)
    for currency in _CURRENCY:
        text = text.removeprefix(currency)
    return text.removeprefix(":").removeprefix("：").removesuffix("整")
