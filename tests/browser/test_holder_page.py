"""A holder acts in its browser, from the key to the release, and its page refuses what an agent refuses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from werkzeug.serving import make_server

from foundation.events import bid_opening as opening
from foundation.sealing import KeyFile, Keyset, recover_from_escrow
from keyholding import facade
from keyholding.backup import read_sheets
from keyholding.models import GateRequest, HolderSeat
from tests.support import chromium
from tests.unit.keyholding.world import (
    LOT,
    OTHER_LOT,
    POLICY,
    WORKER,
    World,
    ask_escrow,
    build,
    open_and_end,
    seal_bid,
)

pytestmark = pytest.mark.browser
PASSPHRASE = "一二三四五六七八九十甲乙"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = build(tmp_path)
    made.app.config["WTF_CSRF_ENABLED"] = False
    yield made
    made.close()


@pytest.fixture
def page(world: World) -> Iterator[Page]:
    """The browser of whoever ``world.who["holder"]`` is; what it complains of fails the test."""
    server = make_server("127.0.0.1", 0, world.app, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.path(), args=list(chromium.FLAGS))
        context = browser.new_context(
            base_url=f"http://localhost:{server.server_port}",
            accept_downloads=True,
            locale="zh-CN",
            extra_http_headers={"X-Who": "holder"},
        )
        opened = context.new_page()
        complaints: list[str] = []
        opened.on("pageerror", lambda error: complaints.append(str(error)))
        yield opened
        browser.close()
        assert complaints == []
    server.shutdown()


def seat_id_of(world: World, org: str) -> str:
    with world.units.read() as unit:
        return str(unit.session.query(HolderSeat.id).filter(HolderSeat.org_name == org).scalar())


def begin(world: World, page: Page, org: str, folder: Path) -> dict[str, object]:
    """The seat acts by hand from now on: its policy is pinned, its key made, backed up, checked and given."""
    world.who["holder"] = world.who[org]
    page.goto(f"/keyholding/seats/{seat_id_of(world, org)}")
    page.get_by_role("button", name="在浏览器里办理").click()
    (folder / "policy.txt").write_text(POLICY, encoding="utf-8")
    pin(page, folder)
    world.create()
    card = page.locator('[data-task="make_key"]')
    card.locator('input[name="pass"]').fill(PASSPHRASE, timeout=20_000)
    card.locator('input[name="again"]').fill(PASSPHRASE)
    card.get_by_role("button", name="生成密钥").click()
    link = card.get_by_text("下载备份", exact=True)
    with page.expect_download(timeout=30_000) as caught:
        link.click()
    caught.value.save_as(folder / "key.age")
    assert not any(one.ready for one in world.card().holders), "nothing is given before the backup was checked"
    card.locator('input[name="file"]').set_input_files(str(folder / "key.age"))
    card.locator('input[name="check-pass"]').fill(PASSPHRASE)
    card.get_by_role("button", name="核对备份").click()
    expect(card).to_have_count(0, timeout=30_000)
    agents = {one: world.agent(one) for one in world.tokens if one != org}
    for agent in agents.values():
        agent.poll()
    rehearse(page)
    for agent in agents.values():
        agent.poll()
    assert world.card().state == "rehearsed"
    return dict(agents)


def pin(page: Page, folder: Path) -> None:
    page.locator('[data-trust-when="missing"]').wait_for()
    page.set_input_files("#policy-file", str(folder / "policy.txt"))
    page.check("#policy-compared")
    page.click("#policy-pin")


def rehearse(page: Page) -> None:
    card = page.locator('[data-task="rehearse"]')
    card.locator('input[name="pass"]').fill("这不是我的口令啊这不是", timeout=20_000)
    card.get_by_role("button", name="完成演练").click()
    expect(card.locator('[data-f="status"]')).to_contain_text("打不开", timeout=30_000)
    card.locator('input[name="pass"]').fill(PASSPHRASE)
    card.get_by_role("button", name="完成演练").click()
    expect(card).to_have_count(0, timeout=30_000)


def ask_gate_on(world: World, entry_id: str) -> None:
    """A server that asks on the strength of whatever entry it likes."""
    with world.units.begin(WORKER) as unit:
        unit.session.query(GateRequest).delete()
        unit.session.add(GateRequest(lot_id=LOT, keyset_id=world.card().id, entry_id=entry_id, requested_at=unit.at))


def test_a_gate_holder_acts_from_the_key_to_the_release(world: World, page: Page, tmp_path: Path) -> None:
    world.usual_seats(custodians=2)
    begin(world, page, "住建局", tmp_path)
    assert KeyFile.load(tmp_path / "key.age", PASSPHRASE).public_key.hex() == world.card().holders[1].public_key
    release = page.locator('[data-task="release_gate_key"]')
    lies = {
        world.close_window(lot=OTHER_LOT): "另一个标段",
        world.append(opening.WindowEnded(LOT, 3, (), None)): "另一种记录",
    }
    for entry_id, why in lies.items():
        ask_gate_on(world, entry_id)
        expect(release.locator('[data-f="facts"]')).to_contain_text(why, timeout=20_000)
        expect(release.locator('input[name="pass"]')).to_be_hidden()
    world.cosigners = ("stranger",)
    true = world.close_window()
    ask_gate_on(world, true)
    expect(release.locator('[data-f="facts"]')).to_contain_text("没有足够的独立共签人", timeout=20_000)
    assert world.gate_keys() == {}
    world.cosigners = ("a",)
    expect(release.locator('[data-f="evidence"]')).to_contain_text("已核对", timeout=20_000)
    release.locator('input[name="pass"]').fill(PASSPHRASE)
    release.get_by_role("button", name="公布我的启封密钥").click()
    expect(release).to_have_count(0, timeout=30_000)
    assert list(world.gate_keys()) == [1]
    page.locator("#places-body button").first.click()
    expect(page.locator("#paper-text")).to_contain_text("etender-paper/v1", timeout=20_000)
    ((lot, age),) = read_sheets(page.locator("#paper-text").text_content() or "")
    assert (lot, age) == (LOT, (tmp_path / "key.age").read_bytes())


def test_a_custodian_gives_shares_of_requested_bids_after_its_browser_lost_everything(
    world: World, page: Page, tmp_path: Path
) -> None:
    world.usual_seats(custodians=2)
    agents = begin(world, page, "公证处1", tmp_path)
    bids = [seal_bid(world.card(), word) for word in ("one", "two", "three")]
    page.evaluate("indexedDB.deleteDatabase('etender-holder')")
    page.reload()
    pin(page, tmp_path)
    frozen = open_and_end(world, bids, missing=(1, 2), escrow_rule="on_request")
    ask_escrow(world, frozen, bids[:1])
    card = page.locator('[data-task="release_escrow_shares"]')
    card.locator('input[name="file"]').set_input_files(str(tmp_path / "key.age"), timeout=20_000)
    card.locator('input[name="pass"]').fill(PASSPHRASE)
    card.get_by_role("button", name="恢复密钥").click()
    expect(card.locator('[data-f="facts"]')).to_contain_text("没有经确认的请求", timeout=30_000)
    with world.units.begin(WORKER) as unit:
        from keyholding.models import EscrowBid, EscrowRequest

        unit.session.query(EscrowBid).delete()
        unit.session.query(EscrowRequest).delete()
    world.append(opening.EscrowRequestConfirmed(LOT, 2, "o", bids[1].bid, "duty officer"))
    ask_escrow(world, frozen, bids[1:2])
    expect(card.locator('[data-f="evidence"]')).to_contain_text("已核对", timeout=30_000)
    card.locator('input[name="pass"]').fill(PASSPHRASE)
    card.get_by_role("button", name="交出我的份额").click()
    expect(card).to_have_count(0, timeout=30_000)
    agents["公证处0"].poll()  # type: ignore[attr-defined]
    with world.units.read() as unit:
        shares = {index: bytes.fromhex(text) for index, text in facade.escrow_shares(unit, LOT)[bids[1].bid].items()}
    keyset = Keyset.parse(world.card().json_text.encode())
    assert recover_from_escrow(bids[1].sealed.header, keyset, shares) == bids[1].r_bid
