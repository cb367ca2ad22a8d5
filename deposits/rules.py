"""Pure rules of deposits: what an arrival is, what a refund bears, by when it is due, how a deposit stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from deposits.states import DepositStatus, Outcome, RefundGround, RefundState
from foundation.money import Money
from foundation.working_days import WorkCalendar, civil_date


@dataclass(frozen=True, slots=True)
class Rate:
    """An annual demand-deposit rate from a civil date on (R2.18)."""

    effective_from: date
    annual: Decimal


DEMAND_RATES: Final = (Rate(date(2012, 7, 6), Decimal("0.0035")),)
"""The deposit bank's table: 0.35 % a year since the PBOC's table of 2012. A new rate is a new entry."""
DAY_BASIS: Final = 360


def interest(principal: Money, *, arrived_on: date, refunded_on: date, rates: Sequence[Rate], basis: int) -> Money:
    """Principal × annual rate × days / ``basis``, days from arrival (included) to refund (excluded), R2.18.

    Split where the rate changed and rounded once, half up: rounding each part would lose a fen (V7: 73.06, not 73.05).
    Days before the first rate bear nothing.
    """
    exact = Fraction(0)
    ordered = sorted(rates, key=lambda rate: rate.effective_from)
    for place, rate in enumerate(ordered):
        begins = max(arrived_on, rate.effective_from)
        ends = min(refunded_on, ordered[place + 1].effective_from) if place + 1 < len(ordered) else refunded_on
        exact += Fraction(rate.annual) * max((ends - begins).days, 0)
    exact *= Fraction(principal.fen, basis)
    # In fractions, because a rate over 360 has no end as a decimal and could miss a tie.
    return Money((2 * exact.numerator + exact.denominator) // (2 * exact.denominator))


@dataclass(frozen=True, slots=True)
class RefundTerm:
    """``days``: calendar days within which the money must have been sent; interest or not; the rule."""

    days: int
    bears_interest: bool
    clause: str


TERMS: Final = MappingProxyType(
    {
        RefundGround.WITHDRAWN: RefundTerm(5, bears_interest=False, clause="R2.10"),
        RefundGround.NOT_CANDIDATE: RefundTerm(5, bears_interest=True, clause="R2.17"),
        RefundGround.CONTRACT_SIGNED: RefundTerm(5, bears_interest=True, clause="R2.11"),
        # The law says "promptly"; five days is the centre's own limit.
        RefundGround.LOT_FAILED: RefundTerm(5, bears_interest=True, clause="R2.12"),
        RefundGround.LOT_CANCELLED: RefundTerm(5, bears_interest=True, clause="R2.12"),
        RefundGround.RETURNED: RefundTerm(5, bears_interest=False, clause="R2.19"),
    }
)


def refund_due_at(ground: RefundGround, since: datetime, calendar: WorkCalendar) -> datetime:
    """The instant by which the refund must be on its way: 24:00 Beijing of the last day (R0.03)."""
    return calendar.period_of_days(civil_date(since), TERMS[ground].days).ends_at


def outcome_of(*, is_known: bool, is_payer: bool, value_at: datetime, deadline_at: datetime | None) -> Outcome:
    """What an arrival is (R2.05). The value instant may be the deadline itself: "by the deadline" includes it."""
    if not is_known:
        return Outcome.UNKNOWN_ACCOUNT
    if not is_payer:
        return Outcome.NAME_DIFFERS
    return Outcome.LATE if deadline_at is not None and value_at > deadline_at else Outcome.MATCHED


@dataclass(frozen=True, slots=True)
class Part:
    """One arrival with the state of its refund, if any."""

    outcome: Outcome
    amount: Money
    refund: RefundState | None


def status_of(parts: Iterable[Part], required: Money) -> DepositStatus:
    """How the deposit stands (R2.06). Money on its way back no longer secures a bid; a rejected refund is held again.

    Too little, or money of another name, is ``mismatched``.
    """
    known = list(parts)
    gone = [part for part in known if part.refund in {RefundState.ORDERED, RefundState.PAID}]
    here = [part for part in known if part not in gone]
    good = Money.sum(part.amount for part in here if part.outcome is Outcome.MATCHED)
    if good.fen > 0 and good >= required:
        return DepositStatus.ARRIVED
    if gone:
        return DepositStatus.PARTLY_REFUNDED if here else DepositStatus.REFUNDED
    if good.fen > 0 or any(part.outcome is Outcome.NAME_DIFFERS for part in here):
        return DepositStatus.MISMATCHED
    return DepositStatus.LATE if any(part.outcome is Outcome.LATE for part in here) else DepositStatus.UNPAID
