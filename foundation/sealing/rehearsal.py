"""Rehearsal: before the deadline a bidder's client shows that its key gives back r_bid, without showing r_bid.

The statement cannot be checked before r_bid is released: until then it is one digest over 32 secret random bytes and
says no more than the commitment that stands in the header. Afterwards anybody can redo it.
"""

from __future__ import annotations

from typing import Final

from foundation.sealing.header import Header
from foundation.sealing.suite_base import same

KIND: Final = "etender-rehearsal/v1"


def rehearsal_tag(header: Header, challenge: str, r_bid: bytes) -> str:
    """``h("etender-rehearsal/v1", hex b, bid, rev, challenge, hex r_bid)`` in the suite of the header.

    ``challenge``: the centre's 64 hex digits, fresh for every statement, so that an old one cannot be sent again.
    """
    binding = header.binding
    return header.suite.h(KIND, binding.hash.hex(), binding.bid, str(binding.rev), challenge, r_bid.hex())


def matches_rehearsal(header: Header, challenge: str, tag: str, r_bid: bytes) -> bool:
    """Whether a filed statement was made with the released secret."""
    return same(tag, rehearsal_tag(header, challenge, r_bid))
