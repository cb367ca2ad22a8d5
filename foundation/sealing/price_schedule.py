"""开标一览表: the few figures read out at an opening, as the strict JSON of the part ``price_schedule``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from foundation.sealing.errors import PriceScheduleMalformed
from foundation.sealing.strict import Fields, dump_compact, load_object
from foundation.sealing.text import TOKEN

PART_ID: Final = "price_schedule"
MAX_BYTES: Final = 1024 * 1024
MAX_ITEMS: Final = 5000
MAX_TEXT: Final = 200
MAX_SHORT_TEXT: Final = 64
MAX_WORDS: Final = 100
MAX_DAYS: Final = 36_500
CURRENCY: Final = "CNY"

_MONEY = re.compile(r"(0|[1-9][0-9]{0,14})(\.[0-9]{1,2})?")
_QUANTITY = re.compile(r"(0|[1-9][0-9]{0,14})(\.[0-9]{1,6})?")
_ITEM_KEYS = {"code", "name", "unit", "quantity", "unit_price", "amount"}


@dataclass(frozen=True, slots=True)
class PricedItem:
    """One priced line. Whether amounts add up is for evaluation to judge, not for the parser."""

    code: str
    name: str
    unit: str
    quantity: Decimal
    unit_price: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class PriceSchedule:
    """The read-out figures. ``total`` is yuan with at most two decimals; ``total_fen`` the same as an integer.

    ``total_words``: the same amount in capital figures (大写), "" where the bidder gave none. Whether the two agree is
    not for the parser to say: a difference is read out and marked.
    """

    currency: str
    total: Decimal
    duration_days: int
    quality: str
    project_manager: str
    items: tuple[PricedItem, ...]
    total_words: str = ""

    @property
    def total_fen(self) -> int:
        return int(self.total * 100)

    @classmethod
    def parse(cls, data: bytes) -> PriceSchedule:
        """Read the part's content; :class:`PriceScheduleMalformed` for floats, signs, long or unknown values."""
        fail = PriceScheduleMalformed
        value = load_object(data, limit_bytes=MAX_BYTES, fail=fail)
        required = {"v", "currency", "total", "duration_days", "quality", "project_manager"}
        top = Fields(value, "", fail, required=required, optional={"items", "total_words"})
        top.integer("v", 1, 1)
        if top.string("currency", TOKEN) != CURRENCY:
            top.refuse("currency", "currency")
        items = top.inners("items", 0, MAX_ITEMS, required=_ITEM_KEYS) if top.has("items") else []
        return cls(
            currency=CURRENCY,
            total=Decimal(top.string("total", _MONEY)),
            duration_days=top.integer("duration_days", 1, MAX_DAYS),
            quality=top.text("quality", 0, MAX_TEXT),
            project_manager=top.text("project_manager", 0, MAX_TEXT),
            items=tuple(_read_item(item) for item in items),
            total_words=top.text("total_words", 1, MAX_WORDS) if top.has("total_words") else "",
        )

    def to_bytes(self) -> bytes:
        """The JSON a sealing client writes; reading it back gives an equal schedule."""
        value: dict[str, Any] = {
            "v": 1,
            "currency": self.currency,
            "total": f"{self.total:.2f}",
            "duration_days": self.duration_days,
            "quality": self.quality,
            "project_manager": self.project_manager,
        }
        if self.total_words:
            value["total_words"] = self.total_words
        if self.items:
            value["items"] = [
                {
                    "code": item.code,
                    "name": item.name,
                    "unit": item.unit,
                    "quantity": f"{item.quantity:f}",
                    "unit_price": f"{item.unit_price:.2f}",
                    "amount": f"{item.amount:.2f}",
                }
                for item in self.items
            ]
        data = dump_compact(value)
        if PriceSchedule.parse(data) != self:
            raise PriceScheduleMalformed(reason="decimals", path="")
        return data


def _read_item(item: Fields) -> PricedItem:
    return PricedItem(
        code=item.text("code", 1, MAX_SHORT_TEXT),
        name=item.text("name", 1, MAX_TEXT),
        unit=item.text("unit", 1, MAX_SHORT_TEXT),
        quantity=Decimal(item.string("quantity", _QUANTITY)),
        unit_price=Decimal(item.string("unit_price", _MONEY)),
        amount=Decimal(item.string("amount", _MONEY)),
    )
