"""Times in the line: what several processes saw at once is one time; what lasts counts until now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bid_opening.queries.attendance import SpanView, merged, online_seconds

AT = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)


def span(came: int, left: int | None) -> SpanView:
    return SpanView(AT + timedelta(seconds=came), None if left is None else AT + timedelta(seconds=left))


def test_overlapping_times_are_one_and_gaps_stay() -> None:
    assert merged([span(0, 10), span(5, 20), span(30, 40)]) == (span(0, 20), span(30, 40))
    assert merged([span(30, 40), span(0, 10), span(2, 3)]) == (span(0, 10), span(30, 40))
    assert merged([span(0, None), span(5, 6)]) == (span(0, None),)
    assert merged([span(0, 5), span(3, None)]) == (span(0, None),)
    assert merged([]) == ()


def test_what_lasts_counts_until_now_and_never_less_than_nothing() -> None:
    assert online_seconds([span(0, 10), span(20, None)], AT + timedelta(seconds=50)) == 40
    assert online_seconds([span(20, None)], AT) == 0
