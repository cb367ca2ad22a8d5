"""V8: dates after the report, with the holidays and make-up workdays of 2024."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from evaluation import deadlines
from foundation.working_days import BEIJING, from_state_council

BOOK = deadlines.book("works-mandatory-2022+0123abcd")
CALENDAR = from_state_council()


def noon(text: str) -> datetime:
    return datetime.combine(date.fromisoformat(text), datetime.min.time(), BEIJING).astimezone(UTC) + timedelta(
        hours=12
    )


@pytest.mark.parametrize(
    ("rule", "start", "last"),
    [
        (deadlines.publish_by, "2024-04-10", "2024-04-15"),  # 04-13 is a Saturday
        (deadlines.publicity, "2024-04-11", "2024-04-15"),  # 04-14 is a Sunday
        (deadlines.publicity, "2024-04-25", "2024-04-28"),  # a Sunday that is worked
        (deadlines.publicity, "2024-04-29", "2024-05-06"),  # over the holiday of May
        (deadlines.contract_by, "2024-04-17", "2024-05-17"),
        (deadlines.answer_by, "2024-05-08", "2024-05-11"),  # a Saturday that is worked
    ],
)
def test_v8_dates_to_the_day(rule, start: str, last: str) -> None:
    period = rule(noon(start), BOOK, CALENDAR)
    assert period.last_on == date.fromisoformat(last)
    assert period.ends_at == noon(last) + timedelta(hours=12)
    assert not period.is_provisional


def test_an_unknown_stamp_is_read_by_the_newest_book() -> None:
    assert deadlines.book("works-2026").id == deadlines.NEWEST
    assert BOOK.number(deadlines.MAX_CANDIDATES) == 3
