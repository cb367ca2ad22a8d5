"""Public results, a bidder's own result and objections, the contract."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from evaluation import access, forms
from evaluation.queries import results
from evaluation.services import award, papers
from evaluation.views.files import issued, pdf
from foundation.errors import NotFound
from foundation.ids import parse_id
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import units

bp = Blueprint("results", __name__)


@bp.get("/results")
@allow(PUBLIC)
def list_results() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        rows = results.results(unit)
    return page("evaluation/results.html", rows=rows)


@bp.get("/lots/<lot_id>/candidates")
@allow(PUBLIC)
def show_candidates(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        result = results.public_result(unit, parse_id(lot_id))
    return page("evaluation/candidates.html", result=result)


@bp.get("/lots/<lot_id>/candidates.pdf")
@allow(PUBLIC)
def candidates_pdf(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        access.published_case(unit, parse_id(lot_id))
        paper = issued(unit, lot_id, papers.CANDIDATES)
    return pdf(paper.object_name, f"candidates-{lot_id}.pdf", is_public=True)


@bp.get("/lots/<lot_id>/award")
@allow(PUBLIC)
def show_award(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        access.awarded_case(unit, parse_id(lot_id))
        result = results.public_result(unit, lot_id)
    return page("evaluation/award.html", result=result)


@bp.get("/lots/<lot_id>/my-result")
@allow("bidder")
def my_result(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        own = results.own_result(unit, parse_id(lot_id))
    return page("evaluation/my_result.html", own=own)


@bp.post("/lots/<lot_id>/objections")
@allow("bidder")
@refusable(my_result)
def raise_objection(lot_id: str) -> ResponseReturnValue:
    wanted = parse(forms.ObjectionForm)
    with units().begin(current_actor()) as unit:
        objection = award.raise_objection(unit, parse_id(lot_id), wanted.text)
    notice = ("异议已提出，本标段暂缓定标", "Your objection is in; the award is stayed")
    return done(url_for(".my_result", lot_id=lot_id), status=201, notice=notice, objection=objection)


@bp.get("/lots/<lot_id>/my-result/notice.pdf")
@allow("bidder")
def notice_pdf(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        row = access.own_line(unit, parse_id(lot_id))
        case = access.awarded_case(unit, lot_id)
        kind = papers.AWARD if case.awardee_bid == row.bid else papers.LOSER
        paper = issued(unit, lot_id, kind, row.org_id)
    return pdf(paper.object_name, f"{kind}-{lot_id}.pdf")


@bp.get("/lots/<lot_id>/contract")
@allow("tenderee", "bidder")
def show_contract(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        contract = results.contract_page(unit, parse_id(lot_id))
    return page("evaluation/contract.html", contract=contract)


@bp.post("/lots/<lot_id>/contract")
@allow("tenderee", "bidder")
@refusable(show_contract)
def sign_contract(lot_id: str) -> ResponseReturnValue:
    wanted = parse(forms.ContractForm)
    with units().begin(current_actor()) as unit:
        is_concluded = award.sign_contract(unit, parse_id(lot_id), wanted.sha256)
    notice = (
        ("合同已签订", "The contract is concluded")
        if is_concluded
        else ("已签订，等待对方", "Signed; the other party is next")
    )
    return done(url_for(".show_contract", lot_id=lot_id), notice=notice, is_concluded=is_concluded)


@bp.get("/lots/<lot_id>/contract.pdf")
@allow("tenderee", "bidder", "agency")
def contract_pdf(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        case = access.awarded_case(unit, parse_id(lot_id))
        if award.party_of(unit, case) is None and not access.is_host_side(unit, lot_id):
            raise NotFound(what="result")
        paper = issued(unit, lot_id, papers.CONTRACT)
    return pdf(paper.object_name, f"contract-{lot_id}.pdf")
