"""Compulsory backup and a second device: a wrong file is refused, a key compared by eye becomes a recipient.

Two browser contexts are two devices of one bidder: they share nothing but the server.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from accounts.sessions import COOKIE
from foundation.sealing import Header, fingerprint
from tests.browser.test_seal_page import (
    PASSPHRASE,
    Site,
    assert_accessible,
    context,
    fill_files,
    live,
    make_keys,
    page,
    site,
)

__all__ = ["context", "page", "site"]
pytestmark = pytest.mark.browser
RELEASE = """async () => {
  const { releaseWithKeptKey, releaseText } = await import("/static/js/sealing/release.js");
  const { fromBase64 } = await import("/static/js/sealing/bytes.js");
  const headers = { Accept: "application/json" };
  const own = await (await fetch(location.pathname.replace(/keys$/, "header"), { headers })).json();
  const { tender, lot, bidder, stage, bid_id: bid, rev, header_hash: headerHash } = own;
  const expected = { tender, lot, bidder, stage, bid, rev, headerHash };
  try {
    return releaseText(await releaseWithKeptKey(fromBase64(own.header), expected));
  } catch (error) {
    return error.code;
  }
}"""


@pytest.fixture
def second(browser: Browser, site: Site) -> Iterator[Page]:
    """The phone-sized second device."""
    made = browser.new_context(accept_downloads=True, locale="zh-CN", viewport={"width": 390, "height": 844})
    made.add_cookies([{"name": COOKIE, "value": site.token, "url": site.origin}])
    yield made.new_page()
    made.close()


def save_backup(page: Page, folder: Path, name: str) -> Path:
    link = page.locator("#backup-links a")
    expect(link).to_have_count(1, timeout=30_000)
    with page.expect_download() as download:
        link.click()
    path = folder / name
    download.value.save_as(path)
    return path


def check_backup(page: Page, file: Path, passphrase: str) -> None:
    page.locator("#check-files").set_input_files(file)
    page.locator("#check-pass").fill(passphrase)
    page.get_by_role("button", name="核对备份").click()


def test_a_second_device_is_refused_a_wrong_backup_then_becomes_a_recipient_and_releases(
    page: Page, second: Page, site: Site, tmp_path: Path
) -> None:
    url = f"{site.origin}/lots/{site.lot.id}/bid"
    page.goto(f"{url}/seal")
    first_files = make_keys(page, tmp_path)
    expect(page.locator("#recipients-none")).to_be_visible()

    second.goto(f"{url}/keys")
    second.get_by_label("这台设备叫什么").fill("投标室笔记本")
    second.locator("#make-pass").fill(PASSPHRASE)
    second.get_by_label("再输一次", exact=True).fill(PASSPHRASE)
    second.get_by_role("button", name="生成密钥").click()
    own = save_backup(second, tmp_path, "second.age")
    check_backup(second, first_files["opening"], PASSPHRASE)  # the backup of another key
    expect(second.locator("#keys-status")).to_contain_text("另一把密钥", timeout=30_000)
    damaged = tmp_path / "damaged.age"
    damaged.write_bytes(b"not an age file at all")
    check_backup(second, damaged, PASSPHRASE)
    expect(second.locator("#keys-status")).to_contain_text("密钥文件不符合格式", timeout=30_000)
    check_backup(second, own, "不是这个口令不是这个口令")
    expect(second.locator("#keys-status")).to_contain_text("口令不正确", timeout=30_000)
    expect(second.locator("#own-key")).to_be_hidden()
    assert registered(second, url) == 1  # the first device's; nothing unchecked was registered
    check_backup(second, own, PASSPHRASE)
    expect(second.locator("#own-state")).to_contain_text("公钥已登记", timeout=30_000)
    assert second.evaluate("document.documentElement.scrollWidth") <= 390
    assert_accessible(second)

    shown = second.locator("#own-fingerprint").inner_text()
    offered = keys_of(second, url)
    theirs = next(one["public_key"] for one in offered if one["label"] == "投标室笔记本")
    assert shown == fingerprint(site.lot.tender_code, site.lot.lot_code, bytes.fromhex(theirs))

    page.get_by_role("button", name="重新读取").click()
    pick = page.locator("#recipients-list label")
    expect(pick).to_have_count(1)
    expect(pick).to_contain_text(shown)
    expect(pick).to_contain_text("投标室笔记本")
    assert not pick.locator("input").is_checked()  # nothing is believed by itself
    seal(page, tmp_path)
    assert second.evaluate(RELEASE) == "sealing.wrong_key"  # not ticked: no recipient
    pick.locator("input").check()
    assert_accessible(page)
    page.reload()
    expect(page.locator("#recipients-list input")).to_be_checked()  # the very same key needs no second look
    seal(page, tmp_path)
    header = Header.parse(live(site).header)
    assert len(header.wraps.bidder) == 2
    second.reload()
    released = second.evaluate(RELEASE)
    assert header.suite.commitment(header.binding.hash, "bidder", bytes.fromhex(released)) == header.commit.bidder
    page.goto(f"{url}/keys")
    assert page.evaluate(RELEASE) == released


def test_a_key_the_server_slips_in_shows_its_own_fingerprint_and_is_never_ticked_by_itself(
    page: Page, site: Site, tmp_path: Path
) -> None:
    page.goto(f"{site.origin}/lots/{site.lot.id}/bid/seal")
    make_keys(page, tmp_path)
    slipped = [holder.public_key for holder in site.lot.keyset.gate.holders]

    def lie(route: Route) -> None:
        answer = route.fetch()
        offered = [{"public_key": key.hex(), "label": "投标室笔记本", "registered_at": ""} for key in slipped]
        route.fulfill(response=answer, body=json.dumps(answer.json() | {"opening_keys": offered}))

    page.route("**/lot.json", lie)
    page.get_by_role("button", name="重新读取").click()
    picks = page.locator("#recipients-list label")
    expect(picks).to_have_count(3)
    for pick, key in zip(picks.all(), slipped, strict=True):
        expect(pick).to_contain_text(fingerprint(site.lot.tender_code, site.lot.lot_code, key))
        assert not pick.locator("input").is_checked()
    for number in range(2):
        picks.nth(number).locator("input").check()
    picks.nth(2).locator("input").click()
    expect(page.locator("#recipients-status")).to_contain_text("最多再加两台")
    assert not picks.nth(2).locator("input").is_checked()
    for number in range(2):
        picks.nth(number).locator("input").uncheck()
    seal(page, tmp_path)
    assert len(Header.parse(live(site).header).wraps.bidder) == 1


NO_PRIVATE_FILES = "navigator.storage.getDirectory = () => Promise.reject(new DOMException('', 'SecurityError'));"
NO_DATABASE = "indexedDB.open = () => { throw new DOMException('', 'SecurityError'); };"
PROMISED = "navigator.storage.persisted = () => Promise.resolve(true);"


@pytest.mark.parametrize(
    ("browser_is", "says"),
    [
        ("", "浏览器没有答应长期保存"),
        (PROMISED, "浏览器已答应长期保存"),
        (NO_PRIVATE_FILES, "这像是无痕"),
        (NO_DATABASE, "这个浏览器存不住密钥"),
    ],
)
def test_a_browser_that_does_not_keep_keys_well_is_told_of_before_any_is_made(
    page: Page, site: Site, browser_is: str, says: str
) -> None:
    page.add_init_script(browser_is)
    page.goto(f"{site.origin}/lots/{site.lot.id}/bid/keys")
    told = page.locator("[data-storage-when]:visible")
    expect(told).to_have_count(1)
    expect(told).to_contain_text(says)
    expect(page.locator("#make-form")).to_be_visible(visible=browser_is != NO_DATABASE)


def seal(page: Page, folder: Path) -> None:
    fill_files(page, folder, "11402318.50", 4096)
    page.locator("#seal-now").click()
    expect(page.locator("#seal-done")).to_be_visible(timeout=60_000)
    page.reload()
    expect(page.get_by_text("密钥在这台电脑上")).to_be_visible()


def keys_of(page: Page, url: str) -> list[dict[str, str]]:
    address = f"{url.rsplit('/', 1)[0]}/lot.json"
    answer = page.request.get(address, headers={"Accept": "application/json"})
    found: list[dict[str, str]] = answer.json()["opening_keys"]
    return found


def registered(page: Page, url: str) -> int:
    return len(keys_of(page, url))
