"""A second opener, written from the format page with HMAC and AES-GCM alone. It shares no code with the product."""

import hashlib
import hmac
import json
from base64 import b64decode

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

CHUNK, TAG = 16 * 1024, 16


def expand(prk: bytes, info: bytes, size: int) -> bytes:
    """HKDF-Expand-SHA-512 by hand."""
    out, block, counter = b"", b"", 1
    while len(out) < size:
        block = hmac.digest(prk, block + info + bytes([counter]), hashlib.sha512)
        out, counter = out + block, counter + 1
    return out[:size]


def decrypt_chunked(key: bytes, context: bytes, ciphertext: bytes) -> bytes:
    """Cobblestone-256: 24-byte salt, 32-byte commitment, 16 KiB chunks of which the last is shorter."""
    if len(key) != 32 or len(ciphertext) < 56:
        raise ValueError("size")
    salt, commitment, body = ciphertext[:24], ciphertext[24:56], ciphertext[56:]
    derived = expand(key, b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + salt + context, 76)
    if not hmac.compare_digest(derived[44:], commitment):
        raise ValueError("commitment")
    aead, base = AESGCM(derived[:32]), int.from_bytes(derived[32:44], "big")
    out, at = b"", 0
    for number in range(len(body) // (CHUNK + TAG) + 1):
        chunk = body[at : at + CHUNK + TAG]
        out += aead.decrypt((base ^ number).to_bytes(12, "big"), chunk, None)
        at += len(chunk)
    return out


def open_padded(padded: bytes) -> bytes:
    size = int.from_bytes(padded[:8], "big")
    assert not any(padded[8 + size :])
    return padded[8 : 8 + size]


def keys_of(header: bytes, r_bid: bytes, r_gate: bytes, part_id: str) -> tuple[bytes, bytes]:
    """Part key and context, from the header's bytes and the two halves."""
    b = hashlib.sha256(b64decode(json.loads(header)["binding"])).digest()
    prk = hmac.digest(b, r_bid + r_gate, hashlib.sha512)
    cek = expand(prk, b"etender-cek/v1", 64)
    key = expand(cek, b"etender-part-key/v1\0" + part_id.encode(), 32)
    return key, b"etender-part/v1\0" + part_id.encode() + b"\0" + hashlib.sha256(header).digest()


def open_part(header: bytes, r_bid: bytes, r_gate: bytes, part_id: str, ciphertext: bytes) -> bytes:
    return open_padded(decrypt_chunked(*keys_of(header, r_bid, r_gate, part_id), ciphertext))
