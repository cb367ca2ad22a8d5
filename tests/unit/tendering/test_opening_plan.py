"""Which openings form one session, and which of one host overlap."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from tendering.opening_plan import BETWEEN_MINUTES, PlannedOpening, PlannedSession, clashes_of, sessions_of

AT = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)


def opening(lot: str, *, project: str = "p1", number: int = 1, after: int = 0, minutes: int = 50) -> PlannedOpening:
    return PlannedOpening(lot, f"标段{lot}", project, f"项目{project}", number, AT + timedelta(minutes=after), minutes)


def test_lots_of_one_project_with_one_deadline_are_a_session_in_the_order_of_their_numbers() -> None:
    (first, second) = sessions_of(
        [opening("b", number=2), opening("x", project="p2"), opening("a", number=1), opening("c", number=3, minutes=70)]
    )
    assert [lot.lot_id for lot in first.lots] == ["a", "b", "c"]
    assert first.name == "项目p1"
    assert first.ends_at == AT + timedelta(minutes=70 + BETWEEN_MINUTES)
    assert second.name == "标段x"


def test_lots_of_one_project_on_another_day_are_another_session() -> None:
    found = sessions_of([opening("a"), opening("b", number=2, after=1440)])
    assert [len(one.lots) for one in found] == [1, 1]


def test_sessions_that_touch_do_not_overlap_and_one_minute_more_does() -> None:
    first, second = sessions_of([opening("a"), opening("x", project="p2", after=50 + BETWEEN_MINUTES)])
    assert clashes_of(first, [first, second]) == ()
    first, second = sessions_of([opening("a"), opening("x", project="p2", after=50 + BETWEEN_MINUTES - 1)])
    assert clashes_of(first, [first, second]) == (second,)
    assert clashes_of(second, [first, second]) == (first,)


def test_lots_of_one_session_do_not_clash_with_each_other() -> None:
    (one,) = sessions_of([opening("a"), opening("b", number=2)])
    assert clashes_of(one, [one]) == ()


PLANNED = st.lists(
    st.builds(
        opening,
        st.uuids().map(str),
        project=st.sampled_from(["p1", "p2", "p3"]),
        number=st.integers(1, 5),
        after=st.integers(0, 300),
        minutes=st.integers(10, 180),
    ),
    max_size=8,
)


@given(PLANNED)
def test_every_opening_is_in_one_session_and_clashes_are_mutual(planned: list[PlannedOpening]) -> None:
    found = sessions_of(planned)
    assert sorted(lot.lot_id for one in found for lot in one.lots) == sorted(lot.lot_id for lot in planned)

    def meets(a: PlannedSession, b: PlannedSession) -> bool:
        return b in clashes_of(a, found)

    assert all(meets(a, b) == meets(b, a) for a in found for b in found)
