"""The worker's look-round: a holder whose agent is silent while its key is wanted must learn of it in time."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import select

from accounts.facade import add_to_inbox
from foundation.actor import system
from foundation.clock import machine_now
from foundation.jobs.registry import periodic
from foundation.runtime import Runtime
from foundation.store.unit import Unit
from keyholding import access
from keyholding.models import HolderSeat
from keyholding.rules import is_present
from keyholding.work import tasks_of

WATCH_SECONDS: Final = 20.0


@periodic("keyholding.watch_agents", WATCH_SECONDS)
def watch_agents(runtime: Runtime) -> None:
    """Tell the holders of silent agents, once a silence."""
    machine = machine_now()
    with runtime.units.read() as unit:
        silent = [seat.id for seat in _silent_and_wanted(unit, machine)]
    for seat_id in silent:
        with runtime.units.begin(system("worker")) as unit:
            warn_holder(unit, seat_id, machine)


def _silent_and_wanted(unit: Unit, machine: datetime) -> list[HolderSeat]:
    rows = unit.session.scalars(select(HolderSeat).where(HolderSeat.is_active, HolderSeat.warned_at.is_(None)))
    return [row for row in rows if not is_present(row.last_seen_at, machine) and tasks_of(unit, row)]


def warn_holder(unit: Unit, seat_id: str, machine: datetime) -> None:
    """Leave one message to the person, or to the organisation where none is named."""
    seat = access.seat(unit, seat_id)
    if seat.warned_at is not None or is_present(seat.last_seen_at, machine):
        return
    seat.warned_at = machine
    code, link = "inbox.agent_silent", "/keyholding"
    if seat.browser_since is not None:
        code, link = "inbox.holder_wanted", f"/keyholding/seats/{seat.id}"
    add_to_inbox(unit, seat.user_id or seat.org_id, code, {"holder": seat.holder_name}, link)
