"""V7 to the fen, due dates of V8, and how a deposit stands."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from deposits.rules import DAY_BASIS, DEMAND_RATES, Part, Rate, interest, outcome_of, refund_due_at, status_of
from deposits.states import DepositStatus, Outcome, RefundGround, RefundState
from foundation.money import Money
from foundation.working_days import from_state_council

PRINCIPAL = Money(20_000_000)
ARRIVED, REFUNDED = date(2024, 3, 11), date(2024, 4, 30)


def test_interest_of_fifty_days_at_the_demand_rate() -> None:
    assert interest(PRINCIPAL, arrived_on=ARRIVED, refunded_on=REFUNDED, rates=DEMAND_RATES, basis=DAY_BASIS) == Money(
        97_22
    )


def test_interest_is_split_where_the_rate_changed_and_rounded_once() -> None:
    rates = (Rate(date(2012, 7, 6), Decimal("0.0035")), Rate(date(2024, 4, 1), Decimal("0.0020")))
    both = interest(PRINCIPAL, arrived_on=ARRIVED, refunded_on=REFUNDED, rates=rates, basis=360)
    assert both == Money(73_06)
    change = date(2024, 4, 1)
    before = interest(PRINCIPAL, arrived_on=ARRIVED, refunded_on=change, rates=rates, basis=360)
    after = interest(PRINCIPAL, arrived_on=change, refunded_on=REFUNDED, rates=rates, basis=360)
    assert before + after == Money(73_05), "rounding each part would lose a fen"


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_the_order_of_the_rate_table_does_not_matter(order: tuple[int, int]) -> None:
    table = (Rate(date(2012, 7, 6), Decimal("0.0035")), Rate(date(2024, 4, 1), Decimal("0.0020")))
    rates = tuple(table[place] for place in order)
    assert interest(PRINCIPAL, arrived_on=ARRIVED, refunded_on=REFUNDED, rates=rates, basis=360) == Money(73_06)


def test_a_tie_is_rounded_up_exactly() -> None:
    # 36,000 fen at 0.5 % for one day: 0.5 fen, which 1/360 as a decimal would miss.
    rates = (Rate(date(2012, 1, 1), Decimal("0.005")),)
    day = date(2024, 3, 11)
    assert interest(Money(36_000), arrived_on=day, refunded_on=day + timedelta(1), rates=rates, basis=360) == Money(1)


@pytest.mark.parametrize(("arrived", "refunded"), [(REFUNDED, REFUNDED), (REFUNDED, ARRIVED)])
def test_no_day_no_interest(arrived: date, refunded: date) -> None:
    assert interest(PRINCIPAL, arrived_on=arrived, refunded_on=refunded, rates=DEMAND_RATES, basis=360) == Money(0)


def test_a_refund_is_due_five_days_after_the_contract() -> None:
    signed = datetime(2024, 5, 10, 3, 0, tzinfo=UTC)
    due = refund_due_at(RefundGround.CONTRACT_SIGNED, signed, from_state_council())
    assert due == datetime(2024, 5, 15, 16, 0, tzinfo=UTC)  # 24:00 Beijing of 05-15 (V8)


DEADLINE = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("known", "payer", "late_by", "outcome"),
    [
        (True, True, timedelta(0), Outcome.MATCHED),
        (True, True, timedelta(microseconds=1), Outcome.LATE),
        (True, False, timedelta(0), Outcome.NAME_DIFFERS),
        (False, False, timedelta(0), Outcome.UNKNOWN_ACCOUNT),
    ],
)
def test_what_an_arrival_is(*, known: bool, payer: bool, late_by: timedelta, outcome: Outcome) -> None:
    assert outcome_of(is_known=known, is_payer=payer, value_at=DEADLINE + late_by, deadline_at=DEADLINE) is outcome


M, L, N = Outcome.MATCHED, Outcome.LATE, Outcome.NAME_DIFFERS
PAID, ORDERED, DUE, REJECTED = RefundState.PAID, RefundState.ORDERED, RefundState.DUE, RefundState.REJECTED


@pytest.mark.parametrize(
    ("parts", "status"),
    [
        ([], "unpaid"),
        ([(M, 100, None)], "arrived"),
        ([(M, 60, None), (M, 40, None)], "arrived"),
        ([(M, 99, None)], "mismatched"),
        ([(N, 100, None)], "mismatched"),
        ([(L, 100, None)], "late"),
        ([(M, 100, DUE)], "arrived"),
        ([(M, 100, REJECTED)], "arrived"),
        ([(M, 100, ORDERED)], "refunded"),
        ([(M, 100, PAID)], "refunded"),
        ([(M, 50, PAID), (M, 50, None)], "partly_refunded"),
        ([(M, 100, PAID), (M, 100, None)], "arrived"),
        ([(N, 100, PAID), (M, 100, None)], "arrived"),
    ],
)
def test_how_a_deposit_stands(parts: list[tuple[Outcome, int, RefundState | None]], status: str) -> None:
    known = [Part(outcome, Money(fen), refund) for outcome, fen, refund in parts]
    assert status_of(known, Money(100)) is DepositStatus(status)
