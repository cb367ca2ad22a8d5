"""The browser's modules as one script: joined, not compiled, so that a reader compares line by line.

Every module becomes a function with its exports as the result, in the order of their dependence. Only the few forms of
``import`` and ``export`` that this project's modules use are understood; anything else is an error, not a guess.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

_IMPORT: Final = re.compile(
    r"^import (?:(?:\{(?P<names>[^}]*)\}|\* as (?P<all>\w+)) from )?\"(?P<path>\.{1,2}/[\w./-]+)\";$", re.MULTILINE
)
_LATER: Final = re.compile(r"await import\(\"(?P<path>\.{1,2}/[\w./-]+)\"\)")
_DECLARED: Final = re.compile(r"^export (?=(?:async )?function\*? (\w+)|class (\w+)|const (\w+))", re.MULTILINE)
_LISTED: Final = re.compile(r"\bexport\{(?P<names>[\w$ ,]+)\};\s*\Z")
_LEFT: Final = re.compile(r"^(?:import|export)\b", re.MULTILINE)
_ANY_IMPORT: Final = re.compile(r"^import\b", re.MULTILINE)
_DIALECT: Final = re.compile(r"\A(?:// @ts-(?:check|nocheck)\n)?")


class ModuleForm(Exception):
    """A module uses a form of import or export that is not understood here."""


@dataclass(frozen=True, slots=True)
class Module:
    """One module: its path below the root, its text as stored, and the modules it names, in order."""

    path: str
    text: str
    needs: tuple[str, ...]


@dataclass
class Graph:
    """All modules reachable from some entries, every module after those it needs."""

    root: Path
    modules: dict[str, Module] = field(default_factory=dict)

    def add(self, path: str, _above: tuple[str, ...] = ()) -> None:
        """Read the module at ``path`` (relative to the root) and what it needs. Raises ModuleForm for a circle."""
        if path in _above:
            raise ModuleForm(f"circle: {' -> '.join((*_above, path))}")
        if path in self.modules:
            return
        text = (self.root / path).read_text(encoding="utf-8")
        named = [*_IMPORT.finditer(text)]
        if len(named) != len(_ANY_IMPORT.findall(text)):
            raise ModuleForm(f"{path}: an import of another form")
        found = [*named, *_LATER.finditer(text)]
        needs = tuple(dict.fromkeys(_target(path, match["path"]) for match in found))
        for one in needs:
            self.add(one, (*_above, path))
        self.modules[path] = Module(path, text, needs)

    def script(self) -> str:
        """One script that runs them all in order."""
        return "\n".join(_function_of(module) for module in self.modules.values())


def graph_of(root: Path, entries: tuple[str, ...]) -> Graph:
    """The modules the entries need, entries included. Raises ModuleForm, OSError."""
    graph = Graph(root)
    for entry in entries:
        graph.add(entry)
    return graph


def _target(path: str, relative: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), relative))


def _variable(path: str) -> str:
    return "$" + re.sub(r"\W", "_", path.removesuffix(".js"))


def _function_of(module: Module) -> str:
    text = _DIALECT.sub("", module.text, count=1)
    text, exports = _without_exports(text)

    def named(match: re.Match[str]) -> str:
        source = _variable(_target(module.path, match["path"]))
        if match["all"]:
            return f"const {match['all']} = {source};"
        if match["names"] is None:
            return ""
        return f"const {{ {_renamed(match['names'], _binding)} }} = {source};"

    text = _IMPORT.sub(named, text)
    text = _LATER.sub(lambda match: _variable(_target(module.path, match["path"])), text)
    if left := _LEFT.search(text):
        raise ModuleForm(f"{module.path}: {text[left.start() : left.start() + 60]!r}")
    result = f"return {{ {', '.join(exports)} }};\n" if exports else ""
    return f"// {module.path}\nconst {_variable(module.path)} = (() => {{\n{text.rstrip()}\n{result}}})();\n"


def _without_exports(text: str) -> tuple[str, list[str]]:
    """The text without its exports, and the members of the object they become."""
    exports = [next(name for name in match.groups() if name) for match in _DECLARED.finditer(text)]
    text = _DECLARED.sub("", text)
    if listed := _LISTED.search(text):
        text = text[: listed.start()]
        exports += [_renamed(listed["names"], _member)]
    return text, exports


def _renamed(names: str, form: Callable[[str, str], str]) -> str:
    def pairs() -> Iterator[str]:
        for name in filter(None, (one.strip() for one in names.split(","))):
            own, _, other = name.partition(" as ")
            yield form(own, other)

    return ", ".join(pairs())


def _binding(own: str, other: str) -> str:
    return f"{own}: {other}" if other else own


def _member(own: str, other: str) -> str:
    return f"{other}: {own}" if other else own
