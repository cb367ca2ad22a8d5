"""Winnowing: a few fingerprints of a text that two texts with a common passage always share. Pure.

Every run of ``GUARANTEE`` equal signs leaves at least one common fingerprint, wherever it stands (Schleimer, Wilkerson,
Aiken: Winnowing, SIGMOD 2003). Signs are what is left of a text without layout: CJK, letters and digits in NFKC and
lower case; spaces, punctuation and zero-width characters are not signs. Fingerprints are the same in every process and
for ever, so those of earlier lots can be kept.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

GRAM: Final = 10
"""Signs of one fingerprinted gram (k)."""
WINDOW: Final = 16
"""Grams of which the smallest hash is kept (w)."""
GUARANTEE: Final = GRAM + WINDOW - 1
"""A common run of so many signs is always found."""
ZERO_WIDTH: Final = "\u200b\u200c\u200d\u2060\ufeff\u00ad"

_PRIME: Final = (1 << 61) - 1
_BASE: Final = 1_446_254_877_310_297_393
_TOP: Final = pow(_BASE, GRAM - 1, _PRIME)
# Letters, digits and ideographs; the radicals, which some programs write in the place of ideographs, are no letters.
_RUN: Final = re.compile(r"(?:[^\W_]|[\u2e80-\u2fdf])+")


@dataclass(frozen=True, slots=True)
class Text:
    """A document's text. ``places`` has for every sign its place in ``raw``, ``page_starts`` for every page its own."""

    raw: str
    page_starts: tuple[int, ...]
    signs: str
    places: array[int]

    def page_of(self, sign: int) -> int:
        """The page, from 1, on which a sign stands."""
        return bisect_right(self.page_starts, self.places[sign])

    def quote(self, start: int, end: int) -> str:
        """What the document says from sign ``start`` to before sign ``end``, with its punctuation."""
        return self.raw[self.places[start] : self.places[end - 1] + 1]

    def before(self, start: int, size: int) -> str:
        """Up to ``size`` characters in front of a sign."""
        at = self.places[start]
        return self.raw[max(0, at - size) : at]

    def after(self, end: int, size: int) -> str:
        """Up to ``size`` characters behind the sign before ``end``."""
        at = self.places[end - 1] + 1
        return self.raw[at : at + size]


def read(pages: Sequence[str]) -> Text:
    """The signs of a document's pages, one after the other."""
    raw, starts = "\n".join(pages), [0]
    for one in pages[:-1]:
        starts.append(starts[-1] + len(one) + 1)
    signs: list[str] = []
    places = array("I")
    for run in _RUN.finditer(raw):
        text, start = run.group(), run.start()
        plain = unicodedata.normalize("NFKC", text).lower()
        if len(plain) == len(text):
            signs.append(plain)
            places.extend(range(start, run.end()))
            continue
        for offset, sign in enumerate(text):
            wide = unicodedata.normalize("NFKC", sign).lower()
            signs.append(wide)
            places.extend([start + offset] * len(wide))
    return Text(raw, tuple(starts), "".join(signs), places)


def hidden_marks(raw: str) -> int:
    """How many characters without width a text holds: nobody types them, they only break up copied words."""
    return sum(raw.count(sign) for sign in ZERO_WIDTH)


def hashes(signs: str) -> list[int]:
    """The hash of every gram: a polynomial in 61 bits, the same on every machine."""
    if len(signs) < GRAM:
        return []
    codes = list(map(ord, signs))
    value = 0
    for code in codes[:GRAM]:
        value = (value * _BASE + code) % _PRIME
    found = [value]
    for gone, come in zip(codes, codes[GRAM:], strict=False):
        value = ((value - gone * _TOP) * _BASE + come) % _PRIME
        found.append(value)
    return found


def winnow(signs: str) -> list[tuple[int, int]]:
    """(place, hash) of the chosen grams in the order of the text; of equal hashes in one window the last one."""
    found = hashes(signs)
    chosen: list[tuple[int, int]] = []
    if not found:
        return chosen
    at, least = -1, _PRIME
    for right, value in enumerate(found):
        left = right - WINDOW + 1
        if value <= least:
            at, least = right, value
        elif at < left:
            window = found[left : right + 1]
            least = min(window)
            at = right - window[::-1].index(least)
        if (left >= 0 or right == len(found) - 1) and (not chosen or chosen[-1][0] != at):
            chosen.append((at, least))
    return chosen


def grams(signs: str) -> set[str]:
    """All grams of a text, not only the chosen ones: for subtracting it from others whole."""
    return {signs[at : at + GRAM] for at in range(len(signs) - GRAM + 1)}


def cover(signs: str, known: Collection[str], mark: int, mask: bytearray) -> None:
    """Write ``mark`` over every still unmarked sign of ``mask`` that belongs to a gram in ``known``."""
    done = 0
    for at in range(len(signs) - GRAM + 1):
        if signs[at : at + GRAM] in known:
            for place in range(max(at, done), at + GRAM):
                mask[place] = mask[place] or mark
            done = at + GRAM
