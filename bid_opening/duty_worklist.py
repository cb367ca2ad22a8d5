"""Calls for help on the work list of the duty desk (R3.35)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sqlalchemy import select

from bid_opening.access import DUTY
from bid_opening.models import OpeningRoom
from bid_opening.talk_models import HelpTicket
from foundation.actor import Actor
from foundation.store.unit import Unit
from foundation.web.worklist import Urgency, WorkItem
from tendering import facade as tendering

TICKETS: Final = 20


def work(unit: Unit, actor: Actor) -> Iterator[WorkItem]:
    """One item a ticket that waits for the duty desk, the longest waiting first. Two queries."""
    if not actor.has_role(DUTY):
        return
    waiting = unit.session.scalars(
        select(HelpTicket)
        .join(OpeningRoom, OpeningRoom.id == HelpTicket.lot_id)
        .where(HelpTicket.closed_at.is_(None), HelpTicket.waiting_since.is_not(None))
        .order_by(HelpTicket.waiting_since, HelpTicket.lot_id, HelpTicket.number)
        .limit(TICKETS)
    ).all()
    names = tendering.names_of(unit, {row.lot_id for row in waiting}) if waiting else {}
    for row in waiting:
        title = (f"答复 {row.seat:02d} 号席位的求助", f"Answer the request of seat {row.seat:02d}")
        url = f"/rooms/duty#help-{row.lot_id}-{row.number}"
        yield WorkItem(*title, url, names[row.lot_id], None, "R3.35", Urgency.NOW)
