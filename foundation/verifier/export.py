"""The verifier as one file: the modules of this package, one after the other, with nothing of the product around them.

The modules are the single source; this only joins them. It refuses names that two modules define, an import of
anything but the standard library and the libraries listed here, and an order in which a module would come too late.
"""

from __future__ import annotations

import ast
import hashlib
import sys
from pathlib import Path

MODULES = (
    "problems",
    "reading",
    "container",
    "merkle",
    "signed",
    "suites",
    "envelope",
    "papers",
    "transcripts",
    "beacons",
    "evidence",
    "stamps",
    "checks_log",
    "checks_bids",
    "checks_keys",
    "checks_draws",
    "checks_order",
    "runner",
    "comparison",
    "wording",
    "main",
)
LIBRARIES = {"cryptography", "gmalg", "py_ecc", "rfc3161_client"}
_PACKAGE = "foundation.verifier."
_HEAD = '''#!/usr/bin/env python3
"""Verifies an audit bundle of an opening, offline. One file; needs Python 3.11 and the package "cryptography".

    python verify-bundle.py BUNDLE.zip --policy policy.txt
    python verify-bundle.py --diff OLD.zip NEW.zip

gmalg is needed for suite S2, py_ecc where a draw used a public beacon, rfc3161-client for outside time stamps.
Exit codes: 0 verified, 2 usage, 4 does not verify, 5 nothing failed but something could not be checked here.
Made from modules with SHA-256 {digest}.
"""
'''
_TAIL = """

if __name__ == "__main__":
    sys.exit(run(sys.argv[1:], datetime.now(UTC), "verify-bundle"))
"""


class CannotJoin(AssertionError):
    """The modules do not fit into one file: a bug of this package, found by its tests."""


def single_file() -> str:
    """The text of the stand-alone verifier; the same modules give the same text."""
    folder = Path(__file__).parent
    imports: set[str] = set()
    bodies: list[str] = []
    defined: dict[str, str] = {}
    digest = hashlib.sha256()
    for name in MODULES:
        source = (folder / f"{name}.py").read_text(encoding="utf-8")
        digest.update(source.encode())
        tree = ast.parse(source)
        for taken in _defined_names(tree):
            if taken in defined:
                raise CannotJoin(f"{taken} is defined in {defined[taken]} and in {name}")
            defined[taken] = name
        bodies.append(_body(name, source, tree, imports))
    head = _HEAD.format(digest=digest.hexdigest())
    wanted = sorted({*imports, "import sys", "from datetime import UTC", "from datetime import datetime"})
    return "\n".join([head, "from __future__ import annotations\n", *wanted, "", *bodies]) + _TAIL


def _defined_names(tree: ast.Module) -> list[str]:
    found: list[str] = []
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.append(node.name)
        elif isinstance(node, ast.Assign):
            found += [one.id for target in node.targets for one in ast.walk(target) if isinstance(one, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.append(node.target.id)
    return found


def _body(name: str, source: str, tree: ast.Module, imports: set[str]) -> str:
    """The module without its docstring and without its imports; those of libraries go to the head of the file."""
    lines = source.split("\n")
    title = (ast.get_docstring(tree) or name).split("\n")[0]
    for node in ast.walk(tree):
        if not isinstance(node, ast.Import | ast.ImportFrom):
            continue
        is_top = node in tree.body
        if _is_own(node):
            replacement = "pass" if not is_top and _is_alone(tree, node) else ""
        elif is_top:
            imports.update(_lines_of(node))
            replacement = ""
        else:
            _check_library(node)
            continue
        indent = " " * node.col_offset
        lines[node.lineno - 1] = f"{indent}{replacement}".rstrip()
        for number in range(node.lineno, node.end_lineno or node.lineno):
            lines[number] = ""
    first = tree.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
        for number in range(first.lineno - 1, first.end_lineno or first.lineno):
            lines[number] = ""
    text = "\n".join(lines).strip("\n")
    while "\n\n\n\n" in text:
        text = text.replace("\n\n\n\n", "\n\n\n")
    return f"\n# --- {name}: {title}\n\n{text}\n"


def _is_own(node: ast.Import | ast.ImportFrom) -> bool:
    return isinstance(node, ast.ImportFrom) and (node.module or "").startswith(_PACKAGE)


def _is_alone(tree: ast.Module, node: ast.AST) -> bool:
    return any(getattr(parent, "body", None) == [node] for parent in ast.walk(tree))


def _check_library(node: ast.Import | ast.ImportFrom) -> None:
    names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [one.name for one in node.names]
    for name in names:
        root = name.split(".")[0]
        if root not in LIBRARIES and root not in sys.stdlib_module_names:
            raise CannotJoin(f"{name} is not for the stand-alone file")


def _lines_of(node: ast.Import | ast.ImportFrom) -> list[str]:
    _check_library(node)
    if isinstance(node, ast.ImportFrom):
        return (
            []
            if node.module == "__future__"
            else [f"from {node.module} import {ast.unparse(one)}" for one in node.names]
        )
    return [f"import {ast.unparse(one)}" for one in node.names]
