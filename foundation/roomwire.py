"""The words of an opening room's line (docs/reference/room-protocol.md): version, close codes, positions, order.

Pure: no socket, no clock, no database. The room process, the Python clients and measurements use the same words; the
pages have theirs in ``static/js/room/``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Final

Frame = dict[str, Any]
VERSION: Final = 1
"""What this program speaks."""
OLDEST_VERSION: Final = 1
"""The oldest version the room still speaks to; a page that was loaded before that must be loaded again."""
SILENT_SECONDS: Final = 14.0
"""The room speaks every ten seconds; who hears nothing for this long has lost the line (R3.18)."""
HELLO_SECONDS: Final = 3.0
FIRST_RETRY_SECONDS: Final = 0.5
LONGEST_RETRY_SECONDS: Final = 15.0
EARLY_LIMIT: Final = 2000
"""Frames kept for one audience while a hole before them is being filled."""
MAX_AUDIENCES: Final = 8
_AUDIENCE: Final = re.compile(r"public|staff|bidder:[A-Za-z0-9-]{1,64}")
_NUMBER: Final = re.compile(r"0|[1-9][0-9]{0,9}")


class Code(IntEnum):
    """Why the room closes a socket."""

    SIGN_IN = 4401
    NOT_YOURS = 4403
    NO_ROOM = 4404
    TOO_SLOW = 4408
    OLD_VERSION = 4426
    TOO_MANY = 4429
    BAD_REQUEST = 1008
    TOO_BIG = 1009
    GOING_AWAY = 1001


FINAL: Final = frozenset({Code.SIGN_IN, Code.NOT_YOURS, Code.NO_ROOM, Code.OLD_VERSION, Code.BAD_REQUEST})
"""Codes after which another try would be answered alike: the client stops."""


class FrameLost(Exception):
    """A frame is missing in a sequence that has no holes: the server broke its promise."""


class BadPositionText(ValueError):
    """Not a list of ``audience:number``."""


def speaks(version: str) -> bool:
    """Whether a client of this version (the text of ``v``; "" means 1) is understood."""
    return _NUMBER.fullmatch(version or "1") is not None and OLDEST_VERSION <= int(version or "1") <= VERSION


def parse_after(text: str) -> dict[str, int]:
    """``public:12,bidder:<org>:3`` as audience → last number seen. Empty text means: everything I may see, from 1.

    Raises BadPositionText.
    """
    wanted: dict[str, int] = {}
    for part in filter(None, text.split(",")):
        audience, _, number = part.rpartition(":")
        if not _AUDIENCE.fullmatch(audience) or not _NUMBER.fullmatch(number) or audience in wanted:
            raise BadPositionText(part)
        wanted[audience] = int(number)
    if len(wanted) > MAX_AUDIENCES:
        raise BadPositionText(text)
    return wanted


def write_after(heads: Mapping[str, int]) -> str:
    """The text again, in a fixed order."""
    return ",".join(f"{audience}:{number}" for audience, number in sorted(heads.items()))


def retry_seconds(tries: int, chance: float, *, spread: float = 0.0) -> float:
    """How long to wait before the next try: doubling from half a second to fifteen, half of it by chance.

    ``chance`` is a fraction of one. ``spread`` is what the room told in seconds: so wide the first return of a full
    room must be strewn that the newcomers do not come in one wave; it is added to the first wait alone.
    """
    longest = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2.0 ** min(tries, 10))
    return longest / 2 + chance * (longest / 2 + (spread if tries == 0 else 0.0))


@dataclass(slots=True)
class Position:
    """How far each audience has been read."""

    heads: dict[str, int] = field(default_factory=dict)

    def take(self, frame: Mapping[str, Any]) -> bool:
        """Note a frame; False when it was seen before. Raises FrameLost for a hole."""
        audience, number = str(frame["audience"]), int(frame["seq"])
        last = self.heads.get(audience, 0)
        if number <= last:
            return False
        if number != last + 1:
            raise FrameLost(f"{audience}: {number} after {last}")
        self.heads[audience] = number
        return True

    def text(self) -> str:
        """As ``after`` wants it."""
        return write_after(self.heads)


@dataclass(slots=True)
class Sequencer:
    """Puts frames in order that come late, early or doubled; each leaves once, none before the one it follows.

    ``heads`` names the audiences that are read and their last numbers; frames of others are passed over.
    """

    heads: dict[str, int] = field(default_factory=dict)
    _early: dict[str, dict[int, Frame]] = field(default_factory=dict)

    def know(self, audiences: Iterable[str]) -> None:
        """Read these too, from their beginning where they are new."""
        for audience in audiences:
            self.heads.setdefault(audience, 0)

    def begin_at(self, heads: Mapping[str, int]) -> None:
        """Take these positions, whatever was known: another history (a restored database), or a snapshot."""
        self.heads = dict(heads)
        self._early.clear()

    def accept(self, frame: Frame) -> list[Frame]:
        """What may leave now that this one came: nothing, it, or it and those that waited for it."""
        audience, number = str(frame["audience"]), int(frame["seq"])
        head = self.heads.get(audience)
        if head is None or number <= head:
            return []
        early = self._early.setdefault(audience, {})
        if number > head + 1:
            if len(early) < EARLY_LIMIT:
                early[number] = frame
            return []
        ready = [frame]
        early.pop(number, None)
        while (following := early.pop(number + len(ready), None)) is not None:
            ready.append(following)
        self.heads[audience] = number + len(ready) - 1
        return ready

    @property
    def has_gap(self) -> bool:
        """Whether frames wait for a hole to be filled: ask for what is missing."""
        return any(self._early.values())

    def text(self) -> str:
        """As ``after`` wants it."""
        return write_after(self.heads)
