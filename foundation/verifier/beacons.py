"""drand quicknet: whether a beacon's signature is the League of Entropy's. Needs py_ecc (half a second each)."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import cache
from typing import Any

from foundation.verifier.problems import Missing, demand, same

QUICKNET = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
QUICKNET_KEY = (
    "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc2"
    "2b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
)
GENESIS, PERIOD, DELAY = 1_692_803_367, 3, 600
SIGNATURE_DIGITS = 96
_DST = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"


def check_beacon(beacon: tuple[str, int, str], deadline: datetime, where: str) -> None:
    """Chain, round by the formula of the deadline, and the signature (on G1, RFC 9380).

    Problem ``draw.beacon``; Missing without py_ecc.
    """
    chain, number, signature = beacon
    same(chain, QUICKNET, "draw.beacon", where)
    same(number, (int(deadline.timestamp()) + DELAY - GENESIS) // PERIOD + 1, "draw.beacon", where)
    is_signed = is_beacon(number, signature, QUICKNET_KEY)
    demand(is_signed, "draw.beacon", where, reason="signature")


def beacon_time(number: int) -> datetime:
    """When this round is given; nobody knows its value before."""
    return datetime.fromtimestamp(GENESIS + (number - 1) * PERIOD, UTC)


@cache
def is_beacon(number: int, signature: str, key: str) -> bool:
    """Whether ``signature`` (hex, G1) is of SHA-256 of the round number under ``key`` (hex, G2). Missing: py_ecc."""
    try:
        from py_ecc.bls.hash_to_curve import hash_to_G1
        from py_ecc.bls.point_compression import decompress_G1, decompress_G2
        from py_ecc.optimized_bls12_381 import G2, curve_order, is_inf, multiply, pairing
    except ImportError:
        raise Missing("py_ecc") from None
    if len(signature) != SIGNATURE_DIGITS:
        return False
    half = len(key) // 2
    try:
        point: Any = decompress_G1(int(signature, 16))
        public: Any = decompress_G2((int(key[:half], 16), int(key[half:], 16)))
    except ValueError:
        return False
    # A point outside the subgroup, or none at all, would make the equation below easier than it is.
    if is_inf(point) or not is_inf(multiply(point, curve_order)):
        return False
    hashed: Any = hash_to_G1(hashlib.sha256(number.to_bytes(8, "big")).digest(), _DST, hashlib.sha256)
    return bool(pairing(G2, point) == pairing(public, hashed))
