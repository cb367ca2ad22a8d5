"""What a client asks for: ``after=public:12,staff:3`` names its audiences and the last number it has of each."""

from __future__ import annotations

from typing import Final
from urllib.parse import parse_qs

from foundation import roomwire
from foundation.errors import InvalidInput
from foundation.roomwire import BadPositionText, speaks, write_after

__all__ = ["BadPosition", "parse_after", "parse_query", "speaks_ours", "write_after"]
MAX_QUERY: Final = 2000


class BadPosition(InvalidInput):
    """``after`` is not a list of ``audience:number``."""

    code = "bid_opening.bad_position"


def parse_after(text: str) -> dict[str, int]:
    """``public:12,bidder:<org>:3`` as audience → last number seen. Raises BadPosition."""
    try:
        return roomwire.parse_after(text)
    except BadPositionText as bad:
        raise BadPosition(what="after") from bad


def parse_query(query: str) -> dict[str, int]:
    """The ``after`` of a query string. Raises BadPosition."""
    return parse_after(_last(query, "after"))


def speaks_ours(query: str) -> bool:
    """Whether the client's version (``v``) is one this room understands. Raises BadPosition."""
    return speaks(_last(query, "v"))


def _last(query: str, name: str) -> str:
    if len(query) > MAX_QUERY:
        raise BadPosition(what="query")
    return parse_qs(query).get(name, [""])[-1]
