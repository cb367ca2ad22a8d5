"""Copied text: what one took from the other is found with its place; what both were given, or all use, is not."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import pytest

from oversight import evidence
from oversight.copied_text import REVIEW_SIGNS, BidText, Pair, compare, is_common, severity_of
from oversight.severity import Severity
from oversight.winnowing import GUARANTEE, grams, read, winnow
from tests.unit.oversight.chinese import pages, prose

TENDER = pages("tender", 6)
SHARED = prose("shared", 1_200)


def bid(name: str, own: Sequence[str], org: str = "") -> BidText:
    return BidText(name, org or f"org-{name}", read(own))


def pairs(
    bids: Sequence[BidText], *, earlier: Mapping[str, Sequence[str]] | None = None, public: str = ""
) -> tuple[Pair, ...]:
    kept = {org: {value for _, value in winnow(read(text).signs)} for org, text in (earlier or {}).items()}

    def background(wanted: Collection[int]) -> dict[int, frozenset[str]]:
        return {one: frozenset(org for org, known in kept.items() if one in known) for one in wanted}

    return compare(bids, grams(read(TENDER).signs), grams(read([public]).signs), background)


def test_a_copied_passage_is_found_with_page_and_words_of_both() -> None:
    first = bid("a", [prose("a1", 500), prose("a2", 200) + SHARED[:400] + prose("a3", 100)])
    second = bid("b", [SHARED[:400] + prose("b1", 300), prose("b2", 500)])
    (pair,) = pairs([first, second])
    shown = evidence.of_pair(pair, [], {})["shown"]
    signs = len(read([SHARED[:400]]).signs)
    assert signs <= pair.matched <= signs + 4
    assert (shown[0]["first"]["page"], shown[0]["second"]["page"]) == (2, 1)
    assert SHARED[5:300] in shown[0]["first"]["text"]
    assert shown[0]["first"]["before"] in first.text.raw
    assert pair.severity is Severity.YELLOW


def test_bids_that_only_repeat_the_tender_are_never_named() -> None:
    bids = [bid(name, [*TENDER, prose(name, 800)]) for name in "abc"]
    assert pairs(bids) == ()
    # The same bids without knowledge of the tender would be: what is taken away decides.
    assert len(compare(bids, set(), set(), lambda _: {})) == 3


def test_twins_without_a_copy_are_never_named() -> None:
    assert pairs([bid(name, pages(name, 20)) for name in "abcdefgh"]) == ()


def test_text_of_a_public_template_is_taken_away_and_counted() -> None:
    bids = [bid(name, [SHARED, prose(name, 700), prose(f"{name}c", 100) + prose("copied", 350)]) for name in "ab"]
    (pair,) = pairs(bids, public=SHARED)
    assert pair.taken.public == (len(read([SHARED]).signs),) * 2
    assert pair.matched < 380


def test_what_most_bids_share_is_a_template_from_six_bids_on() -> None:
    bids = [bid(name, [SHARED, prose(name, 900)]) for name in "abcdef"]
    assert pairs(bids) == ()
    assert len(pairs(bids[:5])) == 10
    assert [is_common(copies, number) for copies, number in ((4, 6), (3, 6), (4, 8), (5, 8), (5, 5))] == [
        True,
        False,
        False,
        True,
        False,
    ]


def test_what_a_third_organisation_wrote_earlier_is_background() -> None:
    bids = [bid("a", [prose("a", 900), SHARED]), bid("b", [SHARED, prose("b", 900)])]
    assert len(pairs(bids)) == 1
    assert pairs(bids, earlier={"org-c": [prose("c", 100), SHARED]}) == ()


def test_a_ring_that_uses_its_own_text_again_is_found_again() -> None:
    """Earlier bids of the two themselves explain nothing: they would wash every second copy clean."""
    bids = [bid("a", [prose("a", 900), SHARED]), bid("b", [SHARED, prose("b", 900)])]
    assert len(pairs(bids, earlier={"org-a": [SHARED], "org-b": [SHARED]})) == 1


def test_a_bidder_that_repeats_its_own_earlier_bid_is_never_named() -> None:
    bids = [bid("a", pages("a", 5)), bid("b", pages("b", 5))]
    assert pairs(bids, earlier={"org-a": pages("a", 5)}) == ()


def test_invisible_characters_do_not_hide_a_copy() -> None:
    hidden = "\u200b".join(SHARED)
    (pair,) = pairs([bid("a", [prose("a", 500) + SHARED]), bid("b", [prose("b", 500) + hidden])])
    assert pair.matched >= len(read([SHARED]).signs)


def test_short_likeness_does_not_count() -> None:
    pieces = [prose(f"piece{number}", 20)[: GUARANTEE - 3] for number in range(60)]
    bids = [
        bid(name, ["".join(piece + prose(f"{name}{number}", 15) for number, piece in enumerate(pieces))])
        for name in "ab"
    ]
    assert pairs(bids) == ()


def test_edited_copies_are_found_while_runs_are_long_enough() -> None:
    sentences = [prose(f"s{number}", 60) for number in range(40)]
    edited = [text[:48] + prose(f"x{number}", 8) + text[56:] for number, text in enumerate(sentences)]
    (pair,) = pairs([bid("a", ["".join(sentences)]), bid("b", ["".join(edited)])])
    assert pair.matched > 0.6 * len(read(["".join(sentences)]).signs)
    assert len(pair.spans) >= 35


def test_a_passage_copied_twice_counts_once() -> None:
    (pair,) = pairs([bid("a", [SHARED[:500], prose("a", 300)]), bid("b", [SHARED[:500], prose("b", 90), SHARED[:500]])])
    assert pair.matched <= len(read([SHARED[:500]]).signs) + 2


def test_levels_follow_the_published_thresholds() -> None:
    assert severity_of(REVIEW_SIGNS - 1, 1.0, 0) is None
    assert severity_of(300, 0.9, 0) is Severity.YELLOW
    assert severity_of(1_000, 0.79, 0) is Severity.ORANGE
    assert severity_of(400, 0.1, 3) is Severity.ORANGE
    assert severity_of(1_000, 0.80, 0) is Severity.RED


def test_whole_pages_are_counted() -> None:
    copied = pages("copied", 3)
    (pair,) = pairs([bid("a", [*pages("a", 2), *copied]), bid("b", [*copied, *pages("b", 2)])])
    assert pair.full_pages == 3
    assert pair.severity is Severity.ORANGE


@pytest.mark.parametrize("count", [0, 1])
def test_one_bid_or_none_gives_nothing(count: int) -> None:
    assert pairs([bid("a", pages("a", 2))][:count]) == ()


def test_equal_rows_of_tables_are_kept_unless_the_tender_has_them() -> None:
    first = [(3, ("项目经理", "周予安", "证书 1")), (3, ("工期", "240")), (4, ("", "只有一格"))]
    second = [(7, ("项目经理", "周予安", "证书 1")), (8, ("工期", "240")), (9, ("", "只有一格"))]
    assert evidence.equal_rows(first, second, "工期240") == [
        {"cells": ["项目经理", "周予安", "证书 1"], "pages": [3, 7]}
    ]
