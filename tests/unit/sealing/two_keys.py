"""One SM4-GCM message that two keys open: possible because GCM's tag is linear in the ciphertext."""

from __future__ import annotations

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes


def _block(key: bytes, block: bytes) -> int:
    encryptor = Cipher(algorithms.SM4(key), modes.ECB()).encryptor()  # noqa: S305 - one block, not a message
    return int.from_bytes(encryptor.update(block), "big")


def _times(x: int, y: int) -> int:
    """Product in GF(2^128), in GCM's order of bits."""
    product = 0
    for bit in range(127, -1, -1):
        if y >> bit & 1:
            product ^= x
        x = (x >> 1) ^ (0xE1 << 120 if x & 1 else 0)
    return product


def _inverse(x: int) -> int:
    """x^(2^128 - 2), by squaring; the one of GCM's order of bits is 1 << 127."""
    result, power = 1 << 127, x
    for _ in range(127):
        power = _times(power, power)
        result = _times(result, power)
    return result


def ambiguous(one: bytes, two: bytes, nonce: bytes, second: bytes) -> bytes:
    """Two ciphertext blocks and a tag that hold under both keys; ``second`` is the second block."""
    hashes = [_block(key, bytes(16)) for key in (one, two)]
    masks = [_block(key, nonce + b"\0\0\0\1") for key in (one, two)]
    length = int.from_bytes(bytes(8) + (256).to_bytes(8, "big"), "big")
    fixed = int.from_bytes(second, "big")
    squares = [_times(h, h) for h in hashes]
    wanted = masks[0] ^ masks[1]
    for h, square in zip(hashes, squares, strict=True):
        wanted ^= _times(fixed, square) ^ _times(length, h)
    cubes = _times(squares[0], hashes[0]) ^ _times(squares[1], hashes[1])
    first = _times(wanted, _inverse(cubes))
    tag = masks[0] ^ _times(first, _times(squares[0], hashes[0])) ^ _times(fixed, squares[0])
    tag ^= _times(length, hashes[0])
    return first.to_bytes(16, "big") + second + tag.to_bytes(16, "big")
