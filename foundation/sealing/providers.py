"""Where a bidder's private key is: in a file, in a PKCS#12 file of a CA, or in a token that never gives it away.

Sealing and opening need two acts of a private key and nothing else: a signature over a manifest, and the unwrapping of
32 bytes. Whoever can do them is a :class:`KeyProvider`. A driver for a certified token (GM/T 0016 SKF, GM/T 0018 SDF,
PKCS#11) is one more class with these four members; nothing else in the product changes, and the key stays inside.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from foundation.sealing.suite import PrivateKey, Suite, public_bytes, suite_of


@runtime_checkable
class KeyProvider(Protocol):
    """A private key that can be used but need not be seen."""

    @property
    def public_key(self) -> bytes:
        """The uncompressed point, 65 bytes."""
        ...

    @property
    def suite(self) -> Suite:
        """The suite the key belongs to; a token for SM2 says S2."""
        ...

    def sign(self, message: bytes) -> bytes:
        """``r‖s``, 64 bytes, over the message, in the suite's way (a token's DER form is to be turned into it).

        Raises a Refusal where the key is not one for signatures, ``Unavailable`` where the token does not answer.
        """
        ...

    def unwrap(self, b: bytes, role: str, wrapped: bytes) -> bytes | None:
        """The secret wrapped for this key, binding digest and role; None where it does not open.

        Raises a Refusal where the key is not one for decryption, ``Unavailable`` where the token does not answer.
        """
        ...


@dataclass(frozen=True, slots=True)
class HeldKey:
    """The provider of a private key held in this process: of a key file, or of a test."""

    private_key: PrivateKey = field(repr=False)

    @property
    def public_key(self) -> bytes:
        return public_bytes(self.private_key.public_key())

    @property
    def suite(self) -> Suite:
        return suite_of(self.private_key)

    def sign(self, message: bytes) -> bytes:
        return self.suite.sign(self.private_key, message)

    def unwrap(self, b: bytes, role: str, wrapped: bytes) -> bytes | None:
        return self.suite.unwrap(self.private_key, b, role, wrapped)


def provider_of(key: PrivateKey | KeyProvider) -> KeyProvider:
    """A provider as it is, a private key as the provider that holds it."""
    return key if isinstance(key, KeyProvider) else HeldKey(key)
