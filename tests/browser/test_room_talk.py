"""Talk in Chromium: a bidder's phone and the duty desk, chat and help live, by keyboard, hidden words taken away."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from bid_opening.services import talk
from foundation.actor import Actor
from tests.browser.test_room_pages import (  # noqa: F401 - fixtures
    NARROW,
    QUICK,
    Open,
    axe,
    found,
    no_sideways_scroll,
    open_page,
    room,
    site,
    wait_live,
)
from tests.rooms.room_world import RoomWorld

pytestmark = pytest.mark.browser


@pytest.fixture
def duty(found: RoomWorld) -> Actor:  # noqa: F811 - the fixture
    return found.world.organisation("武进区公共资源交易中心", "centre_staff")


def test_a_bidder_talks_and_asks_on_its_phone_and_the_duty_desk_answers(
    found: RoomWorld,  # noqa: F811
    open_page: Open,  # noqa: F811
    duty: Actor,
) -> None:
    found.publish_list()
    found.open_window()
    seat = open_page(room(found, "seat"), found.bidders[0], NARROW)
    gallery = open_page(room(found), None)
    for page in (seat, gallery):
        wait_live(page)

    # Talk: sent without leaving the page, seen by the gallery at once, refused in its own words.
    seat.locator("#f-message").fill("请问解密时间到几点？")
    seat.locator("[data-say] button").focus()
    seat.keyboard.press("Enter")
    for page in (seat, gallery):
        expect(page.locator('[data-talk] [data-said="1"]')).to_contain_text("请问解密时间到几点？", timeout=QUICK)
    expect(seat.locator("[data-say-result]")).to_contain_text("已发送")
    expect(seat.locator("#f-message")).to_have_value("")
    seat.locator("#f-message").fill("长" * 301)
    seat.locator("[data-say] button").click()
    expect(seat.locator("[data-say-result]")).to_contain_text("最多 300 个字", timeout=QUICK)
    expect(seat.locator("#f-message")).to_have_value("长" * 301)  # nothing is lost
    seat.locator("#f-message").fill("")

    # Markup in a message is text.
    with found.units.begin(found.host) as unit:
        talk.say(unit, found.lot.id, "<b>到十点</b><script>document.title='x'</script>")
    expect(gallery.locator('[data-said="2"] .talk-text')).to_have_text(
        "<b>到十点</b><script>document.title='x'</script>", timeout=QUICK
    )

    # Help: asked on the phone, live on the duty desk, answered there, live on the phone.
    desk = open_page("/rooms/duty", duty, NARROW)
    expect(desk.locator("#part-requests")).to_contain_text("没有待办的求助")
    seat.get_by_text("我需要帮助").click()
    seat.locator("#f-help_topic").select_option("device")
    seat.locator("#f-help_text").fill("电脑蓝屏，U 盾在另一台机器")
    seat.get_by_role("button", name="发给值守席").click()
    expect(seat.locator("#part-help")).to_contain_text("等待值守席答复", timeout=QUICK)
    expect(desk.locator(".help-ticket")).to_contain_text("电脑蓝屏", timeout=2 * QUICK)
    desk.locator(".help-ticket textarea").fill("请在另一台机器登录本席位")
    desk.get_by_role("button", name="答复").click()
    expect(desk.locator(".help-ticket")).to_contain_text("等投标人", timeout=QUICK)
    expect(seat.locator("#part-help")).to_contain_text("请在另一台机器登录本席位", timeout=QUICK)
    assert "电脑蓝屏" not in gallery.content()

    for page in (seat, desk, gallery):
        assert no_sideways_scroll(page)
        assert axe(page) == []


def test_hidden_words_leave_every_open_page(
    found: RoomWorld,  # noqa: F811
    open_page: Open,  # noqa: F811
) -> None:
    found.publish_list()
    with found.units.begin(found.bidders[0]) as unit:
        talk.say(unit, found.lot.id, "我们报一千万")
    gallery = open_page(room(found), None, NARROW, "en-GB")
    expect(gallery.locator('[data-said="1"]')).to_contain_text("我们报一千万")
    with found.units.begin(found.supervisor) as unit:
        talk.hide(unit, found.lot.id, 1, "collusion")
    expect(gallery.locator('[data-said="1"]')).to_contain_text("Hidden: a sign of collusion", timeout=QUICK)
    assert "我们报一千万" not in gallery.content()
    assert no_sideways_scroll(gallery)
    assert axe(gallery) == []


def test_what_an_officer_types_survives_the_page_renewing_itself(
    found: RoomWorld,  # noqa: F811
    open_page: Open,  # noqa: F811
    duty: Actor,
) -> None:
    found.publish_list()
    with found.units.begin(found.bidders[0]) as unit:
        talk.ask_help(unit, found.lot.id, "line", "页面不动")
    desk = open_page("/rooms/duty", duty)
    desk.locator(".help-ticket textarea").fill("请刷新")
    with found.units.begin(found.bidders[1]) as unit:
        talk.ask_help(unit, found.lot.id, "device", "证书过期")
    expect(desk.locator(".help-ticket")).to_have_count(2, timeout=2 * QUICK)
    expect(desk.locator(".help-ticket textarea").first).to_have_value("请刷新")
    assert axe(desk) == []


def test_the_hall_renews_itself(found: RoomWorld, open_page: Open) -> None:  # noqa: F811
    page = open_page("/rooms", None, NARROW)
    expect(page.locator("#part-h-live")).to_contain_text("没有正在进行的开标")
    found.publish_list()
    # Coming back to the page asks at once; otherwise it asks every fifteen seconds.
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#part-h-live")).to_contain_text("12 家投标", timeout=2 * QUICK)
    assert no_sideways_scroll(page)
    assert axe(page) == []
