"""Twenty thousand envelopes, each changed somewhere: none opens to anything but what was sealed, each fails by name."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

import pytest

from foundation.entropy import SeededEntropy
from foundation.errors import InvalidInput, Tampering
from foundation.sealing import (
    Header,
    Manifest,
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
TOTAL, SEEDS = 20_000, 20
LIMIT = 1 << 20
CONTENTS = {"price_schedule": SCHEDULE, "technical": bytes(range(256)) * 80}
STORY = seal_story("soak", contents=CONTENTS)
OTHER = seal_story("soak, another bid", contents={name: text[::-1] for name, text in CONTENTS.items()})
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


def envelope_of(story: Story) -> Envelope:
    sealed = story.sealed
    return Envelope(sealed.header.raw, sealed.manifest.raw, sealed.signature, story.parts)


CIPHERTEXT = STORY.parts
HONEST, FOREIGN = envelope_of(STORY), envelope_of(OTHER)


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


def mutated(dice: Dice) -> Envelope:
    """One envelope that is not the honest one: changed somewhere, or with a piece of another bid."""
    envelope = HONEST
    while envelope == HONEST:
        for _ in range(1 + (dice.below(4) == 0)):
            name = dice.pick(FIELDS)
            if dice.below(12) == 0:
                envelope = envelope.with_field(name, FOREIGN.field(name))
            elif data := envelope.field(name):
                envelope = envelope.with_field(name, dice.pick(CHANGES)(data, dice))
    return envelope


def signed_again(envelope: Envelope) -> Envelope:
    """The same by a bidder who signs whatever it has: sizes, roots and hashes fit, if the header can be read."""
    header = Header.parse(envelope.header)
    manifest, signature = forgeries.sign_over(STORY, header, envelope.parts)
    return Envelope(envelope.header, manifest.raw, signature, envelope.parts)


def opened(envelope: Envelope) -> dict[str, bytes]:
    """What the centre would read, every check on the way made. Raises a named error."""
    manifest = Manifest.parse(envelope.manifest)
    header = open_header(envelope.header, manifest)
    r_bid = recover_r_bid(header, STORY.bidder_keys[0])
    r_gate = recover_r_gate(header, STORY.keyset, dict(enumerate(STORY.gate_keys))).r_gate
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


def test_the_honest_envelope_opens_and_one_signed_again_too() -> None:
    for envelope in (HONEST, signed_again(HONEST)):
        inspect(envelope.header, envelope.manifest, envelope.signature, STORY.expected)
        assert opened(envelope) == CONTENTS


def failure_of(act: Callable[[], object]) -> str:
    """The code of the named error; "" when there was none. Any other exception is a bug and goes through."""
    try:
        act()
    except (InvalidInput, Tampering) as error:
        return error.code
    return ""


def received(envelope: Envelope) -> None:
    inspect(envelope.header, envelope.manifest, envelope.signature, STORY.expected)


def same_as_sealed(envelope: Envelope, *, is_received: bool) -> None:
    """Every part that opens is what was sealed; of a received envelope, all of them."""
    content = opened(envelope)
    assert content.items() <= CONTENTS.items()
    assert content == CONTENTS or not is_received


@pytest.mark.parametrize("seed", range(SEEDS))
def test_no_mutated_envelope_opens_to_a_wrong_plaintext_and_each_fails_by_name(seed: int) -> None:
    dice = Dice(f"mutations {seed}")
    refused = unopened = 0
    for number in range(TOTAL // SEEDS):
        envelope = mutated(dice)
        if number % 3 == 0 and not failure_of(partial(Header.parse, envelope.header)):
            envelope = signed_again(envelope)
        refusal = failure_of(partial(received, envelope))
        # A store may change bytes after they were received, so what is refused is opened all the same.
        failure = failure_of(partial(same_as_sealed, envelope, is_received=not refusal))
        for code in filter(None, (refusal, failure)):
            assert code.startswith("sealing."), code
        # Only a signature may be changed without harm to the content, and that is refused; ciphertext is not read
        # when a bid is received, and does not open. An envelope signed again over the honest parts is honest.
        assert refusal or failure or envelope.parts == CIPHERTEXT, f"seed {seed}, number {number}"
        refused += bool(refusal)
        unopened += bool(failure)
    assert refused > TOTAL // SEEDS // 3
    assert unopened > TOTAL // SEEDS // 3
