"""Everything a person can do in a room, one address each. A form goes back to its desk; a client gets the new state."""

from __future__ import annotations

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue

from bid_opening import forms
from bid_opening.services import acts
from bid_opening.views.desks import BIDDER, DECIDING, DUTY, HOST, any_desk, back, desk_of
from bid_opening.views.rooms import host_desk, seat, supervise
from foundation.web.access import allow, current_actor
from foundation.web.respond import parse, refusable
from foundation.web.runtime import units

bp = Blueprint("room_acts", __name__)


@bp.get(
    "/rooms/<lot_id>/<any('check-in','seal-check',release,'request-escrow','confirm-escrow',object,'withdraw-objection','no-objection',confirm,'start-decryption',extend,draw,"
    "'start-reading','start-query',answer,'start-confirming',close,suspend,resume,abort,'propose-extend',"
    "'withdraw-halt','confirm-halt'):act>"
)
@allow(BIDDER, *HOST, *DECIDING)
def back_to_desk(lot_id: str, act: str) -> ResponseReturnValue:  # noqa: ARG001 - part of the address
    """After a refused form the address is the act's; reading it (reload, other language) shows the desk."""
    return redirect(desk_of(lot_id), code=303)


# --- the bidder -------------------------------------------------------------------------------------------------------


@bp.post("/rooms/<lot_id>/check-in")
@allow(BIDDER)
@refusable(seat)
def check_in(lot_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        acts.check_in(unit, lot_id)
    return back(lot_id, notice=("已签到", "You are signed in"))


@bp.post("/rooms/<lot_id>/seal-check")
@allow(BIDDER)
@refusable(seat)
def check_seal(lot_id: str) -> ResponseReturnValue:
    checked = parse(forms.SealCheckForm)
    with units().begin(current_actor()) as unit:
        state = acts.check_seal(unit, lot_id, is_equal=checked.ok)
    return back(lot_id, state)


@bp.post("/rooms/<lot_id>/release")
@allow(BIDDER)
@refusable(seat)
def release(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.ReleaseForm)
    with units().begin(current_actor()) as unit:
        outcome = acts.release(unit, lot_id, given.r_bid)
    outcome.raise_refusal()  # after the commit: the rejected try is on record
    return back(lot_id)


@bp.post("/rooms/<lot_id>/request-escrow")
@allow(BIDDER)
@refusable(seat)
def request_escrow(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.EscrowRequestForm)
    with units().begin(current_actor()) as unit:
        state = acts.request_escrow(unit, lot_id, given.reason)
    return back(lot_id, state, ("已申请，等待中心值守人员确认", "Asked; the centre's duty officer has to confirm"))


@bp.post("/rooms/<lot_id>/object")
@allow(BIDDER)
@refusable(seat)
def raise_objection(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.TextForm)
    with units().begin(current_actor()) as unit:
        state = acts.raise_objection(unit, lot_id, given.text)
    return back(lot_id, state, ("异议已提出，主持人当场答复", "Your objection is raised; the host answers it here"))


@bp.post("/rooms/<lot_id>/withdraw-objection")
@allow(BIDDER)
@refusable(seat)
def withdraw_objection(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.ObjectionForm)
    with units().begin(current_actor()) as unit:
        state = acts.withdraw_objection(unit, lot_id, given.objection_id)
    return back(lot_id, state, ("异议已撤回，提出和撤回都已记录", "Taken back; both are on record"))


@bp.post("/rooms/<lot_id>/no-objection")
@allow(BIDDER)
@refusable(seat)
def no_objection(lot_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        state = acts.no_objection(unit, lot_id)
    return back(lot_id, state)


@bp.post("/rooms/<lot_id>/confirm")
@allow(BIDDER)
@refusable(seat)
def confirm(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.ConfirmForm)
    with units().begin(current_actor()) as unit:
        state = acts.confirm(unit, lot_id, given.signature)
    return back(lot_id, state)


# --- the duty desk ----------------------------------------------------------------------------------------------------


@bp.post("/rooms/<lot_id>/confirm-escrow")
@allow(DUTY)
@refusable(supervise)
def confirm_escrow(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.EscrowConfirmForm)
    with units().begin(current_actor()) as unit:
        state = acts.confirm_escrow(unit, lot_id, given.seat)
    return back(lot_id, state, ("已确认，窗口结束后由备份保管人启封", "Confirmed; custodians open it after the window"))


# --- the host ---------------------------------------------------------------------------------------------------------


@bp.post("/rooms/<lot_id>/start-decryption")
@allow(*HOST)
@refusable(host_desk)
def start_decryption(lot_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        state = acts.start_decryption(unit, lot_id)
    return back(lot_id, state)


@bp.post("/rooms/<lot_id>/extend")
@allow(*HOST)
@refusable(host_desk)
def extend(lot_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        state = acts.extend(unit, lot_id)
    return back(lot_id, state)


@bp.post("/rooms/<lot_id>/draw")
@allow(*HOST)
@refusable(host_desk)
def draw(lot_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        state = acts.draw(unit, lot_id)
    return back(lot_id, state)


@bp.post("/rooms/<lot_id>/start-reading")
@allow(*HOST)
@refusable(host_desk)
def start_reading(lot_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        state = acts.start_reading(unit, lot_id)
    return back(lot_id, state)


@bp.post("/rooms/<lot_id>/start-query")
@allow(*HOST)
@refusable(host_desk)
def start_query(lot_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        state = acts.open_query(unit, lot_id)
    return back(lot_id, state)


@bp.post("/rooms/<lot_id>/answer")
@allow(*HOST)
@refusable(host_desk)
def answer(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.AnswerForm)
    with units().begin(current_actor()) as unit:
        state = acts.answer(unit, lot_id, given.objection_id, given.text)
    return back(lot_id, state)


@bp.post("/rooms/<lot_id>/start-confirming")
@allow(*HOST)
@refusable(host_desk)
def start_confirming(lot_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        state = acts.open_confirmation(unit, lot_id)
    return back(lot_id, state)


@bp.post("/rooms/<lot_id>/close")
@allow(*HOST)
@refusable(host_desk)
def close(lot_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        state = acts.close(unit, lot_id)
    return back(lot_id, state)


# --- two people -------------------------------------------------------------------------------------------------------


def _propose(lot_id: str, halt: str) -> ResponseReturnValue:
    given = parse(forms.WhyForm)
    with units().begin(current_actor()) as unit:
        state = acts.propose_halt(unit, lot_id, halt, given.why)
    return back(lot_id, state, ("已提出，等待第二人确认", "Proposed; a second person has to confirm"))


@bp.post("/rooms/<lot_id>/suspend")
@allow(*HOST, *DECIDING)
@refusable(any_desk)
def suspend(lot_id: str) -> ResponseReturnValue:
    return _propose(lot_id, "suspend")


@bp.post("/rooms/<lot_id>/abort")
@allow(*HOST, *DECIDING)
@refusable(any_desk)
def abort(lot_id: str) -> ResponseReturnValue:
    return _propose(lot_id, "abort")


@bp.post("/rooms/<lot_id>/propose-extend")
@allow(*HOST, *DECIDING)
@refusable(any_desk)
def propose_extension(lot_id: str) -> ResponseReturnValue:
    return _propose(lot_id, "extend")


@bp.post("/rooms/<lot_id>/resume")
@allow(*HOST, *DECIDING)
@refusable(any_desk)
def resume(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.WhyForm)
    with units().begin(current_actor()) as unit:
        state = acts.reconvene(unit, lot_id, given.why)
    return back(lot_id, state)


@bp.post("/rooms/<lot_id>/withdraw-halt")
@allow(*HOST, *DECIDING)
@refusable(any_desk)
def withdraw_halt(lot_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        state = acts.withdraw_halt(unit, lot_id)
    return back(lot_id, state)


@bp.post("/rooms/<lot_id>/confirm-halt")
@allow(*DECIDING)
@refusable(any_desk)
def confirm_halt(lot_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        state = acts.confirm_halt(unit, lot_id)
    return back(lot_id, state)
