"""From prices to the ranking: V1 to V4 with their steps, ties, and what takes no part (invariant 9)."""

from __future__ import annotations

from decimal import Decimal as D  # noqa: N817 - a table of numbers reads better

import pytest

from evaluation.benchmark import CoefficientMissing
from evaluation.errors import MethodNotScored
from evaluation.scoring import Entry, compute, rules_from
from foundation.i18n import EN, ZH, sentence
from tendering.methods import METHODS, validate_parameters

S10 = [9480000, 9350000, 9210000, 9120000, 9050000, 8960000, 8880000, 8740000, 8590000, 8120000]
CEILING = D(10_000_000)
V1 = "92.20 93.54 94.98 95.91 96.63 97.56 98.39 99.83 99.08 95.85"


def entries(prices=S10, **technical: str) -> list[Entry]:
    return [Entry(n + 1, f"b{n}", D(p), D(technical.get(f"b{n}", "0"))) for n, p in enumerate(prices)]


def run(method: str, drawn: dict[str, str], params=None, prices=S10, ceiling=CEILING, tie=()):
    return compute(validate_parameters(method, params or {}), ceiling, drawn, entries(prices), tie)


@pytest.mark.parametrize(
    ("method", "drawn", "params", "base", "points"),
    [
        ("jiangsu-1", {"K": "0.970"}, {}, "8723533.33", V1),
        (
            "jiangsu-2",
            {"K1": "0.970", "Q1": "0.750"},
            {"K2": "0.93"},
            "8867650.00",
            "93.78 95.10 96.53 97.44 98.15 99.06 99.87 99.14 98.12 94.94",
        ),
        ("jiangsu-3", {}, {}, "8590000.00", "90.68 92.04 93.50 94.45 95.18 96.12 96.96 98.43 100.00 96.72"),
        ("jiangsu-4", {}, {"K": "0.95"}, "8543666.67", "90.14 91.50 92.98 93.93 94.66 95.62 96.45 97.93 99.51 97.02"),
    ],
)
def test_the_vectors_with_the_parameters_of_a_tender_document(method, drawn, params, base, points) -> None:
    result = run(method, drawn, params)
    assert str(result.benchmark) == base
    assert " ".join(str(line.price_points) for line in result.lines) == points
    for lang in (ZH, EN):
        texts = [sentence("terms", f"score_step.{code}", values, lang) for code, values in result.steps]
        assert not any("…" in text for text in texts)
        assert any(f"{D(base):,.2f}" in text for text in texts)


def test_what_is_out_takes_no_part_in_anything() -> None:
    alone = run("jiangsu-1", {"K": "0.970"})
    more = [
        *entries(),
        Entry(11, "low", D("1.00"), clause="3.2.4", reason="r"),
        Entry(12, "sealed", None),
        Entry(13, "high", D("10000000.01")),
    ]
    result = compute(validate_parameters("jiangsu-1", {}), CEILING, {"K": "0.970"}, more)
    assert result.benchmark == alone.benchmark
    assert result.lines[:10] == alone.lines
    assert [(line.clause, line.rank) for line in result.lines[10:]] == [
        ("3.2.4", None),
        ("EB20 31", None),
        ("REG 51", None),
    ]


def test_a_price_at_the_ceiling_is_valid_and_without_a_ceiling_nothing_is_too_high() -> None:
    assert run("jiangsu-3", {}, prices=[10_000_000, 9_000_000]).lines[0].is_valid
    assert run("jiangsu-3", {}, prices=[99_000_000, 9_000_000], ceiling=D(0)).lines[0].is_valid


def test_equal_totals_go_to_the_lower_price_and_equal_prices_to_the_tenderee() -> None:
    result = run("jiangsu-3", {}, prices=[8740000, 8740000, 9000000])
    assert [(line.rank, line.is_tied) for line in result.lines] == [(1, True), (2, True), (3, False)]
    again = run("jiangsu-3", {}, prices=[8740000, 8740000, 9000000], tie=["b1", "b0"])
    assert [line.rank for line in again.lines] == [2, 1, 3]
    # 92.35 at 8.8 m before 92.35 at 8.9 m (V9): the points of the plan make them equal.
    params = validate_parameters("jiangsu-3", {"full_points": "88"})
    first = compute(params, D(0), {}, [Entry(1, "a", D(9000000)), Entry(2, "b", D(8000000)), Entry(3, "c", D(9000000))])
    points = {line.bid: line.total for line in first.lines}
    gap = points["a"] - points["b"]
    even = [Entry(1, "a", D(9000000)), Entry(2, "b", D(8000000), gap), Entry(3, "c", D(9500000))]
    result = compute(params, D(0), {}, even)
    assert [(line.bid, line.total) for line in result.ranked[:2]] == [("b", points["a"]), ("a", points["a"])]
    assert not any(line.is_tied for line in result.lines)


def test_nothing_left_has_no_benchmark() -> None:
    result = compute(validate_parameters("jiangsu-1", {}), CEILING, {"K": "0.97"}, [Entry(1, "a", None)])
    assert result.benchmark is None
    assert result.ranked == ()
    assert [code for code, _ in result.steps] == ["no_valid_bid"]


def test_what_can_not_be_calculated_is_refused() -> None:
    with pytest.raises(MethodNotScored):
        run("jiangsu-5", {"K": "0.97"})
    with pytest.raises(CoefficientMissing):
        run("jiangsu-1", {})


def test_the_parameters_of_the_document_rule_the_score() -> None:
    rules = rules_from(
        validate_parameters("jiangsu-1", {"trim_low_share": "0.1", "e_high": "1.2", "score_places": "3"})
    )
    assert (rules.trim_share, rules.trim_low_share, rules.e_high, rules.score_places) == (
        D("0.200"),
        D("0.100"),
        D("1.20"),
        3,
    )
    result = run("jiangsu-1", {"K": "0.970"}, {"trim_low_share": "0.1"})
    kept = sorted(S10)[1:8]
    assert result.benchmark == (D(sum(kept)) / 7 * D("0.97")).quantize(D("0.01"))
    assert set(METHODS) >= {"jiangsu-1", "jiangsu-5"}
