"""Write the pages of ``docs/reference/`` that say what the code says: ``python tools/reference.py``.

Settings, events, states, errors, rulebook values, commands and routes are read from the objects themselves, so that a
page cannot claim what the program does not do. ``--check`` writes nothing and exits 1 when a page is stale; a test
runs it. A module that cannot be imported is named and the command fails: a page with a hole would look complete.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import os
import pkgutil
import re
import sys
import types
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import Enum, StrEnum
from typing import Any, Final

from reference_edges import commands_page, missing_commands, routes_page
from reference_markdown import (
    COMMAND,
    ROOT,
    cell,
    code,
    first_sentence,
    grouped,
    of_package,
    packages,
    page,
    sentences,
    table,
)

sys.path.insert(0, str(ROOT))
FOLDER: Final = ROOT / "docs" / "reference"
SKIPPED: Final = {"__main__"}


def import_everything() -> list[str]:
    """Import every module of the product, so that every event and error class exists; say which could not be."""
    failed = []
    for package in packages():
        for found in pkgutil.walk_packages([str(ROOT / package)], f"{package}."):
            if found.name.rpartition(".")[2] in SKIPPED:
                continue
            try:
                importlib.import_module(found.name)
            except ImportError as error:
                failed.append(f"{found.name}: {error}")
    return failed


# --- settings ----------------------------------------------------------------


def settings_page() -> str:
    from foundation.settings import Settings

    prefix = Settings.model_config.get("env_prefix", "")
    rows = []
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        variable = alias if isinstance(alias, str) else f"{prefix}{name}".upper()
        default = getattr(field.default, "get_secret_value", lambda kept=field.default: kept)()
        bounds = ", ".join(limit_text(limit) for limit in field.metadata)
        rows.append(
            (
                code(variable),
                code(type_name(field.annotation)),
                code(default),
                cell(field.description or ""),
                code(bounds),
            )
        )
    about = """
Read once when a process starts, from the environment; every problem is reported together and ends the process with
exit code 2. `centre up` tells its children the ports and addresses of this run: a demonstration needs none of these."""
    return page("Settings", about, [table(("variable", "type", "default", "meaning", "limits"), rows)])


def limit_text(limit: Any) -> str:
    """``Ge(ge=1)`` as ``≥ 1``, a pattern as itself."""
    for name, sign in (("ge", "≥ "), ("gt", "> "), ("le", "≤ "), ("lt", "< "), ("pattern", "")):
        if getattr(limit, name, None) is not None:
            return f"{sign}{getattr(limit, name)}"
    return str(limit)


def type_name(annotation: Any) -> str:
    if typing.get_origin(annotation) is not None or isinstance(annotation, types.UnionType):
        return re.sub(r"\b(?:[\w]+\.)+", "", str(annotation))
    return getattr(annotation, "__name__", str(annotation))


# --- events ------------------------------------------------------------------


def events_page() -> str:
    from foundation.events import event_types

    spoken = sentences()["events"]
    of_product = {name: cls for name, cls in event_types().items() if cls.__module__.startswith("foundation.events.")}
    parts = []
    for package, names in grouped(sorted(of_product), of_package):
        code = f"foundation/events/{package}" + (".py" if (ROOT / f"foundation/events/{package}.py").exists() else "/")
        parts.append(f"## {package}\n\nCode: `{code}`")
        parts += [event_section(of_product[name], spoken) for name in names]
    about = """
The published language between packages: what can stand in the journal. A *public* event becomes a readable leaf of the
transparency log with exactly the fields marked ●; of a *private* one only a blinded digest enters it
([log format](log-format.md))."""
    return page("Events", about, parts)


def event_section(cls: type, spoken: Mapping[str, tuple[str, str]]) -> str:
    name, public = cls.TYPE, set(cls.PUBLIC_FIELDS)  # type: ignore[attr-defined]
    lines = [f"### `{name}`", f"{cls.__name__} · **{cls.AUDIENCE}**. {first_sentence(cls)}".strip()]  # type: ignore[attr-defined]
    if name in spoken:
        lines.append(f"> {cell(spoken[name][0])}<br>{cell(spoken[name][1])}")
    fields = dataclasses.fields(cls)
    if fields:
        rows = [(code(field.name), code(field.type), "●" if field.name in public else "") for field in fields]
        lines.append(table(("field", "type", "public"), rows).strip())
    lines += [f"`{value.__name__}`: {shape(value)}" for value in values_inside(cls)]
    return "\n\n".join(lines)


def values_inside(cls: type) -> Iterator[type]:
    """The small dataclasses among the fields' types, each once, in order."""
    seen: set[type] = set()
    todo = [
        hint for name, hint in typing.get_type_hints(cls).items() if name in {f.name for f in dataclasses.fields(cls)}
    ]
    while todo:
        hint = todo.pop(0)
        todo += [inner for inner in typing.get_args(hint) if inner is not Ellipsis]
        if isinstance(hint, type) and dataclasses.is_dataclass(hint) and hint not in seen:
            seen.add(hint)
            yield hint
            todo += typing.get_type_hints(hint).values()


def shape(cls: type) -> str:
    return ", ".join(f"`{field.name}: {field.type}`" for field in dataclasses.fields(cls))


# --- states ------------------------------------------------------------------


def machines() -> list[tuple[str, Any]]:
    """(where, machine) of every transition table of the product, by the module that makes it."""
    from foundation.machine import Machine

    found: dict[int, tuple[str, Any]] = {}
    for name, module in sorted(sys.modules.items()):
        if of_package(name) in packages():
            for value in vars(module).values():
                # The module of the enum is the one that makes the table; others only import it.
                if isinstance(value, Machine) and type(value.initial).__module__ == name:
                    found[id(value)] = (name, value)
    return sorted(found.values(), key=lambda pair: (pair[1].name, pair[0]))


def states_page() -> str:
    terms = sentences()["terms"]
    parts = []
    for module, machine in machines():
        states, triggers = type(machine.initial), triggers_of(machine)
        rows = [
            (
                code(state),
                *named(state, terms),
                ", ".join(f"{code(t)} → {code(after)}" for t, after in row.items()) or "final",
            )
            for state, row in machine.table.items()
        ]
        diagram = f"```mermaid\n{machine.mermaid()}```"
        about = f"Code: `{module.replace('.', '/')}.py`, {states.__name__}. {first_sentence(states)}".strip()
        parts.append(
            "\n\n".join(
                [f"## {machine.name}", about, diagram, table(("state", "中文", "English", "steps"), rows).strip()]
            )
        )
        if not triggers:
            raise AssertionError(f"{machine.name}: a machine without a step")
    about = """
Every row with a state moves by one of these tables and by no other way: `unit.transition(row, TRIGGER, …)` advances,
compares and swaps in the database, and appends the event, in one transaction. A step that is not here is refused
by name."""
    return page("States", about, parts)


def triggers_of(machine: Any) -> set[str]:
    return {str(trigger) for _, trigger, _ in machine.edges()}


def named(state: StrEnum, terms: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    """What people read for a state: the term of its own family (``lot_state.open`` for ``LotState.OPEN``), else of
    the one family that has a word for every state of its enum.
    """
    family = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", type(state).__name__).lower()
    if f"{family}.{state}" not in terms:
        every = {name.rpartition(".")[0] for name in terms if name.endswith(f".{state}")}
        full = [one for one in every if all(f"{one}.{other}" in terms for other in type(state))]
        family = full[0] if len(full) == 1 else family
    zh, en = terms.get(f"{family}.{state}", ("", ""))
    return cell(zh), cell(en)


# --- errors ------------------------------------------------------------------


def errors_page() -> str:
    from foundation.errors import CentreError

    spoken = sentences()["errors"]
    classes: dict[str, list[type[CentreError]]] = {}
    for cls in descendants(CentreError):
        if of_package(cls.__module__) in packages() and "code" in cls.__dict__:
            classes.setdefault(cls.code, []).append(cls)
    parts = ["## Exit codes of `centre`\n\n" + exit_codes()]
    for package, codes in grouped(sorted(classes), of_package):
        rows = [error_row(classes[name], spoken) for name in codes]
        parts.append(f"## {package}\n\n" + table(("code", "class", "HTTP", "exit", "中文", "English"), rows).strip())
    objections = [c for c in sorted(spoken) if c not in classes and not c.endswith((".meaning", ".next", ".title"))]
    rows = [(code(name), *(cell(text) for text in spoken[name])) for name in objections]
    about = "One refusal lists every reason at once; these stand in its `objections`, each with its field and clause."
    parts.append(f"## Objections\n\n{about}\n\n" + table(("code", "中文", "English"), rows).strip())
    lead = """
An error carries a code and facts, never a sentence; the sentence is made for the reader from `translations/`. JSON
callers get `application/problem+json` with the code. *Refusal*: declined, nothing changed. *Tampering*: evidence does
not verify, never retried. *Unavailable*: the only kind worth another try. Anything else is a bug (500, exit 1)."""
    return page("Errors", lead, parts)


def descendants(cls: type) -> Iterator[type[Any]]:
    children: list[type[Any]] = cls.__subclasses__()
    for child in children:
        yield child
        yield from descendants(child)


def error_row(classes: Sequence[type[Any]], spoken: Mapping[str, tuple[str, str]]) -> tuple[str, ...]:
    cls = min(classes, key=lambda one: one.__module__)
    names = ", ".join(f"`{one.__module__}.{one.__name__}`" for one in sorted({*classes}, key=lambda c: c.__module__))
    zh, en = spoken.get(cls.code, ("", ""))
    return code(cls.code), names, str(cls.http_status), str(cls.exit_code), cell(zh), cell(en)


def exit_codes() -> str:
    from centre.cli import USAGE
    from foundation.errors import CentreError, Refusal, Tampering, Unavailable

    rows = [("0", "done"), (str(CentreError.exit_code), "a bug"), (str(USAGE), "usage or settings")]
    rows += [(str(cls.exit_code), cls.__name__) for cls in (Refusal, Tampering, Unavailable)]
    return table(("exit", "meaning"), rows).strip()


# --- rulebooks (a part of rules.md) --------------------------------------------

RULES_FROM, RULES_TO = "<!-- values: written by tools/reference.py -->", "<!-- end of values -->"


def rules_page() -> str:
    """The page of rules with its table of values in force brought up to date; the rest is written by hand."""
    from tendering.rulebook import RULEBOOKS

    written = (FOLDER / "rules.md").read_text(encoding="utf-8")
    before, _, rest = written.partition(RULES_FROM)
    _, _, after = rest.partition(RULES_TO)
    if not rest or not after:
        raise AssertionError("docs/reference/rules.md has lost the marks around its values")
    parts = []
    for book in RULEBOOKS.values():
        until = book.effective_to.isoformat() if book.effective_to else "…"
        rows = [
            (rule.id, code(rule.key), code(plain(rule.value)), rule.unit.value, bounds_of(rule), cell(rule.source))
            for rule in sorted(book.rules.values(), key=lambda rule: (sort_key(rule.id), rule.key))
        ]
        head = ("rule", "key", "value", "unit", "may be set within", "source")
        parts.append(f"### `{book.id}` ({book.effective_from.isoformat()} to {until})\n\n" + table(head, rows).strip())
    return before + RULES_FROM + "\n\n" + "\n\n".join(parts) + "\n\n" + RULES_TO + after


def bounds_of(rule: Any) -> str:
    if not rule.is_configurable:
        return "fixed"
    return f"{plain(rule.bound.minimum)} … {plain(rule.bound.maximum)}"


def plain(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    return str(value.grouped()) if hasattr(value, "grouped") else str(value)


def sort_key(rule_id: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", rule_id))


# --- all of it -----------------------------------------------------------------

PAGES: Final[Mapping[str, Callable[[], str]]] = {
    "settings.md": settings_page,
    "events.md": events_page,
    "states.md": states_page,
    "errors.md": errors_page,
    "rules.md": rules_page,
    "command-line.md": commands_page,
    "routes.md": routes_page,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pages, or with ``--check`` say which are stale. Returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a page is stale")
    check = parser.parse_args(argv).check
    for name in [
        n
        for n in os.environ
        if n.startswith("CENTRE_") or n in {"DATABASE_URL", "REDIS_URL", "BROKER_URL", "STORAGE_URL"}
    ]:
        del os.environ[name]  # a page says what the code says, not what this machine sets
    troubles = [f"cannot be imported: {failure}" for failure in import_everything()] + missing_commands()
    for name, make in PAGES.items():
        path = FOLDER / name
        try:
            text = make()
        except ImportError as error:
            troubles.append(f"{name}: left as it is, {error}")
            continue
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            if check:
                troubles.append(f"{path.relative_to(ROOT)} is stale; run: {COMMAND}")
            else:
                path.write_text(text, encoding="utf-8")
                print(f"written: {path.relative_to(ROOT)}")
    for trouble in troubles:
        print(trouble, file=sys.stderr)
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
