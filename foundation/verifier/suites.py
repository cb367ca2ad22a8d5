"""The two suites of a sealed bid, from AES-GCM, ECDH and HMAC: S1 (P-256, SHA-256) and S2 (SM2, SM3, SM4).

HPKE (RFC 9180) is written out here, so that a fault of the library that wrapped is not repeated. The arithmetic of SM2
is gmalg's; without it S2 is not checked, and that is said.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any, ClassVar

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from foundation.verifier.problems import Missing, Problem, demand
from foundation.verifier.reading import lines_of

TAG_SIZE = 16
OpenChunk = Callable[[int, bytes], bytes | None]
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_SM2_P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
_SM2_B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
_SM2_ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
_SM2_ID = b"1234567812345678"


class Suite1:
    """S1: HPKE over P-256, Cobblestone-256, SHA-256, ECDSA."""

    name: ClassVar[str] = "S1"
    manifest_kind: ClassVar[str] = "etender-bid/v1"
    cek_size: ClassVar[int] = 64
    chunk_label: ClassVar[bytes] = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0"
    chunk_key_size: ClassVar[int] = 32

    def digest(self, data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    def hasher(self) -> Any:
        """Something with ``update`` and ``digest``."""
        return hashlib.sha256()

    def mac(self, key: bytes, message: bytes) -> bytes:
        """Of the key derivation: HMAC-SHA-512."""
        return hmac.digest(key, message, "sha512")

    def expand(self, prk: bytes, info: bytes, size: int) -> bytes:
        """HKDF-Expand."""
        return expanded(self.mac, prk, info, size)

    def commitment(self, b: str, role: str, secret: bytes) -> str:
        return self.digest(lines_of("etender-share/v1", b, role, secret.hex())).hex()

    def signature_holds(self, point: bytes, signature: bytes, message: bytes) -> bool:
        """Signature as r and s of 32 bytes each; False also for an impossible key."""
        if len(signature) != 64:  # noqa: PLR2004 - as the format page says
            return False
        encoded = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
        try:
            key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
            key.verify(encoded, message, ec.ECDSA(hashes.SHA256()))
        except (InvalidSignature, ValueError):
            return False
        return True

    def private_key(self, digits: str, where: str) -> Any:
        """The key of 64 hex digits; out of range is a Problem."""
        number = int(digits, 16)
        demand(0 < number < _P256_ORDER, "gate.key_form", where)
        return ec.derive_private_key(number, ec.SECP256R1())

    def point_of(self, key: Any) -> bytes:
        point: bytes = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return point

    def unwrap(self, key: Any, b: str, role: str, wrapped: bytes) -> bytes | None:
        """HPKE base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; None when it does not open."""
        sender, sealed = wrapped[:65], wrapped[65:]
        kem, suite = b"KEM\x00\x10", b"HPKE\x00\x10\x00\x01\x00\x02"
        try:
            shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
        except ValueError:
            return None
        extracted = _labeled_extract(kem, b"", b"eae_prk", shared)
        secret = _labeled_expand(kem, extracted, b"shared_secret", sender + self.point_of(key), 32)
        info = _labeled_extract(suite, b"", b"info_hash", lines_of("etender-wrap/v1", b, role))
        context = b"\0" + _labeled_extract(suite, b"", b"psk_id_hash", b"") + info
        scheduled = _labeled_extract(suite, secret, b"secret", b"")
        opener = AESGCM(_labeled_expand(suite, scheduled, b"key", context, 32))
        nonce = _labeled_expand(suite, scheduled, b"base_nonce", context, 12)
        try:
            return opener.decrypt(nonce, sealed, b"")
        except InvalidTag:
            return None

    def chunk_opener(self, key: bytes, base: int) -> OpenChunk:
        """Opens chunk ``number`` of a payload; None when its tag does not hold."""
        cipher = AESGCM(key)

        def open_chunk(number: int, sealed: bytes) -> bytes | None:
            try:
                return cipher.decrypt((base ^ number).to_bytes(12, "big"), sealed, None)
            except InvalidTag:
                return None

        return open_chunk


class Suite2(Suite1):
    """S2: SM2 encryption and signatures, SM3, chunks under SM4-GCM."""

    name = "S2"
    manifest_kind = "etender-bid/v1+S2"
    cek_size = 32
    chunk_label = b"c2sp.org/chunked-encryption@v1+AEAD_SM4_GCM\0"
    chunk_key_size = 16

    def digest(self, data: bytes) -> bytes:
        found = hashes.Hash(hashes.SM3())
        found.update(data)
        return found.finalize()

    def hasher(self) -> Any:
        return _Sm3Stream()

    def mac(self, key: bytes, message: bytes) -> bytes:
        found = HMAC(key, hashes.SM3())
        found.update(message)
        return found.finalize()

    def signature_holds(self, point: bytes, signature: bytes, message: bytes) -> bool:
        gmalg = _gmalg()
        if len(signature) != 64 or not _is_sm2_point(point):  # noqa: PLR2004 - as the format page says
            return False
        try:
            return bool(gmalg.SM2(uid=_SM2_ID, pk=point).verify(message, signature[:32], signature[32:]))
        except (gmalg.errors.GMError, ArithmeticError):
            return False

    def private_key(self, digits: str, where: str) -> Any:
        demand(0 < int(digits, 16) < _SM2_ORDER - 1, "gate.key_form", where)
        return bytes.fromhex(digits)

    def point_of(self, key: Any) -> bytes:
        return bytes(_gmalg().SM2().generate_pk(key))

    def unwrap(self, key: Any, b: str, role: str, wrapped: bytes) -> bytes | None:
        """SM2 decryption of C1, C3, C2; the digest of what the wrap is bound to stands behind the secret."""
        gmalg = _gmalg()
        if len(wrapped) <= 97 or not _is_sm2_point(wrapped[:65]):  # noqa: PLR2004 - C1 and C3
            return None
        try:
            opened = bytes(gmalg.SM2(key, pk=self.point_of(key)).decrypt(wrapped))
        except (gmalg.errors.GMError, ValueError):
            return None
        bound = self.digest(lines_of("etender-wrap/v1", b, role))
        return opened[:-32] if opened[-32:] == bound else None

    def chunk_opener(self, key: bytes, base: int) -> OpenChunk:
        def open_chunk(number: int, sealed: bytes) -> bytes | None:
            if len(sealed) < TAG_SIZE:
                return None
            nonce = (base ^ number).to_bytes(12, "big")
            opener = Cipher(algorithms.SM4(key), modes.GCM(nonce, sealed[-TAG_SIZE:])).decryptor()
            try:
                return opener.update(sealed[:-TAG_SIZE]) + opener.finalize()
            except InvalidTag:
                return None

        return open_chunk


class _Sm3Stream:
    """SM3 piece by piece."""

    def __init__(self) -> None:
        self._hash = hashes.Hash(hashes.SM3())

    def update(self, data: Any) -> None:
        self._hash.update(data)

    def digest(self) -> bytes:
        return self._hash.finalize()


KNOWN_SUITES: dict[str, Suite1] = {"S1": Suite1(), "S2": Suite2()}


def suite_named(name: str, where: str) -> Suite1:
    """The suite, if it is one of the two. Problem ``bid.suite``."""
    if name not in KNOWN_SUITES:
        raise Problem("bid.suite", where, found=name)
    return KNOWN_SUITES[name]


def _gmalg() -> Any:
    try:
        import gmalg
    except ImportError:
        raise Missing("gmalg") from None
    return gmalg


def _is_sm2_point(point: bytes) -> bool:
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:65], "big")
    is_form = len(point) == 65 and point[0] == 4 and x < _SM2_P and y < _SM2_P  # noqa: PLR2004 - uncompressed
    return is_form and (y * y - (x * x * x - 3 * x + _SM2_B)) % _SM2_P == 0


def expanded(mac: Callable[[bytes, bytes], bytes], prk: bytes, info: bytes, size: int) -> bytes:
    """HKDF-Expand (RFC 5869) with any MAC."""
    out, block, counter = b"", b"", 1
    while len(out) < size:
        block = mac(prk, block + info + bytes([counter]))
        out, counter = out + block, counter + 1
    return out[:size]


def _labeled_extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + material, "sha256")


def _labeled_expand(suite: bytes, prk: bytes, label: bytes, info: bytes, size: int) -> bytes:
    labeled = size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return expanded(lambda key, message: hmac.digest(key, message, "sha256"), prk, labeled, size)
