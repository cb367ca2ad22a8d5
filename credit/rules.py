"""When a ban holds, and how long it is shown."""

from __future__ import annotations

import calendar
from datetime import datetime
from typing import Final

from foundation.clock import BEIJING

SHOWN_MONTHS: Final = 6
"""R7.12: published for six months, or for the term of the ban if that is longer."""


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
