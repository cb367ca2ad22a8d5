"""The room in Chromium: four desks of one ceremony, live, at 1440 and 390, by keyboard, in two languages, under axe."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from foundation import roomwire
from foundation.actor import Actor
from foundation.events import bid_opening as e
from tests.conftest import ROOT
from tests.rooms.room_world import RoomWorld, make_room_world
from tests.rooms.serving import Site, site_of

pytestmark = pytest.mark.browser
AXE = ROOT / "static" / "vendor" / "js" / "axe.min.js"
WIDE, NARROW = (1440, 900), (390, 844)
QUICK = 8000

Open = Callable[..., Page]
Motion = Literal["reduce", "no-preference"]
NOTE_ANIMATIONS = """
globalThis.hidden = {};
const animate = Element.prototype.animate;
Element.prototype.animate = function (frames, { duration }) {
  const seat = this.closest("[data-line-of]").dataset.lineOf;
  globalThis.hidden[seat] = Math.max(globalThis.hidden[seat] ?? 0, duration);
  return animate.call(this, frames, { duration });
};
"""
"""Keeps for each seat how long its figures stay hidden, in milliseconds."""


@pytest.fixture
def found(tmp_path: Path) -> RoomWorld:
    return make_room_world(tmp_path)


@pytest.fixture
def site(found: RoomWorld) -> Iterator[Site]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with site_of(found) as running:
        yield running


@pytest.fixture
def open_page(browser: Browser, site: Site) -> Iterator[Open]:
    contexts = []
    faults: list[str] = []

    def visit(
        path: str,
        who: Actor | None = None,
        size: tuple[int, int] = WIDE,
        lang: str = "zh-CN",
        motion: Motion = "reduce",
    ) -> Page:
        context = browser.new_context(
            viewport={"width": size[0], "height": size[1]}, locale=lang, reduced_motion=motion
        )
        contexts.append(context)
        if motion != "reduce":
            context.add_init_script(NOTE_ANIMATIONS)
        if who is not None:
            context.add_cookies(site.cookies(who))
        page = context.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if "Content Security Policy" in said.text else None)
        page.goto(site.url + path)
        return page

    yield visit
    for context in contexts:
        context.close()
    assert faults == []


def room(found: RoomWorld, desk: str = "") -> str:
    return f"/rooms/{found.lot.id}" + (f"/{desk}" if desk else "")


def wait_live(page: Page) -> None:
    expect(page.locator("[data-line]").first).to_contain_text("连接正常", timeout=QUICK)


def axe(page: Page) -> list[dict[str, Any]]:
    """What axe finds, best practice included. Injected as a function: the page's policy allows no foreign script."""
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = page.evaluate(
        "async () => (await axe.run(document)).violations.map(v => ({id: v.id, nodes: v.nodes.map(n => n.html)}))"
    )
    return found


def no_sideways_scroll(page: Page) -> bool:
    """Nothing in the room's own part of the page is wider than the screen."""
    return bool(page.evaluate("document.querySelector('main').scrollWidth <= document.documentElement.clientWidth"))


# --- live -------------------------------------------------------------------------------------------------------------


def test_the_ceremony_reaches_every_desk_without_reloading(found: RoomWorld, open_page: Open) -> None:
    host = open_page(room(found, "host"), found.host)
    seat = open_page(room(found, "seat"), found.bidders[6], NARROW)
    gallery = open_page(room(found))
    for page in (host, seat, gallery):
        wait_live(page)
        assert "江苏屹川" not in page.content()  # nobody is named before the list is published
    expect(seat.get_by_role("button", name="签到")).to_be_visible()

    found.publish_list()
    expect(gallery.locator("tr[data-seat]")).to_have_count(12, timeout=QUICK)
    expect(seat.get_by_role("button", name="核对我的封存")).to_be_visible(timeout=QUICK)
    expect(host.get_by_role("button", name="开始解密")).to_be_visible(timeout=QUICK)

    found.open_window()
    expect(seat.get_by_role("heading", name="轮到您：交出本标的开标密钥")).to_be_visible(timeout=QUICK)
    found.release(7)
    expect(seat.get_by_role("heading", name="您的密钥已收")).to_be_visible(timeout=QUICK)
    expect(host.locator('tr[data-seat="7"] [data-cell="key"]')).to_have_text("已交出", timeout=QUICK)
    expect(host.locator('tr[data-seat="7"] [data-cell="seal"]')).to_have_text("一致")
    expect(gallery.locator('[data-tally="given"]')).to_have_text("1", timeout=QUICK)
    assert gallery.locator("[data-cell=seal]").count() == 0  # what only staff and the bidder see

    found.happen(e.ShareRejected(found.lot.id, 8, str(found.bidders[7].org_id), 2))
    expect(host.locator('tr[data-seat="8"] [data-cell="key"]')).to_have_text("不匹配", timeout=QUICK)
    expect(gallery.locator('tr[data-seat="8"] [data-cell="key"]')).to_have_text("等待")
    order = host.locator("tr[data-seat] .seat").all_inner_texts()
    assert order == [f"{n:02d}" for n in range(1, 13)]  # rows never re-sort

    found.release(*(n for n in range(1, 13) if n != 7))
    found.close_window()
    found.draw()
    found.read_out()
    expect(gallery.locator('[data-line-of="5"] [data-price]')).to_have_text("11,624,944.88", timeout=QUICK)
    expect(gallery.get_by_role("img", name="05 号 11,624,944.88 元")).to_be_visible()
    found.open_query()
    expect(seat.get_by_role("button", name="无异议")).to_be_visible(timeout=QUICK)
    found.happen(e.ObjectionRaised(found.lot.id, "o1", 3, str(found.bidders[2].org_id), "<b>请核对工期</b>"))
    expect(host.get_by_text("<b>请核对工期</b>").first).to_be_visible(timeout=QUICK)  # text, never markup


def test_lines_fill_the_table_one_after_the_other_for_whoever_watches(found: RoomWorld, open_page: Open) -> None:
    found.publish_list()
    found.open_window()
    found.release(*range(1, 13))
    found.close_window()
    found.draw()
    watching = open_page(room(found), motion="no-preference")
    calm = open_page(room(found))
    for page in (watching, calm):
        wait_live(page)
    found.read_out()
    for page in (watching, calm):
        expect(page.locator('[data-line-of="12"] [data-price]')).to_have_count(1, timeout=QUICK)
        expect(page.locator('[data-line-of="12"] [data-price]')).not_to_have_text("—", timeout=QUICK)
    hidden = watching.evaluate("globalThis.hidden")
    waits = [hidden[str(seat)] for seat in range(1, 13)]
    assert waits == sorted(waits)
    assert waits[-1] > waits[0]
    expect(watching.locator('[data-line-of="12"] [data-price]')).to_be_visible(timeout=2 * QUICK)
    assert calm.evaluate("document.getAnimations().length") == 0
    watching.reload()  # whoever comes later sees all of it at once
    wait_live(watching)
    assert watching.evaluate("globalThis.hidden") == {}


def test_the_log_has_every_public_entry_once_newest_first(found: RoomWorld, open_page: Open) -> None:
    gallery = open_page(room(found))
    wait_live(gallery)
    found.publish_list()
    found.open_window()
    found.release(1, 2, 3)
    expect(gallery.locator("[data-feed] li").first).to_contain_text("03 号投标人解密成功", timeout=QUICK)
    numbers = [int(text.lstrip("#")) for text in gallery.locator("[data-feed] li small").all_inner_texts()]
    assert numbers == sorted(set(numbers), reverse=True)
    assert numbers[-1] == 1


def test_a_lost_line_says_that_rights_are_unchanged_and_catches_up(
    found: RoomWorld, site: Site, open_page: Open
) -> None:
    found.publish_list()
    found.open_window()
    seat = open_page(room(found, "seat"), found.bidders[6], NARROW)
    wait_live(seat)
    site.room.stop()
    expect(seat.get_by_role("heading", name="连接断开，正在重连")).to_be_visible(timeout=QUICK)
    expect(seat.locator("[data-lost]")).to_contain_text("您的席位和权利不变")
    found.release(1, 2)
    site.room.start()
    seat.get_by_role("button", name="立即重试").click()
    expect(seat.get_by_text("已恢复连接")).to_be_visible(timeout=QUICK)
    expect(seat.get_by_role("heading", name="轮到您：交出本标的开标密钥")).to_be_visible()
    expect(seat.locator('li[data-seat="1"] [data-cell="state"]')).to_have_text("与封存承诺相符", timeout=QUICK)


def test_without_a_socket_the_page_polls_the_same_frames(found: RoomWorld, site: Site, open_page: Open) -> None:
    site.room.stop()
    gallery = open_page(room(found))
    expect(gallery.locator("[data-line]").first).to_contain_text("轮询", timeout=15_000)
    found.publish_list()
    expect(gallery.locator("tr[data-seat]")).to_have_count(12, timeout=15_000)
    site.room.start()


def test_where_only_sockets_are_blocked_the_page_waits_at_the_room_for_news(
    found: RoomWorld, site: Site, open_page: Open
) -> None:
    page = open_page("/rooms")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.route_web_socket(f"ws://localhost:{site.room.port}/**", lambda socket: socket.close())
    page.goto(f"{site.url}{room(found)}")
    expect(page.locator("[data-line]").first).to_contain_text("轮询", timeout=15_000)
    with page.expect_request(lambda request: f":{site.room.port}/" in request.url, timeout=15_000):
        pass
    found.publish_list()
    expect(page.locator("tr[data-seat]")).to_have_count(12, timeout=15_000)
    assert any(f":{site.room.port}/rooms/{found.lot.id}/poll?v=1&after=public:" in url for url in asked)


def test_a_page_of_an_old_version_is_told_to_reload(
    found: RoomWorld, open_page: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(roomwire, "OLDEST_VERSION", 2)
    monkeypatch.setattr(roomwire, "VERSION", 2)
    gallery = open_page(room(found))
    expect(gallery.locator("[data-line]").first).to_contain_text("页面已有新版本，请刷新", timeout=QUICK)


def test_the_draw_is_recomputed_in_the_page_and_a_false_one_is_found(found: RoomWorld, open_page: Open) -> None:
    found.publish_list()
    found.open_window()
    found.release(*range(1, 13))
    found.close_window()
    found.draw()
    gallery = open_page(room(found))
    gallery.get_by_role("button", name="在本机重算").click()
    expect(gallery.get_by_text("重算一致：7 个备选值中抽中")).to_be_visible()
    gallery.evaluate(
        """() => { const box = document.querySelector('[data-draw]'); const draw = JSON.parse(box.dataset.draw);
        draw.value = draw.pool.find((one) => one !== draw.value); box.dataset.draw = JSON.stringify(draw); }"""
    )
    gallery.get_by_role("button", name="在本机重算").click()
    expect(gallery.get_by_text("重算不一致")).to_be_visible()


# --- keyboard, size, language, axe ------------------------------------------------------------------------------------


def test_the_host_asks_for_a_suspension_by_keyboard_alone(found: RoomWorld, open_page: Open) -> None:
    found.publish_list()
    found.open_window()
    host = open_page(room(found, "host"), found.host)
    wait_live(host)
    opener = host.get_by_role("link", name="暂停开标")
    for _ in range(60):
        if opener.evaluate("(one) => one === document.activeElement"):
            break
        host.keyboard.press("Tab")
    host.keyboard.press("Enter")
    dialog = host.get_by_role("dialog")
    expect(dialog).to_be_visible()
    assert host.evaluate("document.activeElement.tagName") == "H2"
    host.keyboard.press("Tab")
    host.keyboard.type("网络中断，三家投标人掉线")
    host.keyboard.press("Tab")
    host.keyboard.press("Tab")
    host.keyboard.press("Enter")
    expect(host.get_by_text("已提议暂停，等第二人确认")).to_be_visible(timeout=QUICK)
    supervise = open_page(room(found, "supervise"), found.supervisor)
    supervise.get_by_role("link", name="确认暂停").press("Enter")
    supervise.get_by_role("dialog").get_by_role("button", name="确认").press("Enter")
    expect(supervise.get_by_text("开标已暂停，时钟停住")).to_be_visible(timeout=QUICK)
    expect(host.get_by_text("开标已暂停，时钟停住")).to_be_visible(timeout=QUICK)


def test_a_refused_act_stays_visible_and_says_why(found: RoomWorld, open_page: Open) -> None:
    found.publish_list()
    found.open_window()
    host = open_page(room(found, "host"), found.host)
    button = host.get_by_role("button", name="关闭窗口，请求启封")
    assert button.get_attribute("aria-disabled") == "true"
    described = button.get_attribute("aria-describedby")
    assert "窗口自动关闭" in host.locator(f"#{described}").inner_text()


@pytest.mark.slow
@pytest.mark.parametrize("lang", ["zh-CN", "en-GB"])
@pytest.mark.parametrize("size", [WIDE, NARROW], ids=["1440", "390"])
def test_every_desk_is_free_of_axe_findings_in_every_phase(
    found: RoomWorld, open_page: Open, size: tuple[int, int], lang: str
) -> None:
    pages = {
        "hall": open_page("/rooms", None, size, lang),
        "gallery": open_page(room(found), None, size, lang),
        "host": open_page(room(found, "host"), found.host, size, lang),
        "seat": open_page(room(found, "seat"), found.bidders[6], size, lang),
        "supervise": open_page(room(found, "supervise"), found.supervisor, size, lang),
    }
    steps: list[tuple[str, Callable[[], None]]] = [
        ("check-in", lambda: None),
        ("window", lambda: (found.publish_list(), found.open_window(), found.release(1, 2))[-1]),
        ("read", lambda: (found.release(*range(3, 13)), found.close_window(), found.draw(), found.read_out())[-1]),
        ("query", found.open_query),
    ]
    for step, act in steps:
        act()
        for name, page in pages.items():
            page.reload()
            assert axe(page) == [], f"{name} {step}"
            assert no_sideways_scroll(page), f"{name} {step}"


# --- the reducer ------------------------------------------------------------------------------------------------------

REDUCER = """
async (frames) => {
  const { Store, initialState } = await import('/static/js/room/store.js');
  const orders = [];
  const named = (frame) => `${frame.audience}${frame.seq}`;
  const sorted = (o) => Object.fromEntries(Object.entries(o).sort(([a], [b]) => (a < b ? -1 : 1)));
  const plain = ({ state: { heads, phase, until, seats, log } }) =>
    JSON.stringify([heads, phase, until, Object.values(seats).map(sorted), log.map(named).sort()]);
  const run = (list) => {
    const store = new Store(initialState({ public: 0, staff: 0 }));
    const answers = list.map((frame) => store.accept(frame));
    return { store, answers };
  };
  const wanted = plain(run(frames).store);
  // every order of the eight frames, by Heap's algorithm
  const all = [];
  const heap = (k, a) => {
    if (k === 1) { all.push([...a]); return; }
    for (let i = 0; i < k; i += 1) {
      heap(k - 1, a);
      const j = k % 2 ? 0 : i;
      [a[j], a[k - 1]] = [a[k - 1], a[j]];
    }
  };
  heap(frames.length, [...frames]);
  let different = 0;
  for (const order of all) {
    const { store } = run(order);
    if (plain(store) !== wanted || store.hasGap) different += 1;
  }
  // doubled and late ones of a long run
  let seed = 7;
  const next = (n) => { seed = (seed * 48271) % 2147483647; return seed % n; };
  const many = Array.from({ length: 1000 }, (_, i) => ({ ...frames[3], seq: i + 1, audience: 'public' }));
  const mixed = many.flatMap((frame) => (next(3) ? [frame] : [frame, frame]));
  for (let i = mixed.length - 1; i > 0; i -= 1) {
    const j = Math.max(0, i - next(20));
    [mixed[i], mixed[j]] = [mixed[j], mixed[i]];
  }
  const straight = run(many);
  const crooked = run(mixed);
  return {
    orders: all.length, different,
    head: crooked.store.state.heads.public,
    same: plain(crooked.store) === plain(straight.store),
    seen: crooked.answers.filter((one) => one === 'seen').length,
    foreign: run([{ ...frames[0], audience: 'bidder:other' }]).answers[0],
  };
}
"""


def test_the_reducer_gives_one_state_whatever_the_order_and_the_repetitions(found: RoomWorld, open_page: Open) -> None:
    def frame(audience: str, seq: int, kind: str, **data: Any) -> dict[str, Any]:
        return {
            "seq": seq,
            "audience": audience,
            "type": kind,
            "at": f"2026-11-24T01:30:0{seq}.000Z",
            "data": data,
            "state": "WINDOW_CLOSED" if kind == "window_closed" else "DECRYPTING",
            "phase_until": None,
            "entry": "e",
        }

    frames = [
        frame("public", 1, "window_opened", until="2026-11-24T02:00:00.000Z"),
        frame("public", 2, "share_released", seat=1),
        frame("staff", 1, "seal_checked", seat=2, is_equal=True),
        frame("public", 3, "share_released", seat=2),
        frame("staff", 2, "share_rejected", seat=3, tries=1),
        frame("public", 4, "share_released", seat=3),
        frame("public", 5, "window_closed", released=[], escrowed=[], missing=[]),
        frame("staff", 3, "seal_checked", seat=4, is_equal=False),
    ]
    page = open_page(room(found))
    result = page.evaluate(REDUCER, frames)
    assert result["orders"] == 40_320
    assert result["different"] == 0
    assert result["head"] == 1000
    assert result["same"]
    assert result["seen"] > 100
    assert result["foreign"] == "seen"
