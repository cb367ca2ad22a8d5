"""Questions on the documents, answered to everybody; subscriptions; downloads.

Who asked, subscribed or downloaded is told to nobody (R1.05): those facts live in the stream of bidder and lot.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update

from accounts import facade as accounts
from foundation.clock import iso, parse_iso
from foundation.errors import Objection
from foundation.events import tendering as e
from foundation.machine import LostRace, WrongState
from foundation.store.unit import Unit
from foundation.working_days import civil_date, from_state_council
from tendering import access
from tendering.errors import (
    BidsClosedAlready,
    ClarificationRefused,
    NotReady,
    PaperTooLate,
    QuestionRefused,
    QuestionsClosed,
)
from tendering.models import Clarification, Document, Lot, PaperOrder, Question, Subscription
from tendering.rulebook import RULEBOOKS, Rulebook
from tendering.rules import DeadlineMove, deadline_after_change
from tendering.services.orders import CLARIFICATION, order_papers, settle_issued
from tendering.services.publication import StoredPaper, add_documents, enqueue_close
from tendering.states import LotState, OrderState


def book_of(lot: Lot) -> Rulebook:
    """The rulebook stamped on a published lot."""
    if lot.rulebook_id is None:
        raise NotReady
    return RULEBOOKS[lot.rulebook_id.partition("+")[0]]


def questions_until(lot: Lot) -> datetime | None:
    """The instant until which questions are taken, as the tender document states it; None for imported lots."""
    if lot.deadline_at is None or lot.rulebook_id is None:
        return None
    return lot.deadline_at - timedelta(days=book_of(lot).number("tender.objection_before_days"))


def ask(unit: Unit, lot_id: str, text: str) -> str:
    """A bidder's question. Raises QuestionsClosed, QuestionRefused when it names its asker."""
    lot, _ = access.public_lot(unit, lot_id)
    org_id = accounts.require_organisation(unit.actor)
    until = questions_until(lot)
    if lot.state is not LotState.OPEN or until is None or unit.at >= until:
        raise QuestionsClosed(until=until)
    card = accounts.organisation(unit, org_id)
    if card.name in text or card.uscc in text.upper():
        raise QuestionRefused(objections=[Objection("tendering.question_names_asker", "text", {}, "EB20 21")])
    question = Question(
        id=unit.new_id(),
        lot_id=lot.id,
        asker_org_id=org_id,
        text=text,
        asked_at=unit.at,
        clarification_id=None,
        answer="",
    )
    unit.session.add(question)
    unit.session.flush()
    unit.append(f"bid:{lot.id}:{org_id}", e.QuestionAsked(lot=lot.id, org_id=org_id, question=question.id))
    return question.id


@dataclass(frozen=True, slots=True)
class NewClarification:
    """``answers``: question id → answer. ``changes``: what is amended, or "". ``new_deadline`` only when it moves."""

    answers: Mapping[str, str]
    changes: str
    affects_bids: bool
    new_deadline: datetime | None

    def as_json(self) -> dict[str, object]:
        return {
            "answers": dict(self.answers),
            "changes": self.changes,
            "affects_bids": self.affects_bids,
            "new_deadline": iso(self.new_deadline) if self.new_deadline else None,
        }

    @classmethod
    def from_json(cls, wanted: Mapping[str, object]) -> NewClarification:
        answers, deadline = wanted["answers"], wanted["new_deadline"]
        return cls(
            answers={str(key): str(text) for key, text in answers.items()} if isinstance(answers, Mapping) else {},
            changes=str(wanted["changes"]),
            affects_bids=wanted["affects_bids"] is True,
            new_deadline=parse_iso(deadline) if isinstance(deadline, str) else None,
        )


def order_clarification(unit: Unit, lot_id: str, new: NewClarification) -> str:
    """The host answers or amends: have the paper rendered, then published to everybody. Gives the order's id.

    Raises ClarificationRefused with every reason, the nearest allowed deadline among them.
    """
    lot, _ = access.lot_to_draft(unit, lot_id)
    check(unit, lot, new)
    return order_papers(unit, lot, CLARIFICATION, new.as_json())


def check(unit: Unit, lot: Lot, new: NewClarification) -> DeadlineMove:
    """What the clarification does to the deadline if published now; raises what is against it."""
    if lot.state is not LotState.OPEN or lot.published_at is None or lot.deadline_at is None:
        raise WrongState(machine="lot", state=str(lot.state), trigger="clarify")
    if unit.at >= lot.deadline_at:
        raise BidsClosedAlready(deadline=lot.deadline_at)
    faults: list[Objection] = []
    if not new.answers and not new.changes:
        faults.append(Objection("tendering.clarification_empty", "changes", {}))
    known = {question.id for question in open_questions(unit, lot.id)}
    faults += [Objection("tendering.question_unknown", "", {}) for key in new.answers if key not in known]
    move = deadline_after_change(
        lot.published_at,
        lot.deadline_at,
        new.new_deadline,
        unit.at,
        book_of(lot),
        from_state_council(),
        affects_bids=new.affects_bids,
    )
    if isinstance(move, list):
        raise ClarificationRefused(objections=[*faults, *move])
    if faults:
        raise ClarificationRefused(objections=faults)
    return move


def open_questions(unit: Unit, lot_id: str) -> list[Question]:
    """Questions without an answer, in the order of asking."""
    return list(
        unit.session.scalars(
            select(Question)
            .where(Question.lot_id == lot_id, Question.clarification_id.is_(None))
            .order_by(Question.asked_at, Question.id)
        )
    )


def next_number(unit: Unit, lot_id: str) -> int:
    last = unit.session.scalar(select(func.max(Clarification.number)).where(Clarification.lot_id == lot_id))
    return (last or 0) + 1


def issue_clarification(
    unit: Unit, order: PaperOrder, number: int, paper: StoredPaper, rendered: DeadlineMove, rendered_on: str
) -> None:
    """Publish a rendered clarification by whoever ordered it; moves the deadline where the rule wants it.

    Raises ClarificationRefused or PaperTooLate when what the paper says is not true any more.
    """
    if order.state is not OrderState.ORDERED:
        return
    lot, project = access.lot_to_draft(unit, order.lot_id)
    new = NewClarification.from_json(order.wanted)
    move = check(unit, lot, new)
    if move != rendered or number != next_number(unit, lot.id) or civil_date(unit.at).isoformat() != rendered_on:
        raise PaperTooLate
    clarification = Clarification(
        id=unit.new_id(),
        lot_id=lot.id,
        number=number,
        text=new.changes,
        affects_bids=new.affects_bids,
        issued_at=unit.at,
        deadline_before=move.before,
        deadline_after=move.after,
    )
    unit.session.add(clarification)
    unit.session.flush()
    for question_id, answer in new.answers.items():
        unit.session.execute(
            update(Question)
            .where(Question.id == question_id, Question.lot_id == lot.id)
            .values(clarification_id=clarification.id, answer=answer)
        )
    add_documents(unit, lot, [paper], version=number)
    unit.append(
        f"lot:{lot.id}",
        e.DocumentClarified(lot=lot.id, number=number, affects_bids=new.affects_bids, sha256=paper.sha256),
    )
    if move.is_moved:
        _move_deadline(unit, lot, move)
    settle_issued(unit, order, project.id)


def _move_deadline(unit: Unit, lot: Lot, move: DeadlineMove) -> None:
    """The old closing job finds another deadline and does nothing; the keyset stays."""
    moved = unit.session.execute(
        update(Lot)
        # Compare-and-swap: the closing job may be at work on the same row.
        .where(Lot.id == lot.id, Lot.state == LotState.OPEN, Lot.deadline_at == move.before)
        .values(deadline_at=move.after)
    )
    if moved.rowcount != 1:  # type: ignore[attr-defined]
        raise LostRace(machine="lot", state=str(lot.state), trigger="move_deadline")
    unit.session.refresh(lot)
    unit.append(f"lot:{lot.id}", e.DeadlineMoved(lot=lot.id, before=move.before, after=move.after, clause=move.clause))
    enqueue_close(unit, lot)


def set_subscription(unit: Unit, lot_id: str, *, is_on: bool) -> None:
    """Whether the asker hears of clarifications. Nobody else can see it. Saying the same again changes nothing."""
    lot, _ = access.public_lot(unit, lot_id)
    org_id = accounts.require_organisation(unit.actor)
    user_id = unit.actor.user_id or ""
    present = unit.session.get(Subscription, (lot.id, user_id))
    if (present is not None) is is_on:
        return
    if present is not None:
        unit.session.delete(present)
    else:
        told = next_number(unit, lot.id) - 1
        unit.session.add(Subscription(lot_id=lot.id, user_id=user_id, org_id=org_id, since=unit.at, told_through=told))
    unit.session.flush()
    unit.append(f"bid:{lot.id}:{org_id}", e.LotSubscribed(lot=lot.id, org_id=org_id, is_on=is_on))


CANCELLED_TOLD = 1_000_000
"""``told_through`` of those who were told that the lot is cancelled: beyond any number of a clarification."""


def tell_subscribers(unit: Unit, lot_id: str, number: int, code: str) -> None:
    """A message to everybody who subscribed before and was not told of this yet: repeating it tells nobody twice."""
    lot, _ = access.public_lot(unit, lot_id)
    waiting = unit.session.scalars(
        select(Subscription).where(Subscription.lot_id == lot_id, Subscription.told_through < number)
    ).all()
    for one in waiting:
        params = {"lot": lot.name, "number": number, "deadline": lot.deadline_at or unit.at}
        accounts.add_to_inbox(unit, one.user_id, code, params, f"/lots/{lot_id}#documents")
        one.told_through = number


def note_download(unit: Unit, lot_id: str, kind: str, version: int) -> Document:
    """The document asked for. A signed-in bidder's download is kept in its own stream, where only it may look."""
    document = access.public_document(unit, lot_id, kind, version)
    if unit.actor.has_role("bidder") and unit.actor.org_id is not None:
        unit.append(
            f"bid:{lot_id}:{unit.actor.org_id}",
            e.DocumentDownloaded(lot=lot_id, org_id=unit.actor.org_id, document=f"{kind}/{version}"),
        )
    return document
