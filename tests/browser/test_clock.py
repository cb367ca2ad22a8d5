"""The page's clock in Chromium with a device whose clocks the test moves: hidden, asleep, fast, behind the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from foundation.clock import iso
from tests.conftest import ROOT

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
START = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
UNTIL = START + timedelta(minutes=30)
DEVICE = """
let day = Date.parse("2026-11-24T01:30:00Z"), mono = 1000;
Date.now = () => day;
performance.now = () => mono;
window.device = {
  pass(ms) { day += ms; mono += ms; },
  sleep(ms) { day += ms; },
  setClock(ms) { day += ms; },
  hide(is) {
    Object.defineProperty(document, "hidden", { configurable: true, get: () => is });
    document.dispatchEvent(new Event("visibilitychange"));
  },
  comeBack() { window.dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })); },
};
"""
PAGE = f"""<!doctype html><html lang="zh" data-now="{iso(START)}"><body>
<b id="now" data-clock></b><div class="clock" data-state="running"><b id="left" data-until="{iso(UNTIL)}"></b></div>
<span id="drift" data-drift></span>
<script type="module">
  import * as clock from "/static/js/kit/clock.js"; window.clock = clock; clock.startClock();
</script></body></html>"""


@dataclass
class Served:
    """The page, and the server whose clock the test sets; it may be out of reach."""

    page: Page
    now: datetime = START
    is_reachable: bool = True
    asked: int = 0
    faults: list[str] = field(default_factory=list)

    def answer(self, route: Route) -> None:
        path = route.request.url.removeprefix("http://clock.test")
        if path == "/time":
            self.asked += 1
            if not self.is_reachable:
                route.abort()
                return
            body = {"now": iso(self.now), "is_paused": False, "is_demo": False}
            route.fulfill(content_type="application/json", body=json.dumps(body))
        elif path == "/":
            route.fulfill(content_type="text/html", body=PAGE)
        elif path.startswith("/static/js/kit/"):
            route.fulfill(content_type="text/javascript", body=(ROOT / path.lstrip("/")).read_text(encoding="utf-8"))
        else:
            route.fulfill(status=404)

    def device(self, act: str, value: Any = None) -> None:
        self.page.evaluate(f"value => window.device.{act}(value)", value)

    def passes(self, seconds: float) -> None:
        """Time goes by for everybody."""
        self.now += timedelta(seconds=seconds)
        self.device("pass", seconds * 1000)

    def shows(self, left: str) -> None:
        expect(self.page.locator("#left")).to_have_text(left)

    def has_asked(self, times: int) -> None:
        for _ in range(100):
            if self.asked >= times:
                return
            self.page.wait_for_timeout(50)
        raise AssertionError(f"the server was asked {self.asked} times")


@pytest.fixture
def served(browser: Browser) -> Iterator[Served]:
    context = browser.new_context()
    context.add_init_script(DEVICE)
    page = context.new_page()
    made = Served(page)
    page.on("pageerror", lambda error: made.faults.append(str(error)))
    page.route("**/*", made.answer)
    page.goto("http://clock.test/")
    made.has_asked(1)
    yield made
    assert made.faults == []
    context.close()


def test_the_countdown_is_the_servers_whatever_the_device_says(served: Served) -> None:
    served.shows("30:00")
    served.passes(60)
    served.shows("29:00")
    expect(served.page.locator("#drift")).to_have_text("本机时间准确")
    before = served.asked
    served.device("setClock", 7000)  # somebody sets the device's clock
    served.has_asked(before + 1)
    served.shows("29:00")
    expect(served.page.locator("#drift")).to_have_text("本机快 7.0 秒，已校正")


def test_a_hidden_tab_is_right_the_moment_it_is_seen_again(served: Served) -> None:
    served.device("hide", True)  # noqa: FBT003 - a value for the script
    served.passes(600)
    served.now += timedelta(seconds=2)  # the device's oscillator lagged meanwhile
    before = served.asked
    served.device("hide", False)  # noqa: FBT003 - the same
    served.has_asked(before + 1)
    served.shows("19:58")


def test_a_page_from_the_browsers_cache_asks_anew(served: Served) -> None:
    served.now += timedelta(minutes=5)
    before = served.asked
    served.device("comeBack")
    served.has_asked(before + 1)
    served.shows("25:00")


def test_after_sleep_it_is_in_doubt_until_the_server_answers_then_right(served: Served) -> None:
    served.is_reachable = False
    served.now += timedelta(minutes=20)
    served.device("sleep", 20 * 60 * 1000)  # performance.now() stood still
    expect(served.page.locator(".clock")).to_have_attribute("data-state", "stale")
    served.is_reachable = True  # the network is back a moment later: it asks again by itself
    served.shows("10:00")
    expect(served.page.locator(".clock")).to_have_attribute("data-state", "running")


def test_every_frame_of_the_room_is_a_lower_bound_of_the_time(served: Served) -> None:
    served.page.evaluate("at => window.clock.atLeast(at)", iso(START + timedelta(minutes=12)))
    served.shows("18:00")
    served.page.evaluate("at => window.clock.atLeast(at)", iso(START))  # an old frame says nothing
    served.shows("18:00")
