"""Dates after the report, from the lot's rulebook and the working-day calendar (R1.40, R1.41, R1.44, R5.02). Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from foundation.working_days import Period, WorkCalendar, civil_date
from tendering.rulebook import RULEBOOKS, Rulebook

PUBLICITY_START: Final = "publicity.start_days"
PUBLICITY: Final = "publicity.candidate_days"
ANSWER: Final = "answer.objection_days"
CONTRACT: Final = "contract.sign_days"
MAX_CANDIDATES: Final = "award.max_candidates"
NEWEST: Final = "works-mandatory-2022"


def book(rulebook_id: str) -> Rulebook:
    """The rulebook a lot is stamped with (without its revision); the newest one where the stamp is unknown."""
    return RULEBOOKS.get(rulebook_id.partition("+")[0]) or RULEBOOKS[NEWEST]


def publish_by(reported_at: datetime, rules: Rulebook, calendar: WorkCalendar) -> Period:
    """Candidates are published within three days of the report; a last day of rest rolls."""
    return calendar.period_of_days(civil_date(reported_at), rules.number(PUBLICITY_START))


def publicity(published_at: datetime, rules: Rulebook, calendar: WorkCalendar) -> Period:
    """Publicity: the day of publishing is not counted, the last day is a working day."""
    return calendar.period_of_days(civil_date(published_at), rules.number(PUBLICITY))


def answer_by(raised_at: datetime, rules: Rulebook, calendar: WorkCalendar) -> Period:
    """An objection is answered within three days."""
    return calendar.period_of_days(civil_date(raised_at), rules.number(ANSWER))


def contract_by(awarded_at: datetime, rules: Rulebook, calendar: WorkCalendar) -> Period:
    """The contract within thirty days of the award notice."""
    return calendar.period_of_days(civil_date(awarded_at), rules.number(CONTRACT))
