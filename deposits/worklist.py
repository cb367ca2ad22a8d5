"""What deposits put on the work lists: a bidder's own money, and the desk's once the list of a lot is fixed (R2.08)."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import ColumnElement, or_, select

from deposits import cases, lots
from deposits.models import DepositArrival, Refund, RefundBlock
from deposits.rules import TERMS
from deposits.states import BlockGround, Outcome, RefundState
from foundation.actor import Actor
from foundation.store.unit import Unit
from foundation.web.worklist import Urgency, WorkItem

ROWS = 100


def work(unit: Unit, actor: Actor) -> Iterator[WorkItem]:
    if actor.has_role("bidder") and actor.org_id is not None:
        yield from _own(unit, str(actor.org_id))
    if actor.has_role("centre_staff"):
        yield from _desk(unit)


def _own(unit: Unit, org_id: str) -> Iterator[WorkItem]:
    """Money of another name or too late waits for its bidder's decision, and so does a refund the bank declined."""
    stray = _stray(unit, DepositArrival.org_id == org_id)
    declined = unit.session.scalars(
        select(Refund).where(Refund.org_id == org_id, Refund.state == RefundState.REJECTED).limit(ROWS)
    ).all()
    terms = _terms(unit, [*(one.lot_id for one in stray), *(one.lot_id for one in declined)])
    for lot_id in dict.fromkeys(one.lot_id for one in stray if one.lot_id in terms):
        title = ("处理对不上的到账", "Decide on money that does not match")
        yield WorkItem(*title, f"/lots/{lot_id}/deposit", terms[lot_id].name, rule_id="R2.19")
    for one in declined:
        if one.lot_id in terms:
            title = ("银行未能退款，请重新发起", "The bank declined the refund: order it again")
            yield WorkItem(*title, f"/lots/{one.lot_id}/deposit", terms[one.lot_id].name, rule_id="R2.19")


def _desk(unit: Unit) -> Iterator[WorkItem]:
    """One line a lot and kind; lots whose list is not fixed are left out, so nobody learns that anybody paid."""
    stray = _stray(unit, DepositArrival.outcome == Outcome.NAME_DIFFERS)
    refunds = unit.session.scalars(
        select(Refund)
        .where(Refund.state != RefundState.PAID)
        .where(or_(Refund.state == RefundState.REJECTED, Refund.due_at <= unit.at))
        .order_by(Refund.due_at, Refund.id)
        .limit(ROWS)
    ).all()
    terms = _terms(unit, [*(one.lot_id for one in stray), *(one.lot_id for one in refunds)])
    listed = {lot_id for lot_id, one in terms.items() if one.is_listed}
    for case in cases.open_cases(unit, _with_cases(unit)):
        title = ("保证金是否不予退还，等待决定", "Whether a deposit is kept waits for a decision")
        subject = f"{case.lot_name} · {case.org_name}"
        yield WorkItem(*title, f"/finance/deposits/{case.lot_id}", subject, rule_id="R3.33")
    for lot_id in dict.fromkeys(one.lot_id for one in stray if one.lot_id in listed):
        title = ("处理户名不符的到账", "Decide on money of another name")
        yield WorkItem(*title, f"/finance/deposits/{lot_id}", terms[lot_id].name, rule_id="R2.19")
    first: dict[str, Refund] = {}
    for one in refunds:
        if one.lot_id in listed:
            first.setdefault(one.lot_id, one)
    for lot_id, one in first.items():
        is_late = unit.at >= one.due_at
        zh, en = (
            ("退款逾期，查明原因", "Refunds are overdue: find out why")
            if is_late
            else ("退款被银行拒绝，查明原因", "The bank declined refunds: find out why")
        )
        urgency = None if is_late else Urgency.TODAY
        url = f"/finance/deposits/{lot_id}"
        yield WorkItem(zh, en, url, terms[lot_id].name, one.due_at, TERMS[one.ground].clause, urgency)


def _with_cases(unit: Unit) -> list[str]:
    """Lots in which a case of forfeiture stands; their lists are fixed, or nothing could have been attributed."""
    query = select(RefundBlock.lot_id).where(
        RefundBlock.ground == BlockGround.FORFEITURE_CASE, RefundBlock.lifted_at.is_(None)
    )
    return list(unit.session.scalars(query.distinct().limit(ROWS)))


def _stray(unit: Unit, condition: ColumnElement[bool]) -> list[DepositArrival]:
    """Arrivals that are no deposit and are not on their way back."""
    query = (
        select(DepositArrival)
        .outerjoin(Refund, Refund.serial == DepositArrival.serial)
        .where(DepositArrival.outcome.in_((Outcome.NAME_DIFFERS, Outcome.LATE)), Refund.id.is_(None), condition)
        .order_by(DepositArrival.value_at, DepositArrival.serial)
        .limit(ROWS)
    )
    return list(unit.session.scalars(query))


def _terms(unit: Unit, lot_ids: list[str]) -> dict[str, lots.LotTerms]:
    return {one.id: one for one in lots.terms_of_all(unit, list(dict.fromkeys(lot_ids)))}
