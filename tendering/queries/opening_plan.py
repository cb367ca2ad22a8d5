"""The planned openings of one host, and what a lot's opening would run into."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select

from foundation.store.unit import Unit
from tendering.models import Lot, Project
from tendering.opening_plan import PlannedOpening, PlannedSession, clashes_of, sessions_of
from tendering.states import LotState

LIMIT: Final = 500
_OVER: Final = frozenset({LotState.OPENED, LotState.FAILED, LotState.CANCELLED})
_LOOK_BACK: Final = timedelta(days=1)
"""An opening that began within this time may still run."""


def openings_of_host(unit: Unit, org_id: str, *, since: datetime) -> tuple[PlannedOpening, ...]:
    """Openings from ``since`` that the organisation hosts, drafts with a deadline included; cancelled ones are not.

    For the organisation itself: drafts are nobody else's business.
    """
    host = func.coalesce(Project.agency_org_id, Project.tenderee_org_id)
    rows = unit.session.execute(
        select(Lot, Project)
        .join(Project, Project.id == Lot.project_id)
        .where(host == org_id, Lot.is_imported.is_(False), Lot.state != LotState.CANCELLED)
        .where(Lot.deadline_at.is_not(None), Lot.deadline_at >= since)
        .order_by(Lot.deadline_at, Lot.project_id, Lot.number)
        .limit(LIMIT)
    )
    return tuple(planned for lot, project in rows if (planned := _planned(lot, project, lot.deadline_at)))


def clashes_with(unit: Unit, lot_id: str, deadline_at: datetime | None) -> tuple[PlannedSession, ...]:
    """The host's other sessions that would run while this lot is opened, were its deadline ``deadline_at``.

    Whether the asker belongs to the lot's side is checked before (``access``).
    """
    found = unit.session.execute(
        select(Lot, Project).join(Project, Project.id == Lot.project_id).where(Lot.id == lot_id)
    ).one_or_none()
    if found is None or deadline_at is None:
        return ()
    lot, project = found
    planned = _planned(lot, project, deadline_at)
    if planned is None or lot.state in _OVER:
        return ()
    others = openings_of_host(unit, project.agency_org_id or project.tenderee_org_id, since=deadline_at - _LOOK_BACK)
    still_to_come = [one for one in others if one.lot_id != lot_id and one.ends_at > unit.at]
    sessions = sessions_of([planned, *still_to_come])
    own = next(session for session in sessions if planned in session.lots)
    return clashes_of(own, sessions)


def _planned(lot: Lot, project: Project, deadline_at: datetime | None) -> PlannedOpening | None:
    if deadline_at is None:
        return None
    minutes = lot.decrypt_minutes + lot.query_minutes + lot.confirm_minutes
    return PlannedOpening(lot.id, lot.name, project.id, project.name, lot.number, deadline_at, minutes)
