"""SM2 (GB/T 32918, recommended curve): keys, signatures, public-key encryption. Arithmetic by gmalg, in pure Python.

Not constant time: whoever can measure an operation closely enough learns about the private key. Private operations
therefore happen only on the machines of bidders and holders, never at a server for a caller who could time it, except
with keys that are public already (gate keys after the window) or thrown away (rehearsals).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import gmalg
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.hmac import HMAC

from foundation.entropy import Entropy

USER_ID: Final = b"1234567812345678"
"""The signer's id of GB/T 35276 where none is agreed: always this one here."""
P: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A: Final = P - 3
B: Final = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
ORDER: Final = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123

_BYTES: Final = 32
_POINT_BYTES: Final = 65
_HEAD_BYTES: Final = _POINT_BYTES + _BYTES
_BITS: Final = 256

_Random = Callable[[int], int]


@dataclass(frozen=True, slots=True)
class Sm2PublicKey:
    """An uncompressed point of the curve; construct with :func:`load_public`, which checks it."""

    point: bytes


@dataclass(frozen=True, slots=True)
class Sm2PrivateKey:
    """A private scalar, 1 … n-2. Never printed."""

    scalar: bytes = field(repr=False)
    point: bytes

    def public_key(self) -> Sm2PublicKey:
        return Sm2PublicKey(self.point)


def load_public(point: bytes) -> Sm2PublicKey:
    """The key of 65 bytes ``04‖x‖y``; ``ValueError`` unless they are a point of the curve in reduced coordinates.

    The curve has prime order, so any point on it is a good public key.
    """
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
    if len(point) != _POINT_BYTES or point[0] != 4 or x >= P or y >= P:  # noqa: PLR2004 - 04: uncompressed
        raise ValueError("not an uncompressed SM2 point")
    if (y * y - (x * x * x + A * x + B)) % P:
        raise ValueError("not on the SM2 curve")
    return Sm2PublicKey(bytes(point))


def private_key(scalar: bytes) -> Sm2PrivateKey:
    """The key of 32 bytes; ``ValueError`` outside 1 … n-2 (n-1 has no signatures)."""
    if len(scalar) != _BYTES or not 0 < int.from_bytes(scalar, "big") < ORDER - 1:
        raise ValueError("not an SM2 private key")
    return Sm2PrivateKey(bytes(scalar), gmalg.SM2().generate_pk(scalar))


def generate_key(entropy: Entropy) -> Sm2PrivateKey:
    while True:
        try:
            return private_key(entropy.token(_BYTES))
        except ValueError:
            continue


def sign(key: Sm2PrivateKey, message: bytes, entropy: Entropy) -> bytes:
    """``r‖s``, 64 bytes, over ``Z_A‖message`` with :data:`USER_ID`.

    Nonces are hedged: HMAC-SM3 under the private key over fresh entropy *and* the message, so that a weak generator
    on a bidder's machine does not give its signing key away.
    """
    signer = gmalg.SM2(key.scalar, USER_ID, key.point, rnd_fn=_hedged(key.scalar, message, entropy))
    r, s = signer.sign(message)
    return bytes(r).rjust(_BYTES, b"\0") + bytes(s).rjust(_BYTES, b"\0")


def verifies(key: Sm2PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether 64 bytes are the key's signature over the message."""
    if len(signature) != 2 * _BYTES:
        return False
    verifier = gmalg.SM2(uid=USER_ID, pk=key.point)
    try:
        return bool(verifier.verify(message, signature[:_BYTES], signature[_BYTES:]))
    except (gmalg.errors.GMError, ArithmeticError):
        # A signature whose point is the one at infinity: only the key's owner can make one, and it signs nothing.
        return False


def encrypt(key: Sm2PublicKey, plaintext: bytes, entropy: Entropy) -> bytes:
    """``C1‖C3‖C2`` with C1 as 65 bytes beginning with 04 (GB/T 32918.4): 97 bytes longer than the plaintext."""
    return bytes(gmalg.SM2(pk=key.point, rnd_fn=_plain(entropy)).encrypt(plaintext))


def decrypt(key: Sm2PrivateKey, ciphertext: bytes) -> bytes | None:
    """The plaintext, or None when this key does not open it. Anything but ``04`` in front is refused."""
    if len(ciphertext) <= _HEAD_BYTES:
        return None
    try:
        # gmalg takes coordinates beyond the prime; one ciphertext shall have one form only.
        load_public(ciphertext[:_POINT_BYTES])
        return bytes(gmalg.SM2(key.scalar, pk=key.point).decrypt(ciphertext))
    except (gmalg.errors.GMError, ValueError):
        return None


def _plain(entropy: Entropy) -> _Random:
    return lambda bits: int.from_bytes(entropy.token(_BYTES), "big") >> (_BITS - bits)


def _hedged(scalar: bytes, message: bytes, entropy: Entropy) -> _Random:
    fresh = entropy.token(_BYTES)
    counter = 0

    def draw(bits: int) -> int:
        nonlocal counter
        mac = HMAC(scalar, hashes.SM3())
        mac.update(fresh + counter.to_bytes(4, "big") + message)
        counter += 1
        return int.from_bytes(mac.finalize(), "big") >> (_BITS - bits)

    return draw


def same_bytes(left: bytes, right: bytes) -> bool:
    """Constant-time equality."""
    return hmac.compare_digest(left, right)
