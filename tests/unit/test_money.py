from decimal import ROUND_DOWN, Decimal

import pytest

from foundation.money import CurrencyMismatchError, Money, MoneyUnreadable


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("12860000.00", 1_286_000_000),
        ("0", 0),
        ("0.5", 50),
        ("-3.07", -307),
        ("99999999999999.99", 9_999_999_999_999_999),
    ],
)
def test_canonical_text_is_read_to_the_fen(text: str, fen: int) -> None:
    assert Money.yuan(text) == Money(fen)


@pytest.mark.parametrize(
    "text",
    [
        "1.234",
        "1e3",
        "1,000",
        " 1",
        "1 ",
        "01",
        "",
        ".5",
        "5.",
        "+1",
        "１",
        "1_000",
        "NaN",
        "--1",
        "٣",
        "100000000000000",
    ],
)
def test_anything_but_canonical_text_is_refused(text: str) -> None:
    with pytest.raises(MoneyUnreadable):
        Money.yuan(text)


@pytest.mark.parametrize(
    ("typed", "fen"),
    [
        ("12,860,000.00", 1_286_000_000),
        (" １２，８６０，０００．５ ", 1_286_000_050),
        ("￥1,000", 100_000),
        ("8800000元", 880_000_000),
        ("¥ 007.10 元", 710),
    ],
)
def test_what_a_person_types_is_understood(typed: str, fen: int) -> None:
    assert Money.parse_input(typed) == Money(fen)


@pytest.mark.parametrize(
    "typed", ["1,00", "1,0000", ",100", "1.234", "-1", "1e5", "", "元", "12万", "1.000,00", "1,000,00.5"]
)
def test_a_doubtful_entry_is_refused_not_guessed(typed: str) -> None:
    with pytest.raises(MoneyUnreadable):
        Money.parse_input(typed)


@pytest.mark.parametrize("value", [1.0, True, Decimal(1), "1"])
def test_fen_are_an_int_and_nothing_else(value: object) -> None:
    with pytest.raises(TypeError):
        Money(value)  # type: ignore[arg-type]


def test_a_float_never_enters_an_amount() -> None:
    with pytest.raises(TypeError):
        Money.yuan(1.5)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Money(100) * 1.5  # type: ignore[operator]
    with pytest.raises(TypeError):
        Money(100).portion(0.1)  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Money(100) + 1  # type: ignore[operator]


def test_arithmetic_and_order() -> None:
    assert Money(150) + Money(50) == Money(200)
    assert Money(150) - Money(200) == -Money(50)
    assert abs(Money(-50)) == Money(50)
    assert 3 * Money(50) == Money(50) * 3 == Money(150)
    assert Money(1) < Money(2) <= Money(2) < Money(3) > Money(2) >= Money(2)
    assert Money.sum([Money(1), Money(2), Money(3)]) == Money(6)
    assert Money.sum([]) == Money.zero()
    assert not Money(0)
    assert Money(1)


def test_two_currencies_never_mix() -> None:
    with pytest.raises(CurrencyMismatchError):
        Money(1) + Money(1, "USD")
    with pytest.raises(CurrencyMismatchError):
        _ = Money(1) < Money(1, "USD")
    with pytest.raises(CurrencyMismatchError):
        Money.sum([Money(1, "USD")])
    assert Money(1) != Money(1, "USD")


def test_a_portion_is_rounded_once_half_away_from_zero() -> None:
    assert Money(50).portion(Decimal("0.01")) == Money(1)
    assert Money(-50).portion(Decimal("0.01")) == Money(-1)
    assert Money(49).portion(Decimal("0.01")) == Money(0)
    assert Money(199).portion(Decimal("0.01"), ROUND_DOWN) == Money(1)
    # 33 significant digits of product: a context of 28 would round before the rounding.
    assert Money(10**15 + 1).portion(Decimal("0.4999999999999995000000000000")) == Money(499_999_999_999_999 + 1)
    with pytest.raises(ValueError, match="finite"):
        Money(1).portion(Decimal("NaN"))


def test_text_round_trips_and_grouping_is_for_people() -> None:
    amount = Money(1_286_000_005)
    assert amount.text() == "12860000.05"
    assert Money.yuan(amount.text()) == amount
    assert amount.grouped() == "12,860,000.05"
    assert (-amount).text() == "-12860000.05"
    assert (-amount).grouped() == "-12,860,000.05"
    assert str(amount) == "12860000.05 CNY"
    assert amount.decimal() == Decimal("12860000.05")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("12860000.00", "壹仟贰佰捌拾陆万元整"),
        ("0", "零元整"),
        ("0.05", "伍分"),
        ("0.50", "伍角整"),
        ("0.55", "伍角伍分"),
        ("10.00", "壹拾元整"),
        ("1409.50", "壹仟肆佰零玖元伍角整"),
        ("6007.14", "陆仟零柒元壹角肆分"),
        ("325.04", "叁佰贰拾伍元零肆分"),
        ("100000005.00", "壹亿零伍元整"),
        ("10007000.00", "壹仟万柒仟元整"),
        ("100070.01", "壹拾万零柒拾元零壹分"),
        ("1234567890123.45", "壹万贰仟叁佰肆拾伍亿陆仟柒佰捌拾玖万零壹佰贰拾叁元肆角伍分"),
        ("-8.00", "负捌元整"),
    ],
)
def test_capital_amounts_are_written_as_on_a_bid_letter(text: str, words: str) -> None:
    assert Money.yuan(text).in_words() == words


def test_only_renminbi_has_a_capital_amount() -> None:
    with pytest.raises(ValueError, match="renminbi"):
        Money(1, "USD").in_words()
