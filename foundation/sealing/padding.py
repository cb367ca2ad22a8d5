"""Padding of a part, so that its ciphertext says little about its length (docs/sealed-bid-format.md §6)."""

from __future__ import annotations

from typing import Final

PREFIX_BYTES: Final = 8
MIN_PADDED_BYTES: Final = 4096
MAX_PART_BYTES: Final = 1 << 30
FRAME_HEADER_BYTES: Final = 56
"""Salt and key commitment, in every suite."""

_CHUNK_BYTES = 16 * 1024
_TAG_BYTES = 16


def padme(length: int) -> int:
    """Padmé: the length rounded up so that only its exponent and a few leading bits show; at most 12 % more."""
    if length < 2:  # noqa: PLR2004 - the logarithm of the logarithm needs two
        return length
    exponent = length.bit_length() - 1
    mask = (1 << (exponent - exponent.bit_length())) - 1
    return (length + mask) & ~mask


def padded_size(content_bytes: int) -> int:
    """Bytes of a padded part: 8 for the length, the content, zeros. The 4 KiB floor hides the digits of a price."""
    return max(MIN_PADDED_BYTES, padme(PREFIX_BYTES + content_bytes))


def ciphertext_size(padded_bytes: int) -> int:
    """Bytes of ciphertext, in every suite; a last chunk shorter than 16 KiB (perhaps empty) always follows."""
    return FRAME_HEADER_BYTES + padded_bytes + _TAG_BYTES * (padded_bytes // _CHUNK_BYTES + 1)


def is_ciphertext_size(size_bytes: int) -> bool:
    """Whether an honest client can have made a part of this length: the right frame around a Padmé length."""
    body = size_bytes - FRAME_HEADER_BYTES - _TAG_BYTES
    full, rest = divmod(body, _CHUNK_BYTES + _TAG_BYTES)
    if body < 0 or rest >= _CHUNK_BYTES:
        return False
    padded = full * _CHUNK_BYTES + rest
    largest = padded_size(MAX_PART_BYTES)
    return MIN_PADDED_BYTES <= padded <= largest and padme(padded) == padded


class Unpadder:
    """Takes a padded part piece by piece and gives the content back; ``ValueError`` when the padding is wrong."""

    def __init__(self) -> None:
        self._prefix = bytearray()
        self._left = 0
        self._seen = 0
        self.content_bytes = 0

    def feed(self, piece: memoryview) -> memoryview:
        """The content within this piece (perhaps empty)."""
        self._seen += len(piece)
        missing = PREFIX_BYTES - len(self._prefix)
        if missing:
            self._prefix += piece[:missing]
            piece = piece[missing:]
            if len(self._prefix) < PREFIX_BYTES:
                return piece
            if missing:
                self.content_bytes = self._left = int.from_bytes(self._prefix, "big")
                if self.content_bytes > MAX_PART_BYTES:
                    raise ValueError("the stated length is beyond the limit")
        content, zeros = piece[: self._left], piece[self._left :]
        self._left -= len(content)
        if bytes(zeros).count(0) != len(zeros):
            raise ValueError("padding is not zero")
        return content

    def finish(self) -> int:
        """The content's length, after the last piece."""
        if len(self._prefix) < PREFIX_BYTES or self._seen != padded_size(self.content_bytes):
            raise ValueError("the padded length does not follow from the content's")
        return self.content_bytes
