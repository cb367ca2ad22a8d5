"""What the story computes by itself to compare the centre with: V1 and V2 of 方法一, V7 of the interest."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from sandbox.story_award import half_up, method_one
from sandbox.story_money import fen, interest_fen, yuan

S10 = (9480000, 9350000, 9210000, 9120000, 9050000, 8960000, 8880000, 8740000, 8590000, 8120000)
V1_POINTS = ("92.20", "93.54", "94.98", "95.91", "96.63", "97.56", "98.39", "99.83", "99.08", "95.85")


def named(prices: tuple[int, ...]) -> dict[str, Decimal]:
    return {f"b{number}": Decimal(price) for number, price in enumerate(prices)}


def test_the_story_redoes_v1_to_the_cent() -> None:
    base, ranked = method_one(named(S10), Decimal("0.97"))
    assert str(base) == "8723533.33"
    assert {one.name: str(one.points) for one in ranked} == {f"b{n}": points for n, points in enumerate(V1_POINTS)}
    assert ranked[0].price == 8740000


@pytest.mark.parametrize(
    ("prices", "k", "base"),
    [
        ((9480000, 9210000, 9050000, 8880000, 8590000), "0.98", "8753850.00"),
        ((9210000, 8880000, 8590000), "0.98", "8702400.00"),
        ((9000000,), "1", "9000000.00"),
    ],
)
def test_the_story_redoes_v2_with_few_bids(prices: tuple[int, ...], k: str, base: str) -> None:
    assert str(method_one(named(prices), Decimal(k))[0]) == base


@pytest.mark.parametrize(("value", "rounded"), [("0.005", "0.01"), ("-0.005", "-0.01"), ("0.00499", "0.00")])
def test_a_half_is_rounded_away_from_zero(value: str, rounded: str) -> None:
    assert half_up(Fraction(Decimal(value)), 2) == Decimal(rounded)


def test_the_story_redoes_the_interest_of_v7_by_civil_days() -> None:
    arrived = datetime(2024, 3, 11, 2, 0, tzinfo=UTC)
    assert interest_fen(200_000_00, arrived, datetime(2024, 4, 30, 2, 0, tzinfo=UTC)) == 97_22
    midnight = datetime(2024, 3, 10, 16, 0, tzinfo=UTC)
    assert interest_fen(200_000_00, midnight, midnight + timedelta(hours=23, minutes=59)) == 0, (
        "the same day in Beijing"
    )
    assert interest_fen(200_000_00, midnight, midnight + timedelta(hours=24)) == 1_94


def test_amounts_are_read_and_written_without_a_float() -> None:
    assert fen({"amount": "250000.07", "currency": "CNY"}) == 250_000_07
    assert yuan(250_000_07) == "250000.07"
