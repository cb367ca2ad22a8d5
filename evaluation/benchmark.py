"""Benchmark price and price score by the Jiangsu methods 方法一 to 方法四 (R4.30-R4.34, R4.39).

Pure: exact decimals in, a result with its calculation trace out. Rounding happens where it is stated and nowhere else:
the benchmark is money with two places, the deviation has four places, the score two; all HALF_UP (R0.01, R0.02).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Final

from foundation.errors import InvalidInput

CENT: Final = Decimal("0.01")
EXACT: Final = Context(prec=50)
"""Fifty digits: a mean of a thousand prices loses nothing that any stated rounding could see."""

TRIM_FROM: Final = 7
DROP_HIGHEST_FROM: Final = 4


class NoValidBids(InvalidInput):
    """A benchmark needs at least one valid bid."""

    code = "evaluation.no_valid_bids"


class CoefficientMissing(InvalidInput):
    """The method needs a coefficient that was not given."""

    code = "evaluation.coefficient_missing"


@dataclass(frozen=True, slots=True)
class Bid:
    """One bid as the price score sees it: ``id`` and total price in yuan."""

    id: str
    price: Decimal
    is_valid: bool = True


@dataclass(frozen=True, slots=True)
class ScoreRules:
    """How points fall with distance from the benchmark: per 1 % above and below (R4.39), and how prices are trimmed.

    ``trim_share`` is the share of highest bids dropped, and of lowest ones unless ``trim_low_share`` says another.
    """

    full: Decimal = Decimal(100)
    e_high: Decimal = Decimal("0.9")
    e_low: Decimal = Decimal("0.6")
    trim_share: Decimal = Decimal("0.20")
    trim_low_share: Decimal | None = None
    drop_highest_from: int = DROP_HIGHEST_FROM
    drop_highest_until: int = TRIM_FROM - 1
    deviation_places: int = 4
    score_places: int = 2


@dataclass(frozen=True, slots=True)
class Trimming:
    """Which prices make A (R4.30): those kept, those dropped (both ascending), and their exact mean.

    ``is_second_lowest``: too few bids for a mean, A is the second-lowest (of one bid, that bid). The first
    ``low_count`` of those dropped are the lowest, the rest the highest.
    """

    kept: tuple[Decimal, ...]
    dropped: tuple[Decimal, ...]
    mean: Decimal
    is_second_lowest: bool = False
    low_count: int = 0


@dataclass(frozen=True, slots=True)
class Score:
    """A bid's deviation from the benchmark (fraction, four places) and its points (two places)."""

    bid: str
    deviation: Decimal
    points: Decimal


@dataclass(frozen=True, slots=True)
class PriceResult:
    """The benchmark, all scores in the order given, the ranking, and how it was calculated, line by line."""

    benchmark: Decimal
    scores: tuple[Score, ...]
    ranking: tuple[str, ...]
    trace: tuple[str, ...]


def trim(prices: Sequence[Decimal], rules: ScoreRules) -> Trimming:
    """A of R4.30. Raises NoValidBids.

    From seven bids on, ``round(share x n)`` highest and lowest are dropped (HALF_UP: 7→1, 8-12→2, 13-17→3, 18→4 at
    20 %); from four to six the highest only; below four A is the second-lowest bid.
    """
    ordered = sorted(prices)
    count = len(ordered)
    if count == 0:
        raise NoValidBids
    if count < rules.drop_highest_from:
        second = ordered[min(1, count - 1)]
        return Trimming((second,), (), second, is_second_lowest=True)
    if count <= rules.drop_highest_until:
        low, kept, dropped = 0, ordered[:-1], ordered[-1:]
    else:
        low_share = rules.trim_share if rules.trim_low_share is None else rules.trim_low_share
        low, high = _share_of(count, low_share), _share_of(count, rules.trim_share)
        kept, dropped = ordered[low : count - high], ordered[:low] + ordered[count - high :]
    with localcontext(EXACT):
        mean = sum(kept, Decimal(0)) / len(kept)
    return Trimming(tuple(kept), tuple(dropped), mean, low_count=low)


def _share_of(count: int, share: Decimal) -> int:
    return int((share * count).quantize(Decimal(1), rounding=ROUND_HALF_UP))


def trimmed_mean(
    prices: Sequence[Decimal], trim_share: Decimal, rules: ScoreRules | None = None
) -> tuple[Decimal, list[str]]:
    """A and its trace: who was dropped, and the mean of the rest. ``rules`` goes before ``trim_share``."""
    used = rules or ScoreRules(trim_share=trim_share)
    cut = trim(prices, used)
    count = len(prices)
    if cut.is_second_lowest:
        return cut.mean, [f"n = {count} < {used.drop_highest_from}: A = second-lowest = {cut.mean}"]
    total = sum(cut.kept, Decimal(0))
    texts = [
        f"n = {count}: dropped {', '.join(map(str, cut.dropped))}",
        f"A = {total} / {len(cut.kept)} = {cut.mean.normalize():.10f}",
    ]
    return cut.mean, texts


def benchmark(
    method: str, bids: Sequence[Bid], ceiling: Decimal, coefficients: Mapping[str, Decimal], rules: ScoreRules
) -> tuple[Decimal, list[str]]:
    """The benchmark price (two places, HALF_UP) of ``method`` ("jiangsu-1" … "jiangsu-4") and its trace.

    Coefficients: 方法一 and 方法四 need ``K``; 方法二 ``K1``, ``K2``, ``Q1``; 方法三 none. Raises NoValidBids,
    CoefficientMissing, InvalidInput for an unknown method.
    """
    prices = [bid.price for bid in bids if bid.is_valid]
    if not prices:
        raise NoValidBids
    trace: list[str] = []
    with localcontext(EXACT):
        if method in {"jiangsu-1", "jiangsu-4"}:
            mean, trace = trimmed_mean(prices, rules.trim_share, rules)
            k = _coefficient(coefficients, "K")
            raw = mean * k
            trace.append(f"base = A x K = A x {k}")
        elif method == "jiangsu-2":
            mean, trace = trimmed_mean(prices, rules.trim_share, rules)
            k1, k2, q1 = (_coefficient(coefficients, name) for name in ("K1", "K2", "Q1"))
            raw = mean * k1 * q1 + ceiling * k2 * (1 - q1)
            trace.append(f"base = A x {k1} x {q1} + {ceiling} x {k2} x {1 - q1}")
        elif method == "jiangsu-3":
            raw = sorted(prices)[min(1, len(prices) - 1)]
            trace.append(f"base = second-lowest = {raw}")
        else:
            raise InvalidInput(what="method", method=method)
        base = raw.quantize(CENT, rounding=ROUND_HALF_UP)
    trace.append(f"base = {base}")
    return base, trace


def price_score(price: Decimal, base: Decimal, rules: ScoreRules) -> tuple[Decimal, Decimal]:
    """(deviation, points): full at the base, linear on both sides, never below zero (R4.39)."""
    with localcontext(EXACT):
        deviation = ((price - base) / base).quantize(_places(rules.deviation_places), rounding=ROUND_HALF_UP)
        per_cent = rules.e_high if deviation > 0 else rules.e_low
        points = rules.full - abs(deviation) * 100 * per_cent
        return deviation, max(Decimal(0), points).quantize(_places(rules.score_places), rounding=ROUND_HALF_UP)


def _places(count: int) -> Decimal:
    return Decimal(1).scaleb(-count)


def score(
    method: str,
    bids: Sequence[Bid],
    ceiling: Decimal,
    coefficients: Mapping[str, Decimal],
    rules: ScoreRules | None = None,
) -> PriceResult:
    """Score every valid bid and rank by points, then by lower price, then by id (R4.21)."""
    used = rules or ScoreRules()
    base, trace = benchmark(method, bids, ceiling, coefficients, used)
    scored: list[tuple[Bid, Score]] = []
    for bid in bids:
        if not bid.is_valid:
            continue
        deviation, points = price_score(bid.price, base, used)
        scored.append((bid, Score(bid.id, deviation, points)))
        trace.append(f"{bid.id}: ({bid.price} - {base}) / {base} = {deviation}; points {points}")
    ranked = sorted(scored, key=lambda pair: (-pair[1].points, pair[0].price, pair[0].id))
    return PriceResult(base, tuple(s for _, s in scored), tuple(bid.id for bid, _ in ranked), tuple(trace))


def _coefficient(coefficients: Mapping[str, Decimal], name: str) -> Decimal:
    try:
        return coefficients[name]
    except KeyError:
        raise CoefficientMissing(name=name) from None
