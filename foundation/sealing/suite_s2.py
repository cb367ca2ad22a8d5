"""Suite S2 (国密): SM2, SM3, SM4-GCM. Functional software, not a certified module (docs/adr/, the second suite).

SM2 encryption has no associated data, so the digest of the context goes into the plaintext and is compared after
decryption: a wrap opened under another binding or seat gives nothing.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand
from cryptography.utils import Buffer

from foundation.entropy import Entropy
from foundation.sealing import sm2
from foundation.sealing.sm4_chunks import SALT_BYTES, Sm4Decryptor, Sm4Encryptor
from foundation.sealing.suite_base import (
    PART_KEY_BYTES,
    PUBLIC_KEY_BYTES,
    SECRET_BYTES,
    SHARE_BYTES,
    SYSTEM,
    Hasher,
    PrivateKey,
    PublicKey,
    StreamCipher,
    Suite,
    halves,
)

_DIGEST_BYTES: Final = 32
_WRAP_EXTRA: Final = PUBLIC_KEY_BYTES + _DIGEST_BYTES + _DIGEST_BYTES
"""C1, C3, and SM3(info) inside C2."""


class _Sm3:
    """An incremental SM3."""

    def __init__(self) -> None:
        self._hash = hashes.Hash(hashes.SM3())

    def update(self, data: Buffer, /) -> None:
        self._hash.update(data)

    def digest(self) -> bytes:
        return self._hash.copy().finalize()


class SuiteS2(Suite):
    """国密. Private operations only on the machines of those whose keys they are (``sm2.py`` says why)."""

    name = "S2"
    curve = "SM2"
    hash_name = "sm3"
    manifest_kind = "etender-bid/v1+S2"
    secret_wrap_bytes = SECRET_BYTES + _WRAP_EXTRA
    share_wrap_bytes = SHARE_BYTES + _WRAP_EXTRA
    content_key_bytes = 32

    def hasher(self) -> Hasher:
        return _Sm3()

    def generate_key(self, entropy: Entropy = SYSTEM) -> sm2.Sm2PrivateKey:
        return sm2.generate_key(entropy)

    def private_key(self, scalar: bytes) -> sm2.Sm2PrivateKey:
        return sm2.private_key(scalar)

    def load_public(self, point: bytes) -> sm2.Sm2PublicKey:
        return sm2.load_public(point)

    def owns(self, key: PrivateKey | PublicKey) -> bool:
        return isinstance(key, sm2.Sm2PrivateKey | sm2.Sm2PublicKey)

    def sign(self, key: PrivateKey, message: bytes) -> bytes:
        if not isinstance(key, sm2.Sm2PrivateKey):
            raise ValueError("a key of another suite")  # noqa: TRY004 - the same answer as for any unfit key
        return sm2.sign(key, message, SYSTEM)

    def verifies(self, key: PublicKey, signature: bytes, message: bytes) -> bool:
        return isinstance(key, sm2.Sm2PublicKey) and sm2.verifies(key, signature, message)

    def wrap(self, public: PublicKey, b: bytes, role: str, secret: bytes, entropy: Entropy = SYSTEM) -> bytes:
        """SM2 encryption of ``secret‖SM3(info)``; ``04‖x1‖y1‖C3‖C2``."""
        if not isinstance(public, sm2.Sm2PublicKey):
            raise ValueError("a key of another suite")  # noqa: TRY004
        return sm2.encrypt(public, secret + self.digest(self.wrap_info(b, role)), entropy)

    def unwrap(self, private: PrivateKey, b: bytes, role: str, wrapped: bytes) -> bytes | None:
        opened = sm2.decrypt(private, wrapped) if isinstance(private, sm2.Sm2PrivateKey) else None
        if opened is None or len(opened) < _DIGEST_BYTES:
            return None
        secret, bound = opened[:-_DIGEST_BYTES], opened[-_DIGEST_BYTES:]
        return secret if sm2.same_bytes(bound, self.digest(self.wrap_info(b, role))) else None

    def content_key(self, r_bid: bytes, r_gate: bytes, b: bytes) -> bytes:
        kdf = HKDF(algorithm=hashes.SM3(), length=self.content_key_bytes, salt=b, info=b"etender-cek/v1")
        return kdf.derive(halves(r_bid, r_gate))

    def part_key(self, cek: bytes, part_id: str) -> bytes:
        kdf = HKDFExpand(algorithm=hashes.SM3(), length=PART_KEY_BYTES, info=self.part_info(part_id))
        return kdf.derive(cek)

    def encryptor(self, key: bytes, context: bytes, entropy: Entropy = SYSTEM) -> StreamCipher:
        return Sm4Encryptor(key, context, entropy.token(SALT_BYTES))

    def decryptor(self, key: bytes, context: bytes) -> StreamCipher:
        return Sm4Decryptor(key, context)
