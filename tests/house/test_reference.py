"""The reference pages say what the code says, and every rule the code cites is explained."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.house.repository import ROOT, files, listing, shown

RULE = re.compile(r"\bR\d{1,2}\.\d{2}\b")
ROW = re.compile(r"^\| (R\d{1,2}\.\d{2}) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
CITING = (".py", ".html", ".toml", ".typ", ".js", ".md")


@pytest.mark.slow
def test_every_reference_page_is_what_the_program_would_write_now() -> None:
    """In a process of its own: tests register events and tables that are not the product's."""
    done = subprocess.run(
        [sys.executable, "tools/reference.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"run .venv/bin/python tools/reference.py\n{(done.stdout + done.stderr)[-4000:]}"


def explained() -> list[tuple[str, str, str, str]]:
    page = (ROOT / "docs" / "reference" / "rules.md").read_text(encoding="utf-8")
    found: list[tuple[str, str, str, str]] = ROW.findall(page)
    assert len(found) > 50, "the page of rules has lost its tables"
    return found


def test_every_rule_that_is_cited_is_on_the_page_of_rules() -> None:
    known = {rule for rule, *_ in explained()}
    missing = [
        f"{shown(path)}:{number}: {rule}"
        for path in files(*CITING)
        if path.name != "rules.md"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        for rule in RULE.findall(line)
        if rule not in known
    ]
    assert not missing, "give each its row in docs/reference/rules.md:" + listing(missing)


def test_every_rule_is_told_once_in_both_languages_with_its_source() -> None:
    numbers = [rule for rule, *_ in explained()]
    assert sorted({rule for rule in numbers if numbers.count(rule) > 1}) == []
    chinese = re.compile(r"[\u4e00-\u9fff]")
    wrong = [
        rule
        for rule, zh, en, source in explained()
        if not chinese.search(zh) or chinese.search(en) or not source.strip()
    ]
    assert not wrong, listing(wrong)
