"""Shamir sharing over GF(2^8), Vault layout: 32 bytes of y, then one byte x.

Splitting is pyshamir's (its coefficients come from the operating system's generator; ``secrets`` is used inside that
package). Combining is done here: pyshamir repeats the whole interpolation for each byte and needs 12 ms for 3 shares,
six seconds for 500 bids; the Lagrange factors are the same for all bytes. Tests hold the two against each other.
Table look-ups are not constant time: combining happens at an opening, when the shares are being made known.
"""

from __future__ import annotations

from collections.abc import Sequence

import pyshamir

from foundation.sealing.suite_base import SHARE_BYTES


def _tables() -> tuple[bytes, bytes]:
    exp, log = bytearray(510), bytearray(256)
    value = 1
    for power in range(255):
        exp[power] = exp[power + 255] = value
        log[value] = power
        doubled = (value << 1) ^ (0x11B if value & 0x80 else 0)
        value ^= doubled  # the generator is x + 1
    return bytes(exp), bytes(log)


_EXP, _LOG = _tables()


def _mul(a: int, b: int) -> int:
    return _EXP[_LOG[a] + _LOG[b]] if a and b else 0


def _div(a: int, b: int) -> int:
    return _EXP[_LOG[a] + 255 - _LOG[b]] if a else 0


def split(secret: bytes, *, threshold: int, holders: int) -> list[bytes]:
    """``holders`` shares of 33 bytes, any ``threshold`` of which give the secret back (2 ≤ threshold ≤ holders)."""
    return [bytes(share) for share in pyshamir.split(secret, holders, threshold)]


def combine(shares: Sequence[bytes]) -> bytes:
    """The secret at x = 0. ``ValueError`` for a wrong size, x = 0 or two shares at the same x.

    Too few or wrong shares give a wrong secret, not an error: the caller compares with a commitment.
    """
    places = [share[-1] for share in shares if len(share) == SHARE_BYTES]
    if len(places) != len(shares) or len(shares) < 2:  # noqa: PLR2004 - one share is no sharing
        raise ValueError("shares are 33 bytes, and at least two")
    if 0 in places or len(set(places)) != len(places):
        raise ValueError("shares stand at distinct places other than zero")
    secret = bytearray(SHARE_BYTES - 1)
    for share, x in zip(shares, places, strict=True):
        factor = 1
        for other in places:
            if other != x:
                factor = _mul(factor, _div(other, other ^ x))
        for i, y in enumerate(share[:-1]):
            secret[i] ^= _mul(factor, y)
    return bytes(secret)
