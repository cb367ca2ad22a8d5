"""Damage done to an envelope: by somebody without a key, or by a bidder who signs whatever it has.

Everything follows from a seed. Bytes are flipped, cut, moved, repeated; pieces of another bid come in; parts, lines,
fields of the header and entries of its lists change places.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from foundation.entropy import SeededEntropy
from foundation.errors import InvalidInput, Tampering
from foundation.sealing import (
    Header,
    Manifest,
    Suite,
    content_key,
    inspect,
    open_header,
    open_part_bytes,
    part_key,
    recover_r_bid,
    recover_r_gate,
)
from tests.unit.sealing import forgeries
from tests.unit.sealing.story import SCHEDULE, Story, seal_story

T = TypeVar("T")
LIMIT = 1 << 20
CONTENTS = {"price_schedule": SCHEDULE, "technical": bytes(range(256)) * 80}
FIELDS = ("header", "manifest", "signature", *CONTENTS)
GRAMMAR = [
    b"0",
    b"1",
    b"-",
    b"a",
    b'"',
    b",",
    b":",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\\",
    b"\x00",
    b"\n",
    b" ",
    b"\xff",
    b"null",
]


@dataclass(frozen=True)
class Envelope:
    """Everything a bidder hands in, as bytes."""

    header: bytes
    manifest: bytes
    signature: bytes
    parts: dict[str, bytes]

    def field(self, name: str) -> bytes:
        own: bytes = self.parts[name] if name in self.parts else getattr(self, name)
        return own

    def with_field(self, name: str, data: bytes) -> Envelope:
        parts = {**self.parts, name: data} if name in self.parts else self.parts
        fixed: dict[str, bytes] = {} if name in self.parts else {name: data}
        return replace(self, parts=parts, **fixed)


class Dice:
    """Numbers that are the same in every run of a seed."""

    def __init__(self, seed: str) -> None:
        self._entropy = SeededEntropy(seed)

    def below(self, limit: int) -> int:
        return int.from_bytes(self._entropy.token(8), "big") % max(1, limit)

    def pick(self, items: Sequence[T]) -> T:
        return items[self.below(len(items))]

    def token(self, size: int) -> bytes:
        return self._entropy.token(size)


# One run of bytes ------------------------------------------------------------------------------------------------


def flip(data: bytes, dice: Dice) -> bytes:
    changed = bytearray(data)
    for _ in range(1 + dice.below(3)):
        changed[dice.below(len(changed))] ^= 1 << dice.below(8)
    return bytes(changed)


def cut(data: bytes, dice: Dice) -> bytes:
    return data[: dice.below(len(data))]


def remove(data: bytes, dice: Dice) -> bytes:
    at = dice.below(len(data))
    return data[:at] + data[at + 1 + dice.below(40) :]


def insert(data: bytes, dice: Dice) -> bytes:
    at = dice.below(len(data) + 1)
    return data[:at] + (dice.pick(GRAMMAR) if dice.below(2) else dice.token(1 + dice.below(40))) + data[at:]


def overwrite(data: bytes, dice: Dice) -> bytes:
    at, new = dice.below(len(data)), dice.pick(GRAMMAR)
    return data[:at] + new + data[at + len(new) :]


def repeat(data: bytes, dice: Dice) -> bytes:
    at, size = dice.below(len(data)), 1 + dice.below(200)
    return data[: at + size] + data[at:]


def swap(data: bytes, dice: Dice) -> bytes:
    size = 1 + dice.below(max(1, len(data) // 4))
    at = dice.below(max(1, len(data) - 2 * size))
    return data[:at] + data[at + size : at + 2 * size] + data[at : at + size] + data[at + 2 * size :]


CHANGES: list[Callable[[bytes, Dice], bytes]] = [flip, cut, remove, insert, overwrite, repeat, swap]


def _changed_bytes(envelope: Envelope, dice: Dice) -> Envelope:
    name = dice.pick(FIELDS)
    data = envelope.field(name)
    return envelope.with_field(name, dice.pick(CHANGES)(data, dice)) if data else envelope


# What has a form --------------------------------------------------------------------------------------------------


def _swapped_parts(envelope: Envelope, dice: Dice) -> Envelope:
    """Two ciphertexts change places."""
    first, second = CONTENTS
    parts = {first: envelope.parts[second], second: envelope.parts[first]}
    return replace(envelope, parts=parts)


def _moved_lines(envelope: Envelope, dice: Dice) -> Envelope:
    """Two lines of the manifest change places, or one is there twice."""
    rows = envelope.manifest.split(b"\n")
    first, second = dice.below(len(rows)), dice.below(len(rows))
    rows[first], rows[second] = rows[second], rows[first] if dice.below(3) else rows[second]
    return replace(envelope, manifest=b"\n".join(rows))


def _swapped_fields(envelope: Envelope, dice: Dice) -> Envelope:
    """Two values anywhere in the header change places: commitments, wraps, lists, entries of lists."""
    try:
        value = json.loads(envelope.header)
    except ValueError:
        return envelope
    places = list(_places(value))
    if not places:
        return envelope
    (one, key), (other, to) = dice.pick(places), dice.pick(places)
    try:
        one[key], other[to] = other[to], one[key]
        raw = json.dumps(value, separators=(",", ":")).encode()
    except (IndexError, KeyError, ValueError, RecursionError):  # one of the two lies within the other
        return envelope
    return replace(envelope, header=raw)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in list(keys):
        yield value, key
        yield from _places(value[key])


SHAPES = (_swapped_parts, _moved_lines, _swapped_fields, _swapped_fields)


# The campaign -----------------------------------------------------------------------------------------------------


def failure_of(act: Callable[[], object]) -> str:
    """The code of the named error; "" when there was none. Any other exception is a bug and goes through."""
    try:
        act()
    except (InvalidInput, Tampering) as error:
        return error.code
    return ""


class Campaign:
    """One sealed bid and another of the same bidder's making, in a suite, to be damaged."""

    def __init__(self, suite: Suite) -> None:
        self.story = seal_story("soak", contents=CONTENTS, suite=suite)
        reversed_contents = {name: text[::-1] for name, text in CONTENTS.items()}
        self.honest = self._envelope_of(self.story)
        self._foreign = self._envelope_of(seal_story("soak, another bid", contents=reversed_contents, suite=suite))

    @staticmethod
    def _envelope_of(story: Story) -> Envelope:
        sealed = story.sealed
        return Envelope(sealed.header.raw, sealed.manifest.raw, sealed.signature, story.parts)

    def mutated(self, dice: Dice) -> Envelope:
        """One envelope that is not the honest one."""
        envelope = self.honest
        while envelope == self.honest:
            for _ in range(1 + (dice.below(4) == 0)):
                which = dice.below(12)
                if which == 0:
                    name = dice.pick(FIELDS)
                    envelope = envelope.with_field(name, self._foreign.field(name))
                elif which <= 2:
                    envelope = dice.pick(SHAPES)(envelope, dice)
                else:
                    envelope = _changed_bytes(envelope, dice)
        return envelope

    def signed_again(self, envelope: Envelope) -> Envelope:
        """By a bidder who signs whatever it has: sizes, roots and hashes fit, if the header can be read."""
        header = Header.parse(envelope.header)
        manifest, signature = forgeries.sign_over(self.story, header, envelope.parts)
        return Envelope(envelope.header, manifest.raw, signature, envelope.parts)

    def receive(self, envelope: Envelope) -> None:
        """What the centre does with a bid that is handed in. Raises a named error."""
        inspect(envelope.header, envelope.manifest, envelope.signature, self.story.expected)

    def opened(self, envelope: Envelope) -> dict[str, bytes]:
        """What the centre would read, every check on the way made. Raises a named error."""
        manifest = Manifest.parse(envelope.manifest)
        header = open_header(envelope.header, manifest)
        r_bid = recover_r_bid(header, self.story.bidder_keys[0])
        r_gate = recover_r_gate(header, self.story.keyset, dict(enumerate(self.story.gate_keys))).r_gate
        cek = content_key(header, r_bid, r_gate)
        return {
            part.id: open_part_bytes(
                io.BytesIO(envelope.parts.get(part.id, b"")),
                part,
                part_key(cek, part.id),
                header,
                limit_bytes=LIMIT,
            )
            for part in manifest.parts
        }
