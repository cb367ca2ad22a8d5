"""Every code that can reach a person has its sentence in Chinese and in English.

The codes are read from the source without importing it: an error class with a ``code``, an ``Objection("…")``, and the
members of enumerations of objections.
"""

from __future__ import annotations

import ast
import re
import string
import tomllib
from collections.abc import Iterator

import pytest

from tests.house.repository import ROOT, listing, product_files, shown

CODE = re.compile(r"[a-z_]+\.[a-z0-9_]+(?:\.[a-z0-9_]+)*")
LANGUAGES = {"zh", "en"}


def catalogues() -> dict[str, dict[str, dict[str, str]]]:
    """section → key → language → sentence, of all files."""
    merged: dict[str, dict[str, dict[str, str]]] = {}
    for path in sorted((ROOT / "translations").glob("*.toml")):
        for section, entries in tomllib.loads(path.read_text(encoding="utf-8")).items():
            for key, sentences in entries.items():
                merged.setdefault(section, {})[key] = sentences
    return merged


def codes_in(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            is_objections = "Objection" in node.name and any("Enum" in ast.unparse(base) for base in node.bases)
            for statement in node.body:
                yield from _assigned(statement, any_name=is_objections)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) == "Objection":
            given = [*node.args[:1], *(k.value for k in node.keywords if k.arg == "code")]
            yield from (
                (node.lineno, g.value) for g in given if isinstance(g, ast.Constant) and isinstance(g.value, str)
            )


def _assigned(statement: ast.stmt, *, any_name: bool) -> Iterator[tuple[int, str]]:
    targets = statement.targets if isinstance(statement, ast.Assign) else [getattr(statement, "target", None)]
    value = getattr(statement, "value", None)
    if not (isinstance(value, ast.Constant) and isinstance(value.value, str) and CODE.fullmatch(value.value)):
        return
    if any(isinstance(t, ast.Name) and (t.id == "code" or any_name) for t in targets):
        yield statement.lineno, value.value


def codes() -> dict[str, str]:
    """Code → where it is first used."""
    found: dict[str, str] = {}
    for path in product_files():
        for line, code in codes_in(ast.parse(path.read_text(encoding="utf-8"))):
            found.setdefault(code, f"{shown(path)}:{line}")
    return found


def test_every_error_code_has_its_sentence() -> None:
    sentences = catalogues().get("errors", {})
    missing = [f"{code} ({where})" for code, where in sorted(codes().items()) if code not in sentences]
    assert "storage.object_missing" in codes()
    assert not missing, listing(missing)


def test_no_two_files_give_one_key() -> None:
    seen: dict[tuple[str, str], str] = {}
    repeated: list[str] = []
    for path in sorted((ROOT / "translations").glob("*.toml")):
        for section, entries in tomllib.loads(path.read_text(encoding="utf-8")).items():
            repeated += [f"[{section}] {k}: {seen[section, k]}, {shown(path)}" for k in entries if (section, k) in seen]
            seen |= {(section, key): shown(path) for key in entries}
    assert not repeated, listing(repeated)


def test_every_entry_is_there_in_both_languages() -> None:
    missing = []
    for section, entries in catalogues().items():
        for key, sentences in entries.items():
            absent = LANGUAGES - {language for language, text in sentences.items() if text.strip()}
            if absent:
                missing.append(f"[{section}] {key}: {', '.join(sorted(absent))}")
    assert not missing, listing(missing)


def test_both_languages_name_the_same_facts() -> None:
    differing = []
    for section, entries in catalogues().items():
        for key, sentences in entries.items():
            fields = {
                lang: {f for _, f, _, _ in string.Formatter().parse(sentences.get(lang, "")) if f} for lang in LANGUAGES
            }
            if fields["zh"] != fields["en"]:
                differing.append(f"[{section}] {key}: {sorted(fields['zh'] ^ fields['en'])}")
    assert not differing, listing(differing)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('class Late(Refusal):\n    code = "tendering.late"', ["tendering.late"]),
        ('class Late(Refusal):\n    code: ClassVar[str] = "tendering.late"', ["tendering.late"]),
        ('found.append(Objection("tendering.late", field="at"))', ["tendering.late"]),
        ('Objection(code="tendering.late")', ["tendering.late"]),
        ('class Objections(StrEnum):\n    LATE = "tendering.late"', ["tendering.late"]),
        ('class Colour(StrEnum):\n    RED = "a.b"', []),
        ('class ObjectionRaised(Event):\n    type = "a.b"', []),
    ],
)
def test_the_reader_of_codes_finds_them(source: str, expected: list[str]) -> None:
    assert [code for _, code in codes_in(ast.parse(source))] == expected


def test_english_sentences_have_straight_apostrophes_and_quotes() -> None:
    """A CJK face draws the curly ones as wide as a character."""
    curly = [
        f"[{section}] {key}: {sentences['en']}"
        for section, entries in catalogues().items()
        for key, sentences in entries.items()
        if re.search("[\u2018\u2019\u201c\u201d]", sentences.get("en", ""))
    ]
    assert not curly, listing(curly)
