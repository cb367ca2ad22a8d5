"""What the law and the tender document have the host say at each phase (R3.40): codes of sentences, pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from bid_opening.ceremony import RoomState
from bid_opening.states import Phase


@dataclass(frozen=True, slots=True)
class Statement:
    """Terms ``statutory.<code>`` and, for what it rests on, ``statutory_ground.<code>``; ``params`` fill the first."""

    code: str
    params: Mapping[str, object] = field(default_factory=dict)


_SAID: Final[Mapping[Phase, tuple[str, ...]]] = {
    Phase.CHECK_IN: ("check_in",),
    Phase.INTAKE_CLOSED: ("discipline",),
    Phase.FROZEN: ("discipline",),
    Phase.LIST_PUBLISHED: ("discipline", "list_published"),
    Phase.DECRYPTING: ("decrypting",),
    Phase.WINDOW_CLOSED: ("window_closed",),
    Phase.GATE_RELEASED: ("gate_released",),
    Phase.PARAM_DRAWN: ("reading",),
    Phase.READING: ("reading",),
    Phase.QUERY: ("query",),
    Phase.CONFIRMING: ("confirming",),
    Phase.CLOSED: ("closed",),
    Phase.SUSPENDED: ("suspended",),
    Phase.FAILED: ("failed",),
}


def statements(state: RoomState) -> tuple[Statement, ...]:
    """What is to be said now, in order. Never a count before the list is public: there are no seats until then."""
    facts: dict[str, Mapping[str, object]] = {
        "list_published": {"count": len(state.seats)},
        "decrypting": {"minutes": state.decrypt_minutes},
        "confirming": {"minutes": state.confirm_minutes},
    }
    return tuple(Statement(code, facts.get(code, {})) for code in _SAID.get(state.phase, ()))
