"""When a ban holds, how long a record counts and is shown, and what may be done about it."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from credit.acts import ACTS, Act, is_adverse
from credit.states import Weight
from foundation.clock import BEIJING
from foundation.errors import Objection
from foundation.working_days import WorkCalendar, civil_date

SHOWN_MONTHS: Final = 6
"""R7.12: published for six months, or for the term of the ban if that is longer."""

MIN_MONTHS: Final = 3
MAX_MONTHS: Final = 36
"""R7.13: a penalty is shown for at least three months and at most three years."""

REPAIR_MONTHS: Final = 3
"""R7.13: the earliest repair, counted from the day the record began to count."""

OBJECTION_DAYS: Final = 10
"""R7.16: working days to object from the publication, and working days to answer from the objection."""


def is_in_force(*, starts_at: datetime, ends_at: datetime, annulled_at: datetime | None, at: datetime) -> bool:
    """Half-open to the instant: [start, end). An annulled ban holds no more from the annulment on (R7.09)."""
    return starts_at <= at < ends_at and (annulled_at is None or at < annulled_at)


def is_shown(*, starts_at: datetime, ends_at: datetime, at: datetime) -> bool:
    """Whether the public list still carries it."""
    return at < max(ends_at, months_later(starts_at, SHOWN_MONTHS))


def months_later(instant: datetime, months: int) -> datetime:
    """The same Beijing day and time ``months`` later; the last day of a shorter month."""
    local = instant.astimezone(BEIJING)
    year, month0 = divmod(local.year * 12 + local.month - 1 + months, 12)
    day = min(local.day, calendar.monthrange(year, month0 + 1)[1])
    return local.replace(year=year, month=month0 + 1, day=day).astimezone(instant.tzinfo)


@dataclass(frozen=True, slots=True)
class Term:
    """The half-open time [from, until) in which something counts; empty where ``until_at`` is not later."""

    from_at: datetime
    until_at: datetime

    def holds_at(self, at: datetime) -> bool:
        return self.from_at <= at < self.until_at


def term(*, effective_at: datetime, decided_at: datetime, ends_at: datetime, closed_at: datetime | None) -> Term:
    """A record counts from its effect, never before it was published, to its end or the ruling that closed it."""
    until = ends_at if closed_at is None else min(ends_at, closed_at)
    return Term(max(effective_at, decided_at), until)


def objections_to_entry(*, act: Act, months: int, effective_at: datetime, at: datetime) -> Iterator[Objection]:
    """Every reason why a decision may not be entered so (R7.13)."""
    if act is Act.CONTRACT_SIGNED_IN_TIME:
        yield Objection("credit.act_not_decided", "act")
    if not MIN_MONTHS <= months <= MAX_MONTHS:
        yield Objection("credit.months_out_of_bounds", "months", {"least": MIN_MONTHS, "most": MAX_MONTHS}, "R7.13")
    elif months_later(effective_at, months) <= at:
        yield Objection("credit.record_over", "effective_at")


def object_until(work: WorkCalendar, published_at: datetime) -> datetime:
    """The first instant at which an objection is too late; the day of publication is not counted."""
    return work.period_of_working_days(civil_date(published_at), OBJECTION_DAYS).ends_at


def answer_until(work: WorkCalendar, objected_at: datetime) -> datetime:
    return work.period_of_working_days(civil_date(objected_at), OBJECTION_DAYS).ends_at


def repairable_from(*, act: Act, from_at: datetime) -> datetime | None:
    """From when a record may be repaired; None for what needs no repair."""
    return months_later(from_at, REPAIR_MONTHS) if is_adverse(act) else None


def may_repair(act: Act, *, recorded_by: str, repaired_by: str) -> bool:
    """Only the body that put somebody on a list takes it off (R7.13)."""
    return ACTS[act].weight is not Weight.LISTED or recorded_by == repaired_by
