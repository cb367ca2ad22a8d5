"""A large upload from the sealing page: broken off, taken up again, begun anew; and a receiver that is stuck."""

# ruff: noqa: F811 - the fixtures of the sealing page's own tests are used here
from __future__ import annotations

import asyncio
import hashlib
import os
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from foundation.sealing import (
    Header,
    KeyFile,
    Manifest,
    content_key,
    open_part,
    part_key,
    recover_r_bid,
    recover_r_gate,
)
from tendering.facade import SegmentReader, segment_name
from tendering.models import Segment, Upload
from tests.browser.test_seal_page import (  # noqa: F401
    PASSPHRASE,
    Receiver,
    Site,
    context,
    fill_files,
    live,
    make_keys,
    page,
    site,
)

pytestmark = pytest.mark.browser
MIB = 1 << 20
LARGE = 48 * MIB
SEGMENTS = 7
"""Of 48 MiB with their padding and tags."""


def fill(page: Page, folder: Path) -> None:
    fill_files(page, folder, "11402318.50", MIB)
    with (folder / "技术标.pdf").open("wb") as out:
        out.write(b"%PDF-1.7\n")
        out.writelines(os.urandom(MIB) for _ in range(LARGE // MIB))  # noqa: TID251 - bytes that repeat nowhere
    page.locator("#f-technical").set_input_files(folder / "技术标.pdf")


def stored(site: Site) -> list[tuple[str, str, int]]:
    """Upload, part and number of every stored segment."""
    with site.world.units.read(site.bidder.actor) as unit:
        rows = unit.session.scalars(select(Segment).order_by(Segment.upload_id, Segment.part, Segment.number))
        return [(row.upload_id, row.part, row.number) for row in rows]


def wait_for_segments(page: Page, site: Site, count: int) -> None:
    for _ in range(600):
        if len(stored(site)) >= count:
            return
        page.wait_for_timeout(50)
    raise AssertionError("no segment was stored")


def cut(receiver: Receiver) -> None:
    """As a room process that is killed: every line goes without a word."""

    async def abort() -> None:
        for connection in tuple(receiver.server.connections):
            connection.transport.abort()

    asyncio.run_coroutine_threadsafe(abort(), receiver.loop).result(10)


def opened_technical(site: Site, folder: Path, key: KeyFile) -> Path:
    row = live(site)
    header, manifest = Header.parse(row.header), Manifest.parse(row.manifest)
    gate = {1: site.lot.gate[1], 2: site.lot.gate[2]}
    r_gate = recover_r_gate(header, site.lot.keyset, gate).r_gate
    part = manifest.part("technical")
    cek = content_key(header, recover_r_bid(header, key.private_key), r_gate)
    source = SegmentReader(site.world.runtime.objects, row.upload_id, part.id, SEGMENTS)
    open_part(source, part, part_key(cek, part.id), header, folder / "opened")
    return folder / "opened"


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_a_large_file_survives_a_broken_line_and_a_dead_receiver_and_opens_byte_for_byte(
    page: Page,
    site: Site,
    tmp_path: Path,
) -> None:
    page.goto(f"{site.origin}/lots/{site.lot.id}/bid/seal")
    files = make_keys(page, tmp_path)
    fill(page, tmp_path)
    page.locator("#seal-now").click()
    wait_for_segments(page, site, 2)
    cut(site.receiver)
    wait_for_segments(page, site, 4)
    site.receiver.is_open = False  # nobody is there for a while, then another process is
    cut(site.receiver)
    site.receiver.is_open = True
    expect(page.locator("#seal-done")).to_be_visible(timeout=120_000)
    assert len({upload for upload, _, _ in stored(site)}) == 1
    assert [number for _, part, number in stored(site) if part == "technical"] == list(range(SEGMENTS))
    opened = opened_technical(site, tmp_path, KeyFile.load(files["opening"], PASSPHRASE))
    assert digest(opened) == digest(tmp_path / "技术标.pdf")


def test_a_page_left_half_way_begins_anew_under_another_salt_and_nothing_is_sealed_early(
    page: Page,
    site: Site,
    tmp_path: Path,
) -> None:
    page.on("dialog", lambda dialog: dialog.accept())  # the page asks before it is left
    page.goto(f"{site.origin}/lots/{site.lot.id}/bid/seal")
    make_keys(page, tmp_path)
    fill(page, tmp_path)
    page.locator("#seal-now").click()
    wait_for_segments(page, site, 2)
    page.reload()
    expect(page.get_by_text("密钥在这台电脑上")).to_be_visible(timeout=30_000)
    [left_behind] = {upload for upload, _, _ in stored(site)}
    with site.world.units.read(site.bidder.actor) as unit:
        assert unit.session.scalars(select(Upload.id)).all() == [left_behind]
    fill(page, tmp_path)
    page.locator("#seal-now").click()
    expect(page.locator("#seal-done")).to_be_visible(timeout=120_000)
    assert live(site).upload_id != left_behind
    objects = site.world.runtime.objects
    first = [objects.get(segment_name(upload, "price_schedule", 0)) for upload in (left_behind, live(site).upload_id)]
    assert first[0][:24] != first[1][:24]  # the salt


def test_a_stuck_receiver_stops_the_reading_of_the_file(
    page: Page,
    site: Site,
) -> None:
    """However large the file: what waits in memory is a handful of segments."""
    page.goto(f"{site.origin}/lots/{site.lot.id}/bid/seal")
    made = page.evaluate(
        """async () => {
          const { SegmentUploader } = await import("/static/js/sealing/upload.js");
          const stuck = { socketUrl: `ws://${location.host}/nowhere`, httpUrl: "/nowhere", giveUpAfterMs: 1e9 };
          const uploader = new SegmentUploader({ ...stuck, totalBytes: 1e9 });
          let accepted = 0;
          (async () => {
            for (let index = 0; index < 128; index += 1) {
              await uploader.offer({ part: "technical", index, bytes: new Uint8Array(1), sha256: "" });
              accepted += 1;
            }
          })().catch(() => {});
          await new Promise((resolve) => setTimeout(resolve, 1500));
          uploader.stop();
          return accepted;
        }"""
    )
    assert made <= 4
