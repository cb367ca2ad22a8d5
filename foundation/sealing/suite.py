"""Suite S1: every cryptographic formula of the envelope, each in one place (docs/sealed-bid-format.md §4, §5).

HPKE's ephemeral keys and Cobblestone's salts come from the operating system through OpenSSL; the library offers no
way to pass them in, which is as well.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from foundation.sealing.text import h, note

SUITE: Final = "S1"
SECRET_BYTES: Final = 32
SHARE_BYTES: Final = 33
SECRET_WRAP_BYTES: Final = 65 + SECRET_BYTES + 16
SHARE_WRAP_BYTES: Final = 65 + SHARE_BYTES + 16
SIGNATURE_BYTES: Final = 64
PUBLIC_KEY_BYTES: Final = 65
COORDINATE_BYTES: Final = 32

_HPKE = Suite(KEM.P256, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
# RFC 6979 nonces: a weak generator on a bidder's machine must not give its signing key away.
_ECDSA = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)

PrivateKey = ec.EllipticCurvePrivateKey
PublicKey = ec.EllipticCurvePublicKey


def public_bytes(key: PublicKey) -> bytes:
    """SEC1 uncompressed point, 65 bytes."""
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)


def public_hex(key: PrivateKey | PublicKey) -> str:
    """The 130 hex digits that stand for a key in JSON and notes."""
    public = key.public_key() if isinstance(key, PrivateKey) else key
    return public_bytes(public).hex()


def load_public(point: bytes) -> PublicKey:
    """The key of an uncompressed point; ``ValueError`` when it is not one or not on the curve."""
    if len(point) != PUBLIC_KEY_BYTES:
        raise ValueError("not an uncompressed P-256 point")
    return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)


def sign(key: PrivateKey, message: bytes) -> bytes:
    """ECDSA P-256 SHA-256 as ``r‖s``, 64 bytes (IEEE P1363, what WebCrypto makes and wants)."""
    r, s = decode_dss_signature(key.sign(message, _ECDSA))
    return r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")


def verifies(key: PublicKey, signature: bytes, message: bytes) -> bool:
    """Whether a 64-byte P1363 signature is the key's over the message."""
    if len(signature) != SIGNATURE_BYTES:
        return False
    r = int.from_bytes(signature[:COORDINATE_BYTES], "big")
    s = int.from_bytes(signature[COORDINATE_BYTES:], "big")
    try:
        key.verify(encode_dss_signature(r, s), message, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def commitment(b: bytes, role: str, secret: bytes) -> str:
    """``h("etender-share/v1", hex b, role, hex secret)``: fixes a share before anyone can open its wrap."""
    return h("etender-share/v1", b.hex(), role, secret.hex())


def same(left: str, right: str) -> bool:
    """Constant-time equality of two ASCII texts."""
    return hmac.compare_digest(left.encode(), right.encode())


def wrap_info(b: bytes, role: str) -> bytes:
    return note("etender-wrap/v1", b.hex(), role)


def wrap(public: PublicKey, b: bytes, role: str, secret: bytes) -> bytes:
    """HPKE base mode to one key, bound to this binding and this seat; ``enc‖ct``."""
    return _HPKE.encrypt(secret, public, info=wrap_info(b, role))


def unwrap(private: PrivateKey, b: bytes, role: str, wrapped: bytes) -> bytes | None:
    """The secret, or None when this key does not open this wrap for this binding and seat."""
    try:
        return _HPKE.decrypt(wrapped, private, info=wrap_info(b, role))
    except (InvalidTag, ValueError):
        return None


def content_key(r_bid: bytes, r_gate: bytes, b: bytes) -> bytes:
    """The 64-byte key of one envelope: nobody has it without the bidder's (or escrow's) half *and* the gate's."""
    if len(r_bid) != SECRET_BYTES or len(r_gate) != SECRET_BYTES:
        raise ValueError("both halves are 32 bytes")
    kdf = HKDF(algorithm=hashes.SHA512(), length=64, salt=b, info=b"etender-cek/v1")
    return kdf.derive(r_bid + r_gate)


def part_key(cek: bytes, part_id: str) -> bytes:
    """The 32-byte key of one part; publishing one opens that part and no other."""
    info = b"etender-part-key/v1\0" + part_id.encode()
    return HKDFExpand(algorithm=hashes.SHA512(), length=32, info=info).derive(cek)


def part_context(part_id: str, hh: bytes) -> bytes:
    """Binds a ciphertext to its part and, through the header hash, to its bid, revision, tender and bidder."""
    return b"etender-part/v1\0" + part_id.encode() + b"\0" + hh


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
