"""The only source of unpredictable bytes: keys, tokens, nonces. Draws never come from here (``foundation.draws``)."""

from __future__ import annotations

import hashlib
import secrets  # noqa: TID251 - the one place
from typing import Protocol


class Entropy(Protocol):
    """Whatever can give unpredictable bytes."""

    def token(self, size_bytes: int) -> bytes:
        """``size_bytes`` unpredictable bytes."""
        ...


class SystemEntropy:
    """The operating system's generator."""

    def token(self, size_bytes: int) -> bytes:
        return secrets.token_bytes(size_bytes)


class SeededEntropy:
    """Repeatable bytes for tests: SHA-256 of a seed and a counter."""

    def __init__(self, seed: str) -> None:
        self._seed = seed.encode()
        self._counter = 0

    def token(self, size_bytes: int) -> bytes:
        out = b""
        while len(out) < size_bytes:
            out += hashlib.sha256(self._seed + self._counter.to_bytes(8, "big")).digest()
            self._counter += 1
        return out[:size_bytes]


def url_token(entropy: Entropy, size_bytes: int = 32) -> str:
    """A token safe in cookies and headers: lower-case hex."""
    return entropy.token(size_bytes).hex()
