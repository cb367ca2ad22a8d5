"""The guide bar in a real browser: readable, reachable, wide and narrow, in both languages; true without a reload."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from cheroot.wsgi import Server
from playwright.sync_api import Browser, Page, ViewportSize, expect
from sqlalchemy import update

from centre import demo_run
from foundation.actor import system
from foundation.clock import machine_now
from sandbox.autopilot import doing
from tendering.models import Lot
from tendering.states import LotState
from tests.rooms.serving import free_port
from tests.support.demo_centre import DemoCentre, make_demo
from tests.support.keyboard import tab_to, unseen_stops
from tests.support.page_checks import axe_faults, catalogue_codes, sideways, text_faults

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]
WIDE, NARROW = ViewportSize(width=1440, height=900), ViewportSize(width=390, height=844)
CODES = catalogue_codes()


@dataclass
class Shown:
    """A served demonstration centre, and what its processes would write."""

    demo: DemoCentre
    origin: str

    @property
    def folder(self) -> Path:
        return self.demo.runtime.settings.data_dir

    def tell(self, what: str = "", who: str = "", *, jump_in: float = 0) -> None:
        at = machine_now()
        jump_at = at + timedelta(seconds=jump_in) if jump_in else None
        doing.write(demo_run.doing_file(self.folder), doing.Doing(at, what, who, jump_at))

    def put(self, state: LotState) -> None:
        run = demo_run.read(self.folder)
        assert run is not None
        with self.demo.runtime.units.begin(system("test")) as unit:
            unit.session.execute(update(Lot).where(Lot.id == run.lot_id).values(state=state))


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    demo = make_demo(tmp_path_factory.mktemp("guide") / "data")
    for limiter in demo.app.extensions["limiter"]:
        limiter.enabled = False
    port = free_port()
    server = Server(("127.0.0.1", port), demo.app, numthreads=6)
    server.prepare()
    serving = threading.Thread(target=server.serve, daemon=True)
    serving.start()
    yield Shown(demo, f"http://localhost:{port}")
    server.stop()
    serving.join(10)


@pytest.fixture(params=["zh-Hans", "en"])
def page(request: pytest.FixtureRequest, browser: Browser, shown: Shown) -> Iterator[Page]:
    """A visitor that has just chosen to be the tenderee, in this language."""
    context = browser.new_context(viewport=WIDE, reduced_motion="reduce", base_url=shown.origin)
    context.add_cookies([{"name": "lang", "value": request.param, "url": shown.origin}])
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
    opened.goto("/demo")
    opened.locator("button[name=part][value=tenderee]").click()
    expect(opened.locator("#guide")).to_be_visible()
    shown.tell("ask_for_keys", "agency")
    yield opened
    context.close()
    assert complaints == []


def faults(page: Page, shown: Shown) -> list[str]:
    lang = str(page.locator("html").get_attribute("lang"))
    names = [one.name for one in shown.demo.app.extensions["demo_accounts"]]
    page.set_viewport_size(WIDE)
    found = [*text_faults(page, lang, CODES, names), *axe_faults(page), *sideways(page)]
    page.set_viewport_size(NARROW)
    found += [*axe_faults(page), *sideways(page)]
    page.locator("#guide-more").click()
    found += sideways(page)
    page.set_viewport_size(WIDE)
    return found


def test_the_bar_is_readable_and_reachable_and_true_without_a_reload(page: Page, shown: Shown) -> None:
    page.goto("/demo/guide")
    page.evaluate("window.stayed = true")
    bar, says = page.locator("#guide"), page.locator("[data-guide-do]")
    shown.tell("rehearse", "agency")
    expect(says).to_contain_text("陆之恒", timeout=8000)
    assert faults(page, shown) == []
    shown.tell(jump_in=9)
    left = page.locator("[data-jump-left]")
    expect(left).to_be_visible(timeout=8000)
    before = int(left.inner_text())
    page.wait_for_function(
        "before => Number(document.querySelector('[data-jump-left]').textContent) < before", arg=before
    )
    shown.tell()
    shown.put(LotState.SUBMITTED)
    expect(bar).to_have_class("guide guide-turn no-print", timeout=8000)
    expect(page.locator("#announce")).not_to_be_empty()
    assert page.evaluate("window.stayed") is True
    assert faults(page, shown) == []
    shown.put(LotState.DRAFT)


def test_the_bar_is_worked_by_keys_alone_wide_and_narrow(page: Page, shown: Shown) -> None:
    shown.put(LotState.SUBMITTED)
    page.goto("/notices")
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        _, wrong = unseen_stops(page)
        assert wrong == []
    page.set_viewport_size(WIDE)
    page.evaluate("document.activeElement.blur()")
    tab_to(page.locator("#guide-go"))
    page.keyboard.press("Enter")
    page.wait_for_url("**/preparation")
    hold = page.locator('#guide form[action="/demo/run/hold"] button')
    tab_to(hold)
    page.keyboard.press("Enter")
    expect(page.locator('#guide form[action="/demo/run/go-on"] button')).to_be_visible()
    assert page.url.endswith("/preparation")
    shown.put(LotState.DRAFT)


def test_the_start_page_shows_five_roles_without_a_fault(page: Page) -> None:
    page.goto("/demo")
    expect(page.locator(".roles li")).to_have_count(5)
    page.set_viewport_size(NARROW)
    assert [*axe_faults(page), *sideways(page)] == []
