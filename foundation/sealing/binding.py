"""What an envelope is bound to: tender, lot, stage, bidder, bid, revision, key set, parts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from foundation.sealing.errors import BindingMalformed
from foundation.sealing.keyset import read_suite
from foundation.sealing.strict import Fields, dump_compact, load_object
from foundation.sealing.suite import DEFAULT, Suite
from foundation.sealing.text import HEX_16, HEX_32, INSTANT, PREVIOUS, TOKEN, WORD, instant_text, parse_instant

MAX_BINDING_BYTES: Final = 16 * 1024
MAX_PARTS: Final = 16
MAX_NAME_LENGTH: Final = 200
MAX_REV: Final = 9999
NO_PREVIOUS: Final = "-"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a bid: ``id`` is the word used in keys, ``name`` what people read."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Binding:
    """The parsed binding, with the bytes it was read from.

    ``raw`` is what is hashed: two serialisations of the same facts are two bindings. ``prev`` is the envelope hash of
    the revision this one replaces, ``"-"`` for the first. ``created`` is the client's claim and proves nothing.
    """

    tender: str
    lot: str
    stage: str
    bidder: str
    bid: str
    rev: int
    prev: str
    keyset: str
    parts: tuple[Part, ...]
    created: datetime
    raw: bytes
    suite: Suite

    @property
    def hash(self) -> bytes:
        """``b`` in the formulas: 32 raw bytes."""
        return self.suite.digest(self.raw)

    @classmethod
    def parse(cls, raw: bytes) -> Binding:
        """Read binding bytes; :class:`BindingMalformed` for any departure from the format page."""
        fail = BindingMalformed
        value = load_object(raw, limit_bytes=MAX_BINDING_BYTES, fail=fail)
        keys = {"v", "suite", "tender", "lot", "stage", "bidder", "bid", "rev", "prev", "keyset", "parts", "created"}
        top = Fields(value, "", fail, required=keys)
        top.integer("v", 1, 1)
        suite = read_suite(top)
        parts = tuple(
            Part(id=part.string("id", WORD), name=part.text("name", 1, MAX_NAME_LENGTH))
            for part in top.inners("parts", 1, MAX_PARTS, required={"id", "name"})
        )
        if len({part.id for part in parts}) != len(parts):
            top.refuse("parts", "duplicate_part")
        rev, prev = top.integer("rev", 1, MAX_REV), top.string("prev", PREVIOUS)
        if (rev == 1) != (prev == NO_PREVIOUS):
            top.refuse("prev", "previous")
        try:
            created = parse_instant(top.string("created", INSTANT))
        except ValueError:
            top.refuse("created", "form")
        return cls(
            tender=top.string("tender", TOKEN),
            lot=top.string("lot", TOKEN),
            stage=top.string("stage", WORD),
            bidder=top.string("bidder", TOKEN),
            bid=top.string("bid", HEX_16),
            rev=rev,
            prev=prev,
            keyset=top.string("keyset", HEX_32),
            parts=parts,
            created=created,
            raw=raw,
            suite=suite,
        )


def write_binding(
    *,
    tender: str,
    lot: str,
    stage: str,
    bidder: str,
    bid: str,
    rev: int,
    prev: str,
    keyset: str,
    parts: tuple[Part, ...],
    created: datetime,
    suite: Suite = DEFAULT,
) -> Binding:
    """Write a binding once and read it back, so that a client cannot make what a server would refuse.

    ``suite`` is the key set's: :func:`foundation.sealing.seal.seal` refuses another one.
    """
    value: dict[str, Any] = {
        "v": 1,
        "suite": suite.name,
        "tender": tender,
        "lot": lot,
        "stage": stage,
        "bidder": bidder,
        "bid": bid,
        "rev": rev,
        "prev": prev,
        "keyset": keyset,
        "parts": [{"id": part.id, "name": part.name} for part in parts],
        "created": instant_text(created),
    }
    return Binding.parse(dump_compact(value))
