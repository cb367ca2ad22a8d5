"""The browser's verifier over openings with a beacon and over late freezes: it says what the first one says."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.test_verify_modules import in_browser, page, summary, summary_of
from tests.support_attacks import retold
from tests.support_beacon_bundle import BEACON_LIES, LATE_STORIES, beacon_bundle, late_bundle
from tests.support_bundle import Files, verified

__all__ = ["page"]
pytestmark = pytest.mark.browser


def agree(page: Page, files: Files, policy: bytes, what: str) -> str:
    told, first = in_browser(page, files, policy), verified(files, policy)
    assert summary_of(told) == summary(first), what
    assert told["verdict"] == first.verdict, what
    return first.verdict


def test_both_agree_on_beacons_and_on_every_lie_about_them(page: Page, tmp_path: Path) -> None:
    files, keys, policy = beacon_bundle(tmp_path)
    assert agree(page, files, policy, "the true one") == "verified"
    for change, _ in BEACON_LIES:
        assert agree(page, retold(files, keys, change), policy, change.__name__) == "failed"
    bare = {name: content for name, content in files.items() if name != "beacons.json"}
    for content in (None, b'{"beacons":[]}', b"[]", b'{"beacons":[1]}', b'{"beacons":{}}'):
        false = bare if content is None else {**bare, "beacons.json": content}
        assert agree(page, false, policy, repr(content)) == "failed"


def test_both_agree_on_a_late_freeze(page: Page, tmp_path: Path) -> None:
    files, keys, policy = late_bundle(tmp_path, seconds=90)
    assert agree(page, files, policy, "the true one") == "verified"
    for change, _ in LATE_STORIES:
        agree(page, retold(files, keys, change), policy, change.__name__)
