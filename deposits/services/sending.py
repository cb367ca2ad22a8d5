"""Bringing an ordered refund to its end, between Units. May die anywhere and be done again: the bank pays once.

1. A Unit notes that the order is about to leave. 2. The bank is told (or, had the order left before, asked).
3. A Unit posts or voids by the answer. An order the bank is still working on is asked about again later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from deposits.gateway import BankGateway, PaymentOrder
from deposits.models import DepositArrival, Refund
from deposits.services.refunds import order_key, settle
from deposits.states import RefundState
from foundation.actor import system
from foundation.store.unit import Unit, Units

WORKER: Final = system("deposits")
ROUND_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class Leaving:
    """An order on its way; ``was_sent``: it may have left before."""

    order: PaymentOrder
    was_sent: bool


def send(units: Units, bank: BankGateway, refund_id: str) -> None:
    """Take one refund as far as the bank allows now. Raises BankAway where its answer is not known."""
    with units.begin(WORKER) as unit:
        leaving = _leave(unit, refund_id)
    if leaving is None:
        return
    # Asked first: an order that may have arrived is never given again before the bank says it does not know it.
    answer = bank.ask(leaving.order.order) if leaving.was_sent else None
    if answer is None:
        answer = bank.pay(leaving.order)
    with units.begin(WORKER) as unit:
        settle(unit, answer)


def waiting(unit: Unit) -> list[str]:
    """Refunds that have been ordered and are not settled, oldest first."""
    rows = unit.session.scalars(
        select(Refund.id).where(Refund.state == RefundState.ORDERED).order_by(Refund.ordered_at).limit(ROUND_MAX)
    )
    return list(rows)


def _leave(unit: Unit, refund_id: str) -> Leaving | None:
    refund = unit.session.get(Refund, refund_id, with_for_update=True)
    if refund is None or refund.state is not RefundState.ORDERED:
        return None
    arrival = unit.session.get_one(DepositArrival, refund.serial)
    was_sent = refund.sent_at is not None
    if not was_sent:
        refund.sent_at = unit.at
        unit.session.flush()
    order = PaymentOrder(
        order=order_key(refund),
        payee_name=arrival.payer_name,
        payee_account=arrival.payer_account,
        principal=arrival.amount,
        interest=refund.interest,
    )
    return Leaving(order, was_sent)
