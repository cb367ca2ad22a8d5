"""From opened prices and locked marks to totals and the ranking, with every step of the calculation. Pure.

Money and rates are exact decimals; rounding happens in ``benchmark`` where it is stated, and nowhere here. A bid that
was not opened, lies above the ceiling or was rejected takes no part in anything (R4.30, R4.51).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import groupby
from typing import Final

from evaluation import benchmark
from evaluation.benchmark import Bid, ScoreRules
from evaluation.errors import MethodNotScored
from tendering.methods import MethodParameters

SCORED_METHODS: Final = frozenset({"jiangsu-1", "jiangsu-2", "jiangsu-3", "jiangsu-4"})
ABOVE_CEILING: Final = "REG 51"
NOT_OPENED: Final = "EB20 31"

Step = tuple[str, dict[str, str]]
"""A line of the calculation: the term ``score_step.<code>`` and what fills it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One bid as it comes out of the technical review. ``clause`` and ``reason``: why it is out, "" while it is in."""

    seat: int
    bid: str
    price: Decimal | None
    technical: Decimal = Decimal(0)
    clause: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One bid's outcome. Points are None where it is out; ``is_tied``: equal in points and price with a neighbour."""

    seat: int
    bid: str
    price: Decimal | None
    clause: str
    reason: str
    deviation: Decimal | None = None
    technical: Decimal | None = None
    price_points: Decimal | None = None
    total: Decimal | None = None
    rank: int | None = None
    is_tied: bool = False

    @property
    def is_valid(self) -> bool:
        return self.rank is not None


@dataclass(frozen=True, slots=True)
class Result:
    """``benchmark`` is None when no bid is left. ``lines`` by seat; ``steps`` can be redone by hand."""

    method: str
    coefficients: Mapping[str, str]
    benchmark: Decimal | None
    lines: tuple[Line, ...]
    steps: tuple[Step, ...]

    @property
    def ranked(self) -> tuple[Line, ...]:
        return tuple(sorted((line for line in self.lines if line.rank), key=lambda line: line.rank or 0))


def rules_from(params: MethodParameters) -> ScoreRules:
    """The price score as the tender document fixes it."""
    rules = ScoreRules(
        full=params.decimal("full_points"),
        e_high=params.decimal("e_high"),
        e_low=params.decimal("e_low"),
        deviation_places=params.count("deviation_places"),
        score_places=params.count("score_places"),
    )
    if "trim_high_share" not in params.values:
        return rules
    return replace(
        rules,
        trim_share=params.decimal("trim_high_share"),
        trim_low_share=params.decimal("trim_low_share"),
        drop_highest_from=params.count("drop_highest_from"),
        drop_highest_until=params.count("drop_highest_until"),
    )


def coefficients_from(params: MethodParameters, drawn: Mapping[str, str]) -> dict[str, Decimal]:
    """K, K1, K2, Q1: drawn at the opening, or fixed in the document. Raises MethodNotScored."""
    if params.method_id not in SCORED_METHODS:
        raise MethodNotScored(method=params.method_id)
    found = {name: Decimal(value) for name, value in drawn.items()}
    for name in ("K", "K1", "K2", "Q1"):
        value = params.values.get(name)
        if isinstance(value, str):
            found.setdefault(name, Decimal(value))
    return found


def compute(
    params: MethodParameters,
    ceiling: Decimal,
    drawn: Mapping[str, str],
    entries: Sequence[Entry],
    tie_order: Sequence[str] = (),
) -> Result:
    """Benchmark, points, totals and ranking. ``ceiling`` 0 is none; ``tie_order``: bids as the tenderee put them.

    Ranked by total, then by lower price, then as the tenderee decided (R4.21). Raises MethodNotScored,
    CoefficientMissing.
    """
    rules, coefficients = rules_from(params), coefficients_from(params, drawn)
    judged = [_judged(entry, ceiling) for entry in entries]
    bids = [Bid(one.bid, one.price) for one in judged if one.price is not None and not one.clause]
    told = {name: format(value, "f") for name, value in sorted(coefficients.items())}
    if not bids:
        return Result(params.method_id, told, None, tuple(_out(one) for one in judged), (("no_valid_bid", {}),))
    scored = benchmark.score(params.method_id, bids, ceiling, coefficients, rules)
    points = {one.bid: one for one in scored.scores}
    lines = []
    for one in judged:
        if one.bid not in points:
            lines.append(_out(one))
            continue
        own = points[one.bid]
        total = one.technical + own.points
        lines.append(
            Line(one.seat, one.bid, one.price, "", "", own.deviation, one.technical, own.points, total, rank=0)
        )
    ranked = _ranked(lines, tie_order)
    steps = [*_base_steps(params.method_id, bids, ceiling, coefficients, rules, scored.benchmark)]
    steps += [step for line in ranked for step in _line_steps(line, scored.benchmark, rules)]
    return Result(params.method_id, told, scored.benchmark, tuple(ranked), tuple(steps))


def _judged(entry: Entry, ceiling: Decimal) -> Entry:
    """What no committee has to find out: a price that is not there, and one above the ceiling (R4.51)."""
    if entry.clause:
        return entry
    if entry.price is None:
        return replace(entry, clause=NOT_OPENED, reason="not_opened")
    if ceiling and entry.price > ceiling:
        return replace(entry, clause=ABOVE_CEILING, reason="above_ceiling")
    return entry


def _out(entry: Entry) -> Line:
    return Line(entry.seat, entry.bid, entry.price, entry.clause, entry.reason)


def _ranked(lines: Sequence[Line], tie_order: Sequence[str]) -> list[Line]:
    def equal(line: Line) -> tuple[Decimal, Decimal]:
        return (-(line.total or Decimal(0)), line.price or Decimal(0))

    def order(line: Line) -> tuple[Decimal, Decimal, int, int]:
        place = tie_order.index(line.bid) if line.bid in tie_order else len(tie_order)
        return (*equal(line), place, line.seat)

    placed: dict[str, Line] = {}
    valid = sorted((line for line in lines if line.rank is not None), key=order)
    number = 0
    for _, group in groupby(valid, key=equal):
        alike = list(group)
        for line in alike:
            number += 1
            placed[line.bid] = replace(line, rank=number, is_tied=len(alike) > 1)
    return [placed.get(line.bid, line) for line in sorted(lines, key=lambda line: line.seat)]


def _base_steps(
    method: str,
    bids: Sequence[Bid],
    ceiling: Decimal,
    coefficients: Mapping[str, Decimal],
    rules: ScoreRules,
    base: Decimal,
) -> list[Step]:
    prices = [bid.price for bid in bids]
    count = {"count": str(len(prices))}
    if method == "jiangsu-3":
        return [("second_lowest", {**count, "base": _yuan(base)})]
    cut = benchmark.trim(prices, rules)
    if cut.is_second_lowest:
        steps: list[Step] = [("few_bids", {**count, "prices": _list(sorted(prices)), "a": _yuan(cut.mean)})]
    else:
        steps = [
            _dropped(count, cut),
            ("kept", {"count": str(len(cut.kept)), "prices": _list(cut.kept)}),
            (
                "mean",
                {
                    "total": _yuan(sum(cut.kept, Decimal(0))),
                    "count": str(len(cut.kept)),
                    "a": f"{cut.mean:.6f}",
                },
            ),
        ]
    a = _yuan(cut.mean) if cut.is_second_lowest else f"{cut.mean:.6f}"
    if method == "jiangsu-2":
        k1, k2, q1 = (coefficients[name] for name in ("K1", "K2", "Q1"))
        params = {"a": a, "k1": f"{k1}", "q1": f"{q1}", "b": _yuan(ceiling), "k2": f"{k2}", "q2": f"{1 - q1}"}
        return [*steps, ("base_two", {**params, "base": _yuan(base)})]
    return [*steps, ("base_one", {"a": a, "k": f"{coefficients['K']}", "base": _yuan(base)})]


def _dropped(count: dict[str, str], cut: benchmark.Trimming) -> Step:
    high, low = cut.dropped[cut.low_count :], cut.dropped[: cut.low_count]
    highest = {**count, "high_count": str(len(high)), "high": _list(high)}
    if not low:
        return ("dropped_high", highest)
    return ("dropped", {**highest, "low_count": str(len(low)), "low": _list(low)})


def _line_steps(line: Line, base: Decimal, rules: ScoreRules) -> list[Step]:
    if not line.is_valid or line.price is None or line.deviation is None or line.price_points is None:
        return []
    per_cent = rules.e_high if line.deviation > 0 else rules.e_low
    params = {
        "side": "above" if line.deviation > 0 else "below",
        "deviation_places": str(rules.deviation_places),
        "score_places": str(rules.score_places),
        "seat": f"{line.seat:02d}",
        "price": _yuan(line.price),
        "base": _yuan(base),
        "deviation": f"{line.deviation}",
        "full": f"{rules.full.normalize():f}",
        "percent": f"{(abs(line.deviation) * 100).normalize():f}",
        "per_cent": f"{per_cent}",
        "points": f"{line.price_points}",
    }
    steps: list[Step] = [("points" if line.deviation else "points_equal", params)]
    if line.technical:
        steps.append(
            (
                "total",
                {
                    "seat": f"{line.seat:02d}",
                    "technical": f"{line.technical}",
                    "points": f"{line.price_points}",
                    "total": f"{line.total}",
                },
            )
        )
    return steps


def _yuan(value: Decimal) -> str:
    return f"{value:,.2f}"


def _list(prices: Sequence[Decimal]) -> str:
    return " / ".join(map(_yuan, prices))
