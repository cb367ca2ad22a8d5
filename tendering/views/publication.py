"""The steps to publication: keyset, rehearsal, submission, approval, format check; and cancelling."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from foundation.ids import parse_id
from foundation.store.unit import Unit
from foundation.web.access import allow, current_actor
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import units
from tendering import forms
from tendering.queries import preparation
from tendering.queries.opening_plan import clashes_with
from tendering.services import publication as steps

bp = Blueprint("publication", __name__)


@bp.get("/lots/<lot_id>/preparation")
@allow("agency", "tenderee", "centre_staff")
def show_preparation(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        lot = preparation.preparation_page(unit, parse_id(lot_id))
        clashes = clashes_with(unit, lot_id, lot.draft.bid_deadline) if lot.is_host else ()
    return page("tendering/preparation.html", lot=lot, clashes=clashes)


@bp.get("/approvals")
@allow("tenderee")
def approvals() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        rows = preparation.waiting_for_approval(unit)
    return page("tendering/waiting.html", rows=rows, is_check=False)


@bp.get("/publications")
@allow("centre_staff")
def publications() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        rows = preparation.waiting_for_check(unit)
    return page("tendering/waiting.html", rows=rows, is_check=True)


def _step(lot_id: str, act: Callable[[Unit, str], object], notice: tuple[str, str]) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        act(unit, parse_id(lot_id))
        state = preparation.preparation_page(unit, lot_id).state
    return done(url_for(".show_preparation", lot_id=lot_id), notice=notice, lot_id=lot_id, state=state)


@bp.post("/lots/<lot_id>/keyset")
@allow("agency", "tenderee")
@refusable(show_preparation)
def request_keyset(lot_id: str) -> ResponseReturnValue:
    notice = ("已请启封人生成密钥", "The holders were asked for their keys")
    return _step(lot_id, steps.request_keyset, notice)


@bp.post("/lots/<lot_id>/rehearsal")
@allow("agency", "tenderee")
@refusable(show_preparation)
def start_rehearsal(lot_id: str) -> ResponseReturnValue:
    return _step(lot_id, steps.start_rehearsal, ("演练已开始", "The rehearsal has begun"))


@bp.post("/lots/<lot_id>/submit-for-approval")
@allow("agency", "tenderee")
@refusable(show_preparation)
def submit(lot_id: str) -> ResponseReturnValue:
    return _step(lot_id, steps.submit, ("已提交招标人审批", "Submitted for the tenderee's approval"))


@bp.post("/lots/<lot_id>/approve")
@allow("tenderee")
@refusable(show_preparation)
def approve(lot_id: str) -> ResponseReturnValue:
    return _step(lot_id, steps.approve, ("已批准，等待中心核对格式", "Approved; the centre checks the format next"))


@bp.post("/lots/<lot_id>/send-back")
@allow("tenderee", "centre_staff")
@refusable(show_preparation)
def send_back(lot_id: str) -> ResponseReturnValue:
    reason = parse(forms.ReasonForm).reason
    notice = ("已退回，原因已告知编制人", "Sent back; its clerk was told why")
    with units().begin(current_actor()) as unit:
        steps.send_back(unit, parse_id(lot_id), reason)
    # The lot is out of the centre's sight now, so the next page is the queue of whoever sent it back.
    is_centre = current_actor().has_role("centre_staff")
    return done(url_for(".publications" if is_centre else ".approvals"), notice=notice, lot_id=lot_id)


@bp.post("/lots/<lot_id>/publish")
@allow("centre_staff")
@refusable(show_preparation)
def publish(lot_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        order_id = steps.order_publication(unit, parse_id(lot_id))
    notice = ("格式核对通过，正在生成文件", "Format checked; the documents are being produced")
    url = url_for(".show_preparation", lot_id=lot_id)
    return done(url, notice=notice, kind="run", lot_id=lot_id, order_id=order_id, state="issuing")


@bp.post("/lots/<lot_id>/cancel")
@allow("agency", "tenderee")
@refusable(show_preparation)
def cancel(lot_id: str) -> ResponseReturnValue:
    reason = parse(forms.ReasonForm).reason
    with units().begin(current_actor()) as unit:
        steps.cancel(unit, parse_id(lot_id), reason)
    url = url_for(".show_preparation", lot_id=lot_id)
    return done(url, notice=("招标已终止", "The tender was cancelled"), lot_id=lot_id, state="cancelled")
