"""Job entries of tendering. Each opens Units and calls services; rendering happens between Units."""

from __future__ import annotations

from sqlalchemy import select

import tendering.bid_tasks  # the jobs of sealed submission are registered with these
import tendering.clients.release_tasks
import tendering.consumers
import tendering.reminder_tasks  # noqa: F401
from foundation.actor import system
from foundation.documents.errors import FontsMissing
from foundation.errors import CentreError, NotFound, Refusal, Unavailable
from foundation.jobs.queue import ATTEMPTS_MAX
from foundation.jobs.registry import JobContext, task
from foundation.publication.ticks import register_reason
from foundation.runtime import Runtime
from foundation.store.unit import Unit
from foundation.working_days import civil_date
from tendering.models import Lot, PaperOrder, Project
from tendering.rules import DeadlineMove
from tendering.services import clarifications, documents, orders, publication
from tendering.states import LotState, OrderState

WORKER = system("worker")


@task(orders.TASK)
def issue_documents(context: JobContext) -> None:
    """Render the papers of an order and publish them; a refusal or a missing glyph is kept for the order's page."""
    runtime, order_id = context.runtime, str(context.payload["order"])
    try:
        _issue(runtime, order_id)
    except (Refusal, FontsMissing) as cause:
        _settle(runtime, order_id, cause)
    except Exception:
        # A job that is given up would leave the order under way for ever, and nobody could repeat it.
        if context.attempt >= ATTEMPTS_MAX:
            _settle(runtime, order_id, Unavailable())
        raise


def _settle(runtime: Runtime, order_id: str, cause: CentreError) -> None:
    with runtime.units.begin(WORKER) as unit:
        orders.settle_failed(unit, order_id, cause)


def _issue(runtime: Runtime, order_id: str) -> None:
    with runtime.units.read(WORKER) as unit:
        order = orders.order_by_id(unit, order_id)
        if order.state is not OrderState.ORDERED:
            return
        kind = order.kind
    if kind == orders.PUBLICATION:
        _issue_publication(runtime, order_id)
    else:
        _issue_clarification(runtime, order_id)


def _issue_publication(runtime: Runtime, order_id: str) -> None:
    source = documents.paper_source(runtime.settings)
    with runtime.units.read(WORKER) as unit:
        order, lot, project = _rows(unit, order_id)
        notice, document = documents.publication_papers(unit, lot, project, source)
        at, lot_id, actor = unit.at, lot.id, orders.actor_of(order)
    rendered = documents.render_publication(notice, document, source, at)
    stored = documents.store(runtime.objects, lot_id, rendered)
    with runtime.units.begin(actor) as unit:
        order = orders.order_by_id(unit, order_id)
        publication.publish(
            unit,
            order,
            stored,
            civil_date(at).isoformat(),
            freeze_grace_seconds=runtime.settings.freeze_grace_seconds,
        )


def _issue_clarification(runtime: Runtime, order_id: str) -> None:
    source = documents.paper_source(runtime.settings)
    with runtime.units.read(WORKER) as unit:
        order, lot, project = _rows(unit, order_id)
        new = clarifications.NewClarification.from_json(order.wanted)
        move: DeadlineMove = clarifications.check(unit, lot, new)
        number = clarifications.next_number(unit, lot.id)
        paper = documents.clarification_paper(unit, lot, project, new, move, number, source)
        at, lot_id, actor = unit.at, lot.id, orders.actor_of(order)
    rendered = documents.render_one_clarification(paper, source, at)
    stored = documents.store(runtime.objects, lot_id, rendered)
    with runtime.units.begin(actor) as unit:
        order = orders.order_by_id(unit, order_id)
        clarifications.issue_clarification(unit, order, number, stored[0], move, civil_date(at).isoformat())


def _rows(unit: Unit, order_id: str) -> tuple[PaperOrder, Lot, Project]:
    order = orders.order_by_id(unit, order_id)
    lot = unit.session.get(Lot, order.lot_id)
    project = unit.session.get(Project, lot.project_id) if lot else None
    if lot is None or project is None:
        raise NotFound(what="lot")
    return order, lot, project


@register_reason
def a_lot_takes_bids(unit: Unit) -> bool:
    """While a lot is open, and until its freeze, the log grows at one pace: nobody learns who is active (R1.05)."""
    receiving = Lot.state.in_((LotState.OPEN, LotState.CLOSED))
    return unit.session.scalar(select(Lot.id).where(receiving).limit(1)) is not None
