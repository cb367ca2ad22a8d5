"""Invented Chinese of any length, different for each seed and the same on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

SIGNS = [chr(0x4E00 + number) for number in range(0, 5_000, 3)]


def numbers(seed: str) -> Iterator[int]:
    for block in range(1 << 30):
        digest = hashlib.blake2b(f"{seed}/{block}".encode(), digest_size=64).digest()
        yield from (int.from_bytes(digest[at : at + 4], "big") for at in range(0, 64, 4))


def prose(seed: str, signs: int) -> str:
    """Words of one to three signs from a vocabulary all seeds share, with commas."""
    told = numbers(seed)
    words: list[str] = []
    length = 0
    while length < signs:
        first = next(told) % 400
        size = 1 + next(told) % 3
        word = "".join(SIGNS[(first * 7 + step * 131) % len(SIGNS)] for step in range(size))
        words.append(word if next(told) % 9 else f"{word}，")
        length += size
    return "".join(words)


def pages(seed: str, count: int, signs: int = 300) -> list[str]:
    return [prose(f"{seed}/{number}", signs) for number in range(count)]
