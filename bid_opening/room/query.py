"""What a client asks for: ``after=public:12,staff:3`` names its audiences and the last number it has of each."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import parse_qs

from foundation.errors import InvalidInput

MAX_QUERY: Final = 2000
MAX_AUDIENCES: Final = 8
_AUDIENCE: Final = re.compile(r"public|staff|bidder:[A-Za-z0-9-]{1,64}")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,9}")


class BadPosition(InvalidInput):
    """``after`` is not a list of ``audience:number``."""

    code = "bid_opening.bad_position"


def parse_after(text: str) -> dict[str, int]:
    """``public:12,bidder:<org>:3`` as audience → last number seen. Empty text means: everything I may see, from 1."""
    wanted: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        audience, _, number = part.rpartition(":")
        if not _AUDIENCE.fullmatch(audience) or not _NUMBER.fullmatch(number) or audience in wanted:
            raise BadPosition(what="after")
        wanted[audience] = int(number)
    if len(wanted) > MAX_AUDIENCES:
        raise BadPosition(what="after")
    return wanted


def parse_query(query: str) -> dict[str, int]:
    """The ``after`` of a query string. Raises BadPosition."""
    if len(query) > MAX_QUERY:
        raise BadPosition(what="query")
    return parse_after(parse_qs(query).get("after", [""])[-1])


def write_after(heads: dict[str, int]) -> str:
    """The text again, in a fixed order."""
    return ",".join(f"{audience}:{number}" for audience, number in sorted(heads.items()))
