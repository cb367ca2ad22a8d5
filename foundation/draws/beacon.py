"""Checking a value of the public beacon: a BLS signature of its round number under a key that is written down here.

Scheme ``bls-unchained-g1-rfc9380`` of drand: the message is SHA-256 of the round as eight bytes; signatures lie in G1
(48 bytes), the key in G2 (96 bytes); e(signature, g2) = e(hash_to_G1(message), key). What an API calls
"randomness" is never believed.
"""

from __future__ import annotations

import hashlib
from typing import Any, Final

from foundation import canonical
from foundation.draws.errors import BeaconFalse, BeaconMalformed, BeaconUnchecked
from foundation.draws.transcript import QUICKNET_CHAIN, Beacon
from foundation.errors import InvalidInput

QUICKNET_KEY: Final = (
    "83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c8c4b450b6a0a6c3ac6a5776a2d106451"
    "0d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a"
)
"""The League of Entropy's quicknet, as its clients pin it."""
DST: Final = b"BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_"
SIGNATURE_BYTES: Final = 48
ANSWER_MAX_BYTES: Final = 4096


def check_beacon(beacon: Beacon, key: str = QUICKNET_KEY, chain: str = QUICKNET_CHAIN) -> None:
    """Return when ``beacon`` is the value of its round. Takes about half a second.

    Raises BeaconFalse (another chain, no signature of this round) and BeaconUnchecked where py_ecc is not installed.
    """
    if beacon.chain != chain:
        raise BeaconFalse(round=beacon.round, reason="chain")
    try:
        signature = bytes.fromhex(beacon.signature)
    except ValueError:
        signature = b""
    if len(signature) != SIGNATURE_BYTES or not is_signature(beacon.round, signature, bytes.fromhex(key)):
        raise BeaconFalse(round=beacon.round, reason="signature")


def read_round(text: bytes, wanted: int, chain: str = QUICKNET_CHAIN) -> Beacon:
    """A relay's answer for one round (JSON with ``round`` and ``signature``), to be checked with ``check_beacon``.

    Raises BeaconMalformed for anything that is not such an answer, BeaconFalse for another round (``reason`` round) and
    for a stated ``randomness`` that is not the digest of the signature (``reason`` randomness).
    """
    if len(text) > ANSWER_MAX_BYTES:
        raise BeaconMalformed(reason="too_large")
    try:
        value: Any = canonical.loads(text, max_bytes=ANSWER_MAX_BYTES)
    except InvalidInput as error:
        raise BeaconMalformed(reason="json") from error
    number, signature = (value.get("round"), value.get("signature")) if isinstance(value, dict) else (None, None)
    if not isinstance(number, int) or isinstance(number, bool) or not isinstance(signature, str):
        raise BeaconMalformed(reason="fields")
    if number != wanted:
        raise BeaconFalse(round=number, reason="round")
    try:
        raw = bytes.fromhex(signature)
    except ValueError as error:
        raise BeaconMalformed(reason="signature") from error
    if len(raw) != SIGNATURE_BYTES or raw.hex() != signature:
        raise BeaconMalformed(reason="signature")
    stated = value.get("randomness")
    if stated is not None and stated != hashlib.sha256(raw).hexdigest():
        raise BeaconFalse(round=number, reason="randomness")
    return Beacon(chain, number, signature)


def is_signature(round_: int, signature: bytes, key: bytes) -> bool:
    """Whether ``signature`` (compressed G1) is that of the round under ``key`` (compressed G2)."""
    try:
        from py_ecc.bls.hash_to_curve import hash_to_G1
        from py_ecc.bls.point_compression import decompress_G1, decompress_G2
        from py_ecc.bls.typing import G1Compressed, G2Compressed
        from py_ecc.optimized_bls12_381 import FQ12, G2, curve_order, final_exponentiate, is_inf, multiply, neg, pairing
    except ImportError as error:
        raise BeaconUnchecked(needs="py_ecc") from error
    middle = len(key) // 2
    try:
        point = decompress_G1(G1Compressed(int.from_bytes(signature, "big")))
        parts = (int.from_bytes(key[:middle], "big"), int.from_bytes(key[middle:], "big"))
        public = decompress_G2(G2Compressed(parts))
    except ValueError:
        return False
    if is_inf(point) or not is_inf(multiply(point, curve_order)):
        return False
    message = hashlib.sha256(round_.to_bytes(8, "big")).digest()
    left = pairing(G2, point, final_exponentiate=False)
    right = pairing(public, neg(hash_to_G1(message, DST, hashlib.sha256)), final_exponentiate=False)
    return bool(final_exponentiate(left * right) == FQ12.one())
