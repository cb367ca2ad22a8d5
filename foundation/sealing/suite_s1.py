"""Suite S1: HPKE over P-256, Cobblestone-256, SHA-256, ECDSA P-256.

HPKE's ephemeral keys and Cobblestone's salts come from the operating system through OpenSSL; the library offers no
way to pass them in, which is as well.
"""

from __future__ import annotations

import hashlib
from typing import Final

from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM
from cryptography.hazmat.primitives.hpke import Suite as Hpke
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from foundation.entropy import Entropy
from foundation.sealing.suite_base import (
    COORDINATE_BYTES,
    PART_KEY_BYTES,
    PUBLIC_KEY_BYTES,
    SECRET_BYTES,
    SHARE_BYTES,
    SIGNATURE_BYTES,
    SYSTEM,
    Hasher,
    PrivateKey,
    PublicKey,
    StreamCipher,
    Suite,
    halves,
)

_HPKE: Final = Hpke(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
_HPKE_EXTRA: Final = PUBLIC_KEY_BYTES + 16
# RFC 6979 nonces: a weak generator on a bidder's machine must not give its signing key away.
_ECDSA: Final = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)


class SuiteS1(Suite):
    """The default."""

    name = "S1"
    curve = "P-256"
    hash_name = "sha256"
    manifest_kind = "etender-bid/v1"
    secret_wrap_bytes = SECRET_BYTES + _HPKE_EXTRA
    share_wrap_bytes = SHARE_BYTES + _HPKE_EXTRA
    content_key_bytes = 64

    def hasher(self) -> Hasher:
        return hashlib.sha256()

    def generate_key(self, entropy: Entropy = SYSTEM) -> ec.EllipticCurvePrivateKey:  # noqa: ARG002 - OpenSSL's own
        return ec.generate_private_key(ec.SECP256R1())

    def private_key(self, scalar: bytes) -> ec.EllipticCurvePrivateKey:
        return ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1())

    def load_public(self, point: bytes) -> ec.EllipticCurvePublicKey:
        if len(point) != PUBLIC_KEY_BYTES:
            raise ValueError("not an uncompressed P-256 point")
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)

    def owns(self, key: PrivateKey | PublicKey) -> bool:
        return isinstance(key, ec.EllipticCurvePrivateKey | ec.EllipticCurvePublicKey)

    def sign(self, key: PrivateKey, message: bytes) -> bytes:
        """IEEE P1363 form, what WebCrypto makes and wants."""
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise ValueError("a key of another suite")  # noqa: TRY004 - the same answer as for any unfit key
        r, s = decode_dss_signature(key.sign(message, _ECDSA))
        return r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")

    def verifies(self, key: PublicKey, signature: bytes, message: bytes) -> bool:
        if len(signature) != SIGNATURE_BYTES or not isinstance(key, ec.EllipticCurvePublicKey):
            return False
        r = int.from_bytes(signature[:COORDINATE_BYTES], "big")
        s = int.from_bytes(signature[COORDINATE_BYTES:], "big")
        try:
            key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    def wrap(
        self,
        public: PublicKey,
        b: bytes,
        role: str,
        secret: bytes,
        entropy: Entropy = SYSTEM,  # noqa: ARG002 - OpenSSL's own
    ) -> bytes:
        """HPKE base mode; ``enc‖ct``."""
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise ValueError("a key of another suite")  # noqa: TRY004
        return _HPKE.encrypt(secret, public, info=self.wrap_info(b, role))

    def unwrap(self, private: PrivateKey, b: bytes, role: str, wrapped: bytes) -> bytes | None:
        if not isinstance(private, ec.EllipticCurvePrivateKey):
            return None
        try:
            return _HPKE.decrypt(wrapped, private, info=self.wrap_info(b, role))
        except (InvalidTag, ValueError):
            return None

    def content_key(self, r_bid: bytes, r_gate: bytes, b: bytes) -> bytes:
        kdf = HKDF(algorithm=hashes.SHA512(), length=self.content_key_bytes, salt=b, info=b"etender-cek/v1")
        return kdf.derive(halves(r_bid, r_gate))

    def part_key(self, cek: bytes, part_id: str) -> bytes:
        kdf = HKDFExpand(algorithm=hashes.SHA512(), length=PART_KEY_BYTES, info=self.part_info(part_id))
        return kdf.derive(cek)

    def encryptor(self, key: bytes, context: bytes, entropy: Entropy = SYSTEM) -> StreamCipher:  # noqa: ARG002
        return Cobblestone256Encryptor(key, context)

    def decryptor(self, key: bytes, context: bytes) -> StreamCipher:
        return Cobblestone256Decryptor(key, context)
