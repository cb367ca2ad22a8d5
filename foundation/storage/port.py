"""The one interface to objects, and what it tells about them."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterable, Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

CHUNK_BYTES = 1024 * 1024
"""How much is read or written at once."""


@dataclass(frozen=True, slots=True)
class Stored:
    """An object as it was written: its size and the SHA-256 (hex) of its bytes."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An object as a listing shows it."""

    name: str
    size_bytes: int


class ObjectStore(Protocol):
    """A place for objects that never change. Every call may raise BadName or StorageFailed."""

    def put_once(self, name: str, content: bytes) -> Stored:
        """Store bytes under a new name. The same bytes again: fine; others: ObjectDiffers."""

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> Stored:
        """``put_once`` for content that need not fit in memory. If ``chunks`` raises, nothing is stored."""

    async def put_stream_async(
        self, name: str, chunks: AsyncIterable[bytes], *, sha256: Callable[[], str] | None = None
    ) -> Stored:
        """``put_stream`` for the event loop, never blocking it; cancelled before the last chunk it stores nothing.

        ``sha256`` tells the digest (hex) of all chunks once they have come, where the caller hashes them anyway.
        """

    def get(self, name: str) -> bytes:
        """The whole object. ObjectMissing when there is none."""

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        """At most ``length`` bytes from ``start``; fewer at the end, none past it. ObjectMissing when there is none."""

    def open_stream(self, name: str) -> Iterator[bytes]:
        """The object in chunks of CHUNK_BYTES. ObjectMissing at once, not at the first chunk."""

    def size_bytes(self, name: str) -> int:
        """ObjectMissing when there is none."""

    def exists(self, name: str) -> bool: ...

    def list(self, prefix: str = "") -> Iterator[Entry]:
        """Every object under a folder, sorted by name."""

    def delete_prefix(self, prefix: str) -> int:
        """Remove the object of this name and all in this folder; how many there were. "" is refused (BadName)."""


def digest_of(chunks: Iterable[bytes]) -> tuple[int, str]:
    """Size and SHA-256 (hex) of a stream."""
    size, digest = 0, hashlib.sha256()
    for chunk in chunks:
        size += len(chunk)
        digest.update(chunk)
    return size, digest.hexdigest()


def check_range(start: int, length: int) -> None:
    """A negative range is a bug of the caller."""
    if start < 0 or length < 0:
        raise ValueError("a range has no negative start or length")
