"""Lists by keyset: the next page's address holds the key of the last row, so rows added meanwhile shift nothing."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from urllib.parse import urlencode

from flask import request

from foundation.errors import InvalidInput

Row = TypeVar("Row")
MAX_LIMIT: Final = 200
_MAX_TOKEN: Final = 600


class BadPage(InvalidInput):
    """The ``after`` or ``limit`` of a list address is not one of ours."""

    code = "foundation.bad_page"


@dataclass(frozen=True, slots=True)
class Paging(Generic[Row]):
    """One page of rows and the address of the next, "" at the end."""

    rows: tuple[Row, ...]
    next_url: str
    is_first: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """What the reader asked for: rows after this key (None at the start), at most ``limit``."""

    after: tuple[str, ...] | None
    limit: int

    def cut(self, rows: Sequence[Row], key: Callable[[Row], tuple[str, ...]]) -> Paging[Row]:
        """``rows`` are up to ``limit + 1`` in list order; the extra one only tells that there is more."""
        shown = tuple(rows[: self.limit])
        more = len(rows) > self.limit
        return Paging(shown, _address(encode(key(shown[-1])), self.limit) if more else "", self.after is None)


def keyset(limit: int = 50) -> Asked:
    """Read ``?after=`` and ``?limit=`` (1..200) of the present request. Raises BadPage."""
    token = request.args.get("after", "")
    wanted = request.args.get("limit", "")
    if wanted and not (wanted.isascii() and wanted.isdigit() and len(wanted) <= 3 and 1 <= int(wanted) <= MAX_LIMIT):  # noqa: PLR2004 - digits
        raise BadPage(limit=wanted[:20])
    return Asked(decode(token) if token else None, int(wanted) if wanted else limit)


def encode(key: Sequence[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(list(key), ensure_ascii=False).encode()).decode().rstrip("=")


def decode(token: str) -> tuple[str, ...]:
    """The key inside ``token``. It comes from outside: use it as bound parameters only. Raises BadPage."""
    try:
        if len(token) > _MAX_TOKEN:
            raise BadPage(after=token[:20])
        parts = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError):
        raise BadPage(after=token[:20]) from None
    if not isinstance(parts, list) or not all(isinstance(part, str) for part in parts):
        raise BadPage(after=token[:20])
    return tuple(parts)


def _address(token: str, limit: int) -> str:
    kept = request.args.to_dict(flat=False)
    kept.update(after=[token], limit=[str(limit)])
    kept.pop("lang", None)
    return f"{request.path}?{urlencode(kept, doseq=True)}"
