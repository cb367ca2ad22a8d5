"""What is written for people stays true: links lead somewhere, commands exist, both languages tell the same."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from centre.cli import group
from tests.house.repository import ROOT, files, listing, shown

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
NAMED_FILE = re.compile(r"`([a-z_.]+(?:/[\w.-]+)+\.(?:py|md|toml|json|js|css|typ|html|yaml))`")
READMES = ("README.md", "README.zh-CN.md")
# Papers this project was planned on; a reader of the repository does not have them. In halves, like all that is banned.
PAPERS = [
    "dom" + "ain",
    "sealed-" + "bids",
    "perform" + "ance",
    "ho" + "use",
    "eco" + "system",
    "des" + "ign",
    "anch" + "ors",
]
ELSEWHERE = re.compile(rf"\b(?:{'|'.join(PAPERS)})\.md\b|\b{PAPERS[1]} §")


def pages() -> list[Path]:
    return [path for path in files(".md") if path.parts[len(ROOT.parts)] in {"docs", *READMES, "CHANGELOG.md"}]


def prose(path: Path) -> str:
    return FENCE.sub("", path.read_text(encoding="utf-8"))


def anchors(path: Path) -> set[str]:
    """The fragment of every heading, as forges make it."""
    headings = (text for _, text in HEADING.findall(prose(path)))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken(path: Path) -> list[str]:
    found = []
    for target in LINK.findall(prose(path)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, fragment = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        if not there.is_relative_to(ROOT) or not there.exists():
            found.append(f"{shown(path)}: {target} is not there")
        elif fragment and fragment not in anchors(there):
            found.append(f"{shown(path)}: {target} has no such heading")
    return found


def test_every_relative_link_leads_to_a_file_of_the_project() -> None:
    assert len(pages()) > 10
    found = [fault for path in pages() for fault in broken(path)]
    assert not found, listing(found)


def test_a_link_to_nowhere_is_found() -> None:
    page = ROOT / "docs" / "threat-model.md"
    assert broken(page) == []
    assert LINK.findall("see [this](no-such-page.md) and ![that](images/none.png)") == [
        "no-such-page.md",
        "images/none.png",
    ]
    assert "8-what-nothing-here-proves" in anchors(page)


def test_every_file_that_a_page_names_is_there() -> None:
    names = [(path, name) for path in pages() for name in NAMED_FILE.findall(prose(path))]
    assert len(names) > 20
    found = [
        f"{shown(path)}: {name}"
        for path, name in names
        if not (ROOT / name).exists() and (ROOT / name.split("/")[0]).is_dir()
    ]
    assert not found, listing(sorted(set(found)))


def fenced_commands(name: str) -> list[list[str]]:
    """The words of every ``make`` and ``centre`` line in a fence of a README."""
    blocks = "\n".join(FENCE.findall((ROOT / name).read_text(encoding="utf-8")))
    lines = [line.strip().removeprefix("$ ") for line in blocks.splitlines()]
    return [line.split() for line in lines if line.startswith(("make ", "centre "))]


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("name", READMES)
def test_every_command_of_a_readme_exists_with_its_options(name: str) -> None:
    lines = fenced_commands(name)
    assert any(words[0] == "make" for words in lines)
    assert any(words[0] == "centre" for words in lines)
    for words in lines:
        if words[0] == "make":
            assert words[1] in targets(), words
            continue
        context = click.Context(group)
        command = group.get_command(context, words[1])
        assert command is not None, words
        if isinstance(command, click.Group):
            command = command.get_command(context, words[2])
            assert command is not None, words
        known = {option for parameter in command.get_params(context) for option in parameter.opts}
        given = {word.partition("=")[0] for word in words[2:] if word.startswith("--")}
        assert given <= known | {"--help"}, words


def test_the_numbers_of_the_readme_are_what_the_command_prints(tmp_path: Path) -> None:
    from click.testing import CliRunner

    from evaluation.cli import score_command

    for name in READMES:
        text = (ROOT / name).read_text(encoding="utf-8")
        (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
        file = tmp_path / "bids.json"
        file.write_text(example, encoding="utf-8")
        said = CliRunner().invoke(score_command, ["--method", "jiangsu-1", "--input", str(file)])
        assert said.exit_code == 0
        (benchmark,) = re.findall(r"\b\d+\.\d\d\b", text.partition("```json")[2].partition("```")[2].partition("##")[0])
        assert f"base = {benchmark}" in said.output
        assert re.search(r"^ +1 +E ", said.output, re.MULTILINE)


def test_both_readmes_are_built_alike_and_show_the_same_commands() -> None:
    english, chinese = ((ROOT / name).read_text(encoding="utf-8") for name in READMES)
    assert [level for level, _ in HEADING.findall(FENCE.sub("", english))] == [
        level for level, _ in HEADING.findall(FENCE.sub("", chinese))
    ]
    assert FENCE.findall(english) == FENCE.findall(chinese)
    assert [target for target in LINK.findall(english) if "README" not in target] == [
        target for target in LINK.findall(chinese) if "README" not in target
    ]


def test_every_decision_says_what_was_decided_and_why() -> None:
    records = sorted((ROOT / "docs" / "adr").glob("*.md"))
    assert records
    for number, path in enumerate(records, 1):
        text = path.read_text(encoding="utf-8")
        assert path.name.startswith(f"{number:04d}-"), "numbers are dense"
        assert re.search(r"^(\*\*Decision\.\*\*|## The decision$)", text, re.MULTILINE), shown(path)
        assert re.search(r"^(\*\*Why\.\*\*|## Why$)", text, re.MULTILINE), shown(path)


def test_nothing_refers_to_papers_that_are_not_here() -> None:
    found = [
        f"{shown(path)}:{number}: {hit.group()}"
        for path in files(".py", ".js", ".html", ".css", ".toml", ".typ", ".md", ".yaml", "Makefile")
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        for hit in ELSEWHERE.finditer(line)
    ]
    assert not found, "name a page of docs/ instead:" + listing(found)


def test_every_section_that_code_cites_is_there() -> None:
    cited = re.compile(r"docs/([\w/-]+\.md) §(\d+)")
    found = [
        (shown(path), page, number)
        for path in files(".py", ".js", ".toml", ".md")
        for page, number in cited.findall(path.read_text(encoding="utf-8"))
    ]
    assert len(found) > 10
    missing = [
        f"{where}: docs/{page} §{number}"
        for where, page, number in found
        if not re.search(rf"^#+ {number}\. ", (ROOT / "docs" / page).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert not missing, listing(missing)
