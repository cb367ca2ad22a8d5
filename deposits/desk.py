"""Read models of the centre's desk. Before the list of a lot is fixed its money is in no figure here (R2.08)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import func, select

from accounts import facade as accounts
from deposits import audit, ledger, lots
from deposits.cases import ForfeitureCase, open_cases
from deposits.gateway import StatementLine
from deposits.models import DepositAccount, DepositArrival, Refund
from deposits.queries import ArrivalLine, BlockLine, RefundLine, arrival_lines, block_lines, parts_of, refund_line
from deposits.rules import status_of
from deposits.services import blocks
from deposits.states import AccountKind, DepositStatus, Outcome, RefundState
from foundation.errors import NotFound
from foundation.money import Money
from foundation.store.unit import Unit

EXCEPTION_AGE: Final = timedelta(hours=1)
LOTS_MAX: Final = 200


@dataclass(frozen=True, slots=True)
class LotLine:
    lot_id: str
    lot_code: str
    lot_name: str
    required: Money
    bidders: int
    stand: audit.Equation
    due: int
    overdue: int


@dataclass(frozen=True, slots=True)
class OpenRefund:
    lot_id: str
    lot_name: str
    org_name: str
    refund: RefundLine
    is_blocked: bool


@dataclass(frozen=True, slots=True)
class Desk:
    """``exceptions``: of listed lots and older than an hour. Before, already their number would tell of a bidder."""

    exceptions: int
    stand: audit.Equation
    lots: tuple[LotLine, ...]
    refunds: tuple[OpenRefund, ...]
    cases: tuple[ForfeitureCase, ...]


@dataclass(frozen=True, slots=True)
class BidderLine:
    org_id: str
    org_name: str
    status: DepositStatus
    arrivals: tuple[ArrivalLine, ...]
    blocks: tuple[BlockLine, ...]


@dataclass(frozen=True, slots=True)
class LotDesk:
    lot: LotLine
    bidders: tuple[BidderLine, ...]
    cases: tuple[ForfeitureCase, ...]


@dataclass(frozen=True, slots=True)
class LedgerProof:
    """``trial``: over listed lots, so that nobody reads the money of an open one; the checks run over everything.

    ``is_equal`` to the bank: None where the bank did not answer.
    """

    checks: tuple[tuple[str, bool], ...]
    trial: tuple[tuple[AccountKind, Money], ...]
    total: Money
    stand: audit.Equation
    is_equal: bool | None


def desk(unit: Unit) -> Desk:
    listed = listed_lots(unit)
    open_refunds = _open_refunds(unit, listed)
    return Desk(
        exceptions=exceptions(unit, [one.id for one in listed]),
        stand=audit.equation(unit, [one.id for one in listed]),
        lots=tuple(_line(unit, one, open_refunds) for one in listed),
        refunds=tuple(open_refunds),
        cases=open_cases(unit, [one.id for one in listed]),
    )


def lot_desk(unit: Unit, lot_id: str) -> LotDesk:
    """One lot, bidder by bidder. Raises NotFound while its list is not fixed: hidden and missing look the same."""
    terms = lots.terms_of(unit, lot_id)
    if not terms.is_listed or terms.required.fen == 0:
        raise NotFound(what="lot")
    org_ids = unit.session.scalars(select(DepositAccount.org_id).where(DepositAccount.lot_id == lot_id)).all()
    lines = [_bidder(unit, terms, org_id) for org_id in org_ids]
    return LotDesk(
        lot=_line(unit, terms, _open_refunds(unit, [terms])),
        bidders=tuple(sorted(lines, key=lambda line: (line.org_name, line.org_id))),
        cases=open_cases(unit, [terms.id]),
    )


def ledger_proof(unit: Unit, statement: Iterable[StatementLine] | None) -> LedgerProof:
    """``statement`` None: the bank did not answer."""
    report = audit.check_ledger(unit)
    failed = {fault.check for fault in report.faults}
    listed = [one.id for one in listed_lots(unit)]
    trial = ledger.lot_balance(unit, listed)
    return LedgerProof(
        checks=tuple((name, name not in failed) for name in report.checks),
        trial=tuple(trial.items()),
        total=Money.sum(trial.values()),
        stand=audit.equation(unit, listed),
        is_equal=None if statement is None else audit.reconcile(unit, statement, grace=audit.GRACE).is_equal,
    )


def exceptions(unit: Unit, lot_ids: Sequence[str]) -> int:
    """Of these lots: money of another name nobody decided on, orders unanswered or declined, for over an hour."""
    before = unit.at - EXCEPTION_AGE
    stray = (
        select(func.count())
        .select_from(DepositArrival)
        .outerjoin(Refund, Refund.serial == DepositArrival.serial)
        .where(DepositArrival.outcome == Outcome.NAME_DIFFERS, DepositArrival.received_at < before, Refund.id.is_(None))
        .where(DepositArrival.lot_id.in_(lot_ids))
    )
    stuck = (
        select(func.count())
        .select_from(Refund)
        .where(Refund.state.in_([RefundState.ORDERED, RefundState.REJECTED]), Refund.ordered_at < before)
        .where(Refund.lot_id.in_(lot_ids))
    )
    return (unit.session.scalar(stray) or 0) + (unit.session.scalar(stuck) or 0)


def listed_lots(unit: Unit) -> list[lots.LotTerms]:
    """Lots with deposits whose list is fixed, newest deadline first."""
    ids = unit.session.scalars(select(DepositAccount.lot_id).distinct()).all()
    known = (one for one in lots.terms_of_all(unit, ids) if one.is_listed)
    return sorted(known, key=lambda one: (one.deadline_at, one.id), reverse=True)[:LOTS_MAX]


def require_listed(unit: Unit, lot_id: str) -> None:
    """Raises NotFound while the lot's list is not fixed."""
    if not any(one.is_listed for one in lots.terms_of_all(unit, [lot_id])):
        raise NotFound(what="lot")


def listed_arrival(unit: Unit, serial: str) -> str:
    """The lot of an arrival the desk may see. Raises NotFound."""
    row = unit.session.get(DepositArrival, serial)
    if row is None:
        raise NotFound(what="arrival")
    require_listed(unit, row.lot_id)
    return row.lot_id


def listed_refund(unit: Unit, refund_id: str) -> str:
    """The lot of a refund the desk may see. Raises NotFound."""
    row = unit.session.get(Refund, refund_id)
    if row is None:
        raise NotFound(what="refund")
    require_listed(unit, row.lot_id)
    return row.lot_id


def _line(unit: Unit, terms: lots.LotTerms, open_refunds: Iterable[OpenRefund]) -> LotLine:
    own = [one for one in open_refunds if one.lot_id == terms.id]
    bidders = select(func.count()).select_from(DepositAccount).where(DepositAccount.lot_id == terms.id)
    return LotLine(
        lot_id=terms.id,
        lot_code=terms.lot_code,
        lot_name=terms.name,
        required=terms.required,
        bidders=unit.session.scalar(bidders) or 0,
        stand=audit.equation(unit, [terms.id]),
        due=len(own),
        overdue=sum(one.refund.is_overdue for one in own),
    )


def _open_refunds(unit: Unit, listed: Iterable[lots.LotTerms]) -> list[OpenRefund]:
    names = {one.id: one.name for one in listed}
    rows = unit.session.execute(
        select(Refund, DepositArrival)
        .join(DepositArrival, DepositArrival.serial == Refund.serial)
        .where(Refund.lot_id.in_(names), Refund.state != RefundState.PAID)
        .order_by(Refund.due_at, Refund.id)
    )
    return [
        OpenRefund(
            lot_id=refund.lot_id,
            lot_name=names[refund.lot_id],
            org_name=accounts.organisation(unit, refund.org_id).name,
            refund=refund_line(arrival, refund, unit.at),
            is_blocked=blocks.must_wait(unit, refund),
        )
        for refund, arrival in rows
    ]


def _bidder(unit: Unit, terms: lots.LotTerms, org_id: str) -> BidderLine:
    lines = arrival_lines(unit, terms.id, org_id)
    return BidderLine(
        org_id=org_id,
        org_name=accounts.organisation(unit, org_id).name,
        status=status_of(parts_of(lines), terms.required),
        arrivals=lines,
        blocks=block_lines(unit, terms, org_id),
    )
