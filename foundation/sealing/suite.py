"""The suites there are, and the way from a name, a manifest or a key to its suite.

A key says its suite by the curve its point lies on: registered keys need no second label that could contradict them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from foundation.sealing.suite_base import (
    COORDINATE_BYTES,
    PART_KEY_BYTES,
    PUBLIC_KEY_BYTES,
    SECRET_BYTES,
    SHARE_BYTES,
    SIGNATURE_BYTES,
    Hasher,
    PrivateKey,
    PublicKey,
    StreamCipher,
    Suite,
    same,
)
from foundation.sealing.suite_s1 import SuiteS1
from foundation.sealing.suite_s2 import SuiteS2

S1: Final[Suite] = SuiteS1()
S2: Final[Suite] = SuiteS2()
DEFAULT: Final = S1
SUITES: Final[Mapping[str, Suite]] = {suite.name: suite for suite in (S1, S2)}


def suite_named(name: str) -> Suite:
    """The suite of a key set or binding; ``ValueError`` when there is none of this name."""
    try:
        return SUITES[name]
    except KeyError:
        raise ValueError("no such suite") from None


def suite_of(key: PrivateKey | PublicKey) -> Suite:
    """The suite a key belongs to."""
    return next(suite for suite in SUITES.values() if suite.owns(key))


def suite_of_point(point: bytes) -> Suite:
    """The suite on whose curve 65 bytes are a point; ``ValueError`` when on none."""
    for suite in SUITES.values():
        if suite.has_point(point):
            return suite
    raise ValueError("not an uncompressed point of a known curve")


def load_public(point: bytes) -> PublicKey:
    """The key of an uncompressed point on any suite's curve; ``ValueError`` when on none.

    Where the suite is known, ask it (:meth:`Suite.load_public`): then a key of another one is refused.
    """
    return suite_of_point(point).load_public(point)


def public_bytes(key: PublicKey) -> bytes:
    """SEC1 uncompressed point, 65 bytes."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    return key.point


def public_hex(key: PrivateKey | PublicKey) -> str:
    """The 130 hex digits that stand for a key in JSON and notes."""
    public = key if isinstance(key, PublicKey) else key.public_key()
    return public_bytes(public).hex()


def scalar_of(key: PrivateKey) -> bytes:
    """The private scalar, 32 bytes: the form in which gate keys are published and key files written."""
    if isinstance(key, ec.EllipticCurvePrivateKey):
        return key.private_numbers().private_value.to_bytes(COORDINATE_BYTES, "big")
    return key.scalar


def sign(key: PrivateKey, message: bytes) -> bytes:
    """The key's signature in its own suite, 64 bytes."""
    return suite_of(key).sign(key, message)


def verifies(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether a 64-byte signature is the key's over the message, in the key's own suite."""
    return suite_of(key).verifies(key, signature, message)


__all__ = [
    "COORDINATE_BYTES",
    "DEFAULT",
    "PART_KEY_BYTES",
    "PUBLIC_KEY_BYTES",
    "S1",
    "S2",
    "SECRET_BYTES",
    "SHARE_BYTES",
    "SIGNATURE_BYTES",
    "SUITES",
    "Hasher",
    "PrivateKey",
    "PublicKey",
    "StreamCipher",
    "Suite",
    "load_public",
    "public_bytes",
    "public_hex",
    "same",
    "scalar_of",
    "sign",
    "suite_named",
    "suite_of",
    "suite_of_point",
    "verifies",
]
