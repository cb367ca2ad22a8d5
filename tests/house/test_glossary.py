"""Names in code are the field's own: the glossary page is compared with the code."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = tuple(
    sorted(path.parent.name for path in ROOT.glob("*/__init__.py") if path.parent.name not in {"tests", "bench"})
)
# Words the field does not use for these things, in any language; each has a proper name in the glossary.
NEVER = {"toubiao", "zhaobiao", "kaibiao", "pingbiao", "baozhengjin", "biaoduan", "zhongbiao", "tenderer", "utils"}


def rows() -> list[tuple[str, str, str]]:
    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| ([^|]+?) \| `([^`]+)` \| ([^|]*?) ?\|$", page, re.MULTILINE)
    assert len(found) > 100, "the glossary page has lost its table"
    return found


@cache
def words_in_code() -> frozenset[str]:
    """Every part of every identifier (snake and camel case taken apart), with the module that has it first."""
    words: set[str] = set()
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for name in identifiers(path):
                words.add(name.lower())
                words.update(re.findall(r"[a-z]+|[A-Z][a-z]*", name))
                words.add(re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower())
    return frozenset(word.lower() for word in words)


def identifiers(path: Path) -> set[str]:
    names: set[str] = {path.stem}
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Name(id=name) | ast.arg(arg=name) | ast.Attribute(attr=name):
                names.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                names.add(name)
    return names


def test_every_identifier_of_the_glossary_stands_once():
    names = [name for _, name, _ in rows()]
    assert sorted({name for name in names if names.count(name) > 1}) == []


@pytest.mark.parametrize(("chinese", "identifier", "wrong"), [row for row in rows() if row[2]])
def test_a_name_the_glossary_rejects_is_not_in_the_code(chinese, identifier, wrong):
    used = {word.strip() for word in wrong.split(",")} & words_in_code()
    assert used == set(), f"{chinese} is called {identifier}"


def test_no_pinyin_and_no_drawer_for_everything():
    assert NEVER & words_in_code() == set()


def test_the_terms_of_this_release_are_in_the_code():
    of_this_release = {
        "project", "lot", "tenderee", "tender_agency", "bidder", "expert", "ceiling_price", "tender_notice",
        "tender_document", "bid_deadline", "withdraw", "bid_opening", "check_in", "decrypt",
        "opening_record", "gate_holder", "custodian", "seal", "keyset", "cosigner", "unified_deal_code", "uscc",
        "objection",
    }  # fmt: skip
    known = {name for _, name, _ in rows()}
    assert of_this_release - known == set()
    compact = {word.replace("_", "") for word in words_in_code()}
    missing = {name for name in of_this_release if not any(name.replace("_", "") in word for word in compact)}
    assert missing == set()
