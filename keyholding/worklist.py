"""What key holding puts on the work lists. Agents do the work of a seat; people see to it that they run."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, and_, func, select

from foundation.actor import Actor
from foundation.clock import machine_now
from foundation.store.unit import Unit
from foundation.web.worklist import Urgency, WorkItem
from keyholding import access
from keyholding.models import HolderSeat
from keyholding.rules import is_present
from keyholding.work import tasks_of


def _is_without_hands() -> ColumnElement[bool]:
    return and_(HolderSeat.is_active, HolderSeat.agent_token_hash.is_(None), HolderSeat.browser_since.is_(None))


def work(unit: Unit, actor: Actor) -> Iterator[WorkItem]:
    """A holder's agent that is away while lots wait for it; for those who appoint, seats without an agent."""
    if actor.has_role("gate_holder", "custodian"):
        for seat in access.own_seats(unit):
            if seat.agent_token_hash is None and seat.browser_since is None:
                continue
            is_by_hand = seat.browser_since is not None
            if not is_by_hand and is_present(seat.last_seen_at, machine_now()):
                continue
            waiting = len(tasks_of(unit, seat))
            if waiting and is_by_hand:
                title = (f"在启封席位页办理：{waiting} 项", f"Act on your key seat's page: {waiting} tasks")
                yield WorkItem(*title, f"/keyholding/seats/{seat.id}", seat.org_name, None, "R1.24", Urgency.NOW)
            elif waiting:
                title = (f"启动启封程序：{waiting} 项在等", f"Start the agent: {waiting} tasks wait")
                yield WorkItem(*title, "/keyholding", seat.org_name, None, "R1.24", Urgency.NOW)
    if actor.has_role("centre_staff"):
        missing = select(func.count()).select_from(HolderSeat)
        count = unit.session.scalar(missing.where(_is_without_hands())) or 0
        if count:
            title = (f"为 {count} 个启封席位登记代理程序", f"Enrol the agents of key seats: {count}")
            yield WorkItem(*title, "/keyholding/seats", "", None, "R1.23")
