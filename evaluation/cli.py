"""``centre score``: the price score of a method, from a file, with the calculation to redo by hand."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import click
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, ValidationError

from evaluation.benchmark import Bid, PriceResult, ScoreRules, score
from foundation import canonical
from foundation.errors import InvalidInput, Objection
from foundation.web.parse import objections_of

LIMIT_BYTES: Final = 4 * 1024 * 1024
MOST_BIDS: Final = 1000
METHODS: Final = ("jiangsu-1", "jiangsu-2", "jiangsu-3", "jiangsu-4")


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
    result = score_document(method, _read(source))
    if as_json:
        click.echo(json.dumps(as_document(result), ensure_ascii=False))
        return
    for line in result.trace:
        click.echo(line)
    click.echo("")
    for place, bid in enumerate(result.ranking, 1):
        points = next(s.points for s in result.scores if s.bid == bid)
        click.echo(f"{place:>3}  {bid:<24} {points:>7}")


Amount = Annotated[str, StringConstraints(strict=True, pattern=r"^(?!0+(\.0+)?$)[0-9]{1,13}(\.[0-9]{1,2})?$")]
"""Yuan above nothing, at most two places."""
Rate = Annotated[str, StringConstraints(strict=True, pattern=r"^(?!0+(\.0+)?$)[0-9]{1,4}(\.[0-9]{1,6})?$")]
Share = Annotated[str, StringConstraints(strict=True, pattern=r"^0(\.[0-4][0-9]{0,5})?$")]
"""Below one half: of every list of prices something is left."""
Coefficient = Literal["K", "K1", "K2", "Q1"]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", regex_engine="python-re")


class BidInput(_Strict):
    """One bid; ``valid`` false keeps it out of the calculation."""

    id: Annotated[str, StringConstraints(strict=True, min_length=1, max_length=100)]
    price: Amount
    valid: StrictBool = True


class ParamsInput(_Strict):
    """What the tender document fixes; what is left out has the usual value. A fixed coefficient may stand here too."""

    full: Rate = "100"
    e_high: Rate = "0.9"
    e_low: Rate = "0.6"
    trim_share: Share = "0.20"
    K: Rate | None = None
    K1: Rate | None = None
    K2: Rate | None = None
    Q1: Rate | None = None


class ScoreInput(_Strict):
    """The whole file. ``draws``: coefficients by name; they go before those in ``params``."""

    ceiling: Amount
    bids: Annotated[list[BidInput], Field(max_length=MOST_BIDS)]
    params: ParamsInput = ParamsInput()
    draws: dict[Coefficient, Rate] = Field(default_factory=dict)

    def coefficients(self) -> dict[str, Decimal]:
        given = self.params
        fixed = {"K": given.K, "K1": given.K1, "K2": given.K2, "Q1": given.Q1}
        found = {name: Decimal(text) for name, text in fixed.items() if text is not None}
        return found | {str(name): Decimal(text) for name, text in self.draws.items()}

    def rules(self) -> ScoreRules:
        given = self.params
        return ScoreRules(
            full=Decimal(given.full),
            e_high=Decimal(given.e_high),
            e_low=Decimal(given.e_low),
            trim_share=Decimal(given.trim_share),
        )


def _read(source: Path) -> Any:
    try:
        return canonical.loads(source.read_bytes(), max_bytes=LIMIT_BYTES)
    except InvalidInput as refused:
        raise InvalidInput(objections=[Objection("evaluation.file_unreadable", "--input")]) from refused


def score_document(method: str, document: Any) -> PriceResult:
    """Score a JSON document. Raises InvalidInput with every fault at its field, NoValidBids, CoefficientMissing."""
    if method not in METHODS:
        raise InvalidInput(objections=[Objection("foundation.field_choice", "--method")])
    try:
        wanted = ScoreInput.model_validate(document)
    except ValidationError as refused:
        raise InvalidInput(objections=objections_of(refused)) from None
    ids = [bid.id for bid in wanted.bids]
    if twice := [f"bids.{place}.id" for place, one in enumerate(ids) if one in ids[:place]]:
        raise InvalidInput(objections=[Objection("evaluation.bid_twice", field) for field in twice])
    bids = [Bid(bid.id, Decimal(bid.price), bid.valid) for bid in wanted.bids]
    return score(method, bids, Decimal(wanted.ceiling), wanted.coefficients(), wanted.rules())


def as_document(result: PriceResult) -> dict[str, Any]:
    """The result as JSON values, money and points as decimal text."""
    return {
        "base": str(result.benchmark),
        "scores": [{"id": s.bid, "deviation": str(s.deviation), "points": str(s.points)} for s in result.scores],
        "ranking": list(result.ranking),
        "trace": list(result.trace),
    }
