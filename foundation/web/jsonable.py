"""Read models as JSON: exact texts for instants, money and decimals; nothing is guessed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum

from pydantic import BaseModel

from foundation.i18n import iso
from foundation.money import Money

Json = dict[str, "Json"] | list["Json"] | str | int | float | bool | None


def jsonable(value: object) -> Json:
    """``value`` as ``json.dumps`` takes it.

    Dataclasses and pydantic models become objects, instants ISO text with Z, Money ``{"amount", "currency"}``, Decimal
    text, enums their value, bytes hex, durations seconds.

    Raises TypeError for anything else, so that a row of the database cannot leave by accident.
    """
    if value is None or isinstance(value, (bool, float)):
        return value
    if isinstance(value, Enum):
        return jsonable(value.value)
    if isinstance(value, (str, int)):
        return value
    if isinstance(value, Money):
        return {"amount": value.text(), "currency": value.currency}
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return iso(value)
    if isinstance(value, (date, time)):
        return value.isoformat()
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, (bytes, bytearray)):
        return value.hex()
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: jsonable(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, BaseModel):
        return {name: jsonable(getattr(value, name)) for name in type(value).model_fields}
    if isinstance(value, Mapping):
        return {str(jsonable(name)): jsonable(item) for name, item in value.items()}
    if isinstance(value, (set, frozenset)):
        return [jsonable(item) for item in sorted(value, key=str)]
    if isinstance(value, (list, tuple)):
        return [jsonable(item) for item in value]
    raise TypeError(f"{type(value).__qualname__} does not go into JSON; make a read model of it")
