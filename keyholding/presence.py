"""Whether the holders of a lot are there: when each last asked for work. Read only; nothing is asked of anybody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from foundation.store.unit import Unit
from keyholding import access


@dataclass(frozen=True, slots=True)
class HolderPresence:
    """A holder of a lot's key set. ``last_seen_at`` is machine time, up to ten seconds behind.

    ``has_agent``: a program answers for it. Neither that nor ``acts_by_hand``: nobody can answer.
    """

    seat_id: str
    role: str
    holder_name: str
    org_name: str
    has_agent: bool
    acts_by_hand: bool
    last_seen_at: datetime | None


def holders_present(unit: Unit, lot_id: str) -> tuple[HolderPresence, ...]:
    """The holders of the key set that counts now, gate before escrow; empty where the lot has none."""
    keyset = access.current_keyset(unit, lot_id)
    if keyset is None:
        return ()
    found = []
    for member in access.members(unit, keyset.id):
        seat = access.seat(unit, member.seat_id)
        found.append(
            HolderPresence(
                seat_id=seat.id,
                role=member.role.value,
                holder_name=member.holder_name,
                org_name=member.org_name,
                has_agent=seat.agent_token_hash is not None,
                acts_by_hand=seat.browser_since is not None,
                last_seen_at=seat.last_seen_at,
            )
        )
    return tuple(found)
