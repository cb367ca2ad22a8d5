"""A bidder's seat with a real sealed bid: comparing the seal, releasing 32 bytes, signing the confirmation.

The keys lie in the browser as the sealing page leaves them: not extractable, in IndexedDB.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from bid_opening.models import ReleasedShare
from bid_opening.services import acts
from foundation.clock import iso
from foundation.events import bid_opening as e
from foundation.hints import UnixHints
from foundation.journal import read_stream
from foundation.sealing import KeyFile, KeyUse, generate_key, public_hex
from foundation.sealing.keys import jwk_of
from foundation.sealing.suite import PrivateKey
from tests.rooms.room_world import RoomWorld
from tests.rooms.serving import Site, site_of
from tests.support_opening import Opening, make_opening

pytestmark = pytest.mark.browser
PASSPHRASE = "九层之台，起于累土 2026"
QUICK = 10_000
KEEP = "async (file) => { await (await import('/static/js/sealing/keystore.js')).keepKey(file); }"


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return make_opening(tmp_path)


@pytest.fixture
def site(opening: Opening) -> Iterator[Site]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    hints = UnixHints(opening.world.runtime.settings.run_dir)
    opening.world.units.hints = hints
    people = tuple(bidder.actor for bidder in opening.bidders)
    found = RoomWorld(opening.world, opening.lot, opening.host, opening.supervisor, people, hints)
    with site_of(found) as running:
        yield running


@pytest.fixture
def seat(browser: Browser, site: Site, opening: Opening) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="zh-CN")
    context.add_cookies(site.cookies(opening.bidders[0].actor))
    page = context.new_page()
    page.goto(f"{site.url}/rooms")  # same origin: keys can be kept before the room is entered
    yield page
    context.close()


def key_file(opening: Opening, key: PrivateKey, use: str) -> dict[str, Any]:
    is_opening = use == "opening"
    return {
        "v": 1,
        "for": use,
        "tender": opening.lot.tender_code if is_opening else "",
        "lot": opening.lot.lot_code if is_opening else "",
        "owner": opening.bidders[0].uscc,
        "created": iso(opening.world.clock.now())[:19] + ".000Z",
        "private_key": jwk_of(key),
        "public_key": public_hex(key),
    }


def enter(seat: Page, site: Site, opening: Opening) -> None:
    seat.goto(f"{site.url}/rooms/{opening.lot.id}/seat")
    expect(seat.locator("[data-line]").first).to_contain_text("连接正常", timeout=QUICK)


def shares(opening: Opening) -> list[str]:
    with opening.world.units.read() as unit:
        return list(unit.session.scalars(select(ReleasedShare.r_bid)))


def test_one_click_releases_32_bytes_and_nothing_else(seat: Page, site: Site, opening: Opening) -> None:
    seat.evaluate(KEEP, key_file(opening, opening.bidders[0].opening, "opening"))
    opening.to_list()
    enter(seat, site, opening)
    seat.get_by_role("button", name="核对我的封存").click()
    expect(seat.locator("[data-seal-result]")).to_contain_text("一致", timeout=QUICK)
    opening.publish()
    opening.act(opening.host, acts.start_decryption)
    sent: list[str] = []
    seat.on("request", lambda request: sent.append(request.post_data or "") if request.method == "POST" else None)
    seat.get_by_role("button", name="解密我的投标文件").click(timeout=QUICK)
    expect(seat.get_by_role("heading", name="您的密钥已收")).to_be_visible(timeout=QUICK)
    bodies = [json.loads(body) for body in sent]
    assert [body for body in bodies if "code" not in body] == [{"r_bid": opening.r_bid(0).hex()}]
    assert all(set(body) == {"code"} for body in bodies if "code" in body)  # what was met, by fixed codes
    assert shares(opening) == [opening.r_bid(0).hex()]
    assert opening.seat(0).seal_is_equal is True


def test_a_browser_without_the_key_says_so_and_the_backup_helps(
    seat: Page, site: Site, opening: Opening, tmp_path: Path
) -> None:
    bidder = opening.bidders[0]
    file = KeyFile(
        KeyUse.OPENING,
        opening.lot.tender_code,
        opening.lot.lot_code,
        bidder.uscc,
        opening.world.clock.now().replace(microsecond=0),
        bidder.opening,
    )
    backup = tmp_path / "key.age"
    backup.write_bytes(file.to_bytes(PASSPHRASE))
    opening.to_window()
    enter(seat, site, opening)
    seat.get_by_role("button", name="解密我的投标文件").click()
    expect(seat.locator("[data-release-result]")).to_contain_text("这台设备上没有本标的密钥", timeout=QUICK)
    assert shares(opening) == []
    seat.get_by_text("密钥不在这台设备上？").click()
    seat.get_by_label("备份文件").set_input_files(backup)
    seat.get_by_label("口令").fill("不对的口令不对的口令")
    seat.get_by_role("button", name="用备份解密").click()
    expect(seat.locator("[data-release-result]")).to_contain_text("密钥或口令不对", timeout=20_000)
    assert shares(opening) == []
    seat.get_by_label("口令").fill(PASSPHRASE)
    seat.get_by_role("button", name="用备份解密").click()
    expect(seat.get_by_role("heading", name="您的密钥已收")).to_be_visible(timeout=20_000)
    assert shares(opening) == [opening.r_bid(0).hex()]


def test_a_second_device_releases_with_a_key_of_its_own(seat: Page, site: Site, opening: Opening) -> None:
    bidder, second = opening.bidders[0], generate_key()
    opening.sealed[0] = bidder.seal(opening.lot, after=opening.sealed[0], devices=[second])
    bidder.hand_in(opening.lot, opening.sealed[0])
    seat.evaluate(KEEP, key_file(opening, second, "opening"))  # all this browser has: neither first key nor backup
    opening.to_window()
    enter(seat, site, opening)
    seat.get_by_role("button", name="解密我的投标文件").click()
    expect(seat.get_by_role("heading", name="您的密钥已收")).to_be_visible(timeout=QUICK)
    assert shares(opening) == [opening.r_bid(0).hex()]


def test_another_key_releases_nothing(seat: Page, site: Site, opening: Opening) -> None:
    seat.evaluate(KEEP, key_file(opening, generate_key(), "opening"))
    opening.to_window()
    enter(seat, site, opening)
    seat.get_by_role("button", name="解密我的投标文件").click()
    expect(seat.locator("[data-release-result]")).to_contain_text("密钥或口令不对", timeout=QUICK)
    assert shares(opening) == []
    assert opening.seat(0).tries == 0  # found on the device: no wrong bytes were ever sent


def test_the_confirmation_is_signed_with_the_kept_key(seat: Page, site: Site, opening: Opening) -> None:
    bidder = opening.bidders[0]
    bidder.register_keys()
    seat.evaluate(KEEP, key_file(opening, bidder.signing, "signing"))
    opening.to_reading()
    opening.act(opening.host, acts.open_query)
    for one in opening.bidders:
        opening.act(one.actor, acts.no_objection)
    opening.look(times=1)
    enter(seat, site, opening)
    expect(seat.get_by_text("11,402,318.00").first).to_be_visible()
    seat.get_by_role("button", name="确认这一行").click()
    expect(seat.get_by_role("heading", name="您已确认开标记录")).to_be_visible(timeout=QUICK)
    with opening.world.units.read() as unit:
        told = [entry.event for entry in read_stream(unit.session, f"room:{opening.lot.id}")]
    (confirmed,) = [event for event in told if isinstance(event, e.ResultConfirmed)]
    assert len(confirmed.signature) == 128  # the service verified it; an empty one would have been accepted as such
