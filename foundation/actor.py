"""Who acts: carried by every Unit and written into every journal entry (R1.18)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from foundation.ids import OrgId, SessionId, UserId


@dataclass(frozen=True, slots=True)
class Actor:
    """A person signed in, an agent with a token, a process of the centre, or the anonymous public.

    ``role`` is the one the person acts in now; ``roles`` are all it may act in. ``source`` is a network address or a
    process name. Neither leaves the journal.
    """

    user_id: UserId | None = None
    org_id: OrgId | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    role: str = "public"
    display_name: str = ""
    org_name: str = ""
    session_id: SessionId | None = None
    source: str = ""

    @property
    def is_signed_in(self) -> bool:
        return self.user_id is not None

    def has_role(self, *wanted: str) -> bool:
        return any(role in self.roles for role in wanted)


PUBLIC: Final = Actor()
"""Somebody who has not signed in."""


def system(name: str) -> Actor:
    """A process of the centre itself ("worker", "room"): it holds no role of a person."""
    return Actor(role="system", roles=frozenset({"system"}), display_name=name, source=f"process:{name}")
