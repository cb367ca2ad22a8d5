"""What evaluation puts on the work lists, from the invitation of an expert to the contract's two signatures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import select

from evaluation.models import (
    CommitteeDraw,
    CommitteeSeat,
    DrawContribution,
    EvaluationCase,
    RankedBid,
    ScoreSheet,
)
from evaluation.services import committee
from evaluation.states import SEATED, CaseState, DrawState, SeatState, SheetState
from evaluation.worklist_host import host_work
from foundation.actor import Actor
from foundation.store.unit import Unit
from foundation.web.worklist import OwnLot, Urgency, WorkItem
from tendering import facade as tendering

ROWS = 100


def work(unit: Unit, actor: Actor) -> Iterator[WorkItem]:
    if actor.has_role("expert") and actor.user_id is not None:
        yield from _expert(unit, str(actor.user_id))
    if actor.has_role("agency", "tenderee") and actor.org_id is not None:
        yield from host_work(unit, actor)
    if actor.has_role("supervisor"):
        yield from _draws(unit)
    if actor.has_role("bidder") and actor.org_id is not None:
        yield from _contracts(unit, str(actor.org_id))


def lots(unit: Unit, actor: Actor) -> Iterator[OwnLot]:
    """Lots on whose committee the expert sits. Nobody else's list says that it does (R4.01)."""
    if actor.has_role("expert") and actor.user_id is not None:
        rows = _seats(unit, str(actor.user_id))
        names = tendering.names_of(unit, [seat.lot_id for seat, _, _ in rows])
        yield from (OwnLot(seat.lot_id, names[seat.lot_id], f"/reviews/{seat.lot_id}") for seat, _, _ in rows)


def _seats(unit: Unit, user_id: str) -> Sequence[tuple[CommitteeSeat, CaseState, SheetState | None]]:
    query = (
        select(CommitteeSeat, EvaluationCase.state, ScoreSheet.state)
        .join(EvaluationCase, EvaluationCase.id == CommitteeSeat.lot_id)
        .outerjoin(ScoreSheet, ScoreSheet.id == CommitteeSeat.id)
        .where(CommitteeSeat.user_id == user_id, CommitteeSeat.state.in_(SEATED))
        .order_by(CommitteeSeat.invited_at.desc())
        .limit(ROWS)
    )
    return [(seat, case, sheet) for seat, case, sheet in unit.session.execute(query)]


def _expert(unit: Unit, user_id: str) -> Iterator[WorkItem]:
    rows = _seats(unit, user_id)
    names = tendering.names_of(unit, [seat.lot_id for seat, _, _ in rows])
    until = dict(
        unit.session.execute(
            select(EvaluationCase.id, EvaluationCase.signing_until).where(
                EvaluationCase.id.in_([seat.lot_id for seat, case, _ in rows if case is CaseState.SIGNING])
            )
        ).all()
    )
    for seat, case, sheet in rows:
        url, name = f"/reviews/{seat.lot_id}", names[seat.lot_id]
        if seat.state is SeatState.INVITED:
            yield WorkItem("答复评审邀请", "Answer the invitation", url, name, seat.answer_until, "R4.07")
        elif case is CaseState.REVIEW and sheet is SheetState.DRAFT:
            yield WorkItem(
                "填写并提交评分表", "Fill in and hand in the score sheet", url, name, None, "R4.57", Urgency.NOW
            )
        elif case is CaseState.SIGNING and seat.signed_at is None:
            title = ("签署评标报告", "Sign the evaluation report")
            yield WorkItem(*title, url, name, until.get(seat.lot_id), "R4.11")


def _draws(unit: Unit) -> Iterator[WorkItem]:
    """Draws that wait for a supervisor's words."""
    given = select(DrawContribution.draw_row_id).where(DrawContribution.contributor == committee.SUPERVISOR)
    lot_ids = unit.session.scalars(
        select(CommitteeDraw.lot_id)
        .where(CommitteeDraw.state == DrawState.COLLECTING, CommitteeDraw.id.not_in(given))
        .order_by(CommitteeDraw.asked_at)
        .limit(ROWS)
    ).all()
    names = tendering.names_of(unit, lot_ids)
    for lot_id in lot_ids:
        title = ("为专家抽取提交随机内容", "Contribute to the draw of experts")
        yield WorkItem(*title, f"/lots/{lot_id}/committee/draw", names[lot_id], None, "R4.07", Urgency.TODAY)


def _contracts(unit: Unit, org_id: str) -> Iterator[WorkItem]:
    """Contracts that wait for the awardee's signature."""
    cases = unit.session.scalars(
        select(EvaluationCase)
        .join(RankedBid, (RankedBid.lot_id == EvaluationCase.id) & (RankedBid.bid == EvaluationCase.awardee_bid))
        .where(RankedBid.org_id == org_id, EvaluationCase.state == CaseState.AWARDED)
        .where(EvaluationCase.awardee_signed_at.is_(None))
        .limit(ROWS)
    ).all()
    names = tendering.names_of(unit, [case.id for case in cases])
    for case in cases:
        url = f"/lots/{case.id}/contract"
        yield WorkItem("签订合同", "Sign the contract", url, names[case.id], case.contract_until, "R1.44")
