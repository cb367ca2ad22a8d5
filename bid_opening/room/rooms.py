"""One room as this process knows it: its channels, its readers, and who of the bidders is in the line."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from bid_opening.room.channel import Channel
from bid_opening.room.reader import Reader

_LISTED: Final = "list_published"


@dataclass(slots=True, eq=False)
class Room:
    """Everything here can be thrown away and read again."""

    lot_id: str
    idle_since: float
    channels: dict[str, Channel] = field(default_factory=dict)
    readers: set[Reader] = field(default_factory=set)
    loading: asyncio.Lock = field(default_factory=asyncio.Lock)
    may_show_presence: bool = False
    """True once the list of bidders is public; before that nobody may learn who is there (R1.05)."""
    told_presence: str = ""
    pollers: int = 0
    """Requests that wait for news without a socket."""
    looked_at: float = 0.0
    _lines: Counter[str] = field(default_factory=Counter)
    _since: dict[str, str] = field(default_factory=dict)

    @property
    def is_watched(self) -> bool:
        """Whether anybody waits for what is new here."""
        return bool(self.readers) or self.pollers > 0

    def take_phase(self, frames: Iterable[tuple[int, str]]) -> None:
        """Learn from frames whether the list is public."""
        for _, text in frames:
            if self.may_show_presence:
                return
            if _LISTED in text and str(json.loads(text).get("type", "")).endswith(_LISTED):
                self.may_show_presence = True

    def count_seat(self, org_id: str, *, came: bool, at: str) -> bool:
        """Count one line more or less of a bidder; True when it came first or left last."""
        self._lines[org_id] += 1 if came else -1
        is_edge = self._lines[org_id] == (1 if came else 0)
        if is_edge:
            self._since[org_id] = at
        return is_edge

    def presence_message(self) -> str:
        """``{"presence": …}`` for staff: bidders by organisation, and how many others listen."""
        bidders: dict[str, Any] = {
            org_id: {"online": self._lines[org_id] > 0, "since": since} for org_id, since in sorted(self._since.items())
        }
        staff = self.channels["staff"].readers if "staff" in self.channels else set()
        gallery = sum(1 for reader in self.readers if reader.is_gallery)
        told = {"bidders": bidders, "gallery": gallery, "staff": len({reader.actor.user_id for reader in staff})}
        return json.dumps({"presence": told}, separators=(",", ":"), ensure_ascii=False)
