"""The figures on the page of detectors: 24 synthetic tenders of five bids, a pair planted in each.

A bid has 20 pages of its own words, of the tender's pages (half of them edited a little) and of a pool of pages that
other organisations used in earlier lots. One bidder copied pages of another: 3, 8 or 40 word for word, or 20 with 5 to
40 % of the words edited. Words follow one another as in a text (each has twelve successors), so that innocent bids
share phrases as true ones do.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from itertools import combinations

import pytest

from oversight import detectors
from oversight.copied_text import BidText, compare
from oversight.winnowing import grams, read, winnow

TENDERS, BIDS, PAGES, SIGNS = 24, 5, 20, 900
PLANTED = ((40, 0), (8, 0), (3, 0), (20, 5), (20, 10), (20, 20), (20, 30), (20, 40))
"""(pages copied, per cent of words edited)"""
WORDS = 4_000
Page = list[int]


class Told:
    """Numbers that follow from a seed."""

    def __init__(self, seed: str) -> None:
        self._numbers = self._drawn(seed)

    @staticmethod
    def _drawn(seed: str) -> Iterator[int]:
        for block in range(1 << 30):
            digest = hashlib.blake2b(f"{seed}/{block}".encode(), digest_size=64).digest()
            yield from (int.from_bytes(digest[at : at + 4], "big") for at in range(0, 64, 4))

    def below(self, limit: int) -> int:
        return next(self._numbers) % limit


def vocabulary() -> tuple[list[str], list[list[int]]]:
    told = Told("vocabulary")
    signs = [chr(0x4E00 + told.below(3_000)) for _ in range(1_200)]
    words = ["".join(signs[told.below(1_200)] for _ in range(1 + told.below(3))) for _ in range(WORDS)]
    return words, [[told.below(WORDS) for _ in range(12)] for _ in range(WORDS)]


VOCABULARY, SUCCESSORS = vocabulary()


def page(seed: str) -> Page:
    told = Told(seed)
    word, out, length = told.below(WORDS), [], 0
    while length < SIGNS:
        out.append(word)
        length += len(VOCABULARY[word])
        word = told.below(WORDS) if told.below(100) < 4 else SUCCESSORS[word][told.below(12)]
    return out


def edited(words: Page, per_cent: int, told: Told) -> Page:
    """Of the edited words 60 % are replaced, 20 % dropped, 20 % get a word beside them."""
    out: Page = []
    for word in words:
        if told.below(100) >= per_cent:
            out.append(word)
        elif (kind := told.below(10)) < 6:
            out.append(told.below(WORDS))
        elif kind >= 8:
            out += [word, told.below(WORDS)]
    return out


def text(pages: Collection[Page]) -> list[str]:
    return ["".join(VOCABULARY[word] for word in words) for words in pages]


TENDER = [page(f"tender/{number}") for number in range(40)]
POOL = [page(f"pool/{number}") for number in range(60)]


def own_pages(seed: str) -> list[Page]:
    told, pages = Told(seed), []
    for number in range(PAGES):
        kind = told.below(100)
        if kind < 30:
            words = TENDER[told.below(len(TENDER))]
            pages.append(edited(words, 1, told) if told.below(2) else words)
        elif kind < 42:
            pages.append(edited(POOL[told.below(len(POOL))], 3, told))
        else:
            pages.append(page(f"{seed}/{number}"))
    return pages


@pytest.fixture(scope="module")
def earlier() -> dict[str, set[int]]:
    """Fingerprints of forty bids of earlier lots, which used the pool too."""
    made = {}
    for number in range(40):
        told = Told(f"earlier/{number}")
        pages = [edited(POOL[(number * 3 + step) % len(POOL)], 3, told) for step in range(12)]
        made[f"earlier-{number}"] = {value for _, value in winnow(read(text(pages)).signs)}
    return made


@pytest.mark.slow
def test_planted_copies_are_found_and_innocent_pairs_are_not(earlier: dict[str, set[int]]) -> None:
    tender = grams(read(text(TENDER)).signs)

    def background(wanted: Collection[int]) -> dict[int, frozenset[str]]:
        return {one: frozenset(org for org, known in earlier.items() if one in known) for one in wanted}

    found: dict[tuple[int, int], int] = {}
    false = innocent = 0
    for number in range(TENDERS):
        copied, per_cent = PLANTED[number % len(PLANTED)]
        bids = [own_pages(f"{number}/{bid}") for bid in range(BIDS)]
        source = [page(f"copied/{number}/{at}") for at in range(copied)]
        bids[0] += source
        told = Told(f"edited/{number}")
        bids[1] += [edited(words, per_cent, told) for words in source]
        texts = [BidText(str(at), f"org-{at}", read(text(pages))) for at, pages in enumerate(bids)]
        pairs = {(one.first.bid, one.second.bid) for one in compare(texts, tender, set(), background)}
        found[copied, per_cent] = found.get((copied, per_cent), 0) + (("0", "1") in pairs)
        false += len(pairs - {("0", "1")})
        innocent += len(list(combinations(range(BIDS), 2))) - 1
    told_figures = {one.key: one.result for one in detectors.COPIED_TEXT.measured}
    light = sum(count for (_, per_cent), count in found.items() if per_cent <= 30)
    asked = sum(TENDERS // len(PLANTED) for _, per_cent in PLANTED if per_cent <= 30)
    assert told_figures["planted"] == f"{light}/{asked}"
    assert told_figures["heavily_edited"] == f"{found[20, 40]}/{TENDERS // len(PLANTED)}"
    assert told_figures["innocent_pairs"] == f"{false}/{innocent}"
    assert (light, false) == (asked, 0)
