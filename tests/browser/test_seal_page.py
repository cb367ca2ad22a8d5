"""A bid from first key to verified receipt, in a real Chromium against the real pages and the real receiver."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.cookies import SimpleCookie
from pathlib import Path

import pytest
from cheroot.wsgi import Server
from playwright.sync_api import Browser, BrowserContext, Page, expect
from websockets.asyncio.server import ServerConnection, serve

from accounts.sessions import COOKIE, actor_of_token
from foundation.actor import PUBLIC
from foundation.sealing import (
    S2,
    SUITES,
    Header,
    KeyFile,
    KeyUse,
    Manifest,
    PriceSchedule,
    content_key,
    open_part_bytes,
    part_key,
    recover_r_bid,
    recover_r_gate,
)
from tendering import bid_access
from tendering.facade import SegmentReader
from tendering.models import SealedBid
from tendering.receiver import UploadReceiver
from tests.support.tender_world import OpenLot, TenderWorld, make_world
from tests.support_bids import Bidder, make_app, token_of

pytestmark = pytest.mark.browser
ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "九层之台，起于累土 2026"
SEGMENT_AND_A_HALF = 12 * 1024 * 1024


class Receiver:
    """The room's upload side on a loop of its own; ``connections`` can be cut, and the door shut."""

    def __init__(self, world: TenderWorld) -> None:
        self.world = world
        self.receiver = UploadReceiver(world.runtime)
        self.is_open = True
        self.served = 0
        self.loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self.port = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        assert self._ready.wait(10)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(self._start())
        self.loop.run_forever()

    async def _start(self) -> None:
        self.server = await serve(self._handle, "127.0.0.1", 0, max_size=256 * 1024, compression=None)
        self.port = self.server.sockets[0].getsockname()[1]
        self._ready.set()

    async def _handle(self, connection: ServerConnection) -> None:
        if not self.is_open:
            return
        assert connection.request is not None
        jar = SimpleCookie(connection.request.headers.get("Cookie", ""))
        token = jar[COOKIE].value if COOKIE in jar else ""
        with self.world.units.read() as unit:
            actor = actor_of_token(unit, token) or PUBLIC
        self.served += 1
        await self.receiver.handle(connection, connection.request.path.removeprefix("/uploads/"), actor)

    def close(self) -> None:
        async def stop() -> None:
            self.server.close(close_connections=True)
            await self.server.wait_closed()

        asyncio.run_coroutine_threadsafe(stop(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(10)
        self.loop.close()


@dataclass
class Site:
    world: TenderWorld
    lot: OpenLot
    receiver: Receiver
    origin: str
    token: str
    bidder: Bidder


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site of its own for each test: keys and bids that one test leaves behind would change the next one's page.

    Its lot is of the suite a test names, S1 otherwise.
    """
    suite = SUITES[getattr(request, "param", "S1")]
    subprocess.run([sys.executable, str(ROOT / "tools" / "vendor.py")], check=True, capture_output=True)
    world = make_world(tmp_path_factory.mktemp("seal"), demo=True)
    receiver = Receiver(world)
    server = Server(("127.0.0.1", 0), make_app(world, room_port=receiver.port, demo=True), numthreads=8)
    server.prepare()
    thread = threading.Thread(target=server.serve, daemon=True)
    thread.start()
    bidder = Bidder(world, world.organisation("常州澄岳建设工程有限公司", "bidder"))
    origin = f"http://localhost:{server.bind_addr[1]}"
    yield Site(world, world.open_lot(suite=suite), receiver, origin, token_of(world, bidder.actor), bidder)
    server.stop()
    thread.join(10)
    receiver.close()
    world.engine.dispose()


@pytest.fixture
def context(browser: Browser, site: Site) -> Iterator[BrowserContext]:
    made = browser.new_context(accept_downloads=True, locale="zh-CN", viewport={"width": 1280, "height": 900})
    made.add_cookies([{"name": COOKIE, "value": site.token, "url": site.origin}])
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page whose violations of the content policy and uncaught errors fail the test."""
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda said: complaints.append(said.text) if "Security Policy" in said.text else None)
    yield opened
    assert complaints == []


def make_keys(page: Page, folder: Path) -> dict[str, Path]:
    """Steps of the page: passphrase, download both backups, choose them again."""
    page.locator("#make-pass").fill(PASSPHRASE)
    page.get_by_label("再输一次", exact=True).fill(PASSPHRASE)
    page.get_by_role("button", name="生成密钥").click()
    files: dict[str, Path] = {}
    expect(page.locator("#backup-links a")).to_have_count(2, timeout=30_000)
    for link in page.locator("#backup-links a").all():
        with page.expect_download() as download:
            link.click()
        use = link.get_attribute("data-backup") or ""
        files[use] = folder / download.value.suggested_filename
        download.value.save_as(files[use])
    page.locator("#check-files").set_input_files(list(files.values()))
    page.locator("#check-pass").fill(PASSPHRASE)
    page.get_by_role("button", name="核对备份").click()
    expect(page.get_by_text("密钥在这台电脑上")).to_be_visible(timeout=30_000)
    return files


def backup(page: Page, file: KeyFile) -> bytes:
    """A backup as the page itself writes it (a file by the command line may cost a browser half a minute to open)."""
    script = """async ([payload, passphrase]) => {
      const { writeBackup } = await import("/static/js/sealing/keys.js");
      return Array.from(await writeBackup(JSON.parse(payload), passphrase));
    }"""
    return bytes(page.evaluate(script, [file.payload().decode(), PASSPHRASE]))


def fill_files(page: Page, folder: Path, total: str, technical_bytes: int) -> None:
    technical, commercial = folder / "技术标.pdf", folder / "商务标.pdf"
    technical.write_bytes(b"%PDF-1.7\n" + bytes(range(256)) * (technical_bytes // 256))
    commercial.write_bytes(b"%PDF-1.7\n commercial")
    page.locator("#f-total").fill(total)
    page.locator("#f-duration").fill("178")
    page.locator("#f-manager").fill("周予安")
    page.locator("#f-technical").set_input_files(technical)
    page.locator("#f-commercial").set_input_files(commercial)


def live(site: Site) -> SealedBid:
    with site.world.units.read(site.bidder.actor) as unit:
        return bid_access.own_revision(unit, site.lot.id)


def opened_price(site: Site, row: SealedBid, key: KeyFile) -> PriceSchedule:
    header, manifest = Header.parse(row.header), Manifest.parse(row.manifest)
    r_gate = recover_r_gate(header, site.lot.keyset, {1: site.lot.gate[1], 2: site.lot.gate[2]}).r_gate
    cek = content_key(header, recover_r_bid(header, key.private_key), r_gate)
    source = SegmentReader(site.world.runtime.objects, row.upload_id, "price_schedule", 1)
    part = manifest.part("price_schedule")
    content = open_part_bytes(source, part, part_key(cek, part.id), header, limit_bytes=1 << 20)
    return PriceSchedule.parse(content)


@pytest.mark.parametrize("site", SUITES, indirect=True)
def test_a_bidder_seals_replaces_rehearses_and_keeps_a_verified_receipt(page: Page, site: Site, tmp_path: Path) -> None:
    url = f"{site.origin}/lots/{site.lot.id}/bid"
    page.goto(f"{url}/seal")
    seal = page.locator("#seal-now")
    expect(seal).to_have_attribute("aria-disabled", "true")
    files = make_keys(page, tmp_path)
    assert set(files) == {"opening", "signing"}
    expect(seal).not_to_have_attribute("aria-disabled", "true")

    seal.click()  # without files: said at the fields, nothing is sent
    expect(page.locator("#e-total")).to_be_visible()
    expect(page.locator("#e-technical")).to_have_text("请选择文件。")

    fill_files(page, tmp_path, "11,402,318.5", SEGMENT_AND_A_HALF)
    seal.click()
    expect(page.locator("#seal-done")).to_be_visible(timeout=60_000)
    expect(page.locator("#done-text")).to_contain_text("回执号 HZ-")
    assert site.receiver.served == 1  # over the socket
    row = live(site)
    key = KeyFile.load(files["opening"], PASSPHRASE)
    price = opened_price(site, row, key)
    assert (price.total_fen, price.duration_days, price.project_manager) == (1_140_231_850, 178, "周予安")

    page.get_by_role("link", name="查看回执").click()
    expect(page.locator("#signature-state")).to_contain_text("有效")
    expect(page.locator("svg.seal")).to_be_visible()
    assert_accessible(page)

    page.goto(url)
    expect(page.get_by_text("未验证", exact=True)).to_be_visible()
    page.get_by_role("button", name="验证我的密钥").click()
    expect(page.locator("[data-rehearsed]")).to_contain_text("成功")
    page.reload()
    expect(page.get_by_text("已验证", exact=True)).to_be_visible()
    expect(page.locator("[data-rehearsed]")).to_contain_text("这台电脑验证过")
    assert_accessible(page)

    site.receiver.is_open = False  # sockets do not get through: plain HTTP carries the next version
    try:
        page.goto(f"{url}/seal")
        expect(page.get_by_text("密钥在这台电脑上")).to_be_visible()
        page.get_by_role("button", name="生成示例投标文件").click()
        expect(page.locator("#f-total")).not_to_have_value("")
        seal.click()
        expect(page.locator("#seal-done")).to_be_visible(timeout=60_000)
    finally:
        site.receiver.is_open = True
    assert live(site).rev == 2


@pytest.mark.parametrize("site", ["S2"], indirect=True)
def test_a_bid_too_large_for_the_second_suite_in_a_browser_is_sent_to_the_command_line(
    page: Page, site: Site, tmp_path: Path
) -> None:
    page.goto(f"{site.origin}/lots/{site.lot.id}/bid/seal")
    make_keys(page, tmp_path)
    fill_files(page, tmp_path, "11402318.50", 66 * 1024 * 1024)
    page.locator("#seal-now").click()
    expect(page.locator("#seal-failure")).to_contain_text("centre seal", timeout=30_000)
    expect(page.locator("#seal-failure")).to_contain_text("64 MiB")
    assert site.receiver.served == 0
    fill_files(page, tmp_path, "11402318.50", 1024 * 1024)
    page.locator("#seal-now").click()
    expect(page.locator("#seal-done")).to_be_visible(timeout=60_000)
    assert Manifest.parse(live(site).manifest).suite is S2


def test_keys_made_elsewhere_come_in_by_their_backup(site: Site, page: Page, tmp_path: Path) -> None:
    lot = site.world.open_lot()
    url = f"{site.origin}/lots/{lot.id}/bid/seal"
    site.bidder.register_keys()  # by another computer
    page.goto(url)
    expect(page.get_by_text("密钥在别的电脑上")).to_be_visible()
    about = {"owner": site.bidder.uscc, "created": site.world.clock.now()}
    files = [
        KeyFile(KeyUse.OPENING, lot.tender_code, lot.lot_code, private_key=site.bidder.opening, **about),
        KeyFile(KeyUse.SIGNING, "", "", private_key=site.bidder.signing, **about),
    ]
    backups = [tmp_path / f"{file.use}.age" for file in files]
    for file, path in zip(files, backups, strict=True):
        path.write_bytes(backup(page, file))
    page.locator("#import-files").set_input_files(backups)
    page.locator("#import-pass").fill("not the passphrase")
    page.get_by_role("button", name="导入备份").click()
    expect(page.locator("#keys-status")).to_contain_text("口令不正确", timeout=30_000)
    page.locator("#import-pass").fill(PASSPHRASE)
    page.get_by_role("button", name="导入备份").click()
    expect(page.get_by_text("密钥在这台电脑上")).to_be_visible(timeout=30_000)


@pytest.mark.parametrize("language", ["zh-Hans", "en"])
def test_the_sealing_page_fits_a_phone_and_needs_no_mouse(browser: Browser, site: Site, language: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale=language)
    context.add_cookies([{"name": COOKIE, "value": site.token, "url": site.origin}])
    page = context.new_page()
    lot = site.world.open_lot()
    for path in ("/bids", f"/lots/{lot.id}/bid", f"/lots/{lot.id}/bid/seal"):
        page.goto(f"{site.origin}{path}?lang={language}")
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, (path, width)
        assert_accessible(page)
    make = page.locator("#make-anyway, #make-pass").locator("visible=true").first
    make.focus()
    if make.get_attribute("id") == "make-anyway":
        page.keyboard.press("Enter")
        page.locator("#make-pass").focus()
    page.keyboard.type(PASSPHRASE)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSPHRASE)
    page.keyboard.press("Enter")
    expect(page.locator("#backup-links a").first).to_be_visible(timeout=30_000)
    assert_accessible(page)
    context.close()


def assert_accessible(page: Page) -> None:
    """No axe finding of WCAG 2.2 A and AA."""
    page.evaluate((ROOT / "static" / "vendor" / "js" / "axe.min.js").read_text(encoding="utf-8"))
    rules = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}"
    script = f"(await axe.run(document, {rules})).violations.map((v) => [v.id, ...v.nodes.map((n) => n.html)])"
    found = page.evaluate(f"async () => {script}")
    assert found == []
