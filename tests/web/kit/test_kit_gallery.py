"""The picture book of the kit in a real browser: no policy violation, no sideways scroll, nothing axe objects to."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.serving import make_server

ROOT = Path(__file__).resolve().parents[3]
AXE = (ROOT / "static/vendor/js/axe.min.js", ROOT / "node_modules/axe-core/axe.min.js")
RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}"


def test_the_gallery_has_no_inline_style_and_no_inline_script(visitor):
    html = visitor.get("/").text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=", html)
    assert re.findall(r"<script[^>]*>(.*?)</script>", html) == [""]
    assert len(re.findall(r"<h1[ >]", html)) == 1
    ids = re.findall(r'\sid="([^"]+)"', html)
    assert len(ids) == len(set(ids))


@pytest.fixture
def address(make_app: Callable[..., Flask]) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, make_app(demo=True), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("lang", ["zh-Hans", "en"])
@pytest.mark.parametrize("width", [1440, 390])
def test_the_gallery_is_sound_in_a_browser(browser: Any, address: str, lang: str, width: int):
    axe = next(path for path in AXE if path.exists()).read_text(encoding="utf-8")
    page = browser.new_page(viewport={"width": width, "height": 900})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"{address}/?lang={lang}")
    page.wait_for_timeout(600)
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.evaluate(axe + ";0")
    assert _violations(page) == []
    page.click("[data-opens]")
    assert page.evaluate("document.activeElement.id") == "g-confirm-t"
    assert _violations(page) == []
    page.keyboard.press("Escape")
    assert page.locator("dialog[open]").count() == 0
    page.close()


def _violations(page: Any) -> list[Any]:
    return page.evaluate(
        f"axe.run(document, {RULES}).then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 120))]))"
    )


def test_the_countdown_runs_on_the_platforms_clock_not_the_devices(browser: Any, address: str):
    context = browser.new_context()
    page = context.new_page()
    page.clock.install(time="2031-01-01T00:00:00Z")
    page.goto(f"{address}/?lang=en")
    page.clock.run_for(5000)
    assert page.locator(".live .clock-t").inner_text() in {
        "19:12",
        "19:11",
        "19:10",
        "19:09",
        "19:08",
        "19:07",
        "19:06",
    }
    context.close()


def test_the_text_switch_acts_at_once_and_is_remembered(browser: Any, address: str):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/?lang=en")
    page.click("[data-text-switch]")
    assert page.evaluate("document.documentElement.dataset.text") == "large"
    page.reload()
    assert page.evaluate("document.documentElement.dataset.text") == "large"
    context.close()


def test_typed_values_survive_a_reload(browser: Any, address: str):
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/?lang=en")
    page.fill("#f-reason", "half a thought")
    page.reload()
    assert page.input_value("#f-reason") == "half a thought"
    context.close()


def test_the_error_summary_takes_the_focus_and_names_the_fields(browser: Any, address: str):
    context = browser.new_context()
    context.add_cookies([{"name": "who", "value": "bidder", "url": address}])
    page = context.new_page()
    page.goto(f"{address}/lots/a/new?lang=en")
    page.fill("#f-deadline", "soon")
    page.click("form[data-keep] button[type=submit]")
    page.wait_for_selector("#errors")
    assert page.evaluate("document.activeElement.id") == "errors"
    link = page.locator('a[href="#f-deadline"]')
    assert link.inner_text() == "Bid deadline: Enter a Beijing time such as 2026-12-11 09:30"
    link.click()
    assert page.evaluate("document.activeElement.id") == "f-deadline"
    assert page.input_value("#f-deadline") == "soon"
    context.close()


def test_without_script_everything_is_there(browser: Any, address: str):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{address}/?lang=en")
    assert page.locator(".live .clock-t").inner_text() == "19:12"
    page.click("[data-opens]")
    assert page.locator("dialog#g-confirm").is_visible()
    context.close()
