"""One finding of a drill: what was measured against which limit, and who or what falls short."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class CheckState(StrEnum):
    OK = "ok"
    FAILED = "failed"
    NONE = "none"
    """Does not apply here: this centre or this lot has no such thing."""


@dataclass(frozen=True, slots=True)
class Check:
    """``code`` is a term ``drill_check.<code>``, ``why`` a term ``drill_why.<why>`` ("" where all is well).

    ``measured`` and ``limit`` are in ``unit`` (a term ``drill_unit.<unit>``); None where there is nothing to count.
    ``names``: whom it concerns, as people call them.
    """

    code: str
    state: CheckState
    measured: float | None = None
    limit: float | None = None
    unit: str = ""
    why: str = ""
    names: tuple[str, ...] = ()


def at_most(code: str, measured: float, limit: float, unit: str, *, why: str = "over_limit") -> Check:
    """Well where the value is not above the limit."""
    is_ok = measured <= limit
    state = CheckState.OK if is_ok else CheckState.FAILED
    return Check(code, state, round(measured, 3), limit, unit, "" if is_ok else why)


def all_of(code: str, good: int, wanted: int, unit: str, *, why: str, names: Iterable[str] = ()) -> Check:
    """Well where every one of ``wanted`` is good; ``names`` are the others."""
    is_ok = good >= wanted
    state = CheckState.OK if is_ok else CheckState.FAILED
    return Check(code, state, good, wanted, unit, "" if is_ok else why, () if is_ok else tuple(names))


def failed(code: str, why: str, *names: str) -> Check:
    """Nothing could be measured at all."""
    return Check(code, CheckState.FAILED, why=why, names=names)


def absent(code: str, why: str) -> Check:
    """Nothing of the kind here; ``why`` says so."""
    return Check(code, CheckState.NONE, why=why)


def is_ready(checks: Iterable[Check]) -> bool:
    """Ready means: every check that applies is well, and there was one."""
    states = [check.state for check in checks]
    return CheckState.FAILED not in states and CheckState.OK in states
