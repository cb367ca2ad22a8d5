"""What people are told of an opening, purely: which event is told to whom, and which moments come by the clock (R3.53).

Sentences are ``inbox.opening_…``. No sentence says who or how many bid, and none carries a price.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from bid_opening.room_state import RoomState
from bid_opening.states import Phase
from foundation.events import Event
from foundation.events import bid_opening as e

HOURS: Final = (24, 1)
LAST_MINUTES: Final = 5
SAME_MINUTES: Final = 15
AHEAD: Final = (Phase.SCHEDULED, Phase.CHECK_IN)


class To(StrEnum):
    """Who is told. ``BIDDERS``: the seats, before the list those whose bid is live; ``HOST``: tenderee and agency."""

    BIDDERS = "bidders"
    HOST = "host"
    ONE = "one"


@dataclass(frozen=True, slots=True)
class Notice:
    """One message: its code without ``inbox.opening_``, its readers, what fills it, until when it is of use."""

    code: str
    to: frozenset[To]
    page: str
    params: Mapping[str, object] = field(default_factory=dict)
    org_id: str = ""
    stale_at: datetime | None = None


BIDDERS: Final = frozenset({To.BIDDERS})
BOTH: Final = frozenset({To.BIDDERS, To.HOST})
ONE: Final = frozenset({To.ONE})
TOLD: Final[tuple[type[Event], ...]] = (
    e.CheckInOpened,
    e.WindowOpened,
    e.EscrowRequestConfirmed,
    e.EscrowOpened,
    e.ObjectionAnswered,
    e.ConfirmationOpened,
    e.OpeningSuspended,
    e.OpeningReconvened,
    e.OpeningAborted,
    e.OpeningFailed,
    e.RecordIssued,
)
"""The events that people are told of."""


def notice_of(event: Event, state: RoomState) -> Notice | None:
    """The message an event causes; None for an event nobody needs to be told of."""
    match event:
        case e.CheckInOpened():
            params = {"opens_at": state.opens_at} if state.opens_at else {}
            return Notice("sign_in", BOTH, "seat", params, stale_at=state.opens_at)
        case e.WindowOpened(until=until):
            return Notice("window", BIDDERS, "seat", {"until": until}, stale_at=until)
        case e.ConfirmationOpened(until=until):
            return Notice("confirmation", BIDDERS, "seat", {"until": until}, stale_at=until)
        case e.EscrowRequestConfirmed(org_id=org_id):
            return Notice("escrow_confirmed", ONE, "seat", org_id=org_id)
        case e.EscrowOpened(org_id=org_id):
            return Notice("escrow_opened", ONE, "seat", org_id=org_id)
        case e.ObjectionAnswered(objection=number):
            raised = next((one for one in state.objections if one.id == number), None)
            return None if raised is None else Notice("objection_answered", ONE, "seat", org_id=raised.org_id)
        case e.OpeningSuspended() | e.OpeningReconvened() | e.OpeningAborted() | e.OpeningFailed():
            return Notice(event.TYPE.rpartition(".")[2], BOTH, "")
        case e.RecordIssued():
            return Notice("record", BOTH, "")
    return None


def hours_due(opens_at: datetime, at: datetime) -> int | None:
    """The latest moment before the opening that has come, in hours; None before the first and from the opening on."""
    if not at < opens_at:
        return None
    return min((hours for hours in HOURS if at >= opens_at - timedelta(hours=hours)), default=None)


def is_said_by_sign_in(opens_at: datetime, hours: int, checkin_at: datetime | None) -> bool:
    """Whether sign-in opens at about this moment: its own message says the same, and one is enough."""
    if checkin_at is None:
        return False
    return abs(opens_at - timedelta(hours=hours) - checkin_at) <= timedelta(minutes=SAME_MINUTES)


def soon(state: RoomState, hours: int) -> Notice:
    """The opening is near."""
    return Notice("soon", BOTH, "seat", {"opens_at": state.opens_at, "hours": hours}, stale_at=state.opens_at)


def are_last_minutes(until: datetime, at: datetime) -> bool:
    """Whether a window that ends at ``until`` is in its last five minutes."""
    return until - timedelta(minutes=LAST_MINUTES) <= at < until


def last_minutes(state: RoomState) -> tuple[Notice, ...]:
    """To each bidder whose secret is not there yet, in order of seats; to nobody once bidders can release no more."""
    if state.window_ended_at is not None:
        return ()
    return tuple(
        Notice("last_minutes", ONE, "seat", {"until": state.until}, seat.org_id, state.until)
        for seat in state.waiting_for
    )
