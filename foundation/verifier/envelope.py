"""The parts of a sealed bid that do not depend on its suite: shares, part keys, chunks, padding, segments."""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, islice

from foundation.verifier.problems import Problem, demand
from foundation.verifier.suites import TAG_SIZE, Suite1

CHUNK, PREFIX = 16 * 1024, 56
MIN_PADDED = 4096
MOST_SUBSETS = 600
SHARE_SIZE = 33


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
    if 0 in places or len(set(places)) != len(places) or any(len(share) != SHARE_SIZE for share in shares):
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


def recombine(
    suite: Suite1, shares: Mapping[int, bytes], threshold: int, b: str, role: str, committed: str
) -> bytes | None:
    """The committed secret from any ``threshold`` of the shares (in seat order, at most 600 sets); else None."""
    ordered = [share for _, share in sorted(shares.items())]
    for chosen in islice(combinations(ordered, threshold), MOST_SUBSETS):
        secret = combine(chosen)
        if secret is not None and suite.commitment(b, role, secret) == committed:
            return secret
    return None


def part_key_of(suite: Suite1, r_bid: bytes, r_gate: bytes, b: bytes, part: str) -> bytes:
    cek = suite.expand(suite.mac(b, r_bid + r_gate), b"etender-cek/v1", suite.cek_size)
    return suite.expand(cek, b"etender-part-key/v1\0" + part.encode(), 32)


def decrypted(
    suite: Suite1, key: bytes, part: str, header_hash: bytes, blocks: Iterator[bytes], where: str
) -> Iterator[bytes]:
    """Plaintext of a part, chunk by chunk; believe it only after the last. Problems ``part.key``, ``part.cipher``."""
    context = b"etender-part/v1\0" + part.encode() + b"\0" + header_hash
    held = b""
    while len(held) < PREFIX:
        block = next(blocks, None)
        demand(block, "part.cipher", where, reason="truncated")
        held += block or b""
    salt, commitment, held = held[:24], held[24:PREFIX], held[PREFIX:]
    size = suite.chunk_key_size
    stream = suite.expand(key, suite.chunk_label + salt + context, size + 12 + 32)
    demand(hmac.compare_digest(stream[size + 12 :], commitment), "part.key", where)
    open_chunk, number = suite.chunk_opener(stream[:size], int.from_bytes(stream[size : size + 12], "big")), 0
    while True:
        while len(held) < CHUNK + TAG_SIZE and (block := next(blocks, None)) is not None:
            held += block
        sealed, held = held[: CHUNK + TAG_SIZE], held[CHUNK + TAG_SIZE :]
        opened = open_chunk(number, sealed)
        if opened is None:
            raise Problem("part.cipher", where, reason="tag")
        yield opened
        number += 1
        if len(sealed) < CHUNK + TAG_SIZE:
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


def segment_digests(suite: Suite1, blocks: Iterator[bytes]) -> Iterator[bytes]:
    """Digest of each 8 MiB segment of a stream."""
    digest, filled, limit = suite.hasher(), 0, 8 * 1024 * 1024
    for block in blocks:
        view = memoryview(block)
        while view:
            taken = view[: limit - filled]
            digest.update(taken)
            filled, view = filled + len(taken), view[len(taken) :]
            if filled == limit:
                yield digest.digest()
                digest, filled = suite.hasher(), 0
    if filled:
        yield digest.digest()


def part_root(suite: Suite1, leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 root over segment digests (at least one), in the suite's hash."""
    row = [suite.digest(b"\0" + leaf) for leaf in leaves]
    while len(row) > 1:
        # An odd last node moves up unchanged; that equals splitting at the largest power of two.
        paired = [suite.digest(b"\1" + row[i] + row[i + 1]) for i in range(0, len(row) - 1, 2)]
        row = paired + row[len(row) & ~1 :]
    return row[0]
