"""How far a lot's life has gone after its opening, from public facts; and the evaluation's pages a reader may open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from evaluation import access
from evaluation.models import CommitteeDraw, CommitteeSeat, EvaluationCase, RankedBid
from evaluation.services.award import party_of
from evaluation.states import SEATED, CaseState
from foundation.actor import Actor
from foundation.errors import NotFound
from foundation.store.unit import Unit
from foundation.web.lot_life import LotLink, Stage

_ENDED = (CaseState.PUBLICITY, CaseState.AWARDED, CaseState.CONTRACTED, CaseState.FAILED)


def stages(unit: Unit, lot_ids: Sequence[str]) -> Mapping[str, Iterable[Stage]]:
    """From the publication of candidates on: before it "evaluation" is all anybody may know."""
    cases = unit.session.scalars(
        select(EvaluationCase).where(EvaluationCase.id.in_(lot_ids), EvaluationCase.state.in_(_ENDED))
    )
    return {case.id: _stages(case, unit.at) for case in cases}


def _stages(case: EvaluationCase, at: datetime) -> tuple[Stage, ...]:
    evaluation = Stage("evaluation", case.reported_at, "done")
    until = case.publicity_until
    published = Stage("publicity", until, "done")
    match case.state:
        case CaseState.FAILED:
            return evaluation, Stage("publicity", None, ""), Stage("contract", None, ""), Stage("refund", None, "now")
        case CaseState.CONTRACTED:
            signed = Stage("contract", case.contracted_at, "done")
            return evaluation, published, signed, Stage("refund", None, "now")
        case CaseState.AWARDED:
            return evaluation, published, Stage("contract", case.contract_until, "now")
        case _ if until is not None and at >= until:
            return evaluation, published, Stage("contract", None, "now")
        case _:
            return evaluation, Stage("publicity", until, "now")


def links(unit: Unit, actor: Actor, lot_id: str) -> Iterator[LotLink]:
    """Public results; the desk of the tenderee's side; a bidder's own result; an expert's own seat."""
    case = unit.session.get(EvaluationCase, lot_id)
    if _is_host_side(unit, lot_id):
        yield LotLink("评标与定标", "Evaluation and award", f"/lots/{lot_id}/evaluation", 50)
    if case is None:
        return
    if _has_seat(unit, actor, lot_id):
        yield LotLink("我的评审", "My review", f"/reviews/{lot_id}", 20)
    if unit.session.scalar(select(CommitteeDraw.id).where(CommitteeDraw.lot_id == lot_id).limit(1)) is not None:
        yield LotLink("专家抽取记录", "The draw of experts", f"/lots/{lot_id}/committee/draw", 55, "two")
    if case.state not in access.PUBLISHED:
        return
    yield LotLink("中标候选人公示", "Candidates and points", f"/lots/{lot_id}/candidates", 60)
    if _has_line(unit, actor, lot_id):
        yield LotLink("我的评标结果", "My result", f"/lots/{lot_id}/my-result", 22)
    if case.state in access.DECIDED:
        yield LotLink("中标结果", "The award", f"/lots/{lot_id}/award", 65, "ok")
        if party_of(unit, case) is not None:
            yield LotLink("合同", "The contract", f"/lots/{lot_id}/contract", 70, "file")


def _is_host_side(unit: Unit, lot_id: str) -> bool:
    if not unit.actor.has_role("agency", "tenderee"):
        return False
    try:
        card = access.require_host_side(unit, lot_id)
    except NotFound:
        return False
    return card.published_at is not None


def _has_seat(unit: Unit, actor: Actor, lot_id: str) -> bool:
    if not actor.has_role("expert") or actor.user_id is None:
        return False
    seat = select(CommitteeSeat.id).where(
        CommitteeSeat.lot_id == lot_id, CommitteeSeat.user_id == actor.user_id, CommitteeSeat.state.in_(SEATED)
    )
    return unit.session.scalar(seat.limit(1)) is not None


def _has_line(unit: Unit, actor: Actor, lot_id: str) -> bool:
    if not actor.has_role("bidder") or actor.org_id is None:
        return False
    own = select(RankedBid.bid).where(RankedBid.lot_id == lot_id, RankedBid.org_id == actor.org_id)
    return unit.session.scalar(own.limit(1)) is not None
