"""Asking for custodians in Chromium: the seat asks, the duty desk confirms, both live; under axe, in two languages."""

from __future__ import annotations

import dataclasses

import pytest
from playwright.sync_api import expect

from foundation.events import bid_opening as e
from tests.browser.test_room_pages import NARROW, QUICK, Open, axe, found, open_page, room, site, wait_live
from tests.rooms.room_world import RoomWorld
from tests.support.tender_world import DEADLINE

pytestmark = pytest.mark.browser
__all__ = ["found", "open_page", "site"]
REASON = "笔记本电脑主板烧毁"


@pytest.fixture
def asking(found: RoomWorld) -> RoomWorld:
    """Twelve bidders in the window of a lot with escrow on request."""
    found.happen(
        e.RoomScheduled(found.lot.id, "武进高级中学新校区修缮工程（施工）", DEADLINE, 30, 10, 10, 3, 3, "on_request")
    )
    found.publish_list()
    found.open_window()
    return found


def test_a_request_is_made_seen_and_confirmed_without_reloading(
    asking: RoomWorld,
    open_page: Open,
) -> None:
    staff = asking.world.organisation("武进区公共资源交易中心", "centre_staff")
    desk = open_page(room(asking, "supervise"), staff)
    gallery = open_page(room(asking))
    seat = open_page(room(asking, "seat"), asking.bidders[6], size=NARROW)
    for page in (desk, gallery, seat):
        wait_live(page)
    assert axe(seat) == []
    seat.get_by_text("我的设备坏了，请求备份启封").click()
    seat.get_by_label("原因（只有工作人员和本单位看得到）").fill(REASON)
    assert axe(seat) == []
    seat.get_by_role("button", name="请求备份启封").click()
    expect(seat.locator("#part-turn")).to_contain_text("等待值守人员确认", timeout=QUICK)
    expect(desk.locator("#part-escrow")).to_contain_text(REASON, timeout=QUICK)
    expect(desk.locator('tr[data-seat="7"] [data-cell="state"]')).to_contain_text("请求备份启封", timeout=QUICK)
    expect(gallery.locator('tr[data-seat="7"] [data-cell="state"]')).to_contain_text("请求备份启封", timeout=QUICK)
    expect(gallery.locator("body")).not_to_contain_text(REASON)
    assert axe(desk) == []
    wait_live(seat)
    desk.get_by_role("button", name="确认 07 号的申请").click()
    expect(desk.locator("#part-escrow")).to_contain_text("已由值守人员确认", timeout=QUICK)
    expect(seat.locator("#part-turn")).to_contain_text("值守人员已确认您的申请", timeout=QUICK)
    expect(gallery.locator('tr[data-seat="7"] [data-cell="state"]')).to_contain_text(
        "将由备份保管人启封", timeout=QUICK
    )


def test_the_request_reads_in_english_and_a_supervisor_can_not_confirm_it(
    asking: RoomWorld,
    open_page: Open,
) -> None:
    asked = asking.bidders[6]
    asking.happen(e.EscrowRequested(asking.lot.id, 7, str(asked.org_id), asking.bid(7), str(asked.user_id), REASON))
    desk = open_page(room(asking, "supervise"), dataclasses.replace(asking.supervisor), lang="en")
    expect(desk.locator("#part-escrow")).to_contain_text("Seat 07 asks for the custodians")
    expect(desk.locator("#part-escrow")).to_contain_text("Waiting for the centre's duty officer")
    assert desk.locator("#part-escrow button").count() == 0
    seat = open_page(room(asking, "seat"), asked, size=NARROW, lang="en")
    expect(seat.locator("#part-turn")).to_contain_text("You asked for the custodians")
    assert axe(seat) == axe(desk) == []
