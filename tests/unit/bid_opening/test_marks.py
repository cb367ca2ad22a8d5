"""What stands out in a line that is read out: every mark, its borders, and that spelling alone is no difference."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bid_opening.marks import CODES, Figures, marks_of, says
from foundation.i18n import catalogue
from foundation.money import Money
from foundation.sealing import PriceSchedule
from foundation.verifier.papers import read_prices

CEILING, DAYS = Money.yuan("100.00"), 180
PLAIN = Figures(Money.yuan("100.00"), 180, "合格", "周予安", "壹佰元整")


@pytest.mark.parametrize(
    ("change", "marks"),
    [
        ({}, ()),
        ({"total": Money.yuan("100.01"), "total_words": "壹佰元零壹分"}, ("above_ceiling",)),
        ({"total": Money.yuan("0"), "total_words": ""}, ("no_price",)),
        ({"total_words": "壹仟元整"}, ("words_differ",)),
        ({"total_words": ""}, ()),
        ({"duration_days": 181}, ("longer_than_asked",)),
        ({"quality": " "}, ("no_quality",)),
        ({"project_manager": ""}, ("no_manager",)),
        (
            {"total": Money.yuan("200.00"), "duration_days": 999, "quality": "", "project_manager": ""},
            ("above_ceiling", "words_differ", "longer_than_asked", "no_quality", "no_manager"),
        ),
    ],
)
def test_each_mark_is_found_beyond_its_border_and_not_on_it(change: dict[str, object], marks: tuple[str, ...]) -> None:
    figures = dataclasses.replace(PLAIN, **change)  # type: ignore[arg-type]
    assert marks_of(figures, ceiling=CEILING, duration_days=DAYS) == marks


def test_without_a_ceiling_or_a_longest_period_nothing_is_above_them() -> None:
    figures = dataclasses.replace(PLAIN, total=Money.yuan("9999999.99"), total_words="", duration_days=36_500)
    assert marks_of(figures, ceiling=Money(0), duration_days=0) == ()


@pytest.mark.parametrize(
    ("words", "amount", "is_same"),
    [
        ("人民币壹仟壹佰肆拾万贰仟叁佰壹拾捌元整", "11402318.00", True),
        ("人民币：壹仟壹佰肆拾万贰仟叁佰壹拾捌圆正", "11402318.00", True),
        ("壹仟壹佰肆拾萬 貳仟參佰壹拾捌元", "11402318.00", True),
        ("壹仟壹佰肆拾万贰仟叁佰壹拾玖元整", "11402318.00", False),
        ("一千元", "1000.00", False),
        ("零元整", "0", True),
    ],
)
def test_words_are_compared_with_the_figures_and_not_with_a_spelling(words: str, amount: str, is_same: bool) -> None:
    assert says(words, Money.yuan(amount)) is is_same


@given(st.integers(0, 10**14), st.integers(0, 10**14))
def test_the_words_of_an_amount_say_this_amount_and_no_other(fen: int, other: int) -> None:
    assert says(f"人民币{Money(fen).in_words()}", Money(fen))
    assert says(Money(fen).in_words(), Money(other)) is (fen == other)


def test_every_mark_has_its_words_its_meaning_and_its_sentence_in_the_record() -> None:
    terms = catalogue().sections["terms"]
    for code in CODES:
        for prefix in ("price_remark", "mark_meaning", "record_remark"):
            assert all(terms[f"{prefix}.{code}"]), (prefix, code)


def test_words_are_part_of_a_schedule_and_survive_being_written() -> None:
    head = '{"v":1,"currency":"CNY","total":"100.00","total_words":"壹佰元整",'
    text = head + '"duration_days":1,"quality":"","project_manager":""}'
    schedule = PriceSchedule.parse(text.encode())
    assert schedule.total_words == "壹佰元整"
    assert PriceSchedule.parse(schedule.to_bytes()) == schedule
    assert read_prices(schedule.to_bytes(), "price_schedule").total == schedule.total  # the verifier reads it too
