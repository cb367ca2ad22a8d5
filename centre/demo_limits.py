"""The limits that run between the read-out and the last refund, and what of it must not be jumped over.

Committee, report, publicity, objections, contract and refunds each wait for a date of their own; each is told with the
rule that makes everybody wait. Where only people can go on there is no limit here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import or_, select

from deposits.models import Refund
from deposits.rules import TERMS
from deposits.states import RefundState
from evaluation.models import CommitteeDraw, CommitteeSeat, EvaluationCase, ResultObjection
from evaluation.states import CaseState, DrawState, SeatState
from foundation.clock import machine_now
from foundation.jobs.models import Job, JobState
from foundation.journal.models import JournalEntry
from foundation.store.unit import Unit
from tendering.models import Lot
from tendering.rulebook import Rulebook
from tendering.states import LotState

SEATS_ANSWER: Final = (
    "R4.07",
    "P",
    "受邀专家一小时内答复，逾期依次递补",
    "An expert answers within an hour, or the next is asked",
)
SIGNING: Final = (
    "R4.11",
    "REG 53",
    "全体评委签署报告；二十四小时内不签又不说明理由的视为同意",
    "All members sign the report; who says nothing within 24 hours agrees",
)
REFUND_WORDS: Final = {
    "R2.10": ("REG 35", "截止前撤回投标的，五日内退还保证金", "Withdrawn before the deadline: refunded within 5 days"),
    "R2.12": (
        "REG 31",
        "招标终止的，及时退还保证金及利息",
        "A terminated tender: deposits go back promptly with interest",
    ),
    "R2.17": (
        "P",
        "非中标候选人的保证金，公示期满无异议即退，最迟五日内",
        "Who is no candidate is refunded when publicity ends without an objection, within 5 days at the latest",
    ),
    "R2.19": ("P", "有误款项原路退回付款账户", "Money of another name goes back to the payer's account"),
}
"""Source and words by clause; what the rulebook has (R2.11) is told in the rulebook's own words."""

LISTED: Final = frozenset({LotState.OPENED, LotState.FAILED, LotState.CANCELLED})
"""Before these nobody may learn from the clock that somebody has paid or withdrawn (R2.08)."""


@dataclass(frozen=True, slots=True)
class NextMoment:
    """``key``: term ``demo_moment.<key>``. ``rule_id``, its source and the clause name what made everybody wait."""

    key: str
    at: datetime
    rule_id: str
    source: str
    clause_zh: str
    clause_en: str


def ruled(key: str, at: datetime, book: Rulebook, rule_key: str) -> NextMoment:
    """A moment with the words of one of the rulebook's rules."""
    rule = book.rule(rule_key)
    return NextMoment(key, at, rule.id, rule.source, rule.clause_zh, rule.clause_en)


def limits(unit: Unit, lot: Lot, book: Rulebook) -> Iterator[NextMoment]:
    """Limits of the lot that are still ahead, whatever their order."""
    at = unit.at
    return (one for one in _all(unit, lot, book) if one.at > at)


def _all(unit: Unit, lot: Lot, book: Rulebook) -> Iterator[NextMoment]:
    case = unit.session.get(EvaluationCase, lot.id)
    if case is not None:
        yield from _of_case(unit, case, book)
    if lot.state in LISTED:
        yield from _of_refunds(unit, lot.id, book)


def _of_refunds(unit: Unit, lot_id: str, book: Rulebook) -> Iterator[NextMoment]:
    refunds = select(Refund).where(Refund.lot_id == lot_id, Refund.state.in_([RefundState.DUE, RefundState.REJECTED]))
    for refund in unit.session.scalars(refunds):
        clause = TERMS[refund.ground].clause
        if clause in REFUND_WORDS:
            yield NextMoment("refund_limit", refund.due_at, clause, *REFUND_WORDS[clause])
        else:
            yield ruled("refund_limit", refund.due_at, book, "deposit.refund_days")


def _of_case(unit: Unit, case: EvaluationCase, book: Rulebook) -> Iterator[NextMoment]:
    if case.state in {CaseState.FORMING, CaseState.REVIEW}:
        invited = select(CommitteeSeat.answer_until).where(
            CommitteeSeat.lot_id == case.id, CommitteeSeat.state == SeatState.INVITED
        )
        for until in unit.session.scalars(invited):
            yield NextMoment("committee_answer_limit", until, *SEATS_ANSWER)
    elif case.state is CaseState.SIGNING and case.signing_until is not None:
        yield NextMoment("report_signing_end", case.signing_until, *SIGNING)
    elif case.state is CaseState.REPORTED and case.publish_by is not None:
        yield ruled("publicity_start_limit", case.publish_by, book, "publicity.start_days")
    elif case.state is CaseState.PUBLICITY and case.publicity_until is not None:
        # Before the objections: where both end at the same instant, the end of publicity is what is told.
        yield ruled("publicity_end", case.publicity_until, book, "publicity.candidate_days")
        open_ones = select(ResultObjection.answer_until).where(
            ResultObjection.lot_id == case.id, ResultObjection.answered_at.is_(None)
        )
        for until in unit.session.scalars(open_ones):
            yield ruled("objection_answer_limit", until, book, "answer.objection_days")
    elif case.state is CaseState.AWARDED and case.contract_until is not None:
        yield ruled("contract_limit", case.contract_until, book, "contract.sign_days")


def what_runs(unit: Unit, lot: Lot, calm: timedelta) -> str:
    """What a jump would run over after the read-out: term ``demo_runs.<what>``, "" for nothing.

    ``calm``: civil time without anybody's act after which people count as not acting now.
    """
    if unit.session.get(EvaluationCase, lot.id) is None:
        return ""
    ready = select(CommitteeDraw.id).where(CommitteeDraw.lot_id == lot.id, CommitteeDraw.state == DrawState.READY)
    if unit.session.scalar(ready.limit(1)) is not None:
        return "committee_draw"
    if lot.state not in LISTED:
        return ""
    # Interest is counted to the day of the order, and the bank pays on that day (R2.18).
    ordered = select(Refund.id).where(Refund.lot_id == lot.id, Refund.state == RefundState.ORDERED)
    if unit.session.scalar(ordered.limit(1)) is not None:
        return "refund"
    acted = select(JournalEntry.id).where(
        JournalEntry.stream.in_([f"lot:{lot.id}", f"evaluation:{lot.id}"]),
        JournalEntry.recorded_at > unit.at - calm,
        JournalEntry.actor_user_id.is_not(None),
    )
    if unit.session.scalar(acted.limit(1)) is not None:
        return "people"
    return "job" if _is_working(unit) else ""


def _is_working(unit: Unit) -> bool:
    """Whether a job is at work or could be at once; one that is put off after a failure is not waited for."""
    machine = machine_now()
    due = select(Job.id).where(
        or_(
            Job.state == JobState.RUNNING,
            (Job.state == JobState.QUEUED)
            & (Job.due_at <= unit.at)
            & or_(Job.not_before.is_(None), Job.not_before <= machine),
        )
    )
    return unit.session.scalar(due.limit(1)) is not None
