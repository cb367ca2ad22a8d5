"""What neighbours may ask of deposits and do here, in business words. Every function runs in the caller's Unit."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from accounts import facade as accounts
from deposits import lots
from deposits.audit import LedgerReport, check_ledger
from deposits.errors import DepositsHidden
from deposits.models import DepositAccount, DepositArrival, Refund
from deposits.rules import Part, status_of
from deposits.services import arrivals, blocks, refunds
from deposits.states import BlockGround, DepositStatus, Outcome, RefundGround
from foundation.money import Money
from foundation.store.unit import Unit

__all__ = [
    "BlockGround",
    "DepositRow",
    "DepositStatus",
    "LedgerReport",
    "PayerAccount",
    "RefundGround",
    "block",
    "check_ledger",
    "deposit_rows",
    "deposit_status",
    "own_status",
    "own_statuses",
    "payer_accounts",
    "refund_due",
    "unblock",
    "virtual_account",
]


@dataclass(frozen=True, slots=True)
class DepositRow:
    """One bidder of a listed lot. ``form``: transfer. ``payer_digest``: of the account matched money came from."""

    org_id: str
    org_name: str
    form: str
    status: DepositStatus
    amount: Money
    arrived_at: datetime | None
    payer_digest: str


@dataclass(frozen=True, slots=True)
class PayerAccount:
    """An account a bidder's matched money came from (R2.07). ``digest`` compares accounts without showing them."""

    org_id: str
    serial: str
    holder: str
    account_tail: str
    digest: str


def deposit_status(unit: Unit, lot_id: str, org_id: str) -> DepositStatus:
    """How one bidder's deposit stands. The caller answers for who asks: before the freeze only that bidder may."""
    return status_of(_parts(unit, lot_id, org_id), lots.terms_of(unit, lot_id).required)


def own_status(unit: Unit, lot_id: str, org_id: str, required: Money) -> DepositStatus:
    """One bidder's deposit against the amount the lot wants; one query. For that bidder alone (R2.08)."""
    return status_of(_parts(unit, lot_id, org_id), required)


def own_statuses(unit: Unit, org_id: str, lot_ids: Sequence[str]) -> dict[str, DepositStatus]:
    """How one bidder's deposits for these lots stand, lots without one left out. For that bidder alone (R2.08)."""
    terms = {one.id: one for one in lots.terms_of_all(unit, lot_ids) if one.required.fen}
    parts: dict[str, list[Part]] = {lot_id: [] for lot_id in terms}
    rows = unit.session.execute(
        select(DepositArrival, Refund.state)
        .outerjoin(Refund, Refund.serial == DepositArrival.serial)
        .where(DepositArrival.org_id == org_id, DepositArrival.lot_id.in_(terms))
    )
    for arrival, state in rows:
        parts[arrival.lot_id].append(Part(arrival.outcome, arrival.amount, state))
    return {lot_id: status_of(parts[lot_id], one.required) for lot_id, one in terms.items()}


def deposit_rows(unit: Unit, lot_id: str) -> tuple[DepositRow, ...]:
    """Everybody with a sub-account, by name, for the opening record. Raises DepositsHidden before the freeze."""
    terms = _listed(unit, lot_id)
    rows = unit.session.scalars(select(DepositAccount).where(DepositAccount.lot_id == lot_id))
    made = [_row(unit, terms, account.org_id) for account in rows]
    return tuple(sorted(made, key=lambda row: (row.org_name, row.org_id)))


def payer_accounts(unit: Unit, lot_id: str) -> tuple[PayerAccount, ...]:
    """Where each bidder's money came from, to compare accounts (R2.07). Raises DepositsHidden before the freeze."""
    _listed(unit, lot_id)
    rows = unit.session.scalars(
        select(DepositArrival)
        .where(DepositArrival.lot_id == lot_id, DepositArrival.outcome != Outcome.UNKNOWN_ACCOUNT)
        .order_by(DepositArrival.org_id, DepositArrival.serial)
    )
    return tuple(
        PayerAccount(row.org_id, row.serial, row.payer_name, row.payer_account[-4:], digest_of(row.payer_account))
        for row in rows
    )


def virtual_account(unit: Unit, lot_id: str, org_id: str) -> str | None:
    """The bidder's sub-account number for the lot, once it has asked for one."""
    found = arrivals.account_of(unit, lot_id, org_id)
    return None if found is None else found.number


def refund_due(
    unit: Unit, lot_id: str, org_ids: Iterable[str] | None, ground: RefundGround, since: datetime | None = None
) -> None:
    """Deposits of these bidders (None: everybody's) go back, unless something blocks them. Idempotent.

    ``since``: the instant the time limit runs from (the contract's, the notice's); the Unit's instant by default.
    """
    refunds.refund_due(unit, lot_id, org_ids, ground, since or unit.at)


def block(unit: Unit, lot_id: str, ground: BlockGround, reference: str, org_id: str | None = None) -> None:
    """Let refunds of the lot, or of one bidder, wait (R2.19). ``reference`` names the matter. Idempotent."""
    blocks.block(unit, lot_id, org_id or "", ground, reference)


def unblock(unit: Unit, lot_id: str, ground: BlockGround, reference: str, org_id: str | None = None) -> None:
    """End that block; refunds that nothing else holds are ordered. Idempotent."""
    if blocks.lift(unit, lot_id, org_id or "", ground, reference):
        refunds.order_ready(unit, lot_id)


def digest_of(account: str) -> str:
    """SHA-256 of an account's digits, to compare accounts by."""
    return hashlib.sha256(account.strip().encode()).hexdigest()


def _listed(unit: Unit, lot_id: str) -> lots.LotTerms:
    terms = lots.terms_of(unit, lot_id)
    if not terms.is_listed:
        raise DepositsHidden
    return terms


def _parts(unit: Unit, lot_id: str, org_id: str) -> list[Part]:
    rows = unit.session.execute(
        select(DepositArrival, Refund.state)
        .outerjoin(Refund, Refund.serial == DepositArrival.serial)
        .where(DepositArrival.lot_id == lot_id, DepositArrival.org_id == org_id)
    )
    return [Part(arrival.outcome, arrival.amount, state) for arrival, state in rows]


def _row(unit: Unit, terms: lots.LotTerms, org_id: str) -> DepositRow:
    matched = unit.session.scalars(
        select(DepositArrival)
        .where(
            DepositArrival.lot_id == terms.id,
            DepositArrival.org_id == org_id,
            DepositArrival.outcome == Outcome.MATCHED,
        )
        .order_by(DepositArrival.value_at, DepositArrival.serial)
    ).all()
    return DepositRow(
        org_id=org_id,
        org_name=accounts.organisation(unit, org_id).name,
        form="transfer",
        status=status_of(_parts(unit, terms.id, org_id), terms.required),
        amount=Money.sum(one.amount for one in matched),
        arrived_at=matched[0].value_at if matched else None,
        payer_digest=digest_of(matched[0].payer_account) if matched else "",
    )
