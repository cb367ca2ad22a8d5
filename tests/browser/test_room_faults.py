"""The fault ledger in Chromium: a device without its key, the desk that sees it, two people who decide; under axe."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from bid_opening.services import faults
from foundation.actor import Actor
from foundation.hints import UnixHints
from tests.browser.test_room_pages import axe
from tests.rooms.room_world import RoomWorld
from tests.rooms.serving import Site, site_of
from tests.support_opening import Opening, make_opening

pytestmark = pytest.mark.browser
QUICK = 10_000
NARROW, WIDE = (390, 844), (1280, 900)
WHY = "窗口内没有任何操作，电话无人接听"
OpenPage = Callable[..., Page]


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    """The window is open; three bidders have released, the fourth has not."""
    made = make_opening(tmp_path, bids=4, escrow_rule="none")
    made.to_window()
    for index in range(3):
        made.release(index)
    return made


@pytest.fixture
def site(opening: Opening) -> Iterator[Site]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    hints = UnixHints(opening.world.runtime.settings.run_dir)
    opening.world.units.hints = hints
    people = tuple(bidder.actor for bidder in opening.bidders)
    found = RoomWorld(opening.world, opening.lot, opening.host, opening.supervisor, people, hints)
    with site_of(found) as running:
        yield running


@pytest.fixture
def open_desk(browser: Browser, site: Site, opening: Opening) -> Iterator[OpenPage]:
    contexts: list[BrowserContext] = []

    def open_it(part: str, who: Actor, size: tuple[int, int] = WIDE, lang: str = "zh-CN") -> Page:
        context = browser.new_context(viewport={"width": size[0], "height": size[1]}, locale=lang)
        context.add_cookies(site.cookies(who))
        contexts.append(context)
        page = context.new_page()
        page.goto(f"{site.url}/rooms/{opening.lot.id}/{part}")
        expect(page.locator("[data-line]").first).to_contain_text(
            "连接正常" if lang == "zh-CN" else "Connected", timeout=QUICK
        )
        return page

    yield open_it
    for context in contexts:
        context.close()


def test_a_device_without_its_key_is_told_what_to_try_and_the_desk_sees_it_live(
    opening: Opening, open_desk: OpenPage
) -> None:
    host = open_desk("host", opening.host)
    seat = open_desk("seat", opening.bidders[3].actor, NARROW)
    seat.get_by_role("button", name="解密我的投标文件").click()
    expect(seat.locator("#part-turn")).to_contain_text("换到封标时用的那台设备和浏览器", timeout=QUICK)
    expect(host.locator("#part-failing")).to_contain_text("本机没有本标的密钥", timeout=QUICK)
    expect(host.locator("[data-feed]")).to_contain_text("页面报告：本机没有本标的密钥", timeout=QUICK)
    assert [one.code for one in opening.seat(3).reports] == ["fetched", "no_key"]
    assert axe(seat) == axe(host) == []


def test_two_people_decide_on_their_desks_and_the_bidder_reads_it_on_its_seat(
    opening: Opening, open_desk: OpenPage
) -> None:
    opening.act(opening.bidders[3].actor, faults.report, "fetched")
    opening.act(opening.bidders[3].actor, faults.report, "no_key")
    opening.pass_window()
    number = opening.seat(3).number
    host, watch = open_desk("host", opening.host), open_desk("supervise", opening.supervisor)
    seat = open_desk("seat", opening.bidders[3].actor, NARROW)
    assert axe(host) == axe(watch) == axe(seat) == []
    ledger = host.locator("#part-faults")
    ledger.get_by_text("提出认定").focus()
    host.keyboard.press("Enter")
    ledger.get_by_role("radio", name="投标人原因 视为撤销；保证金转入是否不予退还的认定").check()
    ledger.get_by_label("理由（确认后公布）").fill(WHY)
    ledger.get_by_role("button", name="提出，等第二人确认").press("Enter")
    expect(watch.locator("#part-faults")).to_contain_text(WHY, timeout=QUICK)
    expect(seat.locator("#part-own-fault")).to_contain_text("已提议：投标人原因", timeout=QUICK)
    watch.locator(f'[data-opens="confirm-fault-{number}"]').click()
    dialog = watch.locator(f"#confirm-fault-{number}")
    expect(dialog).to_contain_text("一经确认不能更改")
    assert axe(watch) == []
    dialog.get_by_role("button", name="确认认定").click()
    expect(seat.locator("#part-own-fault")).to_contain_text("视为撤销投标文件", timeout=QUICK)
    expect(host.locator("#part-faults")).to_contain_text("已全部认定", timeout=QUICK)
    assert opening.seat(3).attribution.culprit == "bidder"
    assert axe(seat) == axe(host) == []


def test_the_desks_read_in_english_on_a_phone(opening: Opening, open_desk: OpenPage) -> None:
    opening.pass_window()
    opening.act(opening.bidders[3].actor, faults.give_reason, "power cut")
    for part, who in (("host", opening.host), ("supervise", opening.supervisor), ("seat", opening.bidders[3].actor)):
        page = open_desk(part, who, NARROW, "en-GB")
        expect(page.locator("body")).to_contain_text("power cut")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert axe(page) == []
