"""The desk of the tenderee's side: how far the evaluation is, in counts; never who sits or what one expert said."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from accounts.roles import Role
from bid_opening import facade as bid_opening
from bid_opening.states import Phase
from credit import facade as credit
from evaluation import access
from evaluation.models import EvaluationCase, RankedBid, ResultObjection, ScoreSheet
from evaluation.queries.reviews import ResultRow, benchmark_of, result_rows
from evaluation.services import committee, paper_texts, papers, review
from evaluation.states import CaseState, DrawState, SeatState, SheetState
from foundation.money import Money
from foundation.store.unit import Unit
from tendering import facade as tendering


@dataclass(frozen=True, slots=True)
class CommitteeCount:
    """``draw`` None: nothing asked for yet. ``missing`` contributions by contributor."""

    size: int
    draw: DrawState | None
    waiting_for: tuple[str, ...]
    invited: int
    accepted: int
    vacated: int


@dataclass(frozen=True, slots=True)
class ObjectionRow:
    """An objection with its answer, as the side that answers sees it."""

    id: str
    name: str
    text: str
    raised_at: datetime
    answer_until: datetime
    answer: str
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class CandidateBan:
    """A lawful ban that holds on a published candidate now."""

    name: str
    authority: str
    decision_no: str
    starts_at: datetime


@dataclass(frozen=True, slots=True)
class Desk:
    lot_id: str
    lot_name: str
    project_id: str
    state: CaseState | None
    is_opened: bool
    is_host: bool
    is_tenderee: bool
    committee: CommitteeCount
    sheets_in: int
    sheets: int
    signed: int
    benchmark: Money | None
    rows: tuple[ResultRow, ...]
    steps: tuple[str, ...]
    is_tied: bool
    papers: tuple[str, ...]
    report_at: datetime | None
    publish_by: datetime | None
    published_at: datetime | None
    publicity_until: datetime | None
    is_publicity_over: bool
    objections: tuple[ObjectionRow, ...]
    is_stayed: bool
    awarded_at: datetime | None
    contract_until: datetime | None
    contracted_at: datetime | None
    bans: tuple[CandidateBan, ...]


def desk(unit: Unit, lot_id: str) -> Desk:
    """Raises NotFound for everybody but the lot's tenderee and agency."""
    card = access.require_host_side(unit, lot_id)
    case = unit.session.get(EvaluationCase, lot_id)
    is_ranked = case is not None and case.reported_at is not None
    rows = result_rows(unit, lot_id) if is_ranked else ()
    sheets = list(unit.session.scalars(select(ScoreSheet.state).where(ScoreSheet.lot_id == lot_id)))
    members = committee.seats_of(unit, lot_id, SeatState.ACCEPTED)
    until = case.publicity_until if case else None
    return Desk(
        lot_id=lot_id,
        lot_name=card.name,
        project_id=card.project_id,
        state=case.state if case else None,
        is_opened=bid_opening.phase_of(unit, lot_id) is Phase.CLOSED,
        is_host=tendering.host_may_run(unit, lot_id, unit.actor),
        is_tenderee=unit.actor.has_role(Role.TENDEREE) and unit.actor.org_id == card.tenderee_org_id,
        committee=_committee(unit, case),
        sheets_in=sum(one is SheetState.SUBMITTED for one in sheets),
        sheets=len(sheets),
        signed=sum(one.signed_at is not None for one in members),
        benchmark=benchmark_of(case) if case and is_ranked else None,
        rows=rows,
        steps=tuple(paper_texts.steps_of(case)) if case and is_ranked else (),
        is_tied=case is not None and not case.tie_order and any(row.is_tied for row in rows),
        papers=_papers(unit, lot_id),
        report_at=case.reported_at if case else None,
        publish_by=case.publish_by if case else None,
        published_at=case.published_at if case else None,
        publicity_until=until,
        is_publicity_over=until is not None and unit.at >= until,
        objections=objections(unit, lot_id),
        is_stayed=tendering.has_stay(unit, lot_id),
        awarded_at=case.awarded_at if case else None,
        contract_until=case.contract_until if case else None,
        contracted_at=case.contracted_at if case else None,
        bans=_bans(unit, lot_id) if case is not None and case.state is CaseState.PUBLICITY else (),
    )


def _bans(unit: Unit, lot_id: str) -> tuple[CandidateBan, ...]:
    """Bans that hold on candidates now; their bids were received before, so the committee looks again (R5.03)."""
    return tuple(
        CandidateBan(row.name, ban.authority, ban.decision_no, ban.starts_at)
        for row in review.ranked_rows(unit, lot_id)
        if row.is_candidate
        for ban in credit.bans_in_force(unit, row.org_id, unit.at)
    )


def _committee(unit: Unit, case: EvaluationCase | None) -> CommitteeCount:
    if case is None:
        return CommitteeCount(0, None, (), 0, 0, 0)
    draw = committee.last_draw(unit, case.id)
    states = [seat.state for seat in committee.seats_of(unit, case.id)]
    present = committee.contributors_of(unit, draw) if draw is not None else ()
    return CommitteeCount(
        size=case.committee_size,
        draw=draw.state if draw is not None else None,
        waiting_for=tuple(one for one in committee.CONTRIBUTORS if one not in present) if draw is not None else (),
        invited=states.count(SeatState.INVITED),
        accepted=states.count(SeatState.ACCEPTED),
        vacated=len(states) - states.count(SeatState.INVITED) - states.count(SeatState.ACCEPTED),
    )


def _papers(unit: Unit, lot_id: str) -> tuple[str, ...]:
    kinds = (papers.REPORT, papers.CANDIDATES, papers.CONTRACT)
    return tuple(kind for kind in kinds if papers.paper(unit, lot_id, kind) is not None)


def objections(unit: Unit, lot_id: str, org_id: str = "") -> tuple[ObjectionRow, ...]:
    """Objections to the result, oldest first; of one bidder, or of all."""
    query = select(ResultObjection).where(ResultObjection.lot_id == lot_id)
    if org_id:
        query = query.where(ResultObjection.org_id == org_id)
    names = {row.org_id: row.name for row in unit.session.scalars(select(RankedBid).where(RankedBid.lot_id == lot_id))}
    return tuple(
        ObjectionRow(
            id=row.id,
            name=names.get(row.org_id, ""),
            text=row.text,
            raised_at=row.raised_at,
            answer_until=row.answer_until,
            answer=row.answer,
            answered_at=row.answered_at,
        )
        for row in unit.session.scalars(query.order_by(ResultObjection.raised_at, ResultObjection.id))
    )
