"""The manifest: the few lines a bidder signs, from which everything else of the envelope can be checked."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from foundation.sealing.binding import MAX_PARTS, MAX_REV, NO_PREVIOUS
from foundation.sealing.errors import ManifestMalformed
from foundation.sealing.suite import DEFAULT, SUITES, Suite
from foundation.sealing.text import COUNT, HEX_32, PREVIOUS, WORD, note

MAX_MANIFEST_BYTES: Final = 8 * 1024
_HEAD_LINES: Final = 5
_KINDS: Final = {suite.manifest_kind: suite for suite in SUITES.values()}
_PART_LINE = re.compile(rf"part ({WORD.pattern}) ([1-9][0-9]{{0,15}}) ({HEX_32.pattern})")


@dataclass(frozen=True, slots=True)
class SealedPart:
    """One ciphertext part: its length in bytes and the root of its segments."""

    id: str
    size_bytes: int
    root: str


@dataclass(frozen=True, slots=True)
class Manifest:
    """``binding_hash`` and ``header_hash`` are hex. ``raw`` is what is signed and whose hash names the envelope."""

    binding_hash: str
    header_hash: str
    rev: int
    prev: str
    parts: tuple[SealedPart, ...]
    raw: bytes
    suite: Suite

    @property
    def envelope_hash(self) -> str:
        return self.suite.digest(self.raw).hex()

    @property
    def size_bytes(self) -> int:
        """Sum of the ciphertext lengths."""
        return sum(part.size_bytes for part in self.parts)

    def part(self, part_id: str) -> SealedPart:
        """The part of this id; ``KeyError`` when there is none."""
        for part in self.parts:
            if part.id == part_id:
                return part
        raise KeyError(part_id)

    @classmethod
    def parse(cls, raw: bytes) -> Manifest:
        """Read manifest bytes; :class:`ManifestMalformed` for any departure."""
        if len(raw) > MAX_MANIFEST_BYTES:
            raise ManifestMalformed(reason="too_large", path="", limit_bytes=MAX_MANIFEST_BYTES)
        try:
            lines = raw.decode("ascii").split("\n")
        except UnicodeDecodeError as error:
            raise ManifestMalformed(reason="encoding", path="") from error
        if lines.pop() or not _HEAD_LINES < len(lines) <= _HEAD_LINES + MAX_PARTS:
            raise ManifestMalformed(reason="lines", path="")
        kind, binding_hash, header_hash, rev, prev, *rest = lines
        forms = (HEX_32.fullmatch(binding_hash), HEX_32.fullmatch(header_hash), COUNT.fullmatch(rev))
        suite = _KINDS.get(kind)
        if suite is None or not all(forms) or not PREVIOUS.fullmatch(prev):
            raise ManifestMalformed(reason="form", path="head")
        if not 1 <= int(rev) <= MAX_REV or (rev == "1") != (prev == NO_PREVIOUS):
            raise ManifestMalformed(reason="previous", path="head")
        parts = tuple(_read_part(line, i) for i, line in enumerate(rest))
        if len({part.id for part in parts}) != len(parts):
            raise ManifestMalformed(reason="duplicate_part", path="parts")
        return cls(binding_hash, header_hash, int(rev), prev, parts, raw, suite)


def _read_part(line: str, index: int) -> SealedPart:
    found = _PART_LINE.fullmatch(line)
    if not found:
        raise ManifestMalformed(reason="form", path=f"parts.{index}")
    return SealedPart(id=found[1], size_bytes=int(found[2]), root=found[3])


def write_manifest(
    *,
    binding_hash: bytes,
    header_hash: bytes,
    rev: int,
    prev: str,
    parts: tuple[SealedPart, ...],
    suite: Suite = DEFAULT,
) -> Manifest:
    """Write a manifest and read it back."""
    lines = [f"part {part.id} {part.size_bytes} {part.root}" for part in parts]
    return Manifest.parse(note(suite.manifest_kind, binding_hash.hex(), header_hash.hex(), str(rev), prev, *lines))
