"""The duty desk: every room of today and under way, what waits in it, and how the platform is.

Until a room's list is published it shows of it what the hall shows: no seat, no count, no request (R1.05).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from accounts import facade as accounts
from bid_opening import frames
from bid_opening.ceremony import RoomState
from bid_opening.models import RoomFrame
from bid_opening.queries.hall import HallRow, hall
from bid_opening.queries.talk import TicketView, tickets_of
from bid_opening.services import rooms
from bid_opening.states import Phase
from bid_opening.talk_models import HelpTicket
from foundation.events import bid_opening as e
from foundation.jobs.models import Job, JobState
from foundation.publication import proofs
from foundation.store.unit import Unit

ROOMS: Final = 60
"""Rooms a desk shows; more are not held on one day."""
LATE: Final = timedelta(seconds=60)
"""A job that should have run this long ago, or a log this long without a cosigned checkpoint, is a sign of trouble."""


@dataclass(frozen=True, slots=True)
class DutyRoom:
    """One room. ``waiting`` are seats whose key is not there while the window runs; None in every other phase.

    ``is_sealed``: the frozen list stands in the cosigned log; None before there is a list.
    """

    row: HallRow
    waiting: int | None
    escrow_waiting: int
    halt: str
    halt_by: str
    undecided: int
    is_sealed: bool | None
    last_frame_at: datetime | None
    open_tickets: int

    @property
    def needs_hand(self) -> bool:
        """Something in it waits for the duty desk."""
        return bool(self.escrow_waiting or self.halt or self.open_tickets) or self.row.phase is Phase.SUSPENDED


@dataclass(frozen=True, slots=True)
class Health:
    """How the platform is: the log's last checkpoint, and the jobs of openings (due, overdue, given up).

    Only jobs of openings: until the freeze those are one a lot. Jobs of sealing, deposits and reminders follow bidders
    one by one; their number, or the instant of the oldest, would tell that somebody bids (R1.05).
    """

    log_size: int
    log_at: datetime | None
    is_log_cosigned: bool
    jobs_due: int
    jobs_late: int
    jobs_failed: int
    oldest_due_at: datetime | None

    @property
    def is_log_well(self) -> bool:
        return self.log_at is not None and self.is_log_cosigned

    @property
    def are_jobs_well(self) -> bool:
        return self.jobs_late == 0 and self.jobs_failed == 0


@dataclass(frozen=True, slots=True)
class DutyDesk:
    """Rooms that need a hand first, then by time; requests by how long they wait."""

    rooms: tuple[DutyRoom, ...]
    tickets: tuple[TicketView, ...]
    health: Health
    server_now: datetime


def duty_desk(unit: Unit) -> DutyDesk:
    """Everything the officer on duty looks at. The caller has checked who asks."""
    shown = hall(unit)
    rows = (*shown.live, *shown.today)[:ROOMS]
    states = {row.lot_id: rooms.state_of(unit, row.lot_id) for row in rows if row.bidders is not None}
    tickets = _open_tickets(unit, states)
    last = _last_frames(unit, [row.lot_id for row in rows])
    found = [_room(unit, row, states.get(row.lot_id), last.get(row.lot_id), tickets) for row in rows]
    found.sort(key=lambda one: (not one.needs_hand, one.row.opens_at, one.row.lot_id))
    return DutyDesk(tuple(found), tickets, health(unit), unit.at)


def _open_tickets(unit: Unit, states: dict[str, RoomState]) -> tuple[TicketView, ...]:
    rows = unit.session.scalars(
        select(HelpTicket)
        .where(HelpTicket.lot_id.in_(list(states)), HelpTicket.closed_at.is_(None))
        .order_by(HelpTicket.waiting_since.is_(None), HelpTicket.waiting_since, HelpTicket.lot_id, HelpTicket.number)
    ).all()
    return tickets_of(unit, rows, states)


def _last_frames(unit: Unit, lots: list[str]) -> dict[str, datetime]:
    """When each room last told the public something; one query."""
    found = unit.session.execute(
        select(RoomFrame.lot_id, func.max(RoomFrame.at))
        .where(RoomFrame.lot_id.in_(lots), RoomFrame.audience == frames.PUBLIC)
        .group_by(RoomFrame.lot_id)
    )
    return dict(found.all())


def _room(
    unit: Unit, row: HallRow, state: RoomState | None, last: datetime | None, tickets: tuple[TicketView, ...]
) -> DutyRoom:
    if state is None:
        return DutyRoom(row, None, 0, "", "", 0, None, last, 0)
    frozen = rooms.entry_id_of(unit, row.lot_id, e.BidsFrozen)
    is_asking = state.phase is Phase.DECRYPTING and state.escrow_rule == "on_request"
    return DutyRoom(
        row=row,
        waiting=len(state.waiting_for) if state.phase is Phase.DECRYPTING else None,
        escrow_waiting=sum(one.escrow_confirmed_at is None for one in state.escrow_expected) if is_asking else 0,
        halt=state.halt.what if state.halt else "",
        halt_by=accounts.person(unit, state.halt.by).name if state.halt else "",
        undecided=len(state.unattributed),
        is_sealed=frozen is not None and proofs.is_cosigned(unit, frozen),
        last_frame_at=last,
        open_tickets=sum(one.lot_id == row.lot_id and one.waiting_since is not None for one in tickets),
    )


def health(unit: Unit) -> Health:
    """Log and jobs at a glance; a few queries."""
    head = proofs.log_head(unit)
    of_openings = Job.task.startswith("bid_opening.", autoescape=True)
    due = (of_openings, Job.state.in_((JobState.QUEUED, JobState.RUNNING)), Job.due_at <= unit.at)
    count, oldest = unit.session.execute(select(func.count(), func.min(Job.due_at)).where(*due)).one()
    late = select(func.count()).where(*due, Job.due_at <= unit.at - LATE)
    failed = select(func.count()).where(of_openings, Job.state == JobState.FAILED)
    return Health(
        log_size=head.size if head else 0,
        log_at=head.signed_at if head else None,
        is_log_cosigned=head is not None and head.cosigned_at is not None,
        jobs_due=count,
        jobs_late=unit.session.scalar(late) or 0,
        jobs_failed=unit.session.scalar(failed) or 0,
        oldest_due_at=oldest,
    )
