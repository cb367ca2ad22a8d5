"""The bidder's own deposits. The bank is spoken to between Units, never inside one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, cast

from flask import Blueprint, current_app, url_for
from flask.typing import ResponseReturnValue

from accounts.facade import require_organisation
from accounts.roles import Role
from accounts.services.bank import read_secret
from deposits import queries
from deposits.errors import DepositPaid, NoDepositWanted
from deposits.gateway import gateway_of
from deposits.queries import DepositPage
from deposits.services import arrivals, refunds
from deposits.states import DepositStatus
from foundation.errors import NotFound
from foundation.ids import parse_id
from foundation.web.access import allow, current_actor
from foundation.web.respond import done, page, refusable
from foundation.web.runtime import runtime, units

bp = Blueprint("deposits", __name__)

DEMO_PAY: Final = "demo_pay_deposit"
"""Extension of a demonstration: ``(holder, sub-account, amount in yuan, request) -> bank serial``, over HTTP."""
DemoPay = Callable[[str, str, str, str], str]


def demo_pay() -> DemoPay | None:
    return cast("DemoPay | None", current_app.extensions.get(DEMO_PAY))


@bp.get("/deposits")
@allow(Role.BIDDER)
def own_deposits() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        found = queries.own_deposits(unit, require_organisation(unit.actor))
    return page("deposits/own.html", deposits=found)


@bp.get("/lots/<lot_id>/deposit")
@allow(Role.BIDDER)
def show_deposit(lot_id: str) -> ResponseReturnValue:
    return page("deposits/deposit.html", deposit=_own(lot_id), may_pay_here=demo_pay() is not None)


@bp.post("/lots/<lot_id>/deposit")
@allow(Role.BIDDER)
@refusable(show_deposit)
def open_account(lot_id: str) -> ResponseReturnValue:
    """Ask the bank for a sub-account. The number is always the same, so asking again changes nothing."""
    deposit = _own(lot_id)
    if not deposit.number:
        if deposit.is_over:
            raise NoDepositWanted
        org_id = require_organisation(current_actor())
        number = arrivals.sub_account_number(read_secret(runtime().settings.secrets_dir), lot_id, org_id)
        gateway_of(runtime()).open_sub_account(number)
        with units().begin(current_actor()) as unit:
            arrivals.note_account(unit, deposit.lot_id, org_id, number)
    notice = ("专用账号已开通", "Your sub-account is open")
    return done(url_for(".show_deposit", lot_id=lot_id), status=201, notice=notice)


@bp.post("/lots/<lot_id>/deposit/pay")
@allow(Role.BIDDER)
@refusable(show_deposit)
def pay_deposit(lot_id: str) -> ResponseReturnValue:
    """Demonstration only: pay what is missing from the own company's account at the demonstration's bank."""
    pay = demo_pay()
    if pay is None:
        raise NotFound(what="page")
    deposit = _own(lot_id)
    if deposit.status is DepositStatus.ARRIVED:
        raise DepositPaid
    if not deposit.number or deposit.is_over:
        raise NoDepositWanted
    request = f"deposit-{deposit.number}-{len(deposit.arrivals)}"
    serial = pay(deposit.holder, deposit.number, deposit.required.text(), request)
    notice = ("演示银行已付款，到账通知随后就到", "The demonstration's bank has paid; its notice follows")
    return done(url_for(".show_deposit", lot_id=lot_id), notice=notice, serial=serial)


@bp.post("/lots/<lot_id>/deposit/arrivals/<serial>/return")
@allow(Role.BIDDER)
def return_arrival(lot_id: str, serial: str) -> ResponseReturnValue:
    """The bidder decides its own mismatch: the money goes back to whoever paid it."""
    with units().begin(current_actor()) as unit:
        queries.receipt(unit, parse_id(lot_id), serial, require_organisation(unit.actor))
        refund_id = refunds.return_arrival(unit, serial)
    notice = ("已交银行退回付款账户", "The bank is told to send it back to the payer")
    return done(url_for(".show_deposit", lot_id=lot_id), notice=notice, refund_id=refund_id)


@bp.post("/lots/<lot_id>/deposit/refunds/<refund_id>/again")
@allow(Role.BIDDER)
def order_again(lot_id: str, refund_id: str) -> ResponseReturnValue:
    """Order a declined refund once more, once the account takes money again."""
    with units().begin(current_actor()) as unit:
        own = queries.own_refund(unit, parse_id(lot_id), parse_id(refund_id), require_organisation(unit.actor))
        refunds.order_again(unit, own)
    notice = ("已重新交银行退款", "The bank is told to refund once more")
    return done(url_for(".show_deposit", lot_id=lot_id), notice=notice)


@bp.get("/lots/<lot_id>/deposit/receipts/<serial>")
@allow(Role.BIDDER)
def receipt(lot_id: str, serial: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        found = queries.receipt(unit, parse_id(lot_id), serial, require_organisation(unit.actor))
    return page("deposits/receipt.html", receipt=found)


def _own(lot_id: str) -> DepositPage:
    with units().read(current_actor()) as unit:
        return queries.deposit_page(unit, parse_id(lot_id), require_organisation(unit.actor))
