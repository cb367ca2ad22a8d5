"""The desk of the tenderee's side: committee, review, candidates, objections, award, report."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from evaluation import access, forms
from evaluation.queries import desk
from evaluation.services import award, committee, papers, report, review
from evaluation.views.files import issued, pdf
from foundation.errors import NotFound
from foundation.ids import parse_id
from foundation.store.unit import Unit
from foundation.web.access import allow, current_actor
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import units

bp = Blueprint("evaluation", __name__)


@bp.get("/lots/<lot_id>/evaluation")
@allow("agency", "tenderee")
def show_desk(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        shown = desk.desk(unit, parse_id(lot_id))
    return page("evaluation/desk.html", desk=shown)


def _act(lot_id: str, act: Callable[[Unit, str], object], notice: tuple[str, str]) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        act(unit, parse_id(lot_id))
        state = desk.desk(unit, lot_id).state
    return done(url_for(".show_desk", lot_id=lot_id), notice=notice, lot_id=lot_id, state=state)


@bp.post("/lots/<lot_id>/committee")
@allow("agency", "tenderee")
@refusable(show_desk)
def request_committee(lot_id: str) -> ResponseReturnValue:
    wanted = parse(forms.CommitteeForm)
    with units().begin(current_actor()) as unit:
        access.require_host(unit, parse_id(lot_id))
        draw_id = committee.request_committee(unit, lot_id, wanted.size, wanted.codes())
    notice = ("抽取池已固定并公开，等待各方提交随机内容", "The pool is fixed and public; contributions are awaited")
    return done(url_for(".show_desk", lot_id=lot_id), status=201, notice=notice, draw=draw_id)


@bp.post("/lots/<lot_id>/committee/recusal")
@allow("agency", "tenderee")
@refusable(show_desk)
def rerun_recusal(lot_id: str) -> ResponseReturnValue:
    def act(unit: Unit, lot: str) -> None:
        access.require_host(unit, lot)
        committee.rerun_recusal(unit, lot)

    return _act(lot_id, act, ("回避情况已重新核对", "Recusal was looked at again"))


@bp.post("/lots/<lot_id>/evaluation")
@allow("agency", "tenderee")
@refusable(show_desk)
def start_review(lot_id: str) -> ResponseReturnValue:
    return _act(lot_id, review.start_review, ("评审开始", "The review has started"))


@bp.post("/lots/<lot_id>/evaluation/tie")
@allow("agency", "tenderee")
@refusable(show_desk)
def decide_tie(lot_id: str) -> ResponseReturnValue:
    wanted = parse(forms.TieForm)
    notice = ("并列次序已确定", "The order is decided")
    return _act(lot_id, lambda unit, lot: report.decide_tie(unit, lot, wanted.bids(), wanted.reason), notice)


@bp.post("/lots/<lot_id>/candidates")
@allow("agency", "tenderee")
@refusable(show_desk)
def publish_candidates(lot_id: str) -> ResponseReturnValue:
    return _act(lot_id, award.publish_candidates, ("中标候选人已公示", "The candidates are published"))


@bp.post("/lots/<lot_id>/evaluation/failure")
@allow("agency", "tenderee")
@refusable(show_desk)
def declare_failed(lot_id: str) -> ResponseReturnValue:
    return _act(lot_id, award.declare_failed, ("已认定评标失败", "The evaluation has failed"))


@bp.post("/lots/<lot_id>/objections/<objection_id>/answer")
@allow("agency", "tenderee")
@refusable(lambda lot_id, objection_id: show_desk(lot_id))  # noqa: ARG005 - the desk shows all of them
def answer_objection(lot_id: str, objection_id: str) -> ResponseReturnValue:
    wanted = parse(forms.ObjectionForm)
    notice = ("异议已答复，暂缓解除", "Answered; the stay is lifted")
    return _act(
        lot_id,
        lambda unit, lot: award.answer_objection(unit, lot, parse_id(objection_id), wanted.text),
        notice,
    )


@bp.post("/lots/<lot_id>/award")
@allow("agency", "tenderee")
@refusable(show_desk)
def decide_award(lot_id: str) -> ResponseReturnValue:
    return _act(
        lot_id, award.award, ("已确定中标人，通知书正在生成", "The award is decided; the notices are being made")
    )


@bp.get("/lots/<lot_id>/evaluation/report.pdf")
@allow("agency", "tenderee", "supervisor", "expert")
def report_pdf(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        if not access.may_read_report(unit, parse_id(lot_id)):
            raise NotFound(what="report")
        paper = issued(unit, lot_id, papers.REPORT)
    return pdf(paper.object_name, f"report-{lot_id}.pdf")
