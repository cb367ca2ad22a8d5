"""Dates of vector V8 that are pure day counting, and the calendar behind them."""

from datetime import UTC, date, datetime

import pytest

from foundation.working_days import (
    DayKind,
    WorkCalendar,
    civil_date,
    from_state_council,
    in_beijing,
    start_of_day,
    statutory_festivals,
)

CALENDAR = from_state_council()


def d(month: int, day: int, year: int = 2024) -> date:
    return date(year, month, day)


@pytest.mark.parametrize("on", [d(4, 7), d(4, 28), d(5, 11)])
def test_a_make_up_weekend_day_is_worked(on: date) -> None:
    assert on.weekday() >= 5
    assert CALENDAR.day_kind(on) is DayKind.MAKE_UP_WORKDAY
    assert CALENDAR.is_working_day(on)


@pytest.mark.parametrize("on", [d(4, 4), d(4, 6), d(5, 1), d(5, 3), d(6, 10), d(4, 13), d(4, 14)])
def test_a_holiday_or_plain_weekend_is_not_worked(on: date) -> None:
    assert not CALENDAR.is_working_day(on)


def test_a_plain_weekday_is_worked() -> None:
    assert CALENDAR.day_kind(d(4, 10)) is DayKind.WORKDAY


@pytest.mark.parametrize(
    ("start", "days", "last"),
    [
        (d(3, 12), 20, d(4, 1)),  # documents → deadline
        (d(3, 20), 15, d(4, 7)),  # clarification → 04-04 is a holiday, next worked day is the make-up Sunday
        (d(4, 10), 3, d(4, 15)),  # report → publicity must start; 04-13 is a Saturday
        (d(4, 11), 3, d(4, 15)),  # published → publicity ends; 04-14 is a Sunday
        (d(4, 17), 30, d(5, 17)),  # award notice → contract
        (d(5, 10), 5, d(5, 15)),  # contract → refund
        (d(3, 12), 10, d(3, 22)),  # consultation file → response
    ],
)
def test_calendar_day_periods_end_as_in_v8(start: date, days: int, last: date) -> None:
    period = CALENDAR.period_of_days(start, days)
    assert period.last_on == last
    assert not period.is_provisional


@pytest.mark.parametrize(
    ("start", "days", "last"),
    [
        (d(4, 17), 5, d(4, 24)),  # government losers' refund
        (d(4, 17), 1, d(4, 18)),  # government result publicity
        (d(4, 18), 7, d(4, 28)),  # challenge, ending on a make-up Sunday
        (d(4, 28), 7, d(5, 10)),  # answer, across the May holiday
        (d(5, 10), 15, d(5, 30)),  # complaint, counting the make-up Saturday
        (d(5, 31), 30, d(7, 15)),  # decision, across the dragon boat festival
        (d(3, 12), 3, d(3, 15)),  # negotiation file → response
    ],
)
def test_working_day_periods_end_as_in_v8(start: date, days: int, last: date) -> None:
    assert CALENDAR.period_of_working_days(start, days).last_on == last


def test_a_period_ends_at_midnight_beijing_of_its_last_day() -> None:
    assert CALENDAR.period_of_days(d(3, 12), 20).ends_at == datetime(2024, 4, 1, 16, tzinfo=UTC)
    assert start_of_day(d(4, 1)) == datetime(2024, 3, 31, 16, tzinfo=UTC)


def test_working_days_count_backwards_too() -> None:
    assert CALENDAR.add_working_days(d(4, 8), -1) == d(4, 7)
    assert CALENDAR.add_working_days(d(4, 8), -2) == d(4, 3)
    assert CALENDAR.add_working_days(d(4, 6), 0) == d(4, 6)


def test_roll_forward_keeps_a_working_day() -> None:
    assert CALENDAR.roll_forward(d(4, 3)) == d(4, 3)
    assert CALENDAR.roll_forward(d(4, 4)) == d(4, 7)


def test_an_unpublished_year_is_computed_and_marked_never_refused() -> None:
    spring_festival = date(2028, 1, 26)
    assert CALENDAR.is_provisional(spring_festival)
    assert CALENDAR.day_kind(spring_festival) is DayKind.HOLIDAY
    assert CALENDAR.day_kind(date(2028, 10, 2)) is DayKind.HOLIDAY
    assert CALENDAR.is_working_day(date(2028, 1, 31))
    assert not CALENDAR.is_working_day(date(2028, 2, 5))
    assert CALENDAR.period_of_working_days(date(2028, 1, 20), 10).is_provisional
    assert CALENDAR.day_kind(date(2190, 5, 1)) is DayKind.HOLIDAY
    assert CALENDAR.day_kind(date(1999, 5, 1)) is DayKind.HOLIDAY


def test_a_period_that_reaches_into_an_unpublished_year_is_provisional() -> None:
    last_known = max(CALENDAR.published_years)
    assert CALENDAR.period_of_days(date(last_known, 12, 20), 30).is_provisional
    assert not CALENDAR.period_of_days(date(last_known, 11, 2), 20).is_provisional


def test_entering_a_notice_ends_the_doubt_and_replaces_the_guess() -> None:
    moved = date(2028, 1, 29)
    known = CALENDAR.with_year(2028, holidays=[date(2028, 1, 26)], make_up_workdays=[moved])
    assert not known.is_provisional(moved)
    assert known.is_working_day(moved)
    assert not CALENDAR.is_working_day(moved)
    assert known.is_working_day(date(2028, 10, 2))  # not in this notice
    assert known.day_kind(d(4, 4)) is DayKind.HOLIDAY  # other years stay
    with pytest.raises(ValueError, match="2028"):
        CALENDAR.with_year(2028, holidays=[date(2029, 1, 1)], make_up_workdays=[])


@pytest.mark.parametrize(("year", "day"), [(2024, 4), (2025, 4), (2026, 5), (2027, 5), (2028, 4)])
def test_qingming_is_computed(year: int, day: int) -> None:
    assert {on.day for on in statutory_festivals(year) if on.month == 4} == {day}


@pytest.mark.parametrize("year", [2025, 2026])
def test_computed_solar_festivals_are_holidays_in_the_published_notices(year: int) -> None:
    assert all(CALENDAR.day_kind(on) is DayKind.HOLIDAY for on in statutory_festivals(year))


def test_the_civil_date_is_the_date_in_beijing() -> None:
    assert civil_date(datetime(2024, 3, 31, 16, tzinfo=UTC)) == d(4, 1)
    assert civil_date(datetime(2024, 3, 31, 15, 59, 59, tzinfo=UTC)) == d(3, 31)
    with pytest.raises(ValueError, match="offset"):
        in_beijing(datetime(2024, 4, 1, 9))  # noqa: DTZ001  # naive on purpose


def test_a_count_beyond_ten_years_is_a_bug() -> None:
    with pytest.raises(ValueError, match="3660"):
        CALENDAR.add_working_days(d(4, 1), 4000)


def test_a_calendar_without_any_notice_still_answers() -> None:
    empty = WorkCalendar({}, frozenset())
    assert empty.is_working_day(d(4, 3))
    assert not empty.is_working_day(d(10, 1))
    assert empty.is_provisional(d(4, 3))
