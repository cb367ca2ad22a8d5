"""What a form or a JSON body says, as a pydantic model; every fault is an objection at its field."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import UnionType
from typing import Final, TypeVar, Union, get_args, get_origin

from flask import g, request
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest

from foundation.errors import InvalidInput, Objection

Model = TypeVar("Model", bound=BaseModel)
_MAX_OBJECTIONS: Final = 50

_CODES: Final[Mapping[str, str]] = {
    "missing": "foundation.field_missing",
    "string_type": "foundation.field_form",
    "string_too_long": "foundation.field_too_long",
    "string_too_short": "foundation.field_too_short",
    "string_pattern_mismatch": "foundation.field_form",
    "too_long": "foundation.field_too_many_items",
    "too_short": "foundation.field_too_few_items",
    "int_parsing": "foundation.field_whole_number",
    "int_type": "foundation.field_whole_number",
    "int_from_float": "foundation.field_whole_number",
    "float_parsing": "foundation.field_number",
    "decimal_parsing": "foundation.field_number",
    "decimal_type": "foundation.field_number",
    "decimal_max_places": "foundation.field_decimals",
    "decimal_max_digits": "foundation.field_digits",
    "decimal_whole_digits": "foundation.field_digits",
    "greater_than_equal": "foundation.field_min",
    "greater_than": "foundation.field_above",
    "less_than_equal": "foundation.field_max",
    "less_than": "foundation.field_below",
    "bool_parsing": "foundation.field_yes_no",
    "bool_type": "foundation.field_yes_no",
    "enum": "foundation.field_choice",
    "literal_error": "foundation.field_choice",
    "extra_forbidden": "foundation.field_unknown",
}
_LIMITS: Final = {"ge": "limit", "gt": "limit", "le": "limit", "lt": "limit"}


def parse(model: type[Model]) -> Model:
    """Read the body of the present request as ``model``.

    Raises InvalidInput with one objection per fault. Entered texts of a form are kept for showing it again (files are
    not: a browser does not let them be put back).
    """
    if request.is_json:
        raw = _json_object()
    else:
        g.entered = {name: request.form.getlist(name) for name in request.form if name != "csrf_token"}
        raw = from_form(model, request.form)
    try:
        return model.model_validate(raw)
    except ValidationError as refused:
        raise InvalidInput(objections=objections_of(refused)) from None


def _json_object() -> dict[str, object]:
    try:
        body = request.get_json()
    except BadRequest:
        body = None
    if not isinstance(body, dict):
        raise InvalidInput(objections=[Objection("foundation.body_not_json")])
    return body


def from_form(model: type[BaseModel], form: MultiDict[str, str]) -> dict[str, object]:
    """The fields of ``model`` out of a form; empty boxes are left out, ``a.b`` and ``rows.0.price`` become nested."""
    raw: dict[str, object] = {}
    for name, spec in model.model_fields.items():
        key = spec.alias or name
        given = [text for text in form.getlist(key) if text.strip()]
        many = _is_list(spec.annotation)
        nested = _nested(key, form)
        if nested:
            raw[key] = [nested[k] for k in sorted(nested, key=_row_order)] if many else nested
        elif given:
            raw[key] = given if many else given[-1]
    return raw


def _is_list(annotation: object) -> bool:
    origin = get_origin(annotation)
    if origin in {Union, UnionType}:
        return any(_is_list(one) for one in get_args(annotation))
    return (origin or annotation) in {list, tuple, set, frozenset, Sequence}


def _row_order(key: str) -> tuple[int, str]:
    return (int(key) if key.isascii() and key.isdigit() and len(key) < 10 else -1, key)  # noqa: PLR2004 - a row number, not a bomb


def _nested(root: str, form: MultiDict[str, str]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name in form:
        head, *path = name.split(".")
        text = form[name]
        if head != root or not path or not text.strip():
            continue
        place = found
        for step in path[:-1]:
            inner = place.setdefault(step, {})
            if not isinstance(inner, dict):
                break
            place = inner
        else:
            place[path[-1]] = text
    return found


def objections_of(refused: ValidationError) -> list[Objection]:
    """One objection per fault, at most fifty, in the order of the fields."""
    return [_objection(fault) for fault in refused.errors(include_url=False, include_input=False)[:_MAX_OBJECTIONS]]


def _objection(fault: ErrorDetails) -> Objection:
    kind = fault["type"]
    code = kind if "." in kind else _CODES.get(kind, "")
    if not code:
        code = "foundation.field_instant" if kind.startswith("datetime") else "foundation.field_form"
        code = "foundation.field_date" if kind.startswith("date_") else code
    params = {_LIMITS.get(name, name): value for name, value in fault.get("ctx", {}).items() if name != "error"}
    return Objection(code, field=".".join(str(step) for step in fault["loc"]), params=params)
