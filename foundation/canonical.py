"""One byte string for one value: canonical JSON for hashing, and a strict reader for what strangers send."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

from foundation.errors import InvalidInput

MAX_DEPTH = 16


def dumps(value: Any) -> str:
    """JSON with sorted keys and no spaces, as UTF-8 text. Floats are refused: money and scores are decimal text."""
    _refuse_floats(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest(value: Any) -> str:
    """Hex SHA-256 of :func:`dumps`."""
    return hashlib.sha256(dumps(value).encode()).hexdigest()


def loads(text: str | bytes, *, max_bytes: int) -> Any:
    """Strict JSON: size, depth, duplicate keys, NaN and floats are refused before anything is believed."""
    raw = text.encode() if isinstance(text, str) else text
    if len(raw) > max_bytes:
        raise InvalidInput(what="json", limit_bytes=max_bytes, size_bytes=len(raw))
    try:
        decoded = raw.decode("utf-8")
        _refuse_depth(decoded)
        return json.loads(decoded, object_pairs_hook=_unique, parse_constant=_refuse_number, parse_float=_refuse_number)
    except (ValueError, RecursionError) as error:  # bad UTF-8, bad JSON, and integers of thousands of digits
        raise InvalidInput(what="json", problem=type(error).__name__) from error


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in pairs:
        if key in out:
            raise InvalidInput(what="json", problem="duplicate key", key=key[:64])
        out[key] = value
    return out


def _refuse_number(text: str) -> Any:
    raise InvalidInput(what="json", problem="number", value=text[:32])


def _refuse_depth(text: str) -> None:
    depth = 0
    in_string = escaped = False
    for char in text:
        if in_string:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise InvalidInput(what="json", problem="depth", limit=MAX_DEPTH)
        elif char in "]}":
            depth -= 1


def _refuse_floats(value: Any) -> None:
    if isinstance(value, float):
        raise TypeError("floats have no canonical form here; use decimal text")
    if isinstance(value, dict):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _refuse_floats(item)
