"""Strict JSON and base64: the two encodings strangers send. Bytes are read once and never re-serialised."""

from __future__ import annotations

import base64
import binascii
import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from foundation.sealing.errors import Malformed

MAX_INTEGER_DIGITS = 16


class _Found(Exception):
    """Carries a reason out of the JSON callbacks."""


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in pairs:
        if key in out:
            raise _Found("duplicate_key")
        out[key] = value
    return out


def _refuse(_text: str) -> NoReturn:
    raise _Found("number")


def _integer(text: str) -> int:
    if len(text) > MAX_INTEGER_DIGITS or text.startswith("-"):
        raise _Found("number")
    return int(text)


def load_object(data: bytes, *, limit_bytes: int, fail: type[Malformed]) -> dict[str, Any]:
    """One JSON object from bytes; refuses size, encoding, duplicate keys, NaN, fractions, negative numbers, nesting."""
    if len(data) > limit_bytes:
        raise fail(reason="too_large", path="", limit_bytes=limit_bytes)
    try:
        value = json.loads(
            data.decode("utf-8"),
            object_pairs_hook=_unique,
            parse_constant=_refuse,
            parse_float=_refuse,
            parse_int=_integer,
        )
    except _Found as found:
        raise fail(reason=str(found), path="") from found
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise fail(reason="not_json", path="") from error
    if not isinstance(value, dict):
        raise fail(reason="type", path="")
    return value


def decode_base64(text: str) -> bytes | None:
    """Canonical padded RFC 4648 §4 base64, or None: two texts never stand for the same bytes."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return raw if base64.b64encode(raw).decode() == text else None


def encode_base64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def dump_compact(value: Mapping[str, Any]) -> bytes:
    """How our own writers serialise; readers never rely on it."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()


class Fields:
    """One JSON object with a closed list of keys, read field by field; every wrong thing raises ``fail``."""

    def __init__(
        self, value: object, path: str, fail: type[Malformed], *, required: set[str], optional: set[str] | None = None
    ) -> None:
        self._path = path
        self._fail = fail
        if not isinstance(value, dict):
            raise fail(reason="type", path=path)
        unknown = value.keys() - required - (optional or set())
        if unknown:
            raise fail(reason="unknown_key", path=self._at(min(unknown)[:64]))
        missing = required - value.keys()
        if missing:
            raise fail(reason="missing_key", path=self._at(min(missing)))
        self._value: dict[str, Any] = value

    def _at(self, key: str) -> str:
        return f"{self._path}.{key}" if self._path else key

    def refuse(self, key: str, reason: str) -> NoReturn:
        raise self._fail(reason=reason, path=self._at(key))

    def has(self, key: str) -> bool:
        return key in self._value

    def integer(self, key: str, low: int, high: int) -> int:
        value = self._value[key]
        if type(value) is not int:  # bool is an int to Python, not to this format
            self.refuse(key, "type")
        if not low <= value <= high:
            self.refuse(key, "range")
        return value

    def string(self, key: str, pattern: re.Pattern[str]) -> str:
        return self._matched(self._value[key], key, pattern)

    def _matched(self, value: object, key: str, pattern: re.Pattern[str]) -> str:
        if not isinstance(value, str):
            self.refuse(key, "type")
        if not pattern.fullmatch(value):
            self.refuse(key, "form")
        return value

    def text(self, key: str, low: int, high: int) -> str:
        """Free text of ``low`` to ``high`` code points without control characters or unpaired surrogates."""
        value = self._value[key]
        if not isinstance(value, str):
            self.refuse(key, "type")
        if not low <= len(value) <= high:
            self.refuse(key, "range")
        if any(unicodedata.category(char) in {"Cc", "Cs"} for char in value):
            self.refuse(key, "form")
        return value

    def binary(self, key: str, limit_bytes: int) -> bytes:
        return self._decoded(self._value[key], key, limit_bytes)

    def _decoded(self, value: object, key: str, limit_bytes: int) -> bytes:
        if not isinstance(value, str):
            self.refuse(key, "type")
        raw = decode_base64(value)
        if raw is None:
            self.refuse(key, "base64")
        if len(raw) > limit_bytes:
            self.refuse(key, "range")
        return raw

    def array(self, key: str, low: int, high: int) -> list[Any]:
        value = self._value[key]
        if not isinstance(value, list):
            self.refuse(key, "type")
        if not low <= len(value) <= high:
            self.refuse(key, "range")
        return value

    def strings(self, key: str, low: int, high: int, pattern: re.Pattern[str]) -> tuple[str, ...]:
        return tuple(self._matched(item, f"{key}.{i}", pattern) for i, item in enumerate(self.array(key, low, high)))

    def binaries(self, key: str, low: int, high: int, limit_bytes: int) -> tuple[bytes, ...]:
        items = enumerate(self.array(key, low, high))
        return tuple(self._decoded(item, f"{key}.{i}", limit_bytes) for i, item in items)

    def inner(self, key: str, *, required: set[str], optional: set[str] | None = None) -> Fields:
        return Fields(self._value[key], self._at(key), self._fail, required=required, optional=optional)

    def inners(
        self, key: str, low: int, high: int, *, required: set[str], optional: set[str] | None = None
    ) -> list[Fields]:
        return [
            Fields(item, self._at(f"{key}.{i}"), self._fail, required=required, optional=optional)
            for i, item in enumerate(self.array(key, low, high))
        ]
