"""An archive sealed offline is handed in on the page, in a real Chromium; what is no bid of this bidder is refused."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from foundation.sealing import SUITES
from tendering.models import Upload
from tests.browser.test_seal_page import Site, assert_accessible, context, live, page, site
from tests.support_bids import FILES, Bidder, SealedFiles

__all__ = ["context", "page", "site"]

pytestmark = pytest.mark.browser
TECHNICAL = b"%PDF-1.7\n" + bytes(range(256)) * (12 * 4096)


def archive_of(path: Path, bid: SealedFiles, lot_id: str) -> Path:
    sealed = bid.sealed
    about = {"lot_id": lot_id, "bid": bid.bid, "rev": bid.rev, "envelope_hash": bid.envelope_hash}
    members = {f"parts/{name}.cob": raw for name, raw in bid.parts.items()} | {
        "header.json": sealed.header.raw,
        "manifest.txt": sealed.manifest.raw,
        "signature.bin": sealed.signature,
        "bid.json": json.dumps(about).encode(),
    }
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def hand_in(page: Page, path: Path) -> None:
    page.locator("#archive-file").set_input_files(path)
    page.get_by_role("button", name="上传并递交").click()


@pytest.mark.parametrize("site", SUITES, indirect=True)
def test_an_archive_is_handed_in_and_again_gives_the_same_receipt(page: Page, site: Site, tmp_path: Path) -> None:
    suite = site.lot.keyset.suite
    site.bidder.signing, site.bidder.opening = suite.generate_key(), suite.generate_key()
    site.bidder.register_keys()
    bid = site.bidder.seal(site.lot, files={**FILES, "technical": TECHNICAL})
    path = archive_of(tmp_path / "bid.tar", bid, site.lot.id)
    page.goto(f"{site.origin}/lots/{site.lot.id}/bid/seal")
    page.get_by_role("link", name="在这里递交").click()
    assert_accessible(page)
    hand_in(page, path)
    expect(page.locator("#archive-done")).to_be_visible(timeout=90_000)
    row = live(site)
    assert (row.envelope_hash, row.rev) == (bid.envelope_hash, 1)
    assert_accessible(page)
    said = page.locator("#done-text").text_content()
    page.reload()
    hand_in(page, path)
    expect(page.locator("#archive-done")).to_be_visible(timeout=90_000)
    assert page.locator("#done-text").text_content() == said
    assert live(site).rev == 1
    with site.world.units.read() as unit:
        assert len(unit.session.scalars(select(Upload.id)).all()) == 1  # what is held is not sent again


def test_what_is_no_whole_bid_of_this_bidder_is_refused_before_anything_is_sent(
    page: Page, site: Site, tmp_path: Path
) -> None:
    site.bidder.register_keys()
    own = archive_of(tmp_path / "own.tar", site.bidder.seal(site.lot), site.lot.id)
    whole = own.read_bytes()
    other = Bidder(site.world, site.world.organisation("常州恒岳建设有限公司", "bidder"))
    page.goto(f"{site.origin}/lots/{site.lot.id}/bid/archive")
    refused = page.locator("#archive-failure .note-bad")
    cases = {
        "cut.tar": whole[: len(whole) // 2],
        "text.tar": b"no archive at all" * 100,
        "flipped.tar": whole[:1] + bytes([whole[1] ^ 1]) + whole[2:],
    }
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
        hand_in(page, tmp_path / name)
        expect(refused).to_contain_text("离线加密工具", timeout=30_000)
    hand_in(page, archive_of(tmp_path / "other.tar", other.seal(site.lot), site.lot.id))
    expect(refused).to_contain_text("投标人", timeout=30_000)
    hand_in(page, archive_of(tmp_path / "lot.tar", site.bidder.seal(site.world.open_lot()), site.lot.id))
    expect(refused).to_be_visible(timeout=30_000)
    assert site.receiver.served == 0
    expect(page.locator("#archive-done")).to_be_hidden()
