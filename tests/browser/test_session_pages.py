"""A session of two lots in Chromium, at 390 px and wide: live, by keyboard, both languages, under axe; real keys."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Request, expect
from sqlalchemy import select

from bid_opening.models import ReleasedShare
from bid_opening.services import acts
from bid_opening.states import Phase
from foundation.actor import Actor
from foundation.clock import iso
from foundation.hints import UnixHints
from foundation.sealing import public_hex
from foundation.sealing.keys import jwk_of
from tendering import facade as tendering
from tests.browser.test_room_pages import NARROW, WIDE, axe, no_sideways_scroll
from tests.rooms.room_world import RoomWorld
from tests.rooms.serving import Site, site_of
from tests.support_opening import Opening
from tests.support_session import make_session, to_lists, to_windows

pytestmark = pytest.mark.browser
QUICK = 10_000
KEEP = "async (file) => { await (await import('/static/js/sealing/keystore.js')).keepKey(file); }"

Lots = tuple[Opening, Opening]
Visit = Callable[..., Page]


@pytest.fixture
def lots(tmp_path: Path) -> Lots:
    return make_session(tmp_path)


@pytest.fixture
def site(lots: Lots) -> Iterator[Site]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    one, _ = lots
    hints = UnixHints(one.world.runtime.settings.run_dir)
    one.world.units.hints = hints
    people = tuple(bidder.actor for bidder in one.bidders)
    with site_of(RoomWorld(one.world, one.lot, one.host, one.supervisor, people, hints)) as running:
        yield running


@pytest.fixture
def visit(browser: Browser, site: Site) -> Iterator[Visit]:
    contexts, faults = [], []

    def open_page(path: str, who: Actor | None, size: tuple[int, int] = NARROW, lang: str = "zh-CN") -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale=lang, reduced_motion="reduce"
        )
        contexts.append(context)
        if who is not None:
            context.add_cookies(site.cookies(who))
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(site.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def wait_live(page: Page) -> None:
    expect(page.locator("[data-line]").first).to_contain_text("连接正常", timeout=QUICK)


def key_file(lot: Opening, index: int) -> dict[str, Any]:
    """The opening key of one bid as the sealing page keeps it."""
    bidder = lot.bidders[index]
    return {
        "v": 1,
        "for": "opening",
        "tender": lot.lot.tender_code,
        "lot": lot.lot.lot_code,
        "owner": bidder.uscc,
        "created": iso(lot.world.clock.now())[:19] + ".000Z",
        "private_key": jwk_of(bidder.opening),
        "public_key": public_hex(bidder.opening),
    }


def shares(lot: Opening) -> list[str]:
    with lot.world.units.read() as unit:
        return list(unit.session.scalars(select(ReleasedShare.r_bid).where(ReleasedShare.lot_id == lot.lot.id)))


def test_the_host_drives_both_lots_from_one_page_at_390_px(lots: Lots, visit: Visit) -> None:
    one, two = lots
    to_lists(one, two)
    host = visit(f"/sessions/{two.lot.id}", one.host)
    gallery = visit(f"/sessions/{one.lot.id}", None, WIDE)
    wait_live(host)
    wait_live(gallery)
    assert axe(host) == []
    assert no_sideways_scroll(host)
    host.get_by_role("button", name="开始解密：标段 1、2").click()
    expect(host.get_by_text("已办理 2 个标段")).to_be_visible(timeout=QUICK)
    assert (one.state.phase, two.state.phase) == (Phase.DECRYPTING, Phase.DECRYPTING)
    expect(gallery.locator("#part-lot-1 .session-left")).to_be_visible(timeout=QUICK)
    expect(gallery.locator("#part-lot-2 .session-left")).to_be_visible(timeout=QUICK)
    assert one.release(0).is_accepted
    expect(gallery.locator(f'[data-given="{one.lot.id}"]')).to_have_text("1", timeout=QUICK)
    expect(gallery.locator(f'[data-given="{two.lot.id}"]')).to_have_text("0")
    expect(gallery.locator("[data-feed] li").first).to_contain_text("标段 1：", timeout=QUICK)
    for lot in lots:
        for index in range(3):
            lot.release(index)
        lot.look()
        lot.to_gate()
    wait_live(host)
    host.get_by_role("button", name="抽取系数：标段 1、2").click(timeout=QUICK)
    expect(host.get_by_text("已办理 2 个标段")).to_be_visible(timeout=QUICK)
    assert one.run_jobs() == []
    reading = host.get_by_role("button", name="唱标：标段 1")
    expect(reading).to_be_visible(timeout=QUICK)
    reading.focus()
    host.keyboard.press("Enter")
    expect(host.get_by_text("正在唱标段 1")).to_be_visible(timeout=QUICK)
    expect(gallery.get_by_role("cell", name="11,402,318.00")).to_be_visible(timeout=QUICK)
    assert gallery.get_by_text("21,402,318.00").count() == 0
    expect(host.get_by_role("button", name="唱标：标段 2")).to_have_count(0)
    host.get_by_role("button", name="开始异议环节：标段 1").click()
    expect(host.get_by_role("button", name="唱标：标段 2")).to_be_visible(timeout=QUICK)
    assert axe(host) == []
    assert no_sideways_scroll(host)


def test_a_bidder_releases_all_its_lots_in_one_click_and_sends_no_key(lots: Lots, site: Site, visit: Visit) -> None:
    one, two = lots
    seat = visit("/rooms", one.bidders[0].actor)
    for lot in lots:
        seat.evaluate(KEEP, key_file(lot, 0))
    to_windows(one, two)
    seat.goto(f"{site.url}/sessions/{one.lot.id}")
    wait_live(seat)
    assert axe(seat) == []
    assert no_sideways_scroll(seat)
    sent: list[dict[str, Any]] = []

    def note(asked: Request) -> None:
        if asked.method == "POST":
            sent.append(json.loads(asked.post_data or "{}"))

    seat.on("request", note)
    seat.get_by_role("button", name="解密我的 2 个标段").click()
    expect(seat.locator("#part-lot-1").get_by_text("密钥已收")).to_be_visible(timeout=QUICK)
    expect(seat.locator("#part-lot-2").get_by_text("密钥已收")).to_be_visible(timeout=QUICK)
    released = [body for body in sent if "r_bid" in body]
    assert released == [{"r_bid": one.r_bid(0).hex()}, {"r_bid": two.r_bid(0).hex()}]
    assert not any("private" in json.dumps(body) or '"d"' in json.dumps(body) for body in sent)
    assert shares(one) == [one.r_bid(0).hex()]
    assert shares(two) == [two.r_bid(0).hex()]
    expect(seat.get_by_role("heading", name="现在没有要一起办的")).to_be_visible(timeout=QUICK)


def test_a_missing_key_in_one_lot_stops_no_other(lots: Lots, site: Site, visit: Visit) -> None:
    one, two = lots
    seat = visit("/rooms", one.bidders[0].actor)
    seat.evaluate(KEEP, key_file(two, 0))
    to_windows(one, two)
    seat.goto(f"{site.url}/sessions/{one.lot.id}")
    wait_live(seat)
    seat.get_by_role("button", name="解密我的 2 个标段").click()
    expect(seat.locator(f'[data-release-result="{one.lot.id}"]')).to_contain_text("没有本标的密钥", timeout=QUICK)
    expect(seat.locator("#part-lot-2").get_by_text("密钥已收")).to_be_visible(timeout=QUICK)
    assert shares(one) == []
    assert shares(two) == [two.r_bid(0).hex()]
    expect(seat.get_by_role("heading", name="轮到您：交出标段 1 的开标密钥")).to_be_visible(timeout=QUICK)
    expect(seat.locator(f'[data-release-result="{one.lot.id}"]')).to_contain_text("没有本标的密钥")
    seat.evaluate(KEEP, key_file(one, 0))
    button = seat.get_by_role("button", name="解密标段 1")
    button.focus()
    seat.keyboard.press("Enter")
    expect(seat.locator("#part-lot-1").get_by_text("密钥已收")).to_be_visible(timeout=QUICK)
    assert shares(one) == [one.r_bid(0).hex()]


def test_a_suspended_lot_stands_on_the_page_while_the_other_runs(lots: Lots, visit: Visit) -> None:
    one, two = lots
    to_windows(one, two)
    gallery = visit(f"/sessions/{one.lot.id}", None)
    wait_live(gallery)
    one.act(one.host, acts.propose_halt, "suspend", "网络中断")
    one.act(one.supervisor, acts.confirm_halt)
    expect(gallery.locator("#part-lot-1").get_by_text("开标已暂停，时钟停住")).to_be_visible(timeout=QUICK)
    assert two.release(0).is_accepted
    expect(gallery.locator(f'[data-given="{two.lot.id}"]')).to_have_text("1", timeout=QUICK)
    assert gallery.locator("#part-lot-2").get_by_text("开标已暂停").count() == 0


@pytest.mark.parametrize("lang", ["zh-CN", "en-GB"])
def test_cover_days_and_representative_fit_a_phone(lots: Lots, visit: Visit, lang: str) -> None:
    one, two = lots
    to_windows(one, two)
    one.world.open_lot(agency=one.host, deadline_at=one.lot.deadline_at)
    card = one.world.person(*_tenderee(one), ("tenderee",), login="tenderee-phone")
    pages = [
        (f"/sessions/{one.lot.id}/cover", None),
        ("/sessions", one.host),
        (f"/rooms/{one.lot.id}/represent", card),
        (f"/sessions/{one.lot.id}", one.supervisor),
        ("/rooms", one.host),
    ]
    for path, who in pages:
        for size in (NARROW, WIDE):
            page = visit(path, who, size, lang)
            assert axe(page) == [], path
            assert no_sideways_scroll(page), path


def _tenderee(one: Opening) -> tuple[str, str]:
    with one.world.units.read() as unit:
        card = tendering.lot_card(unit, one.lot.id)
    return card.tenderee_org_id, card.tenderee_name
