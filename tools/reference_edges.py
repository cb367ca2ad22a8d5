"""The reference pages of the two edges: the command line and the routes."""

from __future__ import annotations

import importlib
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reference_markdown import cell, code, of_package, packages, page, table

# --- command line --------------------------------------------------------------


def commands_page() -> str:
    import click

    from centre.cli import group

    lazy: dict[str, str] = group.__class__.__dict__["LAZY"]
    group.__dict__["LAZY"] = {name: target for name, target in lazy.items() if is_there(target)}
    parts = [f"## `{path}`\n\n```\n{text}\n```" for path, text in helps("centre", group, None, click)]
    about = """
What `--help` prints. In the folder of the project `centre …` is `.venv/bin/python -m centre …`. Exit codes:
[errors](errors.md)."""
    return page("Command line", about, parts)


def missing_commands() -> list[str]:
    from centre.cli import LazyGroup

    return [f"centre {name}: there is no {target}" for name, target in LazyGroup.LAZY.items() if not is_there(target)]


def is_there(target: str) -> bool:
    """Whether ``module:attribute`` of a command that is imported when used can be had."""
    module, _, attribute = target.partition(":")
    try:
        return hasattr(importlib.import_module(module), attribute)
    except ImportError:
        return False


def helps(path: str, command: Any, parent: Any, click: Any) -> Iterator[tuple[str, str]]:
    """(path, help text) of a command and of everything below it."""
    wide = {"terminal_width": 110, "max_content_width": 110}
    context = command.make_context(path.rpartition(" ")[2], [], parent=parent, resilient_parsing=True, **wide)
    yield path, command.get_help(context).strip()
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None and not child.hidden:
                yield from helps(f"{path} {name}", child, context, click)


# --- routes --------------------------------------------------------------------


def routes_page() -> str:
    real, demo = routes_of(demo=False), routes_of(demo=True)
    by_package: dict[str, list[tuple[str, ...]]] = {}
    for (address, method), (package, who, endpoint) in sorted(demo.items()):
        only = "" if (address, method) in real else "demo"
        by_package.setdefault(package, []).append((code(method), code(address), cell(who), code(endpoint), only))
    head = ("method", "address", "who", "endpoint", "only in")
    parts = [f"## {package}\n\n" + table(head, rows).strip() for package, rows in sorted(by_package.items())]
    about = """
*Who* is the rule of the route (`@allow`): everybody, everybody signed in, or anyone with one of the roles named. Whose
lot or bid it is, the loaders decide (`access.py` of the package): what is not yours is not found. Pages answer JSON to
`Accept: application/json`. The sockets of the room process (`/rooms/<lot>`, `/uploads/<id>`) are not in this table."""
    return page("Routes", about, parts)


def routes_of(*, demo: bool) -> dict[tuple[str, str], tuple[str, str, str]]:
    from centre.bootstrap import DEMO_MARK, make_runtime
    from centre.web import make_app
    from foundation.settings import Settings
    from foundation.web.access import rule_of

    with tempfile.TemporaryDirectory(prefix="centre-reference-") as folder:
        if demo:
            (Path(folder) / DEMO_MARK).touch()
        runtime = make_runtime(Settings(data_dir=Path(folder), demo=demo))
        try:
            app = make_app(runtime)
        finally:
            runtime.units.engine.dispose()
    found = {}
    for rule in app.url_map.iter_rules():
        admits = rule_of(app, rule.endpoint)
        view = app.view_functions[rule.endpoint]
        module = getattr(view, "__module__", "")
        package = "foundation" if of_package(module) not in packages() else of_package(module)
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            found[str(rule), method] = (package, who_may(admits), rule.endpoint)
    return found


def who_may(rule: Any) -> str:
    if rule.everybody:
        return "everybody"
    return ", ".join(sorted(rule.roles)) or "signed in"
