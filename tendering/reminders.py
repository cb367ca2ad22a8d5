"""Reminders before the deadline (R3.23): 72, 24 and 2 hours ahead, to those whose bid is not ready.

One job a lot, deadline and moment; it finds the bidders itself, so no job, key or log line names one. What was sent is
noted in the same Unit as the messages, so a job that runs twice tells nobody twice. A moved deadline has moments of its
own. Where the centre was away, only the latest moment that has come is used: nobody gets three messages at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select

from accounts import facade as accounts
from foundation.clock import iso, parse_iso
from foundation.events.tendering import BidderReminded
from foundation.store.unit import Unit
from tendering import bid_access
from tendering.models import Lot, SealedBid, Subscription, Upload
from tendering.queries.rehearsals import unrehearsed_bidders
from tendering.readiness_models import LotReminder
from tendering.states import BidState, LotState

HOURS: Final = (72, 24, 2)
TASK: Final = "tendering.remind_bidders"
UNVERIFIED, NOT_SEALED = "unverified", "not_sealed"


def moment_due(deadline_at: datetime, at: datetime) -> int | None:
    """The latest moment that has come, in hours before the deadline; None before the first and from the deadline on."""
    if not at < deadline_at:
        return None
    come = [hours for hours in HOURS if at >= deadline_at - timedelta(hours=hours)]
    return min(come, default=None)


def enqueue_due(unit: Unit) -> None:
    """Ask for what :func:`due` finds. The key holds the deadline, so that a moved one has jobs of its own."""
    for lot_id, deadline_at, hours in due(unit):
        deadline = iso(deadline_at)
        payload = {"lot": lot_id, "deadline_at": deadline, "hours": hours}
        unit.enqueue(TASK, f"{lot_id}:{deadline}:{hours}", payload)


def due(unit: Unit) -> tuple[tuple[str, datetime, int], ...]:
    """Lots that take bids with a moment that has come and was not used: lot, deadline, hours."""
    soon = unit.at + timedelta(hours=max(HOURS))
    lots = unit.session.execute(
        select(Lot.id, Lot.deadline_at).where(
            Lot.state == LotState.OPEN, Lot.is_imported.is_(False), Lot.deadline_at > unit.at, Lot.deadline_at <= soon
        )
    )
    come = [
        (lot_id, deadline_at, hours)
        for lot_id, deadline_at in lots
        if deadline_at is not None and (hours := moment_due(deadline_at, unit.at)) is not None
    ]
    used = select(LotReminder.lot_id, LotReminder.deadline_at, LotReminder.hours)
    known = {tuple(row) for row in unit.session.execute(used.where(LotReminder.lot_id.in_([one[0] for one in come])))}
    return tuple(one for one in come if one not in known)


def remind(unit: Unit, lot_id: str, deadline_text: str, hours: int) -> None:
    """Tell everybody concerned, once. Does nothing when the deadline was moved or another moment has come since."""
    lot = unit.session.scalar(select(Lot).where(Lot.id == lot_id).with_for_update())
    deadline_at = parse_iso(deadline_text)
    if lot is None or lot.state is not LotState.OPEN or lot.deadline_at != deadline_at:
        return
    sent = unit.session.get(LotReminder, (lot_id, deadline_at, hours))
    if sent is not None or moment_due(deadline_at, unit.at) != hours:
        return
    unit.session.add(LotReminder(lot_id=lot_id, deadline_at=deadline_at, hours=hours, sent_at=unit.at))
    unit.session.flush()
    for org_id, kind in _concerned(unit, lot_id):
        params = {"lot": lot.name, "hours": hours, "deadline": deadline_at}
        accounts.add_to_inbox(unit, org_id, f"inbox.reminder_{kind}", params, f"/lots/{lot_id}/bid")
        event = BidderReminded(lot_id, org_id, kind, hours, deadline_at)
        unit.append(bid_access.bid_stream(lot_id, org_id), event)


def _concerned(unit: Unit, lot_id: str) -> Iterator[tuple[str, str]]:
    """Organisation and kind of message, in an order that tells nothing."""
    for org_id in unrehearsed_bidders(unit, lot_id):
        yield org_id, UNVERIFIED
    for org_id in sorted(_began(unit, lot_id) - _done(unit, lot_id)):
        yield org_id, NOT_SEALED


def _began(unit: Unit, lot_id: str) -> set[str]:
    """Bidders that follow the lot or have begun an upload; others follow lots too, and are told of no bid."""
    session = unit.session
    began = set(session.scalars(select(Subscription.org_id).where(Subscription.lot_id == lot_id)))
    began |= set(session.scalars(select(Upload.org_id).where(Upload.lot_id == lot_id)))
    return {org_id for org_id in began if "bidder" in accounts.organisation(unit, org_id).roles}


def _done(unit: Unit, lot_id: str) -> set[str]:
    """Has a live bid, or took its bid back and has begun nothing since: both know what they do."""
    done: set[str] = set()
    rows = select(SealedBid).where(SealedBid.lot_id == lot_id).order_by(SealedBid.org_id, SealedBid.rev)
    newest = {row.org_id: row for row in unit.session.scalars(rows)}
    for org_id, row in newest.items():
        if row.state is BidState.SEALED:
            done.add(org_id)
        elif row.withdrawn_at is not None:
            later = select(Upload.id).where(
                Upload.lot_id == lot_id, Upload.org_id == org_id, Upload.created_at > row.withdrawn_at
            )
            if unit.session.scalar(later.limit(1)) is None:
                done.add(org_id)
    return done
