"""What may lie in the repository, and how large its parts may grow."""

from __future__ import annotations

import ast
import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest

from tests.house.repository import ROOT, files, listing, product_files, shown

TARGET_MODULE_LINES, MOST_MODULE_LINES = 400, 500
TARGET_FUNCTION_LINES, MOST_FUNCTION_LINES = 70, 90

# Written in halves, so that this file does not name what it forbids.
BANNED = {
    "a path of a machine": re.compile(r"(?<![\w.])/(?:" + "work" + r"|root|home/\w+)/"),
    "a package registry's address": re.compile(
        "|".join(
            [
                "pypi" + r"\.org",
                "pythonhosted" + r"\.org",
                "registry" + r"\.npmjs",
                "npmjs" + r"\.org",
                "deb" + r"\.debian\.org",
            ]
        )
    ),
}
TEXT = (
    ".py",
    ".js",
    ".ts",
    ".css",
    ".html",
    ".md",
    ".toml",
    ".json",
    ".txt",
    ".lock",
    ".typ",
    ".sh",
    ".cfg",
    ".ini",
    "Makefile",
    "run",
)


def locks() -> list[Path]:
    return [*sorted((ROOT / "requirements").iterdir()), *ROOT.glob("*-lock.json"), *ROOT.glob("*.lock")]


def test_no_lock_file_names_an_address() -> None:
    found = [
        f"{shown(path)}:{number}: {line.strip()[:100]}"
        for path in locks()
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if "://" in line
    ]
    assert len(locks()) >= 3
    assert not found, listing(found)


def pins(name: str) -> dict[str, str]:
    """Package → version (with its marker) of a requirements file."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+(?:\[[\w,]+\])?)==([^\s\\]+)", text, re.MULTILINE))


@pytest.mark.parametrize("name", ["run.lock", "all.lock", "uv.txt"])
def test_every_locked_package_has_hashes(name: str) -> None:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    assert entries
    assert [entry.split("\n")[0] for entry in entries if "--hash=sha256:" not in entry] == []


def test_what_runs_has_the_versions_that_are_tested() -> None:
    tested = pins("all.lock")
    assert {name: version for name, version in pins("run.lock").items() if tested.get(name) != version} == {}


def test_the_locks_hold_every_dependency_of_the_project_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = project["project"]["optional-dependencies"].values()
    wanted = [*project["project"]["dependencies"], *chain.from_iterable(extras)]
    named = {re.split(r"[\[><=~ ]", text)[0].lower() for text in wanted}
    locked = {re.split(r"\[", name)[0].lower() for name in pins("run.lock")}
    assert named - locked == set()


def test_the_repository_speaks_only_of_itself() -> None:
    found = []
    for path in files(*TEXT):
        text = path.read_text(encoding="utf-8", errors="replace")
        for what, pattern in BANNED.items():
            for hit in pattern.finditer(text):
                line = text.count("\n", 0, hit.start()) + 1
                found.append(f"{shown(path)}:{line}: {what}: {hit.group()}")
    assert not found, listing(found)


def sizes() -> list[tuple[int, int, str]]:
    """(length, the most it may be, what) of every module and function of the product that passes its target."""
    found = []
    for path in product_files():
        text = path.read_text(encoding="utf-8")
        lines = text.count("\n")
        if lines > TARGET_MODULE_LINES:
            found.append((lines, MOST_MODULE_LINES, shown(path)))
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                if length > TARGET_FUNCTION_LINES:
                    found.append((length, MOST_FUNCTION_LINES, f"{shown(path)}:{node.lineno} {node.name}"))
    return sorted(found, reverse=True)


def test_modules_and_functions_stay_small(record_property) -> None:
    """Past the target they are reported (``pytest -rP``), past the limit this fails."""
    report = [f"{length} lines (limit {most}): {what}" for length, most, what in sizes()]
    print(listing(report) if report else "none passes its target")
    record_property("past_their_target", len(report))
    too_large = [f"{length} lines (limit {most}): {what}" for length, most, what in sizes() if length > most]
    assert not too_large, listing(too_large)


def test_large_or_binary_files_are_not_committed() -> None:
    found = [f"{path.stat().st_size // 1024} KiB: {shown(path)}" for path in files() if path.stat().st_size > 2_000_000]
    assert not found, listing(found)
