"""The part of the work list of a lot's tenderee and agency: a few queries for all their lots together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select

from evaluation.models import CommitteeDraw, CommitteeSeat, DrawContribution, EvaluationCase, RankedBid, ResultObjection
from evaluation.services import committee
from evaluation.states import CaseState, DrawState, SeatState
from foundation.actor import Actor
from foundation.store.unit import Unit
from foundation.web.worklist import Urgency, WorkItem
from tendering import facade as tendering
from tendering.states import LotState

_FROM_DEADLINE = (LotState.OPEN, LotState.CLOSED, LotState.FROZEN, LotState.OPENED)


@dataclass(frozen=True, slots=True)
class Side:
    """What is known of the lots of one organisation, by lot id."""

    cases: Mapping[str, EvaluationCase]
    draws: Mapping[str, CommitteeDraw]
    is_given: frozenset[str]
    accepted: Mapping[str, int]
    bids: Mapping[str, Sequence[RankedBid]]
    objections: Sequence[ResultObjection]


def host_work(unit: Unit, actor: Actor) -> Iterator[WorkItem]:
    lots = {lot.id: lot for lot in tendering.lots_of_side(unit, str(actor.org_id), *_FROM_DEADLINE)}
    side = _side(unit, list(lots))
    for lot in lots.values():
        is_host = lot.host_org_id == actor.org_id
        is_tenderee = lot.tenderee_org_id == actor.org_id and actor.has_role("tenderee")
        case = side.cases.get(lot.id)
        if is_host:
            yield from _to_run(lot, case, side)
        if is_tenderee and case is not None:
            yield from _to_decide(unit, lot, case, side)
    for one in side.objections:
        url = f"/lots/{one.lot_id}/evaluation#objections"
        yield WorkItem(
            "答复对评标结果的异议", "Answer the objection", url, lots[one.lot_id].name, one.answer_until, "R1.41"
        )


def _to_run(lot: tendering.SideLot, case: EvaluationCase | None, side: Side) -> Iterator[WorkItem]:
    url = f"/lots/{lot.id}/evaluation"
    draw = side.draws.get(lot.id)
    is_opened = lot.state is LotState.OPENED
    if case is None or case.state is CaseState.FORMING:
        if draw is None and is_opened:
            title = ("组建评标委员会：申请抽取专家", "Form the committee: ask for the draw of experts")
            yield WorkItem(*title, url, lot.name, None, "R4.01", Urgency.TODAY)
        elif (
            case is not None and is_opened and draw is not None and side.accepted.get(lot.id, 0) >= case.committee_size
        ):
            yield WorkItem("开始评审", "Start the review", url, lot.name, None, "R4.50", Urgency.TODAY)
    if case is None:
        return
    if case.state in {CaseState.FORMING, CaseState.REVIEW} and draw is not None and draw.state is DrawState.EXHAUSTED:
        title = ("补充抽取专家", "Draw for the empty seats")
        yield WorkItem(*title, url, lot.name, None, "R4.08", Urgency.NOW)
    if case.state is CaseState.REPORTED:
        bids = side.bids.get(lot.id, ())
        if not any(bid.rank is not None for bid in bids):
            yield WorkItem("认定评标失败", "Declare the evaluation failed", url, lot.name, case.publish_by, "R4.51")
        elif not case.tie_order and any(bid.is_tied for bid in bids):
            yield WorkItem("确定并列投标的次序", "Decide the tie", url, lot.name, case.publish_by, "R4.21")
        else:
            yield WorkItem("公示中标候选人", "Publish the candidates", url, lot.name, case.publish_by, "R1.40")


def _to_decide(unit: Unit, lot: tendering.SideLot, case: EvaluationCase, side: Side) -> Iterator[WorkItem]:
    draw = side.draws.get(lot.id)
    if draw is not None and draw.state is DrawState.COLLECTING and draw.id not in side.is_given:
        title = ("为专家抽取提交随机内容", "Contribute to the draw of experts")
        yield WorkItem(*title, f"/lots/{lot.id}/committee/draw", lot.name, None, "R4.07", Urgency.TODAY)
    until = case.publicity_until
    is_over = case.state is CaseState.PUBLICITY and until is not None and unit.at >= until
    if is_over and not tendering.has_stay(unit, lot.id):
        title = ("确定中标人", "Decide the award")
        yield WorkItem(*title, f"/lots/{lot.id}/evaluation", lot.name, None, "R1.49", Urgency.TODAY)
    if case.state is CaseState.AWARDED and case.tenderee_signed_at is None:
        url = f"/lots/{lot.id}/contract"
        yield WorkItem("签订合同", "Sign the contract", url, lot.name, case.contract_until, "R1.44")


def _side(unit: Unit, lot_ids: list[str]) -> Side:
    cases = {row.id: row for row in unit.session.scalars(select(EvaluationCase).where(EvaluationCase.id.in_(lot_ids)))}
    draws: dict[str, CommitteeDraw] = {}
    query = select(CommitteeDraw).where(CommitteeDraw.lot_id.in_(lot_ids)).order_by(CommitteeDraw.number)
    for row in unit.session.scalars(query):
        draws[row.lot_id] = row
    given = unit.session.scalars(
        select(DrawContribution.draw_row_id).where(
            DrawContribution.draw_row_id.in_([row.id for row in draws.values()]),
            DrawContribution.contributor == committee.TENDEREE,
        )
    )
    accepted = unit.session.execute(
        select(CommitteeSeat.lot_id, func.count())
        .where(CommitteeSeat.lot_id.in_(lot_ids), CommitteeSeat.state == SeatState.ACCEPTED)
        .group_by(CommitteeSeat.lot_id)
    )
    bids: dict[str, list[RankedBid]] = {}
    reported = [case.id for case in cases.values() if case.state is CaseState.REPORTED]
    for bid in unit.session.scalars(select(RankedBid).where(RankedBid.lot_id.in_(reported))):
        bids.setdefault(bid.lot_id, []).append(bid)
    objections = unit.session.scalars(
        select(ResultObjection)
        .where(ResultObjection.lot_id.in_(lot_ids), ResultObjection.answered_at.is_(None))
        .order_by(ResultObjection.answer_until, ResultObjection.id)
    ).all()
    return Side(cases, draws, frozenset(given), dict(accepted.all()), bids, objections)
