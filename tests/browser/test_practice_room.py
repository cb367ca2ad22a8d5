"""The practice room in Chromium: from sealing to the end by keyboard alone at 390 px, in both languages, under axe."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Request, expect
from werkzeug.serving import make_server

import centre.models
from centre.bootstrap import prepare_folders
from centre.web import make_app
from tests.rooms.serving import free_port
from tests.support.keyboard import press, tab_to, unseen_stops, write
from tests.support.page_checks import axe_faults, load_axe, sideways
from tests.support.tender_world import make_world

pytestmark = pytest.mark.browser
assert centre.models
SOON = 15_000
WORDS = {
    "zh-CN": {
        "seal": "加密封存",
        "in": "签到",
        "open": "不等了，现在开标",
        "check": "核对",
        "release": "解密",
        "replay": "自己重算一遍",
        "read": "听唱标",
        "query": "进入异议环节",
        "object": "提出异议",
        "confirm": "签名确认",
        "over": "练习完成",
        "equal": "一致",
        "verified": "签名核验通过",
        "missed": "时间到了",
        "again": "再来一次",
        "amount": "大于零的金额",
    },
    "en": {
        "seal": "Seal it",
        "in": "Sign in",
        "open": "Do not wait: open now",
        "check": "Compare",
        "release": "Release",
        "replay": "Draw it again yourself",
        "read": "Hear the prices",
        "query": "On to objections",
        "object": "Raise it",
        "confirm": "Sign and confirm",
        "over": "The practice is over",
        "equal": "Equal",
        "verified": "the signature verifies",
        "missed": "Time is up",
        "again": "Try this step again",
        "amount": "above zero",
    },
}


@dataclass
class Visit:
    page: Page
    said: list[str]
    """Script errors and refusals of the policy."""
    asked: list[Request]

    def note(self, request: Request) -> None:
        self.asked.append(request)


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    world = make_world(tmp_path)
    prepare_folders(world.runtime.settings)
    server = make_server("localhost", free_port(), make_app(world.runtime), threaded=True)
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    yield f"http://localhost:{server.server_port}/practice"
    server.shutdown()
    server.server_close()
    serving.join(10)
    world.engine.dispose()


@pytest.fixture
def visit(browser: Browser, address: str, request: pytest.FixtureRequest) -> Iterator[Visit]:
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, locale=getattr(request, "param", "zh-CN"), reduced_motion="reduce"
    )
    page = context.new_page()
    found = Visit(page, [], [])
    page.on("pageerror", lambda error: found.said.append(str(error)))
    page.on("console", lambda one: found.said.append(one.text) if one.type == "error" else None)
    page.on("request", found.note)
    page.clock.install()
    page.goto(address)
    expect(page.locator("#practice")).to_have_attribute("data-ready", "1", timeout=SOON)
    yield found
    context.close()
    assert found.said == []


def fit(page: Page) -> None:
    """Nothing to scroll sideways, nothing axe or a keyboard would mind."""
    load_axe(page)
    assert axe_faults(page) == []
    assert sideways(page) == []


@pytest.mark.parametrize(("visit", "lang"), [("zh-CN", "zh-CN"), ("en", "en")], indirect=["visit"])
def test_the_whole_practice_by_keyboard_at_390_px_sends_nothing(visit: Visit, lang: str) -> None:
    page, words = visit.page, WORDS[lang]

    def act(name: str) -> None:
        button = page.get_by_role("button", name=words[name], exact=True)
        expect(button).to_be_visible(timeout=SOON)
        tab_to(button)
        page.keyboard.press("Enter")

    fit(page)
    stops, unseen = unseen_stops(page)
    assert stops > 3
    assert unseen == []
    loaded = len(visit.asked)
    write(page.locator("#practice-price"), "0")
    act("seal")
    expect(page.locator("[data-seal-result]")).to_contain_text(words["amount"], timeout=SOON)
    write(page.locator("#practice-price"), "912345.60")
    act("seal")
    act("in")
    act("open")
    expect(page.locator("[data-board]")).to_be_visible()
    fit(page)
    act("check")
    expect(page.locator("[data-check-seal-result]")).to_contain_text(words["equal"])
    page.clock.run_for(3000)
    act("release")
    run_until(page, page.get_by_role("button", name=words["replay"]))
    act("replay")
    expect(page.locator("[data-replay-result]")).to_contain_text(words["equal"])
    act("read")
    run_until(page, page.get_by_role("button", name=words["query"]))
    expect(page.locator("[data-lines] li")).to_have_count(8)
    expect(page.locator("[data-lines] li.me")).to_contain_text("912,345.60")
    fit(page)
    act("query")
    write(page.locator("#practice-objection"), "请说明")
    act("object")
    run_until(page, page.get_by_role("button", name=words["confirm"]))
    act("confirm")
    run_until(page, page.get_by_role("heading", name=words["over"]))
    expect(page.locator("[data-confirm-result]")).to_contain_text(words["verified"])
    page.clock.run_for(3000)
    expect(page.locator("[data-feed] li").first).to_be_visible()
    fit(page)
    late = [one for one in visit.asked[loaded:] if one.method != "GET" or "/static/" not in one.url]
    assert [one.url for one in late if "/time" not in one.url] == [], "the practice room sends nothing"
    kept = page.evaluate("async () => (await indexedDB.databases()).length + Object.keys(localStorage).length")
    assert kept == 0, "the practice room keeps nothing"


def test_a_window_that_was_missed_can_be_done_again(visit: Visit) -> None:
    page, words = visit.page, WORDS["zh-CN"]
    for name in ("seal", "in", "open", "check"):
        button = page.get_by_role("button", name=words[name], exact=True)
        expect(button).to_be_visible(timeout=SOON)
        press(button)
    page.clock.run_for(3000)
    expect(page.get_by_role("button", name=words["release"], exact=True)).to_be_visible(timeout=SOON)
    page.clock.run_for(62_000)
    expect(page.locator("[data-release-result]")).to_contain_text(words["missed"])
    press(page.get_by_role("button", name=words["again"]))
    press(page.get_by_role("button", name=words["release"], exact=True))
    run_until(page, page.get_by_role("button", name=words["replay"]))


def run_until(page: Page, place: object) -> None:
    """Let the page's time run, in small steps, until something is there."""
    for _ in range(60):
        page.clock.run_for(500)
        page.wait_for_timeout(30)
        if place.is_visible():  # type: ignore[attr-defined]
            return
    expect(place).to_be_visible()  # type: ignore[arg-type]
