"""The page of the protocol lists exactly the frames the code tells, to the audiences it tells them."""

from __future__ import annotations

import re
from pathlib import Path

from bid_opening import frames

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "room-protocol.md"
ROW = re.compile(r"^\| `([a-z_]+)` \| ([a-z, ]+) \|")


def test_the_page_lists_every_frame_with_its_audiences() -> None:
    listed: dict[str, set[str]] = {}
    for line in PAGE.read_text(encoding="utf-8").partition("### Types")[2].splitlines():
        if found := ROW.match(line):
            listed[found[1]] = set(found[2].split(", "))
    told: dict[str, set[str]] = {}
    for rules in frames.told_types().values():
        for audience, name in rules:
            told.setdefault(name, set()).add("bidder" if audience == frames.OWN else audience)
    assert listed == told
