"""What key holding puts on the work lists. Agents do the work of a seat; people see to it that they run."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from foundation.actor import Actor
from foundation.clock import machine_now
from foundation.store.unit import Unit
from foundation.web.worklist import Urgency, WorkItem
from keyholding import access
from keyholding.models import HolderSeat
from keyholding.rules import is_present
from keyholding.work import tasks_of


def work(unit: Unit, actor: Actor) -> Iterator[WorkItem]:
    """A holder's agent that is away while lots wait for it; for those who appoint, seats without an agent."""
    if actor.has_role("gate_holder", "custodian"):
        for seat in access.own_seats(unit):
            if seat.agent_token_hash is None or is_present(seat.last_seen_at, machine_now()):
                continue
            if waiting := len(tasks_of(unit, seat)):
                title = (f"启动启封程序：{waiting} 项在等", f"Start the agent: {waiting} tasks wait")
                yield WorkItem(*title, "/keyholding", seat.org_name, None, "R1.24", Urgency.NOW)
    if actor.has_role("centre_staff"):
        missing = select(func.count()).select_from(HolderSeat)
        count = unit.session.scalar(missing.where(HolderSeat.is_active, HolderSeat.agent_token_hash.is_(None))) or 0
        if count:
            title = (f"为 {count} 个启封席位登记代理程序", f"Enrol the agents of key seats: {count}")
            yield WorkItem(*title, "/keyholding/seats", "", None, "R1.23")
