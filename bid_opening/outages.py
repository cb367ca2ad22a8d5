"""What bidders' pages and the platform itself report while keys are released, and when the clock stops for it. Pure.

A report is one of a closed list of codes (R3.31). The clock stops by itself when a part of the platform does not work,
or when more than a published share of the seats fails within the same minutes (R3.32).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from bid_opening import rules
from bid_opening.room_state import RoomState, Seat
from bid_opening.states import Phase
from foundation.errors import InvalidInput
from foundation.events import Event
from foundation.events import bid_opening as e

FETCHED: Final = "fetched"
OWN_DEVICE: Final = frozenset({"no_key", "wrong_key", "key_file", "rejected"})
"""Failures that lie with the key or the file somebody holds."""
ON_THE_WAY: Final = frozenset({"network", "platform"})
"""Failures between the device and the platform: whose they are can not be told from the report alone."""
FAILURES: Final = OWN_DEVICE | ON_THE_WAY | {"envelope", "browser"}
REPORT_CODES: Final = FAILURES | {FETCHED}
"""Everything a bidder's page may report; nothing else is taken."""
REPORTS_MAX: Final = 40
"""Reports kept of one seat: enough to see what happened, too few to fill the journal."""
COMMON_MINUTES: Final = 5
"""Failures of several bidders within so many minutes count as one event (R3.32)."""
COMMON_LEAST: Final = 2
"""One bidder alone never stops the clock, however few there are."""
COMMON_STOPS_MAX: Final = 3
"""How often reports alone stop the clock in one opening; after that people decide."""
COMMON_FAILURE: Final = "common_failure"
STOOD_STILL: Final = "stood_still"
GAP: Final = timedelta(seconds=90)
"""Nobody looked after an open window for longer than this: the platform stood still (R3.32)."""
CENTRE: Final = "centre"
"""The part that stands for the platform as a whole."""
PLATFORM_RED: Final = "platform_red"
RED: Final = "red"
GREEN: Final = "green"


def failures_of(seat: Seat) -> tuple[tuple[str, datetime], ...]:
    return tuple((one.code, one.at) for one in seat.reports if one.code in FAILURES)


def fetched_at(seat: Seat) -> datetime | None:
    """When the envelope was first on the bidder's device, by its own page."""
    return next((one.at for one in seat.reports if one.code == FETCHED), None)


def failed_together(state: RoomState, seat: Seat) -> int:
    """The most seats that failed within the same minutes as one of this seat's failures, itself included."""
    near = timedelta(minutes=COMMON_MINUTES)

    def near_to(moment: datetime) -> int:
        return sum(any(abs(at - moment) <= near for _, at in failures_of(one)) for one in state.seats)

    return max((near_to(at) for _, at in failures_of(seat)), default=0)


def red_spans(state: RoomState, at: datetime) -> tuple[tuple[datetime, datetime], ...]:
    """When any part of the platform did not work; what still does not work reaches to ``at``."""
    red: set[str] = set()
    since: datetime | None = None
    spans: list[tuple[datetime, datetime]] = []
    for mark in state.health:
        red = red | {mark.part} if mark.state == RED else red - {mark.part}
        if red and since is None:
            since = mark.at
        elif not red and since is not None:
            spans.append((since, mark.at))
            since = None
    return (*spans, (since, at)) if since is not None else tuple(spans)


def was_failing_while_red(state: RoomState, seat: Seat, at: datetime) -> bool:
    """Whether the bidder's page reported a failure while the platform was red, or just before that was noticed."""
    near = timedelta(minutes=COMMON_MINUTES)
    spans = red_spans(state, at)
    return any(
        since - near <= moment <= until and code not in OWN_DEVICE
        for code, moment in failures_of(seat)
        for since, until in spans
    )


def report(state: RoomState, org_id: str, code: str, at: datetime) -> tuple[Event, ...]:
    """What the bidder's page met (R3.31); ``fetched`` once, a seat's last possible report silently ends the row.

    Raises InvalidInput for anything but a known code, NotNow outside the window, NoSeat.
    """
    if code not in REPORT_CODES:
        raise InvalidInput(what="code")
    rules.require_phase(state, Phase.DECRYPTING)
    seat = rules.seat_for(state, org_id)
    is_known = code == FETCHED and fetched_at(seat) is not None
    if is_known or seat.is_recoverable or len(seat.reports) >= REPORTS_MAX or state.window_ended_at is not None:
        return ()
    if any(one.code == code and at - one.at < timedelta(seconds=2) for one in seat.reports):
        return ()  # a page that repeats itself
    return (e.ClientReported(state.lot, seat.number, org_id, code),)


def red_now(state: RoomState) -> frozenset[str]:
    red: set[str] = set()
    for mark in state.health:
        red = red | {mark.part} if mark.state == RED else red - {mark.part}
    return frozenset(red)


def mark_health(state: RoomState, red: frozenset[str]) -> tuple[Event, ...]:
    """Put on record what stopped working and what works again since the last mark."""
    halt = state.suspension
    is_window = state.phase is Phase.DECRYPTING or (halt is not None and halt.since is Phase.DECRYPTING)
    if not is_window or state.phase not in {Phase.DECRYPTING, Phase.SUSPENDED}:
        return ()
    known = red_now(state)
    stopped = [e.PlatformHealthMarked(state.lot, part, RED) for part in sorted(red - known)]
    healed = [e.PlatformHealthMarked(state.lot, part, GREEN) for part in sorted(known - red)]
    return (*stopped, *healed)


def outage(state: RoomState, at: datetime) -> tuple[str, datetime] | None:
    """Why the clock must stop now, and since when things went wrong: the platform is red, or many fail together."""
    if state.phase is not Phase.DECRYPTING or state.window_ended_at is not None:
        return None
    spans = red_spans(state, at)
    if red_now(state) and spans:
        return PLATFORM_RED, spans[-1][0]
    first = _common_since(state, at)
    return (COMMON_FAILURE, first) if first is not None else None


def _common_since(state: RoomState, at: datetime) -> datetime | None:
    """The first failure of those that make it common; nothing counts twice after the room was reconvened."""
    if state.common_stops >= COMMON_STOPS_MAX:
        return None
    since = max(at - timedelta(minutes=COMMON_MINUTES), state.entered_at(Phase.RECONVENED) or at - timedelta(days=1))
    found = [
        min(times)
        for seat in state.seats
        if not seat.is_recoverable
        if (times := [moment for _, moment in failures_of(seat) if moment > since])
    ]
    is_common = len(found) >= COMMON_LEAST and 100 * len(found) > state.common_failure_percent * len(state.seats)
    return min(found) if is_common else None


def stood_still(looked: tuple[datetime | None, datetime | None], at: datetime, machine: datetime) -> bool:
    """Whether nobody looked after the window for too long, by both clocks: the whole platform was down.

    ``looked``: the last look by the civil and by the machine clock; a demonstration's clock may jump without an outage.
    """
    civil_before, machine_before = looked
    if civil_before is None or machine_before is None:
        return False
    return min(at - civil_before, machine - machine_before) > GAP


def suspend_for_gap(state: RoomState, at: datetime, *, since: datetime) -> tuple[Event, ...]:
    """The platform is back after it stood still: the clock stops before anybody's time is declared over."""
    if state.phase is not Phase.DECRYPTING or state.window_ended_at is not None or state.until is None:
        return ()
    left = max(0, -((at - state.until) // timedelta(seconds=1)))
    return (
        e.PlatformHealthMarked(state.lot, CENTRE, RED),
        e.PlatformHealthMarked(state.lot, CENTRE, GREEN),
        e.OpeningSuspended(state.lot, "platform", STOOD_STILL, "system", left, since),
    )


def suspend_for_outage(state: RoomState, at: datetime) -> tuple[Event, ...]:
    """The clock stops by itself, cause PLATFORM (R3.32); nothing where there is no outage."""
    found = outage(state, at)
    if found is None or state.until is None:
        return ()
    why, since = found
    # Rounded up: nobody may lose the second that was begun.
    left = max(0, -((at - state.until) // timedelta(seconds=1)))
    return (e.OpeningSuspended(state.lot, "platform", why, "system", left, since),)
