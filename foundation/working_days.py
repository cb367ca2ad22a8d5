"""Working days by the State Council's yearly notice, and how the law counts a period.

Civil dates are dates in Beijing (UTC+8, no summer time since 1991). A year whose notice is not known yet is computed
from weekends and the statutory festivals and says so (``is_provisional``): the notice may still move rest days, so a
date that rests on such a year has to be looked at again. Nothing here reads a clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from functools import cache
from types import MappingProxyType

from chinese_calendar import constants as state_council

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")
"""A fixed offset on purpose: a bare machine may have no time-zone database."""

MAX_COUNT = 3660
"""Longest period, in days, that is ever counted; more is a bug."""

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5
# First day of the festival by the lunar calendar, for years whose notice was not out when this was written:
# spring festival, dragon boat, mid-autumn. Later years fall back to weekends and the solar festivals alone.
_LUNAR_FESTIVALS: Mapping[int, tuple[date, date, date]] = MappingProxyType(
    {
        2027: (date(2027, 2, 6), date(2027, 6, 9), date(2027, 9, 15)),
        2028: (date(2028, 1, 26), date(2028, 5, 28), date(2028, 10, 3)),
        2029: (date(2029, 2, 13), date(2029, 6, 16), date(2029, 9, 22)),
        2030: (date(2030, 2, 3), date(2030, 6, 5), date(2030, 9, 12)),
        2031: (date(2031, 1, 23), date(2031, 6, 24), date(2031, 10, 1)),
        2032: (date(2032, 2, 11), date(2032, 6, 12), date(2032, 9, 19)),
    }
)


class DayKind(StrEnum):
    """What a civil date is."""

    WORKDAY = "workday"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    """A rest day by the notice: the festival itself or a day moved next to it."""
    MAKE_UP_WORKDAY = "make_up_workday"
    """A Saturday or Sunday worked in exchange (调休)."""

    @property
    def is_worked(self) -> bool:
        return self in {DayKind.WORKDAY, DayKind.MAKE_UP_WORKDAY}


@dataclass(frozen=True, slots=True)
class Period:
    """A counted period: ``started_on`` is not counted, it ends at 24:00 of ``last_on`` (民法典 201-203, R0.03)."""

    started_on: date
    last_on: date
    is_provisional: bool

    @property
    def ends_at(self) -> datetime:
        """24:00 Beijing of the last day as a UTC instant; the period is half-open, so this instant is outside."""
        return start_of_day(self.last_on + _ONE_DAY)


@dataclass(frozen=True)
class WorkCalendar:
    """Days that differ from the plain week, and the years whose notice is known; every other year is provisional."""

    days: Mapping[date, DayKind]
    published_years: frozenset[int]

    def day_kind(self, on: date) -> DayKind:
        """What ``on`` is; computed, never refused, for a year without a notice."""
        listed = self.days.get(on)
        if listed is not None:
            return listed
        if on.year not in self.published_years and on in statutory_festivals(on.year):
            return DayKind.HOLIDAY
        return DayKind.WEEKEND if on.weekday() >= _SATURDAY else DayKind.WORKDAY

    def is_working_day(self, on: date) -> bool:
        return self.day_kind(on).is_worked

    def is_provisional(self, on: date) -> bool:
        """Whether the notice for the year of ``on`` is not known, so that the answer may still change."""
        return on.year not in self.published_years

    def roll_forward(self, on: date) -> date:
        """``on`` itself when worked, else the next working day (R0.03)."""
        while not self.is_working_day(on):
            on += _ONE_DAY
        return on

    def add_working_days(self, on: date, count: int) -> date:
        """The ``count``-th working day after ``on`` (before it, when negative); ``on`` itself is not counted."""
        _check_count(count)
        step = _ONE_DAY if count >= 0 else -_ONE_DAY
        left = abs(count)
        while left:
            on += step
            left -= self.is_working_day(on)
        return on

    def period_of_days(self, started_on: date, count: int) -> Period:
        """``count`` calendar days (日); a last day of rest rolls to the next working day."""
        _check_count(count)
        return self._period(started_on, self.roll_forward(started_on + timedelta(days=count)))

    def period_of_working_days(self, started_on: date, count: int) -> Period:
        """``count`` working days (工作日)."""
        return self._period(started_on, self.add_working_days(started_on, count))

    def _period(self, started_on: date, last_on: date) -> Period:
        years = range(started_on.year, last_on.year + 1)
        return Period(started_on, last_on, any(year not in self.published_years for year in years))

    def with_year(self, year: int, *, holidays: Iterable[date], make_up_workdays: Iterable[date]) -> WorkCalendar:
        """The same calendar with the notice of ``year`` entered (or replaced): that year is no longer provisional."""
        named = dict.fromkeys(holidays, DayKind.HOLIDAY) | dict.fromkeys(make_up_workdays, DayKind.MAKE_UP_WORKDAY)
        if any(on.year != year for on in named):
            msg = f"A day outside {year} in its notice"
            raise ValueError(msg)
        kept = {on: kind for on, kind in self.days.items() if on.year != year}
        return WorkCalendar(MappingProxyType(kept | named), self.published_years | {year})


@cache
def from_state_council() -> WorkCalendar:
    """Every yearly notice the installed ``chinese_calendar`` knows, from 2004 on."""
    days = dict.fromkeys(state_council.holidays, DayKind.HOLIDAY)
    days |= dict.fromkeys(state_council.workdays, DayKind.MAKE_UP_WORKDAY)
    return WorkCalendar(MappingProxyType(days), frozenset(on.year for on in state_council.holidays))


@cache
def statutory_festivals(year: int) -> frozenset[date]:
    """The festival days themselves by 全国年节及纪念日放假办法 (2025), without the days a notice moves next to them.

    The lunar festivals are known here for 2027 to 2032 only.
    """
    days = {date(year, 1, 1), date(year, 5, 1), date(year, 5, 2), *(date(year, 10, day) for day in (1, 2, 3))}
    if 2000 <= year < 2100:  # noqa: PLR2004  # the range in which the usual formula for 清明 holds
        short = year - 2000
        days.add(date(year, 4, (short * 2422 + 48100) // 10000 - short // 4))
    if year in _LUNAR_FESTIVALS:
        spring, dragon_boat, mid_autumn = _LUNAR_FESTIVALS[year]
        days |= {spring + timedelta(days=n) for n in (-1, 0, 1, 2)} | {dragon_boat, mid_autumn}
    return frozenset(days)


def civil_date(at: datetime) -> date:
    """The Beijing date of an aware instant."""
    return in_beijing(at).date()


def in_beijing(at: datetime) -> datetime:
    """The same instant on the Beijing wall clock; a naive instant is a bug (ValueError)."""
    if at.tzinfo is None:
        msg = "An instant carries its offset"
        raise ValueError(msg)
    return at.astimezone(BEIJING)


def civil_instant(on: date, at: time) -> datetime:
    """The UTC instant at which Beijing clocks show ``on`` ``at``."""
    return datetime.combine(on, at, BEIJING).astimezone(UTC)


def start_of_day(on: date) -> datetime:
    """00:00 Beijing of ``on`` as a UTC instant."""
    return civil_instant(on, time(0))


def _check_count(count: int) -> None:
    if abs(count) > MAX_COUNT:
        msg = f"No period is longer than {MAX_COUNT} days"
        raise ValueError(msg)
