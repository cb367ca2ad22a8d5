"""Field types of forms, for pydantic models: what people type, read strictly, refused with a sentence.

``Line`` and ``Prose`` are trimmed text, ``Yuan`` is Money, ``BeijingInstant`` an aware UTC instant, ``IdText`` a UUID.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

from pydantic import BeforeValidator, PlainValidator, StringConstraints
from pydantic_core import PydanticCustomError

from foundation.clock import BEIJING
from foundation.errors import InvalidInput, Refusal
from foundation.ids import parse_id
from foundation.money import Money

T = TypeVar("T")
_INSTANT: Final = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})[ T](\d{1,2}):(\d{2})(?::(\d{2}))?")


class NotAnInstant(InvalidInput):
    """The text is not a Beijing time (fields: ``text``)."""

    code = "foundation.field_instant"


def reading(read: Callable[[str], T]) -> PlainValidator:
    """A field read by ``read(text)``; a Refusal it raises becomes the objection of this field, with the same code."""

    def validate(value: object) -> T:
        if not isinstance(value, str):
            raise PydanticCustomError("string_type", "text expected")
        try:
            return read(value)
        except Refusal as refusal:
            # The code travels as the error's type; parse() finds its sentence. Codes come from our own classes.
            raise PydanticCustomError(refusal.code, "refused", dict(refusal.fields)) from refusal

    return PlainValidator(validate)


def read_instant(text: str) -> datetime:
    """``2026-12-11 09:30[:00]`` is Beijing time, ISO text with an offset itself; aware UTC. Raises NotAnInstant."""
    plain = unicodedata.normalize("NFKC", text).strip()
    found = _INSTANT.fullmatch(plain)
    try:
        if found is not None:
            year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
            return datetime(year, month, day, hour, minute, second, tzinfo=BEIJING).astimezone(UTC)
        machine = datetime.fromisoformat(plain)
        if machine.tzinfo is None:
            raise NotAnInstant(text=text[:40])
        return machine.astimezone(UTC)
    except (ValueError, OverflowError):  # the first and last hours of the calendar do not exist in another zone
        raise NotAnInstant(text=text[:40]) from None


def _one_line(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    plain = value.strip()
    if any(unicodedata.category(char) in {"Cc", "Cf", "Zl", "Zp"} for char in plain):
        raise PydanticCustomError("foundation.field_one_line", "one line")
    return plain


def _prose(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    plain = value.replace("\r\n", "\n").strip()
    if any(unicodedata.category(char) == "Cc" and char not in "\n\t" for char in plain):
        raise PydanticCustomError("foundation.field_form", "control character")
    return plain


def _read_money(value: object) -> Money:
    if isinstance(value, Money):
        return value
    try:
        if isinstance(value, str):
            return Money.parse_input(value)
        if isinstance(value, dict) and set(value) <= {"amount", "currency"} and value.get("currency", "CNY") == "CNY":
            return Money.yuan(str(value.get("amount")))
    except InvalidInput as refusal:
        raise PydanticCustomError("foundation.field_money", "amount") from refusal
    raise PydanticCustomError("foundation.field_money", "amount")


Line = Annotated[str, BeforeValidator(_one_line), StringConstraints(min_length=1, max_length=200)]
"""Trimmed text of one line, 1..200 characters."""

Prose = Annotated[str, BeforeValidator(_prose), StringConstraints(min_length=1, max_length=4000)]
"""Trimmed text with line breaks, 1..4000 characters."""

Yuan = Annotated[Money, PlainValidator(_read_money)]
"""Money as typed ("1,200,000.00") or as ``{"amount": "1200000.00", "currency": "CNY"}`` from a JSON caller."""

BeijingInstant = Annotated[datetime, reading(read_instant)]
"""Beijing time as typed, or ISO text with an offset from a JSON caller; aware UTC in the model."""

IdText = Annotated[str, reading(parse_id)]
"""A canonical UUID."""
