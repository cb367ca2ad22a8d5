"""What the writers of reference pages share: the folder, the packages, and Markdown."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
COMMAND: Final = ".venv/bin/python tools/reference.py"


def packages() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    names: list[str] = project["tool"]["importlinter"]["root_packages"]
    return names


def cell(text: object) -> str:
    return " ".join(str(text).replace("|", "\\|").split())


def code(text: object) -> str:
    return f"`{cell(text)}`" if str(text) else ""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def first_sentence(documented: type) -> str:
    """The first paragraph of a class's own docstring; nothing for the one that dataclasses make up."""
    text = documented.__dict__.get("__doc__") or ""
    if dataclasses.is_dataclass(documented) and text.startswith(f"{documented.__name__}("):
        return ""
    return cell(text.strip().split("\n\n")[0].replace("``", "`"))


def page(title: str, about: str, parts: Iterable[str]) -> str:
    mark = f"<!-- Written by tools/reference.py from the code. Do not edit; run: {COMMAND} -->"
    return "\n\n".join([f"# {title}", mark, about.strip(), *(part.strip() for part in parts)]) + "\n"


def sentences() -> Mapping[str, Mapping[str, tuple[str, str]]]:
    from foundation.i18n import catalogue

    return catalogue().sections


def of_package(name: str) -> str:
    return name.partition(".")[0]


def grouped(names: Iterable[str], key: Callable[[str], str]) -> list[tuple[str, list[str]]]:
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(key(name), []).append(name)
    return sorted(found.items())
