"""Ordering papers: asked for in one Unit, rendered by a job outside any Unit, issued in a second one."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select

from foundation.actor import Actor
from foundation.clock import iso
from foundation.errors import CentreError, NotFound, Objection, Refusal
from foundation.events import tendering as e
from foundation.ids import OrgId, UserId
from foundation.money import Money
from foundation.store.unit import Unit
from tendering.errors import PapersUnderWay
from tendering.models import Lot, PaperOrder
from tendering.states import OrderState, OrderTrigger

TASK = "tendering.issue_documents"
PUBLICATION, CLARIFICATION = "publication", "clarification"


def order_papers(unit: Unit, lot: Lot, kind: str, wanted: Mapping[str, Any]) -> str:
    """Ask for papers of a lot; gives the order's id. Raises PapersUnderWay while another order of the lot runs."""
    # Held until the commit, so that two askers meet here and not at the unique index.
    unit.session.execute(select(Lot.id).where(Lot.id == lot.id).with_for_update())
    running = select(PaperOrder.id).where(PaperOrder.lot_id == lot.id, PaperOrder.state == OrderState.ORDERED)
    if unit.session.scalar(running) is not None:
        raise PapersUnderWay
    order = PaperOrder(
        id=unit.new_id(),
        lot_id=lot.id,
        kind=kind,
        state=OrderState.ORDERED,
        wanted=dict(wanted),
        ordered_by=unit.actor.user_id or "",
        ordered_by_org=unit.actor.org_id,
        ordered_role=unit.actor.role,
        source=unit.actor.source[:120],
        ordered_at=unit.at,
        settled_at=None,
        fault=None,
    )
    unit.session.add(order)
    unit.session.flush()
    unit.append(f"project:{lot.project_id}", e.PapersOrdered(lot.id, order.id, kind))
    unit.enqueue(TASK, order.id, {"order": order.id})
    return order.id


def order_by_id(unit: Unit, order_id: str) -> PaperOrder:
    order = unit.session.get(PaperOrder, order_id)
    if order is None:
        raise NotFound(what="order")
    return order


def latest_order(unit: Unit, lot_id: str, kind: str) -> PaperOrder | None:
    return unit.session.scalar(
        select(PaperOrder)
        .where(PaperOrder.lot_id == lot_id, PaperOrder.kind == kind)
        .order_by(PaperOrder.ordered_at.desc(), PaperOrder.id.desc())
        .limit(1)
    )


def actor_of(order: PaperOrder) -> Actor:
    """Who ordered: what the job then issues is that person's act, not the machine's (R1.18)."""
    return Actor(
        user_id=UserId(order.ordered_by),
        org_id=OrgId(order.ordered_by_org) if order.ordered_by_org else None,
        roles=frozenset({order.ordered_role}),
        role=order.ordered_role,
        source=order.source,
    )


def settle_issued(unit: Unit, order: PaperOrder, project_id: str) -> None:
    order.settled_at = unit.at
    unit.transition(
        order, OrderTrigger.ISSUE, f"project:{project_id}", e.PapersIssued(lot=order.lot_id, order=order.id)
    )


def settle_failed(unit: Unit, order_id: str, cause: CentreError) -> None:
    """Keep why the papers failed, for their page; does nothing when the order is settled already."""
    order = order_by_id(unit, order_id)
    if order.state is not OrderState.ORDERED:
        return
    lot = unit.session.get(Lot, order.lot_id)
    if lot is None:
        raise NotFound(what="lot")
    order.fault = fault_of(cause)
    order.settled_at = unit.at
    event = e.PapersFailed(lot=order.lot_id, order=order.id, cause=cause.code)
    unit.transition(order, OrderTrigger.FAIL, f"project:{lot.project_id}", event)


def fault_of(cause: CentreError) -> dict[str, Any]:
    """An error as JSON: its code and fields, and its objections."""
    reasons = cause.objections if isinstance(cause, Refusal) else ()
    return {
        "code": cause.code,
        "fields": {name: _plain(value) for name, value in cause.fields.items()},
        "objections": [
            {
                "code": one.code,
                "field": one.field,
                "clause": one.clause,
                "params": {name: _plain(value) for name, value in one.params.items()},
            }
            for one in reasons
        ],
    }


def objections_of(fault: Mapping[str, Any]) -> list[Objection]:
    """The reasons kept by :func:`fault_of`."""
    return [Objection(one["code"], one["field"], one["params"], one["clause"]) for one in fault["objections"]]


def _plain(value: object) -> object:
    if isinstance(value, bool | int):
        return value
    if isinstance(value, Money):
        return value.grouped()
    return iso(value) if isinstance(value, datetime) else str(value)
