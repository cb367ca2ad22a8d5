"""What an expert fills in: items to pass or fail, and scored items with their ranges.

The rubric follows from the published parameters of the lot's method, so nobody chooses it after the opening: where the
price has all 100 points the technical part is passed or failed (合理低价法, R4.22); what the price leaves is divided
among three subjective items of the construction plan and, from fourteen points on, one objective item (R4.21).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any, Final

FULL: Final = Decimal(100)
STEP: Final = Decimal("0.5")
OBJECTIVE_FROM: Final = Decimal(14)
OBJECTIVE_POINTS: Final = Decimal(2)


class ItemKind(StrEnum):
    PASS = "pass"  # noqa: S105 - a verdict, not a password
    SUBJECTIVE = "subjective"
    OBJECTIVE = "objective"


@dataclass(frozen=True, slots=True)
class Item:
    """One row of the sheet. Its name is the term ``rubric_item.<key>``; ``most`` points in steps of one half."""

    key: str
    kind: ItemKind
    most: Decimal = Decimal(0)

    @property
    def is_scored(self) -> bool:
        return self.kind is not ItemKind.PASS


@dataclass(frozen=True, slots=True)
class Rubric:
    id: str
    items: tuple[Item, ...]

    @property
    def scored(self) -> tuple[Item, ...]:
        return tuple(item for item in self.items if item.is_scored)

    @property
    def full(self) -> Decimal:
        """The most points of the technical part."""
        return sum((item.most for item in self.items), Decimal(0))

    def item(self, key: str) -> Item | None:
        return next((item for item in self.items if item.key == key), None)

    def as_document(self) -> dict[str, Any]:
        items = [{**asdict(item), "kind": str(item.kind), "most": str(item.most)} for item in self.items]
        return {"id": self.id, "items": items}


_PASSED: Final = (
    Item("qualification", ItemKind.PASS),
    Item("compliance", ItemKind.PASS),
    Item("technical", ItemKind.PASS),
)
_PLAN: Final = (("plan_method", 5), ("plan_schedule", 4), ("plan_safety", 3))


def rubric_for(full_price_points: Decimal) -> Rubric:
    """The rubric of a lot whose price has at most ``full_price_points``."""
    rest = FULL - full_price_points
    if rest <= 0:
        return Rubric("reasonable-low-price", _PASSED)
    objective = (Item("commitments", ItemKind.OBJECTIVE, OBJECTIVE_POINTS),) if rest >= OBJECTIVE_FROM else ()
    left = rest - sum((item.most for item in objective), Decimal(0))
    shares = [_half(left * weight / 12) for _, weight in _PLAN[1:]]
    most = (left - sum(shares, Decimal(0)), *shares)
    plan = tuple(Item(key, ItemKind.SUBJECTIVE, points) for (key, _), points in zip(_PLAN, most, strict=True))
    # Passing or failing comes first; the plan itself is scored, so there is no verdict on it beside its points.
    return Rubric("comprehensive", (*_PASSED[:2], *plan, *objective))


def rubric_of(document: dict[str, Any]) -> Rubric:
    """A stored rubric again."""
    items = [Item(one["key"], ItemKind(one["kind"]), Decimal(one["most"])) for one in document["items"]]
    return Rubric(document["id"], tuple(items))


def _half(points: Decimal) -> Decimal:
    return (points / STEP).quantize(Decimal(1), rounding=ROUND_HALF_UP) * STEP
