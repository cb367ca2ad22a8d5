"""The transcript of a draw: everything that decides it, as lines that anyone can hash again (format page §11).

The pool is published before the entropy is known; the entropy is fixed before anyone knows it. Nobody chooses.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from foundation.draws.errors import TranscriptMalformed
from foundation.sealing.text import h, note

KIND: Final = "etender-draw/v1"
MAX_TRANSCRIPT_BYTES: Final = 4 * 1024 * 1024
MAX_POOL: Final = 100_000

# drand "quicknet": public constants of the League of Entropy's unchained beacon.
QUICKNET_CHAIN: Final = "52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971"
QUICKNET_GENESIS: Final = 1_692_803_367
QUICKNET_PERIOD_SECONDS: Final = 3
BEACON_DELAY_SECONDS: Final = 600

_ID = re.compile(r"[A-Za-z0-9._:/-]{1,128}")
_RULE = re.compile(r"rule first ([1-9][0-9]{0,5})")
_POOL = re.compile(r"pool ([1-9][0-9]{0,5}) ([0-9a-f]{64})")
_BEACON = re.compile(r"beacon drand ([0-9a-f]{64}) ([1-9][0-9]{0,15}) ([0-9a-f]{96,192})")
_CONTRIBUTION = re.compile(r"contribution ([A-Za-z0-9._:/-]{1,128}) ([0-9a-f]{64})")


@dataclass(frozen=True, slots=True)
class Beacon:
    """A pre-announced public random value. Verify ``signature`` (BLS) against the pinned chain key before use."""

    chain: str
    round: int
    signature: str

    def line(self) -> str:
        return f"beacon drand {self.chain} {self.round} {self.signature}"


@dataclass(frozen=True, slots=True)
class Contribution:
    """32 bytes of entropy, hex, fixed by a commitment before anyone knew the others'."""

    id: str
    value: str


@dataclass(frozen=True, slots=True)
class FrozenBid:
    """One live bid of the freeze."""

    bid: str
    rev: int
    leaf_index: int
    envelope_hash: str

    def line(self) -> str:
        return f"{self.bid} {self.rev} {self.leaf_index} {self.envelope_hash}"


@dataclass(frozen=True, slots=True)
class Transcript:
    """A parsed transcript. ``freeze`` and ``checkpoint`` are the text after those words, "" where the line is absent.

    ``text`` is what is hashed.
    """

    draw_id: str
    first: int
    pool_size: int
    pool_hash: str
    freeze: str
    checkpoint: str
    beacon: Beacon | None
    contributions: tuple[Contribution, ...]
    text: str

    @property
    def seed(self) -> str:
        """Hex seed of every ticket."""
        return h(*self.text[:-1].split("\n"))

    @classmethod
    def parse(cls, text: str) -> Transcript:
        """Read a transcript; :class:`TranscriptMalformed` for unknown, missing or misplaced lines."""
        return _parse(text)


def pool_line(pool: Sequence[str]) -> str:
    """``pool <n> <hash>`` over the pool in its published order."""
    return f"pool {len(pool)} {h(*pool)}"


def freeze_text(frozen: Iterable[FrozenBid]) -> str:
    """Hash over the sorted freeze list: what the freeze line of an opening's draw carries."""
    return h(*sorted(bid.line() for bid in frozen))


def beacon_round(deadline: datetime) -> int:
    """The quicknet round a draw must use: the first after the deadline plus ten minutes. Moves with the deadline."""
    if deadline.tzinfo is None:
        raise ValueError("an instant carries its time zone")
    elapsed = int(deadline.timestamp()) + BEACON_DELAY_SECONDS - QUICKNET_GENESIS
    return elapsed // QUICKNET_PERIOD_SECONDS + 1


def beacon_time(number: int) -> datetime:
    """When quicknet gives this round; nobody knows its value before."""
    return datetime.fromtimestamp(QUICKNET_GENESIS + (number - 1) * QUICKNET_PERIOD_SECONDS, UTC)


def contribution_value(revealed: bytes | None, commitment: str) -> str:
    """A contributor's value: the revealed 32 bytes, or its commitment where what it sealed is malformed."""
    return revealed.hex() if revealed is not None else commitment


def build(
    *,
    draw_id: str,
    first: int,
    pool: Sequence[str],
    contributions: Mapping[str, str],
    beacon: Beacon | None,
    is_beacon_waived_by_notice: bool = False,
    frozen: Sequence[FrozenBid] = (),
    checkpoint: str = "",
) -> Transcript:
    """Write a transcript.

    A draw at an opening takes ``frozen``; one before it takes ``checkpoint`` (``<tree size> <root base64>``).
    ``beacon`` may be None only when the tender notice said beforehand that none is used, and must be then: falling
    back when the beacon "was down" would itself be a choice. Raises :class:`TranscriptMalformed`.
    """
    if (beacon is None) != is_beacon_waived_by_notice:
        raise TranscriptMalformed(reason="beacon")
    if bool(frozen) == bool(checkpoint):
        raise TranscriptMalformed(reason="freeze")
    lines = [KIND, f"draw {draw_id}", f"rule first {first}"]
    try:
        lines.append(pool_line(pool))
        lines.append(f"freeze {freeze_text(frozen)}" if frozen else f"checkpoint {checkpoint}")
        if beacon is not None:
            lines.append(beacon.line())
        lines += [f"contribution {name} {value}" for name, value in sorted(contributions.items())]
        text = note(*lines).decode()
    except ValueError as error:
        raise TranscriptMalformed(reason="line_break") from error
    return _parse(text)


class _Lines:
    """Takes lines from the front, by their first word."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def take(self, pattern: re.Pattern[str], reason: str) -> re.Match[str]:
        found = pattern.fullmatch(self._lines.pop(0)) if self._lines else None
        if found is None:
            raise TranscriptMalformed(reason=reason)
        return found

    def after(self, word: str) -> str:
        """The rest of the next line if it begins with this word, else ""."""
        if self._lines and self._lines[0].startswith(f"{word} "):
            return self._lines.pop(0)[len(word) + 1 :]
        return ""

    def is_next(self, word: str) -> bool:
        return bool(self._lines) and self._lines[0].startswith(f"{word} ")

    def is_empty(self) -> bool:
        return not self._lines


def _parse(text: str) -> Transcript:
    if len(text) > MAX_TRANSCRIPT_BYTES:
        raise TranscriptMalformed(reason="too_large")
    if not text.endswith("\n") or "\r" in text or "\0" in text:
        raise TranscriptMalformed(reason="line_break")
    lines = _Lines(text[:-1].split("\n"))
    lines.take(re.compile(re.escape(KIND)), "kind")
    draw_id = lines.take(re.compile(f"draw ({_ID.pattern})"), "draw")[1]
    first = int(lines.take(_RULE, "rule")[1])
    pool = lines.take(_POOL, "pool")
    # The text of the freeze line has had two forms; the hash of the transcript covers either.
    freeze, checkpoint = lines.after("freeze"), lines.after("checkpoint")
    beacon = None
    if lines.is_next("beacon"):
        found = lines.take(_BEACON, "beacon")
        beacon = Beacon(found[1], int(found[2]), found[3])
    contributions = []
    while not lines.is_empty():
        found = lines.take(_CONTRIBUTION, "contribution")
        contributions.append(Contribution(found[1], found[2]))
    names = [contribution.id for contribution in contributions]
    if names != sorted(set(names)):
        raise TranscriptMalformed(reason="contribution_order")
    if beacon is None and not contributions:
        raise TranscriptMalformed(reason="no_entropy")
    if first > int(pool[1]):
        raise TranscriptMalformed(reason="rule")
    return Transcript(draw_id, first, int(pool[1]), pool[2], freeze, checkpoint, beacon, tuple(contributions), text)
