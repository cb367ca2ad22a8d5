"""Sub-accounts and the money that arrives in them.

A notice is idempotent by the bank's own serial number and never fails because of what it says: money that cannot be
matched is held in suspense with its outcome.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select

from accounts import facade as accounts
from accounts.errors import NoticeDiffers
from accounts.rules import same_name
from deposits import ledger, lots
from deposits.ledger import Account, Line, Transfer
from deposits.models import NOBODY, DepositAccount, DepositArrival
from deposits.rules import outcome_of
from deposits.services import refunds
from deposits.states import AccountKind, Outcome, Purpose, TransferKind
from deposits.streams import stream_of
from foundation.events.deposits import DepositAccountOpened, DepositArrived
from foundation.money import Money
from foundation.store.unit import Unit

NUMBER_HEAD: Final = "3204128"
_TAIL_DIGITS: Final = 12
_TAIL_SHOWN: Final = 4


@dataclass(frozen=True, slots=True)
class ArrivalNotice:
    """What the bank says. ``serial`` is its own number; ``value_at`` the instant the money counts from."""

    serial: str
    number: str
    payer_name: str
    payer_account: str
    amount: Money
    value_at: datetime


def sub_account_number(secret: bytes, lot_id: str, org_id: str) -> str:
    """The number of a bidder's sub-account for a lot: always the same, and not to be guessed by whoever knows both.

    Were it a plain digest, anybody could ask the bank whether a rival's account exists.
    """
    digest = hmac.new(secret, f"deposit|{lot_id}|{org_id}".encode(), hashlib.sha256).digest()
    return f"{NUMBER_HEAD}{int.from_bytes(digest[:8], 'big') % 10**_TAIL_DIGITS:0{_TAIL_DIGITS}d}"


def account_of(unit: Unit, lot_id: str, org_id: str) -> DepositAccount | None:
    return unit.session.scalar(
        select(DepositAccount).where(DepositAccount.lot_id == lot_id, DepositAccount.org_id == org_id)
    )


def note_account(unit: Unit, lot_id: str, org_id: str, number: str) -> str:
    """Keep the sub-account the bank has opened; returns its number. Repeating it changes nothing."""
    ledger.lock(unit)
    known = account_of(unit, lot_id, org_id)
    if known is not None:
        return known.number
    unit.session.add(DepositAccount(number=number, lot_id=lot_id, org_id=org_id, opened_at=unit.at))
    unit.session.flush()
    unit.append(stream_of(lot_id, org_id), DepositAccountOpened(lot=lot_id, org_id=org_id, number=number))
    return number


def receive_arrival(unit: Unit, notice: ArrivalNotice, body: bytes) -> Outcome:
    """Take money into the book; returns what it turned out to be. The same notice again returns the same outcome.

    Raises NoticeDiffers where the serial is known with another body.
    """
    ledger.lock(unit)
    body_hash = hashlib.sha256(body).hexdigest()
    known = unit.session.get(DepositArrival, notice.serial)
    if known is not None:
        if known.body_hash != body_hash:
            raise NoticeDiffers(notice_id=notice.serial)
        return known.outcome
    account = unit.session.get(DepositAccount, notice.number)
    lot_id, org_id = (account.lot_id, account.org_id) if account is not None else (NOBODY, NOBODY)
    outcome = _outcome(unit, account, notice)
    unit.session.add(
        DepositArrival(
            serial=notice.serial,
            body_hash=body_hash,
            number=notice.number,
            lot_id=lot_id,
            org_id=org_id,
            payer_name=notice.payer_name,
            payer_account=notice.payer_account,
            amount=notice.amount,
            value_at=notice.value_at,
            outcome=outcome,
            received_at=unit.at,
            transfer_id=_record(unit, notice, lot_id, org_id, outcome),
        )
    )
    unit.session.flush()
    event = DepositArrived(
        lot=lot_id,
        org_id=org_id,
        serial=notice.serial,
        payer_name=notice.payer_name,
        account_tail=notice.payer_account[-_TAIL_SHOWN:],
        amount=notice.amount.text(),
        value_at=notice.value_at,
        outcome=outcome,
    )
    unit.append(stream_of(lot_id, org_id), event)
    if org_id:
        tell = {"amount": notice.amount.grouped(), "payer": notice.payer_name}
        accounts.add_to_inbox(unit, org_id, f"inbox.deposit_{outcome}", tell, f"/lots/{lot_id}/deposit")
    refunds.after_arrival(unit, notice.serial)
    return outcome


def _outcome(unit: Unit, account: DepositAccount | None, notice: ArrivalNotice) -> Outcome:
    if account is None:
        return outcome_of(is_known=False, is_payer=False, value_at=notice.value_at, deadline_at=None)
    name = accounts.organisation(unit, account.org_id).name
    terms = lots.terms_of_all(unit, [account.lot_id])
    return outcome_of(
        is_known=True,
        is_payer=same_name(notice.payer_name, name),
        value_at=notice.value_at,
        deadline_at=terms[0].deadline_at if terms else None,
    )


def source_kind(outcome: Outcome) -> AccountKind:
    """Where money of this outcome lies: what secures a bid is held, everything else is in suspense."""
    return AccountKind.HELD if outcome is Outcome.MATCHED else AccountKind.SUSPENSE


def _record(unit: Unit, notice: ArrivalNotice, lot_id: str, org_id: str, outcome: Outcome) -> str:
    def account(kind: AccountKind) -> Account:
        return Account(kind, lot_id, org_id)

    lines = (
        Line(account(AccountKind.BANK_CLEARING), notice.amount),
        Line(account(source_kind(outcome)), -notice.amount),
    )
    key = f"arrival:{notice.serial}"
    return ledger.record(unit, Transfer(key, TransferKind.SINGLE, Purpose.ARRIVAL, lines))
