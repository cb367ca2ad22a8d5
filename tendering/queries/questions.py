"""Questions and answers of a lot: the public sees answered ones, a bidder its own, the host all, nobody an asker."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from foundation.store.unit import Unit
from foundation.working_days import from_state_council
from tendering import access
from tendering.models import Question
from tendering.queries.lot_page import ClarificationRow, clarifications_of
from tendering.queries.preparation import OrderCard, order_card
from tendering.rules import proposed_deadline
from tendering.services import orders
from tendering.services.clarifications import book_of, open_questions, questions_until
from tendering.states import LotState


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """A question waiting for its answer, as the host sees it: its text, and nothing that could name the asker."""

    question_id: str
    text: str


@dataclass(frozen=True, slots=True)
class OwnQuestion:
    """A question of the reader's own organisation."""

    text: str
    asked_at: datetime
    is_answered: bool


@dataclass(frozen=True, slots=True)
class QuestionsPage:
    lot_id: str
    name: str
    state: LotState
    deadline_at: datetime | None
    until: datetime | None
    may_ask: bool
    is_host: bool
    clarifications: tuple[ClarificationRow, ...]
    own: tuple[OwnQuestion, ...]
    waiting: tuple[OpenQuestion, ...]
    proposed_deadline: datetime | None
    clarify_before_days: int
    order: OrderCard | None


def questions_page(unit: Unit, lot_id: str) -> QuestionsPage:
    """What this reader may see of the questions of a published lot."""
    lot, project = access.public_lot(unit, lot_id)
    is_host = access.is_host(project, unit.actor)
    is_open = lot.state is LotState.OPEN and not lot.is_imported
    until = questions_until(lot) if is_open else None
    is_in_time = until is not None and unit.at < until
    order = orders.latest_order(unit, lot.id, orders.CLARIFICATION) if is_host else None
    proposal, days = None, 0
    if is_open and lot.published_at is not None and lot.deadline_at is not None and unit.at < lot.deadline_at:
        book = book_of(lot)
        days = book.number("tender.clarify_before_days")
        proposal = proposed_deadline(lot.published_at, lot.deadline_at, unit.at, book, from_state_council())
    return QuestionsPage(
        lot_id=lot.id,
        name=lot.name,
        state=lot.state,
        deadline_at=lot.deadline_at,
        until=until,
        may_ask=unit.actor.has_role("bidder") and is_in_time,
        is_host=is_host,
        clarifications=clarifications_of(unit, lot.id),
        own=_own(unit, lot.id),
        waiting=tuple(OpenQuestion(one.id, one.text) for one in open_questions(unit, lot.id)) if is_host else (),
        proposed_deadline=proposal,
        clarify_before_days=days,
        order=None if order is None else order_card(order),
    )


def _own(unit: Unit, lot_id: str) -> tuple[OwnQuestion, ...]:
    if unit.actor.org_id is None:
        return ()
    rows = unit.session.scalars(
        select(Question)
        .where(Question.lot_id == lot_id, Question.asker_org_id == unit.actor.org_id)
        .order_by(Question.asked_at, Question.id)
    )
    return tuple(OwnQuestion(one.text, one.asked_at, one.clarification_id is not None) for one in rows)
