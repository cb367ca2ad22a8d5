"""Entry forms, and the tick leaf under which nobody can count bids.

招标投标法 §22 forbids disclosing even the number of bidders, and leaves of a public log can be counted. So while any
lot is open the log gets exactly one blinded leaf a tick, whatever happened: the root of a tree of 1,024 slots with the
tick's blinded records at random places among random filling.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foundation.entropy import Entropy
from foundation.transparency.errors import MalformedText
from foundation.transparency.merkle import HASH_BYTES, leaf_hash, node_hash, root_from_inclusion
from foundation.transparency.text import b64, decimal, hash_lines, unhex

PUBLIC_PREFIX = b"etender/v1 p "
BLINDED_PREFIX = b"etender/v1 c "
MAX_ENTRY_BYTES = 65_535  # a bundle gives each entry's length in 16 bits
NONCE_BYTES = 32
SLOTS = 1024
PATH_LENGTH = 10
_EXTRA_HEADER = "etender-unblinding/v1"


@dataclass(frozen=True, slots=True)
class PublicEntry:
    """A leaf anyone may read; ``body`` is the JSON as logged, hashed as bytes and never written anew."""

    body: bytes


@dataclass(frozen=True, slots=True)
class BlindedEntry:
    """A tick leaf: ``root`` of its 1,024 slots."""

    root: bytes


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a record lies within its tick: the slot, and the path from the slot to the tick's root."""

    slot: int
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Tick:
    """One blinded leaf. ``placements`` are keyed by blinded digest and belong to the record's owner alone."""

    entry: bytes
    placements: Mapping[bytes, Placement]


@dataclass(frozen=True, slots=True)
class Unblinding:
    """What leads from a record to its tick leaf: the content of ``extra`` in the holder's proof file."""

    nonce: bytes
    placement: Placement

    @classmethod
    def parse(cls, extra: bytes) -> Unblinding:
        what = "unblinding"
        try:
            text = extra.decode("ascii")
        except UnicodeDecodeError as error:
            raise MalformedText(what=what, reason="characters") from error
        lines = text.split("\n")
        if len(lines) != PATH_LENGTH + 4 or lines[0] != _EXTRA_HEADER or lines[-1]:
            raise MalformedText(what=what, reason="lines")
        if not lines[1].startswith("nonce ") or not lines[2].startswith("slot "):
            raise MalformedText(what=what, reason="lines")
        nonce = unhex(lines[1].removeprefix("nonce "), what, NONCE_BYTES)
        slot = decimal(lines[2].removeprefix("slot "), what)
        if slot >= SLOTS:
            raise MalformedText(what=what, reason="slot")
        return cls(nonce, Placement(slot, hash_lines(lines[3:-1], what)))

    def __bytes__(self) -> bytes:
        hashes = map(b64, self.placement.hashes)
        lines = [_EXTRA_HEADER, f"nonce {self.nonce.hex()}", f"slot {self.placement.slot}", *hashes]
        return "".join(f"{line}\n" for line in lines).encode("ascii")


def public_entry(body: bytes) -> bytes:
    """The entry of a public event; ``body`` is its JSON. At most 65,535 bytes in all."""
    entry = PUBLIC_PREFIX + body
    if not body or len(entry) > MAX_ENTRY_BYTES:
        raise MalformedText(what="entry", reason="size")
    return entry


def blinded_entry(root: bytes) -> bytes:
    """The entry of a tick whose slots have this root."""
    if len(root) != HASH_BYTES:
        raise MalformedText(what="entry", reason="size")
    return BLINDED_PREFIX + root.hex().encode("ascii")


def parse_entry(entry: bytes) -> PublicEntry | BlindedEntry:
    if entry.startswith(PUBLIC_PREFIX) and len(entry) > len(PUBLIC_PREFIX):
        return PublicEntry(entry.removeprefix(PUBLIC_PREFIX))
    if entry.startswith(BLINDED_PREFIX):
        digits = entry.removeprefix(BLINDED_PREFIX).decode("latin-1")
        return BlindedEntry(unhex(digits, "entry", HASH_BYTES))
    raise MalformedText(what="entry", reason="prefix")


def blinded_digest(nonce: bytes, entry: bytes) -> bytes:
    """h("etender-leaf/v1", hex nonce, base64 entry): hides the entry as long as the 32-byte nonce is unknown."""
    if len(nonce) != NONCE_BYTES:
        raise ValueError("a blinding nonce has 32 bytes")
    lines = f"etender-leaf/v1\n{nonce.hex()}\n{b64(entry)}\n"
    return hashlib.sha256(lines.encode("ascii")).digest()


def tick(records: Sequence[bytes], entropy: Entropy) -> Tick:
    """Make the blinded leaf of one tick from up to 1,024 blinded digests; what overflows waits for the next tick.

    Not reproducible: the caller stores the result in the transaction that takes the records, and never calls twice.
    """
    if len(records) > SLOTS or len(set(records)) != len(records):
        raise ValueError("a tick holds at most 1,024 records, each once")
    if any(len(record) != HASH_BYTES for record in records):
        raise ValueError("a record enters a tick as a blinded digest of 32 bytes")
    filling = entropy.token(SLOTS * HASH_BYTES)
    slots = [filling[at : at + HASH_BYTES] for at in range(0, len(filling), HASH_BYTES)]
    # Filled from the left, a record's own slot number would tell its owner how many others there are.
    places = dict(zip(records, _distinct_slots(len(records), entropy), strict=True))
    for record, slot in places.items():
        slots[slot] = record
    levels = [[leaf_hash(slot) for slot in slots]]
    while len(levels[-1]) > 1:
        row = levels[-1]
        levels.append([node_hash(row[i], row[i + 1]) for i in range(0, len(row), 2)])
    placements = {
        record: Placement(slot, tuple(levels[depth][(slot >> depth) ^ 1] for depth in range(PATH_LENGTH)))
        for record, slot in places.items()
    }
    return Tick(blinded_entry(levels[-1][0]), placements)


def tick_entry(record: bytes, placement: Placement) -> bytes:
    """The tick leaf that ``record`` (a blinded digest) lies under, if the placement is true. Raises BadProof."""
    return blinded_entry(root_from_inclusion(placement.slot, SLOTS, leaf_hash(record), placement.hashes))


def _distinct_slots(count: int, entropy: Entropy) -> list[int]:
    """``count`` different slots, uniformly: the first places of a Fisher-Yates shuffle."""
    order = list(range(SLOTS))
    for place in range(count):
        other = place + _below(SLOTS - place, entropy)
        order[place], order[other] = order[other], order[place]
    return order[:count]


def _below(limit: int, entropy: Entropy) -> int:
    # Numbers beyond the last whole multiple are thrown away: a plain remainder would favour small slots.
    usable = 65_536 - 65_536 % limit
    while (number := int.from_bytes(entropy.token(2), "big")) >= usable:
        pass
    return number % limit
