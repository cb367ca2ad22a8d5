"""Addresses of the fault ledger: reports of a bidder's page, its reason, proposal and decision by two people."""

from __future__ import annotations

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue

from bid_opening import fault_forms as forms
from bid_opening.services import faults
from bid_opening.views.desks import BIDDER, DECIDING, HOST, any_desk, back, desk_of
from bid_opening.views.rooms import seat, supervise
from foundation.web.access import allow, current_actor
from foundation.web.respond import parse, refusable
from foundation.web.runtime import units

bp = Blueprint("room_faults", __name__)


@bp.get("/rooms/<lot_id>/<any('client-report','fault-reason','propose-fault','withdraw-fault','confirm-fault'):act>")
@allow(BIDDER, *HOST, *DECIDING)
def back_to_desk(lot_id: str, act: str) -> ResponseReturnValue:  # noqa: ARG001 - part of the address
    """After a refused form the address is the act's; reading it shows the desk."""
    return redirect(desk_of(lot_id), code=303)


@bp.post("/rooms/<lot_id>/client-report")
@allow(BIDDER)
@refusable(seat)
def report(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.ReportForm)
    with units().begin(current_actor()) as unit:
        faults.report(unit, lot_id, given.code)
    return back(lot_id)


@bp.post("/rooms/<lot_id>/fault-reason")
@allow(BIDDER)
@refusable(seat)
def give_reason(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.ReasonForm)
    with units().begin(current_actor()) as unit:
        state = faults.give_reason(unit, lot_id, given.reason)
    return back(lot_id, state, ("已记录您的说明", "Your reason is on record"))


@bp.post("/rooms/<lot_id>/propose-fault")
@allow(*HOST, *DECIDING)
@refusable(any_desk)
def propose(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.ProposeForm)
    with units().begin(current_actor()) as unit:
        state = faults.propose(unit, lot_id, given.seat, given.culprit, given.why)
    return back(lot_id, state, ("已提出，等待第二人确认", "Proposed; a second person has to confirm"))


@bp.post("/rooms/<lot_id>/withdraw-fault")
@allow(*HOST, *DECIDING)
@refusable(any_desk)
def withdraw(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.SeatForm)
    with units().begin(current_actor()) as unit:
        state = faults.withdraw(unit, lot_id, given.seat)
    return back(lot_id, state)


@bp.post("/rooms/<lot_id>/confirm-fault")
@allow(*DECIDING)
@refusable(supervise)
def confirm(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.SeatForm)
    with units().begin(current_actor()) as unit:
        state = faults.confirm(unit, lot_id, given.seat)
    return back(lot_id, state, ("已认定，记入开标记录", "Decided; it stands in the record"))
