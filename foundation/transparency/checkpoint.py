"""A log's tree head (C2SP tlog-checkpoint)."""

from __future__ import annotations

from dataclasses import dataclass

from foundation.transparency.errors import MalformedText
from foundation.transparency.keys import SigningKey
from foundation.transparency.merkle import EMPTY_ROOT, HASH_BYTES, MAX_SIZE
from foundation.transparency.notes import check_note_text, signed_note
from foundation.transparency.text import b64, decimal, unb64


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Which log, how many leaves, which root. ``extensions`` are opaque lines; this project writes none."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.origin or not 0 <= self.size <= MAX_SIZE or len(self.root) != HASH_BYTES:
            raise MalformedText(what="checkpoint", reason="values")
        if "" in self.extensions or any("\n" in line for line in (self.origin, *self.extensions)):
            raise MalformedText(what="checkpoint", reason="lines")

    @classmethod
    def parse(cls, text: str) -> Checkpoint:
        """Read a checkpoint from the text of a note (without signatures)."""
        check_note_text(text)
        lines = text[:-1].split("\n")
        if len(lines) < 3 or "" in lines:  # noqa: PLR2004 - origin, size, root
            raise MalformedText(what="checkpoint", reason="lines")
        return cls(
            origin=lines[0],
            size=decimal(lines[1], "checkpoint"),
            root=unb64(lines[2], "checkpoint", HASH_BYTES),
            extensions=tuple(lines[3:]),
        )

    @property
    def is_plausible(self) -> bool:
        """False for an empty tree whose root is not that of the empty tree."""
        return self.size > 0 or self.root == EMPTY_ROOT

    def signed(self, key: SigningKey) -> str:
        """The checkpoint as the log publishes it; the key's name has to be the origin."""
        if key.name != self.origin:
            raise ValueError("a log signs under its own origin")
        return signed_note(str(self), key)

    def __str__(self) -> str:
        return "".join(f"{line}\n" for line in (self.origin, self.size, b64(self.root), *self.extensions))
