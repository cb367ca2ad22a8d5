"""The replay of an opening in Chromium: the live room's truth again, by mouse, keyboard and phone, in two languages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from foundation.actor import Actor
from foundation.events import bid_opening as e
from tests.browser.test_room_pages import axe, no_sideways_scroll
from tests.rooms.room_world import NAMES, RoomWorld, make_room_world
from tests.rooms.serving import Site, site_of

pytestmark = pytest.mark.browser
WIDE, NARROW = (1280, 900), (390, 844)
QUICK = 10_000

Open = Callable[..., Page]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> RoomWorld:
    """A whole opening, with a wrong share and two objections. Read only."""
    told = make_room_world(tmp_path_factory.mktemp("replay"))
    told.publish_list()
    told.open_window()
    told.happen(e.ShareRejected(told.lot.id, 2, str(told.bidders[1].org_id), 1))
    told.release(*told.seats)
    told.close_window()
    told.draw()
    told.read_out()
    told.open_query()
    org = str(told.bidders[2].org_id)
    told.happen(
        e.ObjectionRaised(told.lot.id, "o1", 3, org, "请复读 3 号工期"),
        e.ObjectionRaised(told.lot.id, "o2", 3, org, "请复读 3 号质量"),
        e.ObjectionAnswered(told.lot.id, "o1", "已复读", "agency"),
        e.ObjectionWithdrawn(told.lot.id, "o2", 3, org),
        seconds=9,
    )
    told.open_confirmation()
    told.happen(e.ResultConfirmed(told.lot.id, 1, str(told.bidders[0].org_id), ""), seconds=70)
    return told


@pytest.fixture(scope="module")
def site(found: RoomWorld) -> Iterator[Site]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with site_of(found) as running:
        yield running


@pytest.fixture
def open_replay(browser: Browser, site: Site) -> Iterator[Open]:
    contexts = []
    faults: list[str] = []

    def visit(who: Actor | None = None, size: tuple[int, int] = WIDE, lang: str = "zh-CN", query: str = "") -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale=lang, reduced_motion="reduce"
        )
        contexts.append(context)
        if who is not None:
            context.add_cookies(site.cookies(who))
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(f"{site.url}/rooms/{site.found.lot.id}/replay{query}")
        expect(page.locator("[data-player]")).to_be_visible(timeout=QUICK)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert faults == []


def rows(page: Page, table: str) -> list[str]:
    """The visible text of a table's rows."""
    texts: list[str] = page.evaluate(
        """(name) => [...document.querySelectorAll(`[data-${name}] tr`)]
        .map((row) => row.innerText.replace(/\\s+/g, ' '))""",
        table,
    )
    return texts


def press(page: Page, name: str) -> None:
    page.get_by_role("button", name=name, exact=True).click()


def test_the_end_of_the_replay_is_what_the_live_page_says(found: RoomWorld, site: Site, open_replay: Open) -> None:
    page = open_replay()
    replayed = rows(page, "board")
    page.goto(f"{site.url}/rooms/{found.lot.id}")
    live: list[str] = page.evaluate(
        "() => [...document.querySelectorAll('#part-board tbody tr')].map((row) => row.innerText.replace(/\\s+/g, ' '))"
    )
    assert [one.strip() for one in replayed] == [one.strip() for one in live]
    assert len(replayed) == len(found.bidders)


def test_nothing_is_known_before_its_time(open_replay: Open) -> None:
    page = open_replay()
    expect(page.locator("[data-prices] tr").first).to_contain_text("合格")
    press(page, "回到开头")
    expect(page.get_by_text("此时名单还没有公布")).to_be_visible()
    assert rows(page, "board") == rows(page, "prices") == []
    page.locator("[data-phases] button", has_text="公布名单").first.click()
    assert NAMES[0] in rows(page, "board")[0]
    assert "合格" not in "".join(rows(page, "prices"))
    page.locator("[data-phases] button", has_text="已抽取系数").click()
    expect(page.locator("[data-drawn]")).to_contain_text("K = ")
    assert "合格" not in "".join(rows(page, "prices"))
    press(page, "到最后")
    assert "合格" in rows(page, "prices")[0]
    press(page, "回到开头")
    assert rows(page, "board") == []


def test_lines_are_read_one_by_one_and_the_draw_is_redone(open_replay: Open) -> None:
    page = open_replay()
    page.locator("[data-phases] button", has_text="唱标").click()
    assert sum("合格" in row for row in rows(page, "prices")) == 0
    press(page, "下一条")
    press(page, "下一条")
    assert sum("合格" in row for row in rows(page, "prices")) == 2
    press(page, "上一条")
    assert sum("合格" in row for row in rows(page, "prices")) == 1
    press(page, "在本机重算")
    expect(page.get_by_text("重算一致：7 个备选值中抽中")).to_be_visible(timeout=QUICK)


def test_objections_show_their_answers_and_that_one_was_taken_back(open_replay: Open) -> None:
    page = open_replay()
    objections = page.locator("[data-objections] li")
    expect(objections).to_have_count(2)
    expect(objections.nth(0)).to_contain_text("招标代理代招标人答复")
    expect(objections.nth(1)).to_contain_text("已撤回")
    page.locator("[data-phases] button", has_text="异议").first.click()
    expect(page.locator("[data-objections-sec]")).to_be_hidden()


def test_it_plays_to_the_end_with_gaps_skipped(open_replay: Open) -> None:
    page = open_replay()
    page.get_by_label("速度").select_option("60")
    press(page, "回到开头")
    press(page, "播放")
    expect(page.get_by_role("button", name="暂停", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="播放", exact=True)).to_be_visible(timeout=30_000)
    count = page.locator("[data-count]").inner_text()
    told = int(count.split("共 ")[1].split(" ")[0])
    assert count.startswith(f"第 {told} 条")


def test_the_player_is_used_by_keyboard_alone(open_replay: Open) -> None:
    page = open_replay()
    player = page.locator("[data-player]")
    count = page.locator("[data-count]")
    player.focus()
    page.keyboard.press("Home")
    expect(count).to_contain_text("第 0 条")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    expect(count).to_contain_text("第 2 条")
    page.keyboard.press("ArrowLeft")
    expect(count).to_contain_text("第 1 条")
    page.keyboard.press("+")
    expect(page.get_by_label("速度")).to_have_value("30")
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="暂停", exact=True)).to_be_visible()
    page.keyboard.press("Space")
    expect(page.get_by_role("button", name="播放", exact=True)).to_be_visible()
    page.keyboard.press("End")
    expect(page.locator("[data-prices] tr").first).to_contain_text("合格")


def test_a_desk_adds_what_only_it_was_told(found: RoomWorld, open_replay: Open) -> None:
    staff = open_replay(found.supervisor, query="?view=own")
    expect(staff.locator("[data-log]")).to_contain_text("密钥不符")
    public = open_replay(found.supervisor)
    expect(public.locator("[data-log]")).not_to_contain_text("密钥不符")


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_replay_fits_its_screen_and_is_clean(open_replay: Open, size: tuple[int, int], lang: str) -> None:
    page = open_replay(size=size, lang=lang)
    assert no_sideways_scroll(page)
    assert axe(page) == []
    page.locator("[data-go=first]").click()
    assert axe(page) == []
    page.evaluate("document.querySelector('[data-tape]').focus()")
    page.keyboard.press("ArrowRight")
    value: Any = page.locator("[data-tape]").get_attribute("aria-valuetext")
    assert ("Entry 1 of" if lang == "en" else "第 1 条") in value
