"""Telling people of an opening, once: in the Unit that leaves the messages the moment is noted (R3.53).

Jobs are one a lot and moment and find the bidders themselves, so that no job, key or log line names one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, and_, or_, select

from accounts import facade as accounts
from bid_opening import notices
from bid_opening.models import OpeningRoom
from bid_opening.notice_models import OpeningNotice
from bid_opening.notices import Notice, To
from bid_opening.room_state import RoomState
from bid_opening.services import rooms
from bid_opening.states import Phase
from foundation.clock import iso
from foundation.events import Event
from foundation.store.unit import Unit
from tendering import facade as tendering

TASK: Final = "bid_opening.tell_by_the_clock"
SOON, LAST = "soon", "last"


def tell_of(unit: Unit, lot_id: str, event: Event, entry_id: str) -> None:
    """Tell of an event of the room. Does nothing the second time."""
    state = rooms.locked(unit, lot_id)
    notice = notices.notice_of(event, state)
    if notice is not None and _first(unit, lot_id, entry_id):
        _tell(unit, lot_id, state, (notice,))


def tell_of_moved_deadline(unit: Unit, lot_id: str, before: datetime, after: datetime, entry_id: str) -> None:
    """Tell those whose bid is live that it still counts and when the opening is; others follow the clarification."""
    if not _first(unit, lot_id, entry_id):
        return
    card = tendering.lot_card(unit, lot_id)
    params = {"lot": card.name, "before": before, "after": after}
    bidders = tendering.sealed_bidders(unit, lot_id)
    accounts.tell(unit, bidders, "inbox.deadline_moved", params, f"/lots/{lot_id}/bid", stale_at=after)


def due(unit: Unit) -> tuple[tuple[str, str], ...]:
    """Lots and moments of the clock that have come and were not used. Two queries, however many rooms there are."""
    rows = unit.session.execute(
        select(OpeningRoom.id, OpeningRoom.state, OpeningRoom.opens_at, OpeningRoom.until)
        .where(_is_near(unit.at))
        .order_by(OpeningRoom.id)
    )
    found = [
        (lot_id, moment)
        for lot_id, phase, opens_at, until in rows
        if (moment := _moment(phase, opens_at, until, unit.at)) is not None
    ]
    asked = select(OpeningNotice.lot_id, OpeningNotice.moment)
    known = {
        (lot_id, moment)
        for lot_id, moment in unit.session.execute(asked.where(OpeningNotice.lot_id.in_([one[0] for one in found])))
    }
    return tuple(one for one in found if one not in known)


def enqueue_due(unit: Unit) -> None:
    for lot_id, moment in due(unit):
        unit.enqueue(TASK, f"{lot_id}:{moment}", {"lot": lot_id, "moment": moment})


def tell_by_the_clock(unit: Unit, lot_id: str, moment: str) -> None:
    """Tell what this moment asks for. Does nothing where the deadline or the window has moved meanwhile."""
    state = rooms.locked(unit, lot_id)
    if _moment(state.phase, state.opens_at, state.until, unit.at) != moment or not _first(unit, lot_id, moment):
        return
    if state.phase is Phase.DECRYPTING:
        _tell(unit, lot_id, state, notices.last_minutes(state))
        return
    hours = notices.hours_due(state.opens_at, unit.at) if state.opens_at else None
    checkin_at = tendering.lot_card(unit, lot_id).checkin_opens_at
    if state.opens_at and hours and not notices.is_said_by_sign_in(state.opens_at, hours, checkin_at):
        _tell(unit, lot_id, state, (notices.soon(state, hours),))


def _is_near(at: datetime) -> ColumnElement[bool]:
    """Rooms for which a moment may have come."""
    soon, last = at + timedelta(hours=max(notices.HOURS)), at + timedelta(minutes=notices.LAST_MINUTES)
    ahead = and_(OpeningRoom.state.in_(notices.AHEAD), OpeningRoom.opens_at <= soon, OpeningRoom.opens_at > at)
    window = and_(OpeningRoom.state == Phase.DECRYPTING, OpeningRoom.until <= last, OpeningRoom.until > at)
    return or_(ahead, window)


def _moment(phase: Phase, opens_at: datetime | None, until: datetime | None, at: datetime) -> str | None:
    """The moment that has come, as its key: what it is, and the instant it counts from."""
    if phase is Phase.DECRYPTING and until is not None and notices.are_last_minutes(until, at):
        return f"{LAST}:{iso(until)}"
    if phase not in notices.AHEAD or opens_at is None:
        return None
    hours = notices.hours_due(opens_at, at)
    return None if hours is None else f"{SOON}:{hours}:{iso(opens_at)}"


def _first(unit: Unit, lot_id: str, moment: str) -> bool:
    """Note the moment; False where it is noted already. The room's row is locked, so two never note it together."""
    if unit.session.get(OpeningNotice, (lot_id, moment)) is not None:
        return False
    unit.session.add(OpeningNotice(lot_id=lot_id, moment=moment, told_at=unit.at))
    unit.session.flush()
    return True


def _tell(unit: Unit, lot_id: str, state: RoomState, found: Iterable[Notice]) -> None:
    card = tendering.lot_card(unit, lot_id)
    host = [one for one in (card.tenderee_org_id, card.agency_org_id) if one]
    for notice in found:
        if notice.stale_at is not None and unit.at >= notice.stale_at:
            continue  # the worker was away, and it is over
        params = {"lot": card.name, **notice.params}
        code, page = f"inbox.opening_{notice.code}", f"/{notice.page}" if notice.page else ""
        to = [notice.org_id] if To.ONE in notice.to else []
        if To.BIDDERS in notice.to:
            to += [seat.org_id for seat in state.seats] or list(tendering.sealed_bidders(unit, lot_id))
        accounts.tell(unit, to, code, params, f"/rooms/{lot_id}{page}", stale_at=notice.stale_at)
        if To.HOST in notice.to:
            at_desk = f"/rooms/{lot_id}/host" if notice.page else f"/rooms/{lot_id}"
            accounts.tell(unit, host, code, params, at_desk, stale_at=notice.stale_at)
