"""D01, copied text: passages two bids of one lot have in common and that stand in nothing both may have read. Pure.

What is taken away before anything is counted decides this detector, not the hash: every gram of the tender's own
documents and of known public texts; what most bids of the lot have in common; what other organisations wrote in earlier
lots. How much was taken away is part of the result. A result is evidence to be explained (REG 40 (4)), never a verdict.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Final

from oversight.severity import Severity
from oversight.winnowing import GRAM, GUARANTEE, WINDOW, Text, cover, winnow

REVIEW_SIGNS: Final = 300
"""From here on a supervisor is asked to look."""
STRONG_SIGNS: Final = 1_000
STRONG_PAGES: Final = 3
"""Pages that are copied as good as whole: from here on a strong trace."""
RED_SHARE: Final = 0.80
"""Share of the smaller bid's own text, at STRONG_SIGNS or more (R6.08)."""
PAGE_SHARE: Final = 0.60
"""A page counts as copied when so much of its text is."""
COMMON_MIN_BIDS: Final = 6
"""With fewer bids nobody can tell a template from copying within the lot."""
COMMON_MIN_COPIES: Final = 4
RUN_SIGNS: Final = GUARANTEE
"""Shorter equal runs are not counted."""
_SEEDS_MIN: Final = REVIEW_SIGNS // (GUARANTEE + WINDOW)

TENDER, PUBLIC, COMMON, BACKGROUND = 1, 2, 3, 4

Background = Callable[[Collection[int]], Mapping[int, frozenset[str]]]
"""Which organisations used these fingerprints in earlier lots."""


@dataclass(frozen=True, slots=True)
class BidText:
    """One bid's text. ``bid`` identifies it within the lot, ``org_id`` whose it is."""

    bid: str
    org_id: str
    text: Text


@dataclass(frozen=True, slots=True)
class Span:
    """A common passage: where it begins in either text, in signs, and how many signs it has."""

    first: int
    second: int
    size: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Signs taken away before counting: of the first and second bid, and of what the two have in common."""

    tender: tuple[int, int]
    public: tuple[int, int]
    common: int
    background: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Two bids with something in common. ``share``: matched signs of the smaller bid's own text, 0..1."""

    first: BidText
    second: BidText
    matched: int
    share: float
    full_pages: int
    spans: tuple[Span, ...]
    taken: Taken

    @property
    def severity(self) -> Severity | None:
        """None: below the line, no alert."""
        return severity_of(self.matched, self.share, self.full_pages)


@dataclass(frozen=True, slots=True)
class _Bid:
    source: BidText
    mask: bytearray
    places: list[int]
    prints: list[int]

    @property
    def own(self) -> int:
        return self.mask.count(0)


def severity_of(matched: int, share: float, full_pages: int) -> Severity | None:
    """By the published thresholds."""
    if matched >= STRONG_SIGNS and share >= RED_SHARE:
        return Severity.RED
    if matched >= STRONG_SIGNS or full_pages >= STRONG_PAGES:
        return Severity.ORANGE
    return Severity.YELLOW if matched >= REVIEW_SIGNS else None


def compare(
    bids: Sequence[BidText], tender: Collection[str], public: Collection[str], background: Background
) -> tuple[Pair, ...]:
    """Every pair above the line, most copied first. ``tender`` and ``public`` are grams."""
    read = [_prepare(one, tender, public) for one in bids]
    holders = _holders(read)
    shared = {value: found for value, found in holders.items() if len(found) > 1}
    common = {value for value, found in shared.items() if is_common(len(found), len(bids))}
    known = background(shared.keys() - common)
    seeds = _seeds(shared, common, known, [one.source.org_id for one in read])
    pairs = [
        _pair(read[one], read[other], places, shared, common, known)
        for (one, other), places in seeds.items()
        if len(places) >= _SEEDS_MIN
    ]
    above = [pair for pair in pairs if pair.severity is not None]
    return tuple(sorted(above, key=lambda pair: (-pair.matched, pair.first.bid, pair.second.bid)))


def is_common(copies: int, bids: int) -> bool:
    """Whether a passage in ``copies`` of ``bids`` bids is a template rather than something one took from another."""
    return bids >= COMMON_MIN_BIDS and copies >= COMMON_MIN_COPIES and 2 * copies > bids


def _prepare(one: BidText, tender: Collection[str], public: Collection[str]) -> _Bid:
    signs = one.text.signs
    mask = bytearray(len(signs))
    cover(signs, tender, TENDER, mask)
    cover(signs, public, PUBLIC, mask)
    chosen = winnow(signs)
    return _Bid(one, mask, [place for place, _ in chosen], [value for _, value in chosen])


_Holders = dict[int, dict[int, int]]
"""fingerprint → number of the bid → its first place there"""


def _holders(bids: Sequence[_Bid]) -> _Holders:
    holders: _Holders = {}
    for number, bid in enumerate(bids):
        for place, value in zip(bid.places, bid.prints, strict=True):
            if bid.mask.find(0, place, place + GRAM) >= 0:
                holders.setdefault(value, {}).setdefault(number, place)
    return holders


def _seeds(
    shared: _Holders, common: Collection[int], known: Mapping[int, frozenset[str]], owners: Sequence[str]
) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Places in both bids of every fingerprint that neither a template nor a third organisation explains."""
    seeds: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for value, found in shared.items():
        if value in common:
            continue
        others = known.get(value, frozenset())
        for one, other in combinations(sorted(found), 2):
            if not others - {owners[one], owners[other]}:
                seeds.setdefault((one, other), []).append((found[one], found[other]))
    return seeds


def _pair(
    one: _Bid,
    other: _Bid,
    seeds: list[tuple[int, int]],
    shared: _Holders,
    common: Collection[int],
    known: Mapping[int, frozenset[str]],
) -> Pair:
    pair_owners = {one.source.org_id, other.source.org_id}

    def kind(value: int) -> int:
        if value in common:
            return COMMON
        return BACKGROUND if known.get(value, frozenset()) - pair_owners else 0

    spans = _spans(one, other, seeds, kind)
    matched = sum(span.size for span in spans)
    own = min(one.own, other.own)
    elsewhere = {COMMON: 0, BACKGROUND: 0}
    theirs = set(other.prints)
    for at, value in enumerate(one.prints):
        if value in shared and value in theirs and (why := kind(value)):
            after = one.places[at + 1] if at + 1 < len(one.places) else one.places[at] + GRAM
            elsewhere[why] += min(after - one.places[at], WINDOW)
    return Pair(
        first=one.source,
        second=other.source,
        matched=matched,
        share=min(1.0, matched / own) if own else 0.0,
        full_pages=_full_pages(one.source.text, spans),
        spans=tuple(spans),
        taken=Taken(
            tender=(one.mask.count(TENDER), other.mask.count(TENDER)),
            public=(one.mask.count(PUBLIC), other.mask.count(PUBLIC)),
            common=elsewhere[COMMON],
            background=elsewhere[BACKGROUND],
        ),
    )


def _spans(one: _Bid, other: _Bid, seeds: list[tuple[int, int]], kind: Callable[[int], int]) -> list[Span]:
    """Equal stretches around the seeds without what is explained otherwise; each sign of ``one`` counts once."""
    left, right = one.source.text.signs, other.source.text.signs
    spans: list[Span] = []
    done = 0
    for first, second in sorted(seeds):
        if first < done or left[first : first + GRAM] != right[second : second + GRAM]:
            continue
        start, start_there = first, second
        while start > done and start_there > 0 and left[start - 1] == right[start_there - 1]:
            start, start_there = start - 1, start_there - 1
        end, end_there = first + GRAM, second + GRAM
        while end < len(left) and end_there < len(right) and left[end] == right[end_there]:
            end, end_there = end + 1, end_there + 1
        spans += [Span(at, start_there + at - start, size) for at, size in _unexplained(one, start, end, kind)]
        done = end
    return spans


def _unexplained(one: _Bid, start: int, end: int, kind: Callable[[int], int]) -> list[tuple[int, int]]:
    """(place, size) of the runs within an equal stretch that nothing explains and that are long enough to count."""
    marks = bytearray(one.mask[start:end])
    first, last = bisect_left(one.places, start), bisect_right(one.places, end - GRAM)
    # A fingerprint speaks for the signs nearer to it than to its neighbours.
    edges = [start]
    edges += [(one.places[at] + one.places[at + 1] + GRAM) // 2 for at in range(first, last - 1)]
    edges.append(end)
    for at in range(first, last):
        if why := kind(one.prints[at]):
            for place in range(max(edges[at - first], start), min(edges[at - first + 1], end)):
                marks[place - start] = marks[place - start] or why
    runs, at = [], marks.find(0)
    while at >= 0:
        stop = next((place for place in range(at, len(marks)) if marks[place]), len(marks))
        if stop - at >= RUN_SIGNS:
            runs.append((start + at, stop - at))
        at = marks.find(0, stop)
    return runs


def _full_pages(text: Text, spans: Sequence[Span]) -> int:
    """Pages of the first bid of which at least PAGE_SHARE is copied."""
    bounds = [bisect_left(text.places, start) for start in text.page_starts] + [len(text.signs)]
    full = 0
    for start, end in pairwise(bounds):
        copied = sum(max(0, min(end, span.first + span.size) - max(start, span.first)) for span in spans)
        full += end > start and copied >= PAGE_SHARE * (end - start)
    return full
