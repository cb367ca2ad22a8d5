"""The proof file a receipt holder keeps (C2SP tlog-proof, extension ``.tlog-proof``)."""

from __future__ import annotations

from dataclasses import dataclass

from foundation.transparency.errors import MalformedText
from foundation.transparency.notes import MAX_NOTE_BYTES
from foundation.transparency.text import b64, decimal, hash_lines, unb64

HEADER = "c2sp.org/tlog-proof@v1"


@dataclass(frozen=True, slots=True)
class TlogProof:
    """An inclusion proof with the signed checkpoint it leads to.

    ``extra`` is not covered by any signature; here it carries what unblinds a leaf (``blinding.Unblinding``).
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes | None = None

    @classmethod
    def parse(cls, text: str) -> TlogProof:
        if len(text) > 2 * MAX_NOTE_BYTES:
            raise MalformedText(what="tlog-proof", reason="too_large")
        head, blank, checkpoint = text.partition("\n\n")
        lines = head.split("\n")
        if not blank or lines.pop(0) != HEADER:
            raise MalformedText(what="tlog-proof", reason="header")
        extra = None
        if lines and lines[0].startswith("extra "):
            extra = unb64(lines.pop(0).removeprefix("extra "), "tlog-proof")
        if not lines or not lines[0].startswith("index "):
            raise MalformedText(what="tlog-proof", reason="index")
        index = decimal(lines.pop(0).removeprefix("index "), "tlog-proof")
        return cls(index, hash_lines(lines, "tlog-proof"), checkpoint, extra)

    def __str__(self) -> str:
        extra = [] if self.extra is None else [f"extra {b64(self.extra)}"]
        lines = [HEADER, *extra, f"index {self.index}", *map(b64, self.hashes)]
        return "".join(f"{line}\n" for line in lines) + "\n" + self.checkpoint
