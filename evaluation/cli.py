"""``centre score``: the price score of a method, from a file, with the calculation to redo by hand."""

from __future__ import annotations

import json
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import click

from evaluation.benchmark import Bid, PriceResult, ScoreRules, score
from foundation import canonical
from foundation.errors import InvalidInput

LIMIT_BYTES = 4 * 1024 * 1024


@click.command("score")
@click.option("--method", required=True, help="jiangsu-1, jiangsu-2, jiangsu-3 or jiangsu-4 (方法一 … 方法四).")
@click.option(
    "--input",
    "source",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSON with ceiling, bids (id, price, valid), params and draws; money as decimal text.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of a table.")
def score_command(method: str, source: Path, as_json: bool) -> None:
    """Benchmark price, points and ranking of the bids in a file."""
    result = score_document(method, canonical.loads(source.read_bytes(), max_bytes=LIMIT_BYTES))
    if as_json:
        click.echo(json.dumps(as_document(result), ensure_ascii=False))
        return
    for line in result.trace:
        click.echo(line)
    click.echo("")
    for place, bid in enumerate(result.ranking, 1):
        points = next(s.points for s in result.scores if s.bid == bid)
        click.echo(f"{place:>3}  {bid:<24} {points:>7}")


def score_document(method: str, document: Any) -> PriceResult:
    """Score a JSON document; every fault of it is a refusal that names the field."""
    if not isinstance(document, dict) or not isinstance(document.get("bids"), list):
        raise InvalidInput(what="bids")
    params = {**document.get("params", {})}
    draws = {name: _decimal(f"draws.{name}", value) for name, value in document.get("draws", {}).items()}
    for name in ("K", "K1", "K2", "Q1"):
        if name in params:
            draws.setdefault(name, _decimal(f"params.{name}", params.pop(name)))
    given: dict[str, Any] = {name: _decimal(f"params.{name}", params[name]) for name in _RULES if name in params}
    rules = ScoreRules(**given)
    bids = [
        Bid(str(bid.get("id")), _decimal(f"bids.{index}.price", bid.get("price")), bool(bid.get("valid", True)))
        for index, bid in enumerate(document["bids"])
    ]
    return score(method, bids, _decimal("ceiling", document.get("ceiling")), draws, rules)


_RULES = ("full", "e_high", "e_low", "trim_share")


def as_document(result: PriceResult) -> dict[str, Any]:
    """The result as JSON values, money and points as decimal text."""
    return {
        "base": str(result.benchmark),
        "scores": [{"id": s.bid, "deviation": str(s.deviation), "points": str(s.points)} for s in result.scores],
        "ranking": list(result.ranking),
        "trace": list(result.trace),
    }


def _decimal(field: str, value: object) -> Decimal:
    try:
        number = Decimal(value) if isinstance(value, str) else None
    except InvalidOperation:
        number = None
    if number is None or not number.is_finite() or number <= 0:
        raise InvalidInput(what=field, value=str(value)[:40])
    return number
