"""The table of known mistakes is whole: every number once, every test it names is there."""

from __future__ import annotations

import re

from tests.house.repository import ROOT

PAGE = ROOT / "docs" / "reference" / "pitfalls.md"
COUNT = 18
ROW = re.compile(r"^\| ([0-9]+) \| (.+) \|$", re.MULTILINE)
FILE = re.compile(r"\[[^\]]+\]\(([^)]+\.py)\)((?: `test_\w+`)*)")


def test_every_known_mistake_has_tests_that_exist() -> None:
    rows = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert [int(number) for number, _ in rows] == list(range(1, COUNT + 1))
    missing = []
    for number, cells in rows:
        tried = cells.rsplit(" | ", 1)[1]
        named = FILE.findall(tried)
        assert named, number
        for path, tests in named:
            source = (PAGE.parent / path).resolve().read_text(encoding="utf-8")
            names = re.findall(r"test_\w+", tests)
            missing += [f"{number}: {path} {name}" for name in names if f"def {name}(" not in source]
            assert "def test_" in source, path
    assert missing == []
