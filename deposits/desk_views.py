"""The centre's desk over deposits, and the doors for the bank's notices."""

from __future__ import annotations

from typing import TypeVar

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, ValidationError

from accounts.roles import Role
from accounts.services import bank
from deposits import cases, desk, forms
from deposits.errors import BankAway
from deposits.gateway import StatementLine, gateway_of
from deposits.services import arrivals, refunds
from foundation import canonical
from foundation.errors import InvalidInput
from foundation.ids import parse_id
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.limits import body_limit
from foundation.web.parse import objections_of
from foundation.web.respond import done, json_response, page, parse, refusable
from foundation.web.runtime import runtime, units

bp = Blueprint("deposit_desk", __name__)
NOTICE_MAX_BYTES = 16 * 1024
Model = TypeVar("Model", bound=BaseModel)
VIEWERS = (Role.CENTRE_STAFF, Role.SUPERVISOR)


@bp.get("/finance/deposits")
@allow(*VIEWERS)
def show_desk() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        found = desk.desk(unit)
    return page("deposits/desk.html", desk=found)


@bp.get("/finance/deposits/ledger")
@allow(*VIEWERS)
def show_ledger() -> ResponseReturnValue:
    """The bank is asked before the Unit; what moves in between is within the grace of the comparison."""
    statement = _statement()
    with units().read(current_actor()) as unit:
        proof = desk.ledger_proof(unit, statement)
    return page("deposits/ledger.html", proof=proof)


@bp.get("/finance/deposits/<lot_id>")
@allow(*VIEWERS)
def show_lot(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        found = desk.lot_desk(unit, parse_id(lot_id))
    return page("deposits/desk_lot.html", desk=found)


@bp.post("/finance/deposits/arrivals/<serial>/return")
@allow(Role.CENTRE_STAFF)
def return_arrival(serial: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        lot_id = desk.listed_arrival(unit, serial)
        refund_id = refunds.return_arrival(unit, serial)
    notice = ("已交银行退回付款账户", "The bank is told to send it back to the payer")
    return done(url_for(".show_lot", lot_id=lot_id), notice=notice, refund_id=refund_id)


@bp.post("/finance/deposits/refunds/<refund_id>/again")
@allow(Role.CENTRE_STAFF)
def order_again(refund_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        lot_id = desk.listed_refund(unit, parse_id(refund_id))
        refunds.order_again(unit, refund_id)
    notice = ("已重新交银行退款", "The bank is told to refund once more")
    return done(url_for(".show_lot", lot_id=lot_id), notice=notice)


@bp.post("/finance/deposits/<lot_id>/case")
@allow(Role.CENTRE_STAFF)
@refusable(show_lot)
def end_case(lot_id: str) -> ResponseReturnValue:
    wanted = parse(forms.CaseForm)
    with units().begin(current_actor()) as unit:
        desk.require_listed(unit, parse_id(lot_id))
        cases.end_case(unit, lot_id, wanted.org_id, wanted.reference, wanted.why)
    notice = ("已结案，保证金照常退还", "Ended; the deposit goes back as usual")
    return done(url_for(".show_lot", lot_id=lot_id), notice=notice)


@bp.get("/finance/deposits/<lot_id>/case")
@allow(Role.CENTRE_STAFF)
def back_to_lot(lot_id: str) -> ResponseReturnValue:
    """After a refused form the address is the act's; reading it shows the lot."""
    return redirect(url_for(".show_lot", lot_id=parse_id(lot_id)), code=303)


@bp.post("/bank/arrivals")
@allow(PUBLIC)
@body_limit(NOTICE_MAX_BYTES)
def bank_arrival() -> ResponseReturnValue:
    """The bank's notice of money in a sub-account, signed like every notice of the bank's."""
    body = _signed_body()
    notice = _read(forms.ArrivalBody, body).notice()
    with units().begin(bank.bank_actor(request.remote_addr or "")) as unit:
        outcome = arrivals.receive_arrival(unit, notice, body)
    return json_response({"serial": notice.serial, "outcome": outcome})


@bp.post("/bank/orders")
@allow(PUBLIC)
@body_limit(NOTICE_MAX_BYTES)
def bank_order() -> ResponseReturnValue:
    """The bank's notice of what became of a payment order."""
    answer = _read(forms.OrderBody, _signed_body()).answer()
    with units().begin(bank.bank_actor(request.remote_addr or "")) as unit:
        state = refunds.settle(unit, answer)
    return json_response({"order": answer.order, "outcome": state})


def _signed_body() -> bytes:
    body = request.get_data(cache=True)
    secret = bank.read_secret(runtime().settings.secrets_dir)
    bank.require_signature(secret, body, request.headers.get(bank.SIGNATURE_HEADER, ""))
    return body


def _statement() -> tuple[StatementLine, ...] | None:
    try:
        return gateway_of(runtime()).statement()
    except (BankAway, bank.BankSecretMissing):
        return None


def _read(model: type[Model], body: bytes) -> Model:
    try:
        return model.model_validate(canonical.loads(body, max_bytes=NOTICE_MAX_BYTES))
    except ValidationError as refused:
        raise InvalidInput(objections=objections_of(refused)) from None
