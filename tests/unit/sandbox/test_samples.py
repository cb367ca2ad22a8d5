"""Sample bids: figures that agree with each other, papers that can be read, and a different one for each bidder."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pypdfium2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.sealing import PriceSchedule
from sandbox import cast
from sandbox.samples import Offer, in_words, price_schedule, priced_bill, priced_items, technical_bid
from sandbox.story_opening import pdf_text

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)


def offer(number: int = 1) -> Offer:
    bidder = cast.BIDDERS[number - 1]
    return Offer(
        project_name=cast.PROJECT_NAME,
        lot_name=cast.LOT_NAME,
        lot_code="E3204122611240001001001",
        tenderee=cast.TENDEREES[0].zh,
        bidder=bidder.company.zh,
        uscc="91320412MA1WJ0T064",
        total=bidder.price,
        duration_days=bidder.duration_days,
        manager=bidder.manager,
        variant=number,
    )


@pytest.mark.parametrize("number", range(1, 9))
def test_the_price_schedule_says_what_the_bidder_offers(number: int) -> None:
    read = PriceSchedule.parse(price_schedule(offer(number)))
    bidder = cast.BIDDERS[number - 1]
    assert (read.total, read.duration_days, read.project_manager) == (
        bidder.price,
        bidder.duration_days,
        bidder.manager,
    )
    for item in read.items:
        assert item.amount == (item.quantity * item.unit_price).quantize(Decimal("0.01"))
    assert sum(item.amount for item in read.items) < read.total


def test_no_two_bidders_offer_the_same() -> None:
    assert len({bidder.price for bidder in cast.BIDDERS}) == 8
    assert len({priced_items(offer(number)) for number in range(1, 9)}) == 8
    assert all(bidder.price < cast.CEILING for bidder in cast.BIDDERS)


def test_the_papers_have_several_pages_and_name_bidder_and_total() -> None:
    technical, bill = technical_bid(offer(), AT), priced_bill(offer(), AT)
    assert len(pypdfium2.PdfDocument(technical)) >= 4
    text = pdf_text(bill)
    assert cast.BIDDERS[0].company.zh in text
    assert "11,658,460.00" in text
    assert "壹仟壹佰陆拾伍万捌仟肆佰陆拾元整" in text
    assert technical != technical_bid(offer(2), AT)


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "零元整"),
        ("0.07", "柒分"),
        ("12.30", "壹拾贰元叁角整"),
        ("10010.05", "壹万零壹拾元零伍分"),
        ("20000", "贰万元整"),
        ("100000000", "壹亿元整"),
        ("12005000", "壹仟贰佰万伍仟元整"),
        ("12860000.00", "壹仟贰佰捌拾陆万元整"),
        ("11402318", "壹仟壹佰肆拾万贰仟叁佰壹拾捌元整"),
    ],
)
def test_amounts_in_words(amount: str, words: str) -> None:
    assert in_words(Decimal(amount)) == words


_VALUES = {char: value for value, char in enumerate("零壹贰叁肆伍陆柒捌玖")}
_PLACES = {"拾": 10, "佰": 100, "仟": 1000}


def _read(words: str) -> int:
    """The words back as fen, by a reader of its own."""
    whole, _, rest = words.partition("元")
    if "元" not in words:
        whole, rest = "", words
    total = part = digit = 0
    for char in whole:
        if char in _VALUES:
            digit = _VALUES[char]
        elif char in _PLACES:
            part, digit = part + digit * _PLACES[char], 0
        else:
            total, part, digit = (total + part + digit) * (10**8 if char == "亿" else 10**4), 0, 0
    fen = (total + part + digit) * 100
    for mark, worth in (("角", 10), ("分", 1)):
        if mark in rest:
            fen += _VALUES[rest[rest.index(mark) - 1]] * worth
    return fen


@given(st.integers(0, 9_999_999_999))
def test_the_words_say_the_amount(fen: int) -> None:
    assert _read(in_words(Decimal(fen) / 100)) == fen
