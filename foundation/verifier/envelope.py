"""The sealed bid, read again from its description (docs/sealed-bid-format.md) and not from the sealing program.

HPKE (RFC 9180), Cobblestone (C2SP chunked-encryption) and Shamir's sharing are written out here from AES-GCM, ECDH and
HMAC, so that a fault of the libraries that sealed the bids is not repeated in their check.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, islice

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from foundation.verifier.problems import Problem, demand
from foundation.verifier.reading import h, lines_of

CHUNK, TAG, PREFIX = 16 * 1024, 16, 56
MIN_PADDED = 4096
MOST_SUBSETS = 600
_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def signature_holds(point: bytes, signature: bytes, message: bytes) -> bool:
    """ECDSA P-256 with SHA-256, signature as r and s of 32 bytes each."""
    if len(signature) != 64:  # noqa: PLR2004 - as the format page says
        return False
    encoded = encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big"))
    try:
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        key.verify(encoded, message, ec.ECDSA(hashes.SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def private_key(digits: str, where: str) -> ec.EllipticCurvePrivateKey:
    """The key of 64 hex digits; out of range is a Problem."""
    number = int(digits, 16)
    demand(0 < number < _ORDER, "gate.key_form", where)
    return ec.derive_private_key(number, ec.SECP256R1())


def point_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def _expand(algorithm: str, prk: bytes, info: bytes, size: int) -> bytes:
    out, block, counter = b"", b"", 1
    while len(out) < size:
        block = hmac.digest(prk, block + info + bytes([counter]), algorithm)
        out, counter = out + block, counter + 1
    return out[:size]


def _labeled_extract(suite: bytes, salt: bytes, label: bytes, material: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + material, "sha256")


def _labeled_expand(suite: bytes, prk: bytes, label: bytes, info: bytes, size: int) -> bytes:
    return _expand("sha256", prk, size.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info, size)


def unwrap(key: ec.EllipticCurvePrivateKey, b: str, role: str, wrapped: bytes) -> bytes | None:
    """HPKE base mode, DHKEM(P-256, HKDF-SHA256), HKDF-SHA256, AES-256-GCM; None when it does not open."""
    sender, sealed = wrapped[:65], wrapped[65:]
    kem, suite = b"KEM\x00\x10", b"HPKE\x00\x10\x00\x01\x00\x02"
    try:
        shared = key.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), sender))
    except ValueError:
        return None
    extracted = _labeled_extract(kem, b"", b"eae_prk", shared)
    secret = _labeled_expand(kem, extracted, b"shared_secret", sender + point_of(key), 32)
    info = _labeled_extract(suite, b"", b"info_hash", lines_of("etender-wrap/v1", b, role))
    context = b"\0" + _labeled_extract(suite, b"", b"psk_id_hash", b"") + info
    scheduled = _labeled_extract(suite, secret, b"secret", b"")
    opener = AESGCM(_labeled_expand(suite, scheduled, b"key", context, 32))
    nonce = _labeled_expand(suite, scheduled, b"base_nonce", context, 12)
    try:
        return opener.decrypt(nonce, sealed, b"")
    except InvalidTag:
        return None


def commitment_to(b: str, role: str, secret: bytes) -> str:
    return h("etender-share/v1", b, role, secret.hex())


def _multiplied(a: int, b: int) -> int:
    product = 0
    while b:
        if b & 1:
            product ^= a
        a = (a << 1) ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return product


_PRODUCTS = [bytes(_multiplied(a, b) for b in range(256)) for a in range(256)]
_INVERSES = [0, *(row.index(1) for row in _PRODUCTS[1:])]


def combine(shares: Sequence[bytes]) -> bytes | None:
    """Shamir over GF(2^8) at zero; a share is 32 bytes and its place. None for places that do not combine."""
    places = [share[-1] for share in shares]
    if 0 in places or len(set(places)) != len(places) or any(len(share) != 33 for share in shares):  # noqa: PLR2004 - as the format page says
        return None
    secret = bytes(32)
    for share, place in zip(shares, places, strict=True):
        factor = 1
        for other in places:
            if other != place:
                factor = _PRODUCTS[factor][_PRODUCTS[other][_INVERSES[other ^ place]]]
        row = _PRODUCTS[factor]
        secret = bytes(byte ^ row[value] for byte, value in zip(secret, share, strict=False))
    return secret


def recombine(shares: Mapping[int, bytes], threshold: int, b: str, role: str, committed: str) -> bytes | None:
    """The committed secret from any ``threshold`` of the shares (in seat order, at most 600 sets); else None."""
    ordered = [share for _, share in sorted(shares.items())]
    for chosen in islice(combinations(ordered, threshold), MOST_SUBSETS):
        secret = combine(chosen)
        if secret is not None and commitment_to(b, role, secret) == committed:
            return secret
    return None


def part_key_of(r_bid: bytes, r_gate: bytes, b: bytes, part: str) -> bytes:
    prk = hmac.digest(b, r_bid + r_gate, "sha512")
    cek = _expand("sha512", prk, b"etender-cek/v1", 64)
    return _expand("sha512", cek, b"etender-part-key/v1\0" + part.encode(), 32)


def decrypted(key: bytes, part: str, header_hash: bytes, blocks: Iterator[bytes], where: str) -> Iterator[bytes]:
    """Plaintext of a part, chunk by chunk; believe it only after the last. Problems ``part.key``, ``part.cipher``."""
    context = b"etender-part/v1\0" + part.encode() + b"\0" + header_hash
    held = b""
    while len(held) < PREFIX:
        block = next(blocks, None)
        demand(block, "part.cipher", where, reason="truncated")
        held += block or b""
    salt, commitment, held = held[:24], held[24:PREFIX], held[PREFIX:]
    label = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0"
    stream = _expand("sha512", key, label + salt + context, 76)
    demand(hmac.compare_digest(stream[44:], commitment), "part.key", where)
    cipher, base, number = AESGCM(stream[:32]), int.from_bytes(stream[32:44], "big"), 0
    while True:
        while len(held) < CHUNK + TAG and (block := next(blocks, None)) is not None:
            held += block
        sealed, held = held[: CHUNK + TAG], held[CHUNK + TAG :]
        try:
            yield cipher.decrypt((base ^ number).to_bytes(12, "big"), sealed, None)
        except InvalidTag as error:
            raise Problem("part.cipher", where, reason="tag") from error
        number += 1
        if len(sealed) < CHUNK + TAG:
            # Only the last chunk is short, so a file that was cut cannot pass for a whole one.
            demand(not held, "part.cipher", where, reason="trailing")
            return


def content_of(pieces: Iterator[bytes], where: str, limit: int) -> bytes:
    """The content of a small padded part; wrong padding is a Problem ``part.padding``."""
    padded = b""
    for piece in pieces:
        padded += piece
        demand(len(padded) <= limit, "files.too_large", where, limit=limit)
    demand(len(padded) >= MIN_PADDED, "part.padding", where)
    size = int.from_bytes(padded[:8], "big")
    is_padded = size <= len(padded) - 8 and padded_to(size) == len(padded) and not any(padded[8 + size :])
    demand(is_padded, "part.padding", where)
    return padded[8 : 8 + size]


def padded_to(size: int) -> int:
    length = 8 + size
    exponent = length.bit_length() - 1
    step = 1 << (exponent - exponent.bit_length())
    return max(MIN_PADDED, -(-length // step) * step)


def segment_digests(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """SHA-256 of each 8 MiB segment of a stream."""
    digest, filled, limit = hashlib.sha256(), 0, 8 * 1024 * 1024
    for block in blocks:
        view = memoryview(block)
        while view:
            taken = view[: limit - filled]
            digest.update(taken)
            filled, view = filled + len(taken), view[len(taken) :]
            if filled == limit:
                yield digest.digest()
                digest, filled = hashlib.sha256(), 0
    if filled:
        yield digest.digest()
