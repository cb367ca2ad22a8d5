"""Read models of the bidder's pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from accounts import facade as accounts
from deposits import lots
from deposits.models import DepositAccount, DepositArrival, Refund
from deposits.rules import TERMS, Part, status_of
from deposits.services import blocks
from deposits.states import BlockGround, DepositStatus, Outcome, RefundGround, RefundState
from foundation.errors import NotFound
from foundation.ids import OrgId
from foundation.money import Money
from foundation.store.unit import Unit


@dataclass(frozen=True, slots=True)
class RefundLine:
    id: str
    state: RefundState
    ground: RefundGround
    clause: str
    due_at: datetime
    principal: Money
    interest: Money
    total: Money
    is_overdue: bool
    settled_at: datetime | None
    bank_serial: str
    why: str


@dataclass(frozen=True, slots=True)
class ArrivalLine:
    serial: str
    payer_name: str
    account_tail: str
    amount: Money
    value_at: datetime
    outcome: Outcome
    may_return: bool
    refund: RefundLine | None


@dataclass(frozen=True, slots=True)
class BlockLine:
    """Why a refund waits. ``since`` None: a stay of the lot, of which the lot's own page tells."""

    ground: BlockGround
    reference: str
    since: datetime | None


@dataclass(frozen=True, slots=True)
class DepositPage:
    """One bidder's deposit for one lot, for that bidder alone."""

    lot_id: str
    lot_code: str
    lot_name: str
    required: Money
    deadline_at: datetime
    is_over: bool
    status: DepositStatus
    number: str
    holder: str
    paid: Money
    arrivals: tuple[ArrivalLine, ...]
    blocks: tuple[BlockLine, ...]

    @property
    def may_open(self) -> bool:
        return not self.number and not self.is_over

    @property
    def may_pay(self) -> bool:
        return bool(self.number) and not self.is_over and self.status is not DepositStatus.ARRIVED


def deposit_page(unit: Unit, lot_id: str, org_id: OrgId) -> DepositPage:
    """The asker's own deposit. Raises NotFound for a lot without one."""
    terms = lots.terms_of(unit, lot_id)
    if terms.required.fen == 0:
        raise NotFound(what="deposit")
    account = unit.session.scalar(
        select(DepositAccount).where(DepositAccount.lot_id == lot_id, DepositAccount.org_id == org_id)
    )
    return _page(unit, terms, account.number if account else "", org_id)


def own_deposits(unit: Unit, org_id: OrgId) -> list[DepositPage]:
    """Every lot the organisation has a sub-account for, newest first."""
    rows = unit.session.scalars(
        select(DepositAccount).where(DepositAccount.org_id == org_id).order_by(DepositAccount.opened_at.desc())
    ).all()
    terms = {one.id: one for one in lots.terms_of_all(unit, [row.lot_id for row in rows])}
    return [_page(unit, terms[row.lot_id], row.number, org_id) for row in rows if row.lot_id in terms]


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """A receipt for one arrival of the asker's, and for its way back."""

    lot_id: str
    lot_code: str
    lot_name: str
    holder: str
    arrival: ArrivalLine


def receipt(unit: Unit, lot_id: str, serial: str, org_id: OrgId) -> ReceiptPage:
    """Raises NotFound for what is not the asker's."""
    page = deposit_page(unit, lot_id, org_id)
    found = next((line for line in page.arrivals if line.serial == serial), None)
    if found is None:
        raise NotFound(what="arrival")
    return ReceiptPage(lot_id, page.lot_code, page.lot_name, page.holder, found)


def own_refund(unit: Unit, lot_id: str, refund_id: str, org_id: OrgId) -> str:
    """The refund's id where it is the asker's own, of this lot. Raises NotFound."""
    row = unit.session.get(Refund, refund_id)
    if row is None or (row.lot_id, row.org_id) != (lot_id, org_id):
        raise NotFound(what="refund")
    return row.id


def arrival_lines(unit: Unit, lot_id: str, org_id: str) -> tuple[ArrivalLine, ...]:
    """What arrived of a bidder for a lot, in the order of its value."""
    rows = unit.session.execute(
        select(DepositArrival, Refund)
        .outerjoin(Refund, Refund.serial == DepositArrival.serial)
        .where(DepositArrival.lot_id == lot_id, DepositArrival.org_id == org_id)
        .order_by(DepositArrival.value_at, DepositArrival.serial)
    )
    return tuple(_arrival(arrival, refund, unit.at) for arrival, refund in rows)


def refund_line(arrival: DepositArrival, refund: Refund, at: datetime) -> RefundLine:
    return RefundLine(
        id=refund.id,
        state=refund.state,
        ground=refund.ground,
        clause=TERMS[refund.ground].clause,
        due_at=refund.due_at,
        principal=arrival.amount,
        interest=refund.interest,
        total=arrival.amount + refund.interest,
        is_overdue=refund.state is not RefundState.PAID and at >= refund.due_at,
        settled_at=refund.settled_at,
        bank_serial=refund.bank_serial or "",
        why=refund.why,
    )


def block_lines(unit: Unit, terms: lots.LotTerms, org_id: str) -> tuple[BlockLine, ...]:
    """Blocks of the lot or the bidder, and stays of the lot."""
    rows = blocks.standing(unit, terms.id, org_id)
    own = [BlockLine(row.ground, row.reference, row.placed_at) for row in rows]
    return (*own, *(BlockLine(BlockGround.STAY, ground, None) for ground in terms.stays))


def parts_of(lines: tuple[ArrivalLine, ...]) -> list[Part]:
    return [Part(line.outcome, line.amount, line.refund.state if line.refund else None) for line in lines]


def _arrival(row: DepositArrival, refund: Refund | None, at: datetime) -> ArrivalLine:
    return ArrivalLine(
        serial=row.serial,
        payer_name=row.payer_name,
        account_tail=row.payer_account[-4:],
        amount=row.amount,
        value_at=row.value_at,
        outcome=row.outcome,
        may_return=row.outcome is not Outcome.MATCHED and refund is None,
        refund=refund_line(row, refund, at) if refund is not None else None,
    )


def _page(unit: Unit, terms: lots.LotTerms, number: str, org_id: OrgId) -> DepositPage:
    lines = arrival_lines(unit, terms.id, org_id)
    matched = (line.amount for line in lines if line.outcome is Outcome.MATCHED)
    return DepositPage(
        lot_id=terms.id,
        lot_code=terms.lot_code,
        lot_name=terms.name,
        required=terms.required,
        deadline_at=terms.deadline_at,
        is_over=terms.is_closed or unit.at > terms.deadline_at,
        status=status_of(parts_of(lines), terms.required),
        number=number,
        holder=accounts.organisation(unit, org_id).name,
        paid=Money.sum(matched),
        arrivals=lines,
        blocks=block_lines(unit, terms, org_id),
    )
