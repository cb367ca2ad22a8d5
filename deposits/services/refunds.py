"""Refunds: fall due, are ordered (a pending transfer and a job in one Unit), settled once the bank has answered.

A refund is the way back of one arrival, to the account it came from. Its order carries a key of its own, so that the
bank pays it once however often it is told; a declined order is voided and may be ordered again under a new key.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import select

from accounts import facade as accounts
from deposits import ledger, lots
from deposits.errors import BankContradicts, NotRejected, NotReturnable
from deposits.ledger import Account, Line, Transfer
from deposits.models import DepositArrival, Refund, RefundRelease
from deposits.rules import DAY_BASIS, DEMAND_RATES, TERMS, interest, refund_due_at
from deposits.services.blocks import must_wait
from deposits.states import (
    AccountKind,
    Outcome,
    Purpose,
    RefundGround,
    RefundState,
    RefundTrigger,
    TransferKind,
)
from deposits.streams import stream_of
from foundation.errors import NotFound
from foundation.events.deposits import RefundFellDue, RefundOrdered, RefundPaid, RefundRejected
from foundation.money import Money
from foundation.store.unit import Unit
from foundation.working_days import civil_date, from_state_council

SEND_TASK: Final = "deposits.send_refund"


class BankStatus(StrEnum):
    PAID = "paid"
    REJECTED = "rejected"
    PROCESSING = "processing"


@dataclass(frozen=True, slots=True)
class BankAnswer:
    """What the bank says of one order. ``serial`` and ``at``: of the payment; ``why``: of a rejection."""

    order: str
    status: BankStatus
    serial: str = ""
    at: datetime | None = None
    why: str = ""


def order_key(refund: Refund) -> str:
    """The key under which the present order goes to the bank."""
    return f"{refund.id}-{refund.attempt}"


def refund_due(
    unit: Unit, lot_id: str, org_ids: Iterable[str] | None, ground: RefundGround, since: datetime
) -> list[str]:
    """Deposits of these bidders (None: of all, also of money still to come) go back; returns the new refunds' ids.

    Money of another name stays until somebody decides (R2.19). Idempotent. Blocked refunds wait, the rest is ordered.
    """
    ledger.lock(unit)
    if org_ids is None and unit.session.get(RefundRelease, lot_id) is None:
        unit.session.add(RefundRelease(lot_id=lot_id, ground=ground, since=since))
    query = select(DepositArrival).where(
        DepositArrival.lot_id == lot_id, DepositArrival.outcome.in_([Outcome.MATCHED, Outcome.LATE])
    )
    if org_ids is not None:
        query = query.where(DepositArrival.org_id.in_(list(org_ids)))
    made = [_fall_due(unit, arrival, ground, since) for arrival in _without_refund(unit, query)]
    order_ready(unit, lot_id)
    return made


def payers(unit: Unit, lot_id: str) -> list[str]:
    """Organisations money of the lot was received from, by id."""
    query = select(DepositArrival.org_id).where(DepositArrival.lot_id == lot_id, DepositArrival.org_id != "")
    return list(unit.session.scalars(query.distinct().order_by(DepositArrival.org_id)))


def after_arrival(unit: Unit, serial: str) -> None:
    """Money that came too late for its lot's story, or for an account of nobody's, goes back at once."""
    arrival = unit.session.get_one(DepositArrival, serial)
    if arrival.outcome is Outcome.UNKNOWN_ACCOUNT:
        _fall_due(unit, arrival, RefundGround.RETURNED, unit.at)
        order_ready(unit, arrival.lot_id)
        return
    release = unit.session.get(RefundRelease, arrival.lot_id)
    if release is not None and arrival.outcome is not Outcome.NAME_DIFFERS:
        _fall_due(unit, arrival, release.ground, unit.at)
        order_ready(unit, arrival.lot_id)


def return_arrival(unit: Unit, serial: str) -> str:
    """Send money of another name back to its payer: the mismatch is decided (R2.19). Returns the refund's id."""
    ledger.lock(unit)
    arrival = unit.session.get(DepositArrival, serial)
    if arrival is None:
        raise NotFound(what="arrival")
    if arrival.outcome is Outcome.MATCHED or unit.session.scalar(select(Refund.id).where(Refund.serial == serial)):
        raise NotReturnable
    refund_id = _fall_due(unit, arrival, RefundGround.RETURNED, unit.at)
    order_ready(unit, arrival.lot_id)
    return refund_id


def order_ready(unit: Unit, lot_id: str) -> None:
    """Order every due refund of the lot that nothing blocks."""
    ledger.lock(unit)
    lots.hold_still(unit, lot_id)
    due = unit.session.scalars(
        select(Refund).where(Refund.lot_id == lot_id, Refund.state == RefundState.DUE).order_by(Refund.id)
    ).all()
    for refund in due:
        if not must_wait(unit, refund):
            _order(unit, refund)


def order_again(unit: Unit, refund_id: str) -> None:
    """Order a declined refund once more, under a new key. Raises NotFound, NotRejected."""
    ledger.lock(unit)
    refund = unit.session.get(Refund, refund_id, with_for_update=True)
    if refund is None:
        raise NotFound(what="refund")
    lots.hold_still(unit, refund.lot_id)
    if refund.state is not RefundState.REJECTED or must_wait(unit, refund):
        raise NotRejected
    _order(unit, refund)


def settle(unit: Unit, answer: BankAnswer) -> RefundState:
    """Post or void the pending transfer by the bank's word; returns the refund's state. Repeating it changes nothing.

    Raises NotFound for an order that is not ours, BankContradicts where the word denies an earlier one.
    """
    ledger.lock(unit)
    refund_id, _, attempt = answer.order.rpartition("-")
    refund = unit.session.get(Refund, refund_id, with_for_update=True, populate_existing=True)
    if refund is None or not attempt.isdecimal() or int(attempt) > refund.attempt or attempt == "0":
        raise NotFound(what="refund")
    is_present = int(attempt) == refund.attempt
    if answer.status is BankStatus.PROCESSING:
        return refund.state
    if answer.status is BankStatus.PAID:
        if is_present and refund.state is RefundState.PAID and refund.bank_serial == answer.serial:
            return refund.state
        if not is_present or refund.state is not RefundState.ORDERED or not answer.serial:
            raise BankContradicts(order=answer.order, what="paid")
        _post(unit, refund, answer)
    elif is_present and refund.state is RefundState.ORDERED:
        _void(unit, refund, answer)
    elif is_present and refund.state is RefundState.PAID:
        raise BankContradicts(order=answer.order, what="rejected")
    return refund.state


def _without_refund(unit: Unit, query: object) -> list[DepositArrival]:
    arrivals = unit.session.scalars(query).all()  # type: ignore[call-overload]
    refunded = set(unit.session.scalars(select(Refund.serial).where(Refund.serial.in_([a.serial for a in arrivals]))))
    return sorted((one for one in arrivals if one.serial not in refunded), key=lambda one: str(one.serial))


def _fall_due(unit: Unit, arrival: DepositArrival, ground: RefundGround, since: datetime) -> str:
    refund = Refund(
        id=unit.new_id(),
        serial=arrival.serial,
        lot_id=arrival.lot_id,
        org_id=arrival.org_id,
        ground=ground,
        state=RefundState.DUE,
        fell_due_at=since,
        due_at=refund_due_at(ground, since, from_state_council()),
        interest=Money(0),
    )
    unit.session.add(refund)
    unit.session.flush()
    event = RefundFellDue(
        lot=refund.lot_id,
        org_id=refund.org_id,
        refund=refund.id,
        serial=refund.serial,
        ground=ground,
        due_at=refund.due_at,
    )
    unit.append(stream_of(refund.lot_id, refund.org_id), event)
    return refund.id


def _order(unit: Unit, refund: Refund) -> None:
    arrival = unit.session.get_one(DepositArrival, refund.serial)
    refund.attempt += 1
    refund.interest = _interest(arrival, refund.ground, unit.at)
    refund.ordered_at, refund.sent_at, refund.why = unit.at, None, ""
    key = order_key(refund)
    lines = _pending_lines(arrival, refund)
    refund.pending_id = ledger.record(unit, Transfer(f"refund:{key}", TransferKind.PENDING, Purpose.REFUND, lines))
    event = RefundOrdered(
        lot=refund.lot_id,
        org_id=refund.org_id,
        refund=refund.id,
        order=key,
        principal=arrival.amount.text(),
        interest=refund.interest.text(),
    )
    unit.transition(refund, RefundTrigger.ORDER, stream_of(refund.lot_id, refund.org_id), event)
    # Named by the refund alone: a job's row tells nobody whose money it is (R2.08).
    unit.enqueue(SEND_TASK, key, {"refund": refund.id})


def _interest(arrival: DepositArrival, ground: RefundGround, at: datetime) -> Money:
    """Up to the day of the order, which is the day of refund: the bank pays orders the same day."""
    if not TERMS[ground].bears_interest or arrival.outcome is not Outcome.MATCHED:
        return Money(0)
    return interest(
        arrival.amount,
        arrived_on=civil_date(arrival.value_at),
        refunded_on=civil_date(at),
        rates=DEMAND_RATES,
        basis=DAY_BASIS,
    )


def _pending_lines(arrival: DepositArrival, refund: Refund) -> tuple[Line, ...]:
    def line(kind: AccountKind, amount: Money) -> Line:
        return Line(Account(kind, refund.lot_id, refund.org_id), amount)

    source = AccountKind.HELD if arrival.outcome is Outcome.MATCHED else AccountKind.SUSPENSE
    lines = (
        line(source, arrival.amount),
        line(AccountKind.INTEREST_EXPENSE, refund.interest),
        line(AccountKind.REFUNDS_IN_FLIGHT, -(arrival.amount + refund.interest)),
    )
    return tuple(one for one in lines if one.amount.fen)


def _post(unit: Unit, refund: Refund, answer: BankAnswer) -> None:
    """The bank has credited the interest it owes on the deposit, and paid principal and interest to the payer."""
    arrival = unit.session.get_one(DepositArrival, refund.serial)
    total = arrival.amount + refund.interest

    def line(kind: AccountKind, amount: Money) -> Line:
        return Line(Account(kind, refund.lot_id, refund.org_id), amount)

    lines = (
        line(AccountKind.REFUNDS_IN_FLIGHT, total),
        line(AccountKind.BANK_CLEARING, refund.interest),
        line(AccountKind.INTEREST_EARNED, -refund.interest),
        line(AccountKind.BANK_CLEARING, -total),
    )
    _resolve(unit, refund, TransferKind.POST, tuple(one for one in lines if one.amount.fen))
    refund.bank_serial, refund.settled_at = answer.serial, unit.at
    paid_at = answer.at or unit.at
    event = RefundPaid(
        lot=refund.lot_id,
        org_id=refund.org_id,
        refund=refund.id,
        order=answer.order,
        bank_serial=answer.serial,
        amount=total.text(),
        paid_at=paid_at,
    )
    unit.transition(refund, RefundTrigger.PAY, stream_of(refund.lot_id, refund.org_id), event)
    if refund.org_id:
        tell = {"amount": total.grouped(), "interest": refund.interest.grouped(), "tail": arrival.payer_account[-4:]}
        accounts.add_to_inbox(unit, refund.org_id, "inbox.deposit_refunded", tell, f"/lots/{refund.lot_id}/deposit")


def _void(unit: Unit, refund: Refund, answer: BankAnswer) -> None:
    pending = ledger.lines_of(unit, refund.pending_id or "")
    _resolve(unit, refund, TransferKind.VOID, tuple(Line(one.account, -one.amount) for one in pending))
    refund.why = answer.why[:200]
    event = RefundRejected(
        lot=refund.lot_id, org_id=refund.org_id, refund=refund.id, order=answer.order, why=answer.why[:200]
    )
    unit.transition(refund, RefundTrigger.REJECT, stream_of(refund.lot_id, refund.org_id), event)


def _resolve(unit: Unit, refund: Refund, kind: TransferKind, lines: tuple[Line, ...]) -> None:
    key = f"refund:{order_key(refund)}:{kind}"
    ledger.record(unit, Transfer(key, kind, Purpose.REFUND, lines, refund.pending_id))
