"""A second opener for suite S2, written from the format page with gmalg's SM2, SM4-GCM and HMAC-SM3 alone."""

import json
from base64 import b64decode

import gmalg
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

CHUNK, TAG = 16 * 1024, 16


def sm3(data: bytes) -> bytes:
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize()


def mac(key: bytes, data: bytes) -> bytes:
    made = hmac.HMAC(key, hashes.SM3())
    made.update(data)
    return made.finalize()


def expand(prk: bytes, info: bytes, size: int) -> bytes:
    """HKDF-Expand-SM3 by hand."""
    out, block, counter = b"", b"", 1
    while len(out) < size:
        block = mac(prk, block + info + bytes([counter]))
        out, counter = out + block, counter + 1
    return out[:size]


def decrypt_chunked(key: bytes, context: bytes, ciphertext: bytes) -> bytes:
    salt, commitment, body = ciphertext[:24], ciphertext[24:56], ciphertext[56:]
    derived = expand(key, b"c2sp.org/chunked-encryption@v1+AEAD_SM4_GCM\0" + salt + context, 60)
    assert derived[28:] == commitment
    sm4, base, out = algorithms.SM4(derived[:16]), int.from_bytes(derived[16:28], "big"), b""
    for number in range(len(body) // (CHUNK + TAG) + 1):
        chunk = body[number * (CHUNK + TAG) :][: CHUNK + TAG]
        cipher = Cipher(sm4, modes.GCM((base ^ number).to_bytes(12, "big"), chunk[-TAG:])).decryptor()
        out += cipher.update(chunk[:-TAG]) + cipher.finalize()
    return out


def open_part(header: bytes, r_bid: bytes, r_gate: bytes, part_id: str, ciphertext: bytes) -> bytes:
    b = sm3(b64decode(json.loads(header)["binding"]))
    cek = expand(mac(b, r_bid + r_gate), b"etender-cek/v1", 32)
    key = expand(cek, b"etender-part-key/v1\0" + part_id.encode(), 32)
    context = b"etender-part/v1\0" + part_id.encode() + b"\0" + sm3(header)
    padded = decrypt_chunked(key, context, ciphertext)
    size = int.from_bytes(padded[:8], "big")
    assert not any(padded[8 + size :])
    return padded[8 : 8 + size]


def open_wrap(scalar: bytes, header: bytes, role: str, wrapped: bytes) -> bytes:
    """The secret of one wrap; the digest of what it is bound to stands behind it."""
    opened = bytes(gmalg.SM2(scalar).decrypt(wrapped))
    b = sm3(b64decode(json.loads(header)["binding"])).hex()
    assert opened[-32:] == sm3(f"etender-wrap/v1\n{b}\n{role}\n".encode())
    return opened[:-32]


def is_signed(point: bytes, message: bytes, signature: bytes) -> bool:
    signer = gmalg.SM2(uid=b"1234567812345678", pk=point)
    return bool(signer.verify(message, signature[:32], signature[32:]))
