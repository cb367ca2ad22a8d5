"""The root of a ciphertext part: an RFC 6962 tree over the digests of its 8 MiB segments, in the suite's hash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cryptography.utils import Buffer

from foundation.sealing.suite import DEFAULT, Suite

SEGMENT_BYTES: Final = 8 * 1024 * 1024


def root_of_digests(digests: Sequence[bytes], suite: Suite = DEFAULT) -> str:
    """Hex root over the segment digests in order (at least one). The receiver keeps digests and needs no ciphertext."""
    if not digests:
        raise ValueError("a part has at least one segment")
    level = [suite.digest(b"\0" + digest) for digest in digests]
    while len(level) > 1:
        # An odd node moves up unchanged, which equals RFC 6962's split at the largest power of two.
        paired = [suite.digest(b"\1" + level[i] + level[i + 1]) for i in range(0, len(level) - 1, 2)]
        level = paired + level[len(level) & ~1 :]
    return level[0].hex()


class RootBuilder:
    """Feeds on a ciphertext in pieces of any size; gives its length, segment digests and root."""

    def __init__(self, suite: Suite = DEFAULT) -> None:
        self._suite = suite
        self._digests: list[bytes] = []
        self._segment = self._suite.hasher()
        self._filled = 0
        self.size_bytes = 0

    def update(self, data: Buffer) -> None:
        view = memoryview(data)
        self.size_bytes += len(view)
        while view:
            taken = view[: SEGMENT_BYTES - self._filled]
            self._segment.update(taken)
            self._filled += len(taken)
            view = view[len(taken) :]
            if self._filled == SEGMENT_BYTES:
                self._close()

    def _close(self) -> None:
        self._digests.append(self._segment.digest())
        self._segment = self._suite.hasher()
        self._filled = 0

    def digests(self) -> tuple[bytes, ...]:
        """The digests of all segments, the unfinished last one included; empty for an empty part."""
        last = (self._segment.digest(),) if self._filled else ()
        return (*self._digests, *last)

    def root(self) -> str:
        return root_of_digests(self.digests(), self._suite)
