"""For any publication, change and rulebook: earlier than the earliest is never accepted, the earliest always is."""

from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.working_days import BEIJING, civil_date, from_state_council, in_beijing
from tendering.rulebook import RULEBOOKS
from tendering.timetable import TimetableFacts, earliest_deadline, objections, simulate

CALENDAR = from_state_council()

instants = st.datetimes(datetime(2019, 3, 2), datetime(2035, 12, 31)).map(lambda at: at.replace(tzinfo=BEIJING))  # noqa: DTZ001
books = st.sampled_from(sorted(RULEBOOKS.values(), key=lambda book: book.id))
delays = st.none() | st.integers(0, 60 * 86_400).map(lambda seconds: timedelta(seconds=seconds))
seconds = st.integers(0, 120 * 86_400)


def facts_for(published_at: datetime, changed_after: timedelta | None) -> TimetableFacts:
    return TimetableFacts(published_at, changed_at=None if changed_after is None else published_at + changed_after)


def planned(facts: TimetableFacts, deadline: datetime) -> TimetableFacts:
    return TimetableFacts(facts.published_at, deadline, changed_at=facts.changed_at)


@settings(max_examples=300, deadline=None)
@given(instants, delays, books, st.integers(1, 60 * 86_400))
def test_no_deadline_before_the_earliest_is_accepted(published_at, changed_after, book, too_early) -> None:
    facts = facts_for(published_at, changed_after)
    earliest = earliest_deadline(facts, book, CALENDAR)
    found = objections(simulate(planned(facts, earliest - timedelta(seconds=too_early)), book, CALENDAR))
    assert found
    assert all(objection.params["nearest"] == earliest for objection in found)


@settings(max_examples=300, deadline=None)
@given(instants, delays, books, st.integers(1, 40 * 96))
def test_no_quarter_hour_before_the_earliest_is_accepted(published_at, changed_after, book, quarters) -> None:
    facts = facts_for(published_at, changed_after)
    deadline = earliest_deadline(facts, book, CALENDAR) - timedelta(minutes=15 * quarters)
    assert objections(simulate(planned(facts, deadline), book, CALENDAR))


@settings(max_examples=300, deadline=None)
@given(instants, delays, books)
def test_the_earliest_allowed_is_accepted(published_at, changed_after, book) -> None:
    facts = facts_for(published_at, changed_after)
    earliest = earliest_deadline(facts, book, CALENDAR)
    table = simulate(planned(facts, earliest), book, CALENDAR)
    assert objections(table) == []
    assert table.earliest_deadline == earliest


@settings(max_examples=300, deadline=None)
@given(instants, delays, books, seconds)
def test_the_nearest_value_offered_is_itself_accepted(published_at, changed_after, book, later) -> None:
    facts = facts_for(published_at, changed_after)
    given_deadline = facts.published_at + timedelta(seconds=later)
    for objection in objections(simulate(planned(facts, given_deadline), book, CALENDAR)):
        nearest = objection.params["nearest"]
        assert isinstance(nearest, datetime)
        assert objections(simulate(planned(facts, nearest), book, CALENDAR)) == []


@settings(max_examples=300, deadline=None)
@given(instants, delays, books)
def test_the_earliest_respects_law_and_calendar(published_at, changed_after, book) -> None:
    facts = facts_for(published_at, changed_after)
    earliest = earliest_deadline(facts, book, CALENDAR)
    local = in_beijing(earliest)
    assert CALENDAR.is_working_day(local.date())
    assert (local.minute % 15, local.second, local.microsecond) == (0, 0, 0)
    assert (8, 30) <= (local.hour, local.minute) <= (17, 30)
    waited = (civil_date(earliest) - civil_date(published_at)).days
    assert waited >= book.number("tender.min_prep_days")
    if facts.changed_at is not None:
        assert earliest - facts.changed_at >= timedelta(days=book.number("tender.clarify_before_days"))
