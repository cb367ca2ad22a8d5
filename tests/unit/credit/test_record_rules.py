"""Terms, limits and dates of records (R7.13, R7.16)."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from credit import rules
from credit.acts import Act
from foundation.working_days import from_state_council, start_of_day

NOW = datetime(2026, 11, 24, 1, 42, 18, tzinfo=UTC)
DAY = timedelta(days=1)
TICK = timedelta(microseconds=1)


def term(effective: int, decided: int, ends: int, closed: int | None = None) -> rules.Term:
    return rules.term(
        effective_at=NOW + effective * DAY,
        decided_at=NOW + decided * DAY,
        ends_at=NOW + ends * DAY,
        closed_at=None if closed is None else NOW + closed * DAY,
    )


@pytest.mark.parametrize(
    ("made", "start", "end"),
    [
        (term(0, 2, 9), 2, 9),
        (term(5, 2, 9), 5, 9),
        (term(0, 2, 9, 4), 2, 4),
        (term(0, 2, 9, 40), 2, 9),
    ],
)
def test_a_record_counts_from_effect_and_publication_to_its_end_or_the_ruling(
    made: rules.Term, start: int, end: int
) -> None:
    first, last = NOW + start * DAY, NOW + end * DAY
    assert [made.holds_at(at) for at in (first - TICK, first, last - TICK, last)] == [False, True, True, False]


def test_a_record_annulled_before_its_effect_never_counts() -> None:
    made = term(5, 2, 9, 3)
    assert not any(made.holds_at(NOW + n * DAY) for n in range(12))


def codes(**changes: object) -> set[str]:
    given = {"act": Act.BID_REVOKED, "months": 12, "effective_at": NOW, "at": NOW} | changes
    return {one.code for one in rules.objections_to_entry(**given)}  # type: ignore[arg-type]


def test_what_may_not_be_entered() -> None:
    assert codes() == set()
    assert codes(months=3) == codes(months=36) == set()
    assert codes(months=2) == codes(months=37) == {"credit.months_out_of_bounds"}
    assert codes(act=Act.CONTRACT_SIGNED_IN_TIME) == {"credit.act_not_decided"}
    ended = rules.months_later(NOW, -12)
    assert codes(effective_at=ended) == {"credit.record_over"}
    assert codes(effective_at=ended + TICK) == set()


def test_ten_working_days_to_object_and_to_answer() -> None:
    """Published Tuesday 24 November 2026: the tenth working day after it is Tuesday 8 December."""
    end = start_of_day(date(2026, 12, 9))
    assert rules.object_until(from_state_council(), NOW) == end
    assert rules.answer_until(from_state_council(), NOW) == end


def test_repair_after_three_months_and_never_of_a_commitment_kept() -> None:
    assert rules.repairable_from(act=Act.COLLUSION, from_at=NOW) == datetime(2027, 2, 24, 1, 42, 18, tzinfo=UTC)
    assert rules.repairable_from(act=Act.CONTRACT_PERFORMED, from_at=NOW) is None


def test_only_the_lister_takes_off_a_list() -> None:
    assert not rules.may_repair(Act.TAX_VIOLATION, recorded_by="税务局", repaired_by="住建局")
    assert rules.may_repair(Act.TAX_VIOLATION, recorded_by="税务局", repaired_by="税务局")
    assert rules.may_repair(Act.BID_REVOKED, recorded_by="住建局", repaired_by="发改委")
