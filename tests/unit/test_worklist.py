"""The order of a work list, and what makes something pressing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask

from foundation.actor import Actor
from foundation.clock import SteppingClock
from foundation.web.lot_life import STAGES, LotLife, LotLink, Stage, present_stage
from foundation.web.worklist import ITEMS_MAX, OwnLot, Urgency, WorkItem, WorkList, ordered, urgency_of

AT = datetime(2026, 11, 24, 1, 0, tzinfo=UTC)  # 09:00 in Beijing
MIDNIGHT = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)


class FakeUnit:
    """What providers are given: a moment and somebody who asks."""

    def __init__(self) -> None:
        self.at = SteppingClock(AT).now()
        self.actor = Actor(role="bidder", roles=frozenset({"bidder"}))


@pytest.mark.parametrize(
    ("due", "urgency"),
    [
        (None, Urgency.OPEN),
        (AT, Urgency.OVERDUE),
        (AT - timedelta(days=1), Urgency.OVERDUE),
        (AT + timedelta(seconds=1), Urgency.TODAY),
        (MIDNIGHT, Urgency.TODAY),
        (MIDNIGHT + timedelta(microseconds=1), Urgency.SOON),
        (AT + timedelta(days=3), Urgency.SOON),
        (AT + timedelta(days=3, seconds=1), Urgency.LATER),
    ],
)
def test_a_date_makes_something_pressing_by_the_beijing_day(due: datetime | None, urgency: Urgency) -> None:
    assert urgency_of(due, AT) is urgency


def item(name: str, due: datetime | None = None, urgency: Urgency | None = None) -> WorkItem:
    return WorkItem(name, name, f"/{name}", due=due, urgency=urgency)


def test_the_most_pressing_comes_first_and_the_order_is_always_the_same() -> None:
    wanted = [
        item("now", urgency=Urgency.NOW),
        item("late", AT - timedelta(days=2)),
        item("later-today", MIDNIGHT),
        item("today-undated", urgency=Urgency.TODAY),
        item("soon", AT + timedelta(days=2)),
        item("later", AT + timedelta(days=9)),
        item("b-open"),
        item("c-open"),
    ]
    for given in (wanted, wanted[::-1], wanted[3:] + wanted[:3]):
        assert [one.item.title_en for one in ordered(given, AT)] == [one.title_en for one in wanted]


def test_a_list_is_cut_after_its_most_pressing_items() -> None:
    worklist, unit = WorkList(), FakeUnit()
    worklist.add(lambda _unit, _actor: [item(f"{number:03d}") for number in range(ITEMS_MAX + 5)])
    worklist.add(lambda _unit, actor: [item("mine", urgency=Urgency.NOW)] if actor.has_role("bidder") else [])
    found = worklist.items(unit)  # type: ignore[arg-type]
    assert len(found) == ITEMS_MAX
    assert found[0].item.title_en == "mine"


def test_a_lot_named_twice_stands_once_under_the_first_address() -> None:
    worklist, unit = WorkList(), FakeUnit()
    worklist.add_lots(lambda _unit, _actor: [OwnLot("1", "甲", "/lots/1/bid")])
    worklist.add_lots(lambda _unit, _actor: [OwnLot("1", "甲", "/lots/1"), OwnLot("2", "乙", "/lots/2")])
    assert [lot.url for lot in worklist.lots(unit)] == ["/lots/1/bid", "/lots/2"]  # type: ignore[arg-type]


def test_a_later_package_has_the_last_word_on_the_stages_it_names() -> None:
    life, unit = LotLife(), FakeUnit()
    life.add_stages(lambda _unit, ids: {one: [Stage("refund", AT, "done")] for one in ids if one == "1"}, order=90)
    life.add_stages(
        lambda _unit, ids: {
            one: [Stage(key, None, "done" if key == "notice" else "") for key in STAGES] for one in ids
        },
        order=0,
    )
    life.add_stages(lambda _unit, _ids: {"1": [Stage("contract", AT, "now"), Stage("refund", None, "now")]}, order=50)
    found = life.stages(unit, ["1", "2"])  # type: ignore[arg-type]
    assert [stage.key for stage in found["1"]] == list(STAGES)
    assert {stage.key: stage.state for stage in found["1"] if stage.state} == {
        "notice": "done",
        "contract": "now",
        "refund": "done",
    }
    assert present_stage(found["1"]) == Stage("contract", AT, "now")
    assert present_stage(found["2"]) is None


def test_links_stand_in_order_and_each_address_once() -> None:
    life, unit = LotLife(), FakeUnit()
    life.add_links(lambda _unit, _actor, lot: [LotLink("乙", "B", f"/lots/{lot}/b", 20)])
    life.add_links(
        lambda _unit, _actor, lot: [LotLink("甲", "A", f"/lots/{lot}", 10), LotLink("丙", "C", f"/lots/{lot}/b", 5)]
    )
    assert [link.en for link in life.links(unit, unit.actor, "1")] == ["A", "B"]  # type: ignore[arg-type]


def test_registries_stand_in_every_application(tmp_path: object) -> None:
    from foundation.web.kit import WebSettings, create_web

    app: Flask = create_web("worklist", WebSettings(secret_key="k" * 32))
    assert isinstance(app.extensions["worklist"], WorkList)
    assert isinstance(app.extensions["lot_life"], LotLife)
