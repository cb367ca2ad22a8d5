"""Strict readers: every value has one spelling, so that no byte of a bundle can change without being noticed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NoReturn

from foundation.verifier.problems import Problem, demand

HEX_16 = re.compile(r"[0-9a-f]{32}")
HEX_32 = re.compile(r"[0-9a-f]{64}")
TOKEN = re.compile(r"[A-Za-z0-9._:-]{1,64}")
WORD = re.compile(r"[a-z0-9_-]{1,40}")
POINT = re.compile(r"04[0-9a-f]{128}")
_DECIMAL = re.compile(r"0|[1-9][0-9]{0,18}")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3}|\.\d{6})?Z")
MAX_NUMBER = 2**53 - 1
MAX_DEPTH = 16


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def lines_of(*values: str) -> bytes:
    """``note(l1, l2, …)``: each line in UTF-8, ended by one LF."""
    return "".join(f"{value}\n" for value in values).encode()


def h(*values: str) -> str:
    """Hex SHA-256 of :func:`lines_of`."""
    return sha256_hex(lines_of(*values))


def text_of(raw: bytes, where: str) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Problem("format.utf8", where) from error


def unbase64(value: str, where: str, length: int | None = None) -> bytes:
    """Canonical padded base64; ``length`` in bytes where the format fixes it."""
    try:
        data = base64.b64decode(value.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error) as error:
        raise Problem("format.base64", where) from error
    is_canonical = base64.b64encode(data).decode() == value
    demand(is_canonical and (length is None or len(data) == length), "format.base64", where)
    return data


def unhex(value: str, where: str, length: int) -> bytes:
    demand(re.fullmatch(r"(?:[0-9a-f]{2})*", value) and len(value) == 2 * length, "format.hex", where)
    return bytes.fromhex(value)


def number_of(value: str, where: str) -> int:
    demand(_DECIMAL.fullmatch(value) and int(value) <= MAX_NUMBER, "format.number", where)
    return int(value)


def instant_of(value: str, where: str) -> datetime:
    """An instant in UTC with ``Z``, and no, three or six fraction digits."""
    demand(_INSTANT.fullmatch(value), "format.instant", where)
    try:
        return datetime.fromisoformat(value).astimezone(UTC)
    except ValueError as error:
        raise Problem("format.instant", where) from error


def split_lines(raw: bytes, where: str) -> list[str]:
    """Lines of a text that is empty or ends with LF."""
    text = text_of(raw, where)
    demand(not text or text.endswith("\n"), "format.lines", where)
    demand("\r" not in text and "\0" not in text, "format.lines", where)
    return text.split("\n")[:-1]


class _Odd(Exception):
    """Leaves the callbacks of the JSON reader."""


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Odd
    return found


def _refused(_text: str) -> NoReturn:
    raise _Odd


def _small(text: str) -> int:
    if len(text) > 16 or abs(int(text)) > MAX_NUMBER or text == "-0":  # noqa: PLR2004 - as the format page says
        raise _Odd
    return int(text)


def read_json(raw: bytes, where: str) -> dict[str, Any]:
    """One JSON object: no duplicate keys, fractions, NaN or numbers beyond 2^53 - 1, no lone surrogates."""
    try:
        value = json.loads(
            text_of(raw, where),
            object_pairs_hook=_unique,
            parse_float=_refused,
            parse_constant=_refused,
            parse_int=_small,
        )
    except (_Odd, ValueError, RecursionError) as error:
        raise Problem("format.json", where) from error
    demand(isinstance(value, dict) and _is_shallow(value, MAX_DEPTH), "format.json", where)
    found: dict[str, Any] = value
    return found


def _is_shallow(value: object, left: int) -> bool:
    if isinstance(value, dict | list):
        inner = value.values() if isinstance(value, dict) else value
        return left > 0 and all(_is_shallow(one, left - 1) for one in inner)
    return True


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces, UTF-8."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise Problem("format.json", "") from error


def read_canonical(raw: bytes, where: str) -> dict[str, Any]:
    """:func:`read_json` of bytes that are their own canonical form."""
    value = read_json(raw, where)
    demand(canonical(value) == raw, "format.canonical", where)
    return value


def keys_exactly(value: object, keys: set[str], where: str) -> dict[str, Any]:
    """The object, if it has these keys and no others."""
    demand(isinstance(value, dict) and set(value) == keys, "format.keys", where)
    found: dict[str, Any] = value  # type: ignore[assignment]
    return found


def text_in(value: Mapping[str, Any], key: str, where: str, form: re.Pattern[str] | None = None) -> str:
    found = value.get(key)
    demand(isinstance(found, str) and (form is None or form.fullmatch(found)), "format.value", where, key=key)
    return str(found)


def number_in(value: Mapping[str, Any], key: str, where: str) -> int:
    found = value.get(key)
    demand(type(found) is int and 0 <= found <= MAX_NUMBER, "format.value", where, key=key)
    return int(found)  # type: ignore[arg-type]


def is_one(value: object) -> bool:
    """Whether a version is the number 1."""
    return type(value) is int and value == 1


def list_in(value: Mapping[str, Any], key: str, where: str) -> list[Any]:
    found = value.get(key)
    demand(isinstance(found, list), "format.value", where, key=key)
    return list(found)  # type: ignore[arg-type]


def texts_in(value: Mapping[str, Any], key: str, where: str) -> list[str]:
    found = list_in(value, key, where)
    demand(all(isinstance(one, str) for one in found), "format.value", where, key=key)
    return found


def object_in(value: Mapping[str, Any], key: str, where: str) -> dict[str, Any]:
    found = value.get(key)
    demand(isinstance(found, dict), "format.value", where, key=key)
    return dict(found)  # type: ignore[arg-type]
