"""The offline encryptor from the disk, in a real Chromium: what it seals opens in Python, and nothing gets out."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser, Download, Page, expect

from foundation.sealing import (
    SUITES,
    KeyFile,
    PriceSchedule,
    Role,
    Suite,
    generate_key,
    public_hex,
    recover_from_gate,
    recover_r_bid,
    unwrap_share,
)
from foundation.sealing.keyset import NO_ESCROW, Group, Holder, Keyset, prove_possession
from foundation.sealing.suite import PrivateKey, public_bytes
from tendering.cli import inspect
from tendering.cli_archive import sealed_folder
from tendering.cli_unseal import open_folder
from tendering.clients.offline_page import offline_page

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "九层之台，起于累土 2026"
BIDDER = "91320412MA1WJXT52Q"
SEGMENT_AND_A_HALF = b"%PDF-1.7\n" + bytes(range(256)) * (12 * 4096)


@dataclass
class Listener:
    """A server that should hear nothing."""

    heard: list[str] = field(default_factory=list)
    origin: str = ""


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    subprocess.run([sys.executable, str(ROOT / "tools" / "vendor.py")], check=True, capture_output=True)
    path = tmp_path_factory.mktemp("offline") / "offline-encryptor.html"
    path.write_bytes(offline_page())
    return path


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    """The page from the disk. A browser under test cannot answer the file dialogue, so it keeps the archive itself."""
    context = browser.new_context(accept_downloads=True, locale="zh-CN", viewport={"width": 1280, "height": 900})
    context.add_init_script("delete window.showSaveFilePicker")
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.goto(file.as_uri())
    yield opened
    context.close()
    assert complaints == []


@dataclass
class Lot:
    """A lot with the gate's private keys, and its lot.json on the disk."""

    told: dict[str, Any]
    keyset: Keyset
    gate: list[PrivateKey]
    path: Path

    def save(self, **changes: object) -> Path:
        self.path.write_text(json.dumps({**self.told, **changes}, ensure_ascii=False), encoding="utf-8")
        return self.path


def lot_of(folder: Path, suite: Suite) -> Lot:
    keys = [generate_key(suite) for _ in range(3)]
    holders = tuple(
        Holder(f"holder-{at}", "side", public_bytes(key.public_key()), prove_possession(key, "T1", "L1", Role.GATE))
        for at, key in enumerate(keys)
    )
    keyset = Keyset("T1", "L1", 1, Group(2, holders), NO_ESCROW, suite)
    pdf = {"accept": "application/pdf,.pdf", "required": True, "max_bytes": 2**30}
    told = {
        "lot_id": "019aa0-lot",
        "tender": "T1",
        "lot": "L1",
        "stage": "1",
        "bidder": BIDDER,
        "bidder_name": "常州澄岳建设工程有限公司",
        "suite": suite.name,
        "keyset": keyset.to_bytes().decode(),
        "keyset_hash": keyset.hash,
        "deadline_at": "2026-12-01T01:30:00Z",
        "duration_days": 180,
        "quality": "合格",
        "parts": [
            {"id": "price_schedule", "name_zh": "开标一览表", "name_en": "Price schedule", **pdf},
            {"id": "technical", "name_zh": "技术标", "name_en": "Technical bid", **pdf},
            {"id": "boq", "name_zh": "工程量清单", "name_en": "Bill", **pdf, "required": False},
        ],
        "last": None,
        "receipt_vkey": "vkey",
        "signing_keys": [],
    }
    return Lot(told, keyset, keys, folder / "lot.json")


def read_lot(page: Page, path: Path) -> None:
    page.locator("#lot-file").set_input_files(path)
    page.get_by_role("button", name="读取").click()
    expect(page.locator("#lot-shown")).to_be_visible(timeout=20_000)


def make_keys(page: Page, folder: Path) -> dict[str, Path]:
    page.locator("#make-pass").fill(PASSPHRASE)
    page.locator("#make-again").fill(PASSPHRASE)
    page.get_by_role("button", name="生成密钥").click()
    expect(page.locator("#backup-links a")).to_have_count(2, timeout=60_000)
    files: dict[str, Path] = {}
    for link in page.locator("#backup-links a").all():
        with page.expect_download() as download:
            link.click()
        use = link.get_attribute("data-backup") or ""
        files[use] = folder / download.value.suggested_filename
        download.value.save_as(files[use])
    page.locator("#check-files").set_input_files(list(files.values()))
    page.locator("#check-pass").fill(PASSPHRASE)
    page.get_by_role("button", name="核对备份").click()
    expect(page.get_by_text("密钥齐了")).to_be_visible(timeout=60_000)
    return files


def fill(page: Page, folder: Path, content: bytes) -> None:
    technical = folder / "技术标.pdf"
    technical.write_bytes(content)
    page.locator("#f-total").fill("11,402,318.5")
    page.locator("#f-manager").fill("周予安")
    page.locator("#f-technical").set_input_files(technical)


def seal(page: Page) -> Download:
    with page.expect_download(timeout=90_000) as download:
        page.get_by_role("button", name="加密并保存").click()
    expect(page.locator("#seal-done")).to_be_visible(timeout=30_000)
    return download.value


@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
def test_a_bid_sealed_without_a_network_opens_in_python(page: Page, tmp_path: Path, suite: Suite) -> None:
    lot = lot_of(tmp_path, suite)
    read_lot(page, lot.save(last={"bid": "ab" * 16, "rev": 2, "envelope_hash": "cd" * 32}))
    expect(page.locator("#lot-facts")).to_contain_text("2026-12-01 09:30:00")
    assert_accessible(page)
    keys = make_keys(page, tmp_path)
    expect(page.locator("#keys-status")).to_contain_text("还没有登记")
    content = SEGMENT_AND_A_HALF if suite.name == "S1" else SEGMENT_AND_A_HALF[:300_000]
    fill(page, tmp_path, content)
    saved = seal(page)
    assert saved.suggested_filename == "bid-L1-rev3.tar"
    archive = tmp_path / "bid.tar"
    saved.save_as(archive)
    assert_accessible(page)

    signer = KeyFile.load(keys["signing"], PASSPHRASE)
    arguments = [str(archive), "--signing-public-key", public_hex(signer.private_key), "--json"]
    told = json.loads(CliRunner().invoke(inspect, arguments, catch_exceptions=False).stdout)
    assert (told["rev"], told["bid_id"], told["signature_valid"]) == (3, "ab" * 16, True)
    assert told["envelope_hash"] == page.locator("#done-hash").text_content()
    bid = sealed_folder(archive)
    assert bid.lot_id == "019aa0-lot"
    assert bid.keyset() == lot.keyset
    shares = {at: unwrap_share(bid.header, lot.keyset, Role.GATE, at, lot.gate[at]) for at in (0, 2)}
    r_bid = recover_r_bid(bid.header, KeyFile.load(keys["opening"], PASSPHRASE).private_key)
    out = tmp_path / "opened"
    open_folder(bid, r_bid, recover_from_gate(bid.header, lot.keyset, shares), out, lambda _bytes: None)
    assert (out / "technical.pdf").read_bytes() == content
    price = PriceSchedule.parse((out / "price_schedule.json").read_bytes())
    assert (price.total_fen, price.duration_days, price.project_manager) == (1_140_231_850, 180, "周予安")


def test_what_is_sealed_goes_straight_to_the_disk_where_the_browser_can(
    browser: Browser, file: Path, tmp_path: Path
) -> None:
    context = browser.new_context(locale="zh-CN")
    context.add_init_script(
        """window.written = []; window.showSaveFilePicker = async ({ suggestedName }) => ({
          createWritable: async () => ({
            write: async (bytes) => void window.written.push(bytes.length),
            close: async () => { window.closed_as = suggestedName; },
            abort: async () => { window.aborted = true; },
          }) });"""
    )
    page = context.new_page()
    page.goto(file.as_uri())
    read_lot(page, lot_of(tmp_path, SUITES["S1"]).save())
    make_keys(page, tmp_path)
    fill(page, tmp_path, SEGMENT_AND_A_HALF)
    page.get_by_role("button", name="加密并保存").click()
    expect(page.locator("#seal-done")).to_be_visible(timeout=60_000)
    written = page.evaluate("window.written")
    assert max(written) == 8 * 2**20  # a segment at a time
    assert sum(written) % 512 == 0
    assert page.evaluate("[window.closed_as, window.aborted]") == ["bid-L1-rev1.tar", None]
    context.close()


def test_keys_come_in_by_their_backups_and_foreign_ones_do_not(page: Page, tmp_path: Path) -> None:
    lot = lot_of(tmp_path, SUITES["S1"])
    read_lot(page, lot.save())
    keys = make_keys(page, tmp_path)
    signer = KeyFile.load(keys["signing"], PASSPHRASE)
    page.reload()
    read_lot(page, lot.save(signing_keys=[public_hex(signer.private_key)]))
    page.locator("#import-files").set_input_files(list(keys.values()))
    page.locator("#import-pass").fill("not the passphrase")
    page.get_by_role("button", name="导入").click()
    expect(page.locator("#keys-failure")).to_contain_text("口令不正确", timeout=60_000)
    page.locator("#import-pass").fill(PASSPHRASE)
    page.get_by_role("button", name="导入").click()
    expect(page.get_by_text("密钥齐了")).to_be_visible(timeout=60_000)
    expect(page.locator("#keys-status")).not_to_contain_text("还没有登记")
    page.reload()
    read_lot(page, lot.save(bidder="91320412MA00000000"))
    page.locator("#import-files").set_input_files(keys["opening"])
    page.locator("#import-pass").fill(PASSPHRASE)
    page.get_by_role("button", name="导入").click()
    expect(page.locator("#keys-failure")).to_contain_text("不属于本单位", timeout=60_000)


def test_a_changed_lot_file_is_refused(page: Page, tmp_path: Path) -> None:
    lot = lot_of(tmp_path, SUITES["S1"])
    stranger = lot_of(tmp_path, SUITES["S1"]).told["keyset"]
    for changes in ({"keyset": stranger}, {"keyset": "{}"}, {"lot": "L2"}, {"suite": "S2"}, {"parts": None}):
        page.locator("#lot-file").set_input_files(lot.save(**changes))
        page.get_by_role("button", name="读取").click()
        expect(page.locator("#lot-failure .note-bad")).to_be_visible(timeout=20_000)
        expect(page.locator("#lot-shown")).to_be_hidden()
    lot.path.write_bytes(b"\x00 no json")
    page.locator("#lot-file").set_input_files(lot.path)
    page.get_by_role("button", name="读取").click()
    expect(page.locator("#lot-failure .note-bad")).to_be_visible()


def test_what_is_missing_is_said_and_nothing_is_saved(page: Page, tmp_path: Path) -> None:
    read_lot(page, lot_of(tmp_path, SUITES["S1"]).save())
    make_keys(page, tmp_path)
    button = page.get_by_role("button", name="加密并保存")
    button.click()
    expect(page.locator("#seal-failure")).to_contain_text("投标总价")
    page.locator("#f-total").fill("1.00")
    button.click()
    expect(page.locator("#seal-failure")).to_contain_text("技术标")
    assert page.locator("#f-technical").get_attribute("aria-invalid") == "true"
    (tmp_path / "t.pdf").write_bytes(b"no pdf at all")
    page.locator("#f-technical").set_input_files(tmp_path / "t.pdf")
    button.click()
    expect(page.locator("#seal-failure")).to_contain_text("不是 PDF")


@pytest.fixture
def listener() -> Iterator[Listener]:
    heard = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.heard.append(self.path)
            self.send_response(204)
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_said: object) -> None:
            """Not on the terminal."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    heard.origin = f"127.0.0.1:{server.server_port}"
    yield heard
    server.shutdown()
    server.server_close()


def test_the_page_cannot_reach_a_network_even_when_a_script_in_it_tries(page: Page, listener: Listener) -> None:
    attempts = """async (host) => {
      const said = [];
      addEventListener("securitypolicyviolation", (event) => said.push(event.effectiveDirective));
      await fetch(`http://${host}/fetch`).catch(() => {});
      navigator.sendBeacon(`http://${host}/beacon`, "x");
      try { new WebSocket(`ws://${host}/socket`); } catch {}
      try { new EventSource(`http://${host}/events`); } catch {}
      const image = new Image();
      image.src = `http://${host}/image`;
      const frame = document.createElement("iframe");
      frame.src = `http://${host}/frame`;
      const form = document.createElement("form");
      Object.assign(form, { method: "post", action: `http://${host}/form` });
      const link = document.createElement("link");
      Object.assign(link, { rel: "stylesheet", href: `http://${host}/style` });
      const script = document.createElement("script");
      script.src = `http://${host}/script`;
      document.body.append(frame, form, link, script);
      form.submit();
      await import(`http://${host}/module`).catch(() => {});
      await new Promise((resolve) => setTimeout(resolve, 1500));
      return said;
    }"""
    said = set(page.evaluate(attempts, listener.origin))
    assert {"connect-src", "img-src", "frame-src", "form-action", "style-src-elem", "script-src-elem"} <= said
    assert listener.heard == []


@pytest.mark.parametrize("language", ["zh-CN", "en-GB"])
def test_the_page_fits_a_phone_in_both_languages(browser: Browser, file: Path, tmp_path: Path, language: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale=language)
    page = context.new_page()
    page.goto(file.as_uri())
    shown, other = ("读取", "Read it") if language == "zh-CN" else ("Read it", "读取")
    expect(page.get_by_text(other, exact=True)).to_be_hidden()
    page.locator("#lot-file").set_input_files(lot_of(tmp_path, SUITES["S1"]).save())
    page.get_by_role("button", name=shown).click()
    expect(page.locator("#lot-shown")).to_be_visible(timeout=20_000)
    page.evaluate("document.querySelectorAll('[hidden]').forEach((one) => { one.hidden = false; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert_accessible(page)
    page.locator("#language").click()
    assert page.evaluate("document.documentElement.lang") == ("en" if language == "zh-CN" else "zh-Hans")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()


def assert_accessible(page: Page) -> None:
    """No axe finding of WCAG 2.2 A and AA."""
    page.evaluate((ROOT / "static" / "vendor" / "js" / "axe.min.js").read_text(encoding="utf-8"))
    rules = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}"
    script = f"(await axe.run(document, {rules})).violations.map((v) => [v.id, ...v.nodes.map((n) => n.html)])"
    assert page.evaluate(f"async () => {script}") == []
