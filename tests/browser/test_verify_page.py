"""The page on which anybody verifies a bundle: chosen, dropped or as a folder; and nothing leaves the browser."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cheroot.wsgi import Server
from flask import Flask
from playwright.sync_api import BrowserContext, Page, expect, sync_playwright

import centre.bundles.web
import foundation.publication.web
from centre.bundles.archive import prepare
from centre.bundles.gather import Tier
from foundation.sealing import S2
from foundation.web.access import PUBLIC, allow
from foundation.web.kit import WebSettings, complete, create_web
from tests.support import chromium
from tests.support.page_checks import AXE, AXE_RUN
from tests.support.tender_world import TenderWorld
from tests.support_bundle import Files, bundled_opening, files_of, policy_of, sums_of

pytestmark = pytest.mark.browser


def make_app(world: TenderWorld) -> Flask:
    """The pages of the log and of bundles over this world."""
    app = create_web("verify-test", WebSettings(secret_key="k" * 32, rates_on=False))
    app.extensions["runtime"] = world.runtime
    app.extensions["civil_now"] = world.runtime.clock.now
    foundation.publication.web.register(app)
    centre.bundles.web.register(app)

    @app.get("/")
    @allow(PUBLIC)
    def home() -> str:
        return "home"

    return complete(app)


class Site:
    def __init__(self, origin: str, zipped: Path, folder: Path, policy: bytes, context: BrowserContext) -> None:
        self.origin = origin
        self.zipped = zipped
        self.folder = folder
        self.policy = policy
        self.context = context


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("page")
    world = folder / "world"
    world.mkdir()
    with bundled_opening(world) as (opening, _):
        opening.to_closed()
        assert opening.run_jobs() == []
        opening.publish()
        bundle = prepare(opening.world.runtime, opening.lot.id, Tier.PUBLIC)
        zipped = folder / "bundle.zip"
        zipped.write_bytes(b"".join(bundle.zip_bytes()))
        bundle.write_folder(folder / "unpacked")
        bundle.close()
        server = Server(("127.0.0.1", 0), make_app(opening.world), numthreads=4)
        server.prepare()
        threading.Thread(target=server.serve, daemon=True).start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium.path(), args=list(chromium.FLAGS))
            context = browser.new_context(accept_downloads=True, locale="zh-CN")
            yield Site(
                f"http://localhost:{server.bind_addr[1]}", zipped, folder / "unpacked", policy_of(opening), context
            )
            browser.close()
        server.stop()


@pytest.fixture
def page(site: Site) -> Iterator[Page]:
    """The page, opened; whatever it complains of fails the test."""
    opened = site.context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    opened.goto(f"{site.origin}/verify", wait_until="networkidle")
    yield opened
    site.context.set_offline(False)
    opened.close()
    assert complaints == []


def test_a_good_bundle_is_verified_and_nothing_is_sent(site: Site, page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    page.context.set_offline(True)
    page.set_input_files("#bundle-file", str(site.zipped))
    expect(page.locator("#verdict")).to_contain_text("一致：数据包经得起全部核对", timeout=20_000)
    assert page.locator("#checks > li").count() == 13
    expect(page.locator("#checks")).to_contain_text("V9 唱标")
    expect(page.locator("#limits")).to_contain_text("核对不能证明")
    expect(page.locator("#about")).to_contain_text("2026-11-24 09:30:00")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    assert page.evaluate(AXE_RUN) == []
    expect(page.locator("#result-title")).to_be_focused()
    with page.expect_download() as caught:
        page.click("#save")
    saved = json.loads(Path(caught.value.path()).read_text(encoding="utf-8"))
    assert saved["verdict"] == "verified"
    assert [one["name"] for one in saved["checks"]] == [f"V{number}" for number in range(13)]
    page.context.set_offline(False)
    assert [url for url in sent if not url.startswith("blob:")] == []


def test_a_bundle_of_s2_is_verified_without_a_network(page: Page, tmp_path: Path) -> None:
    """国密 is part of the page, as the other suite is; only its policy is another centre's here."""
    world = tmp_path / "world"
    world.mkdir()
    with bundled_opening(world, suite=S2) as (opening, _):
        opening.to_closed()
        assert opening.run_jobs() == []
        opening.publish()
        bundle = prepare(opening.world.runtime, opening.lot.id, Tier.PUBLIC)
        zipped = tmp_path / "s2.zip"
        zipped.write_bytes(b"".join(bundle.zip_bytes()))
        files = files_of(opening)
        bundle.close()
    page.context.set_offline(True)
    page.fill("#policy", "")
    page.set_input_files("#bundle-file", str(zipped))
    expect(page.locator("#verdict")).to_contain_text("一致：数据包经得起全部核对", timeout=30_000)
    stamped = tmp_path / "stamped"
    head = int(files["log/checkpoint"].split(b"\n")[1])
    for name, raw in with_sums({**files, f"tsa/{head}.tsr": b"\x30\x82\x01\x00" + bytes(256)}).items():
        (stamped / name).parent.mkdir(parents=True, exist_ok=True)
        (stamped / name).write_bytes(raw)
    page.set_input_files("#bundle-folder", str(stamped))
    expect(page.locator("#checks")).to_contain_text("请用命令行 centre verify --tsa-roots", timeout=30_000)
    expect(page.locator("#verdict")).not_to_contain_text("一致：")


def with_sums(files: Files) -> Files:
    return {**files, "SHA256SUMS": sums_of(files)}


def test_the_browser_itself_forbids_the_page_to_send_anything(site: Site, page: Page) -> None:
    policy = page.request.get(f"{site.origin}/verify").headers["content-security-policy"]
    assert "connect-src 'none'" in policy
    assert "worker-src 'none'" in policy
    other = site.context.new_page()  # its own page: the refusal is a complaint of the browser
    other.goto(f"{site.origin}/verify")
    assert other.evaluate("fetch('/log/checkpoint').then(() => 'sent', (error) => error.name)") == "TypeError"
    other.close()


def test_a_changed_bundle_is_refused_in_plain_words(site: Site, page: Page, tmp_path: Path) -> None:
    raw = bytearray(site.zipped.read_bytes())
    raw[len(raw) // 2] ^= 1
    changed = tmp_path / "changed.zip"
    changed.write_bytes(raw)
    page.set_input_files("#bundle-file", str(changed))
    expect(page.locator("#verdict")).to_contain_text("不一致", timeout=20_000)
    expect(page.locator("#checks li").first).to_contain_text("不一致")
    page.set_input_files("#bundle-file", str(site.zipped))
    expect(page.locator("#verdict")).to_contain_text("一致：数据包经得起", timeout=20_000)


def test_a_folder_will_do_and_the_page_speaks_english(site: Site, page: Page) -> None:
    site.context.add_cookies([{"name": "lang", "value": "en", "url": site.origin}])
    page.reload(wait_until="networkidle")
    expect(page.locator("h1")).to_have_text("Verify an opening")
    page.set_input_files("#bundle-folder", str(site.folder))
    expect(page.locator("#verdict")).to_contain_text("Verified: the bundle holds under every check", timeout=20_000)
    site.context.clear_cookies()


def test_whoever_trusts_other_keys_is_told_that_these_are_not_theirs(site: Site, page: Page) -> None:
    text = page.input_value("#policy")
    assert text.replace("\r\n", "\n").strip() == site.policy.decode().strip()
    page.fill("#policy", text.replace("quorum cosigner", "quorum none"))
    page.set_input_files("#bundle-file", str(site.zipped))
    expect(page.locator("#checks")).to_contain_text("policy.differs", timeout=20_000)
    page.fill("#policy", "")
    page.set_input_files("#bundle-file", [])
    page.set_input_files("#bundle-file", str(site.zipped))
    expect(page.locator("#checks")).to_contain_text("policy.not_pinned", timeout=20_000)


def test_the_downloads_are_there(site: Site, page: Page) -> None:
    script = page.request.get(f"{site.origin}/verify/verify-bundle.py")
    assert script.ok
    assert script.text().startswith("#!/usr/bin/env python3")
