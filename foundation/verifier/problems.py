"""What a check can find: a named problem with the place and the values that differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_T = TypeVar("_T")


class Problem(Exception):
    """Evidence that does not hold. ``code`` is stable, ``where`` a file or place, ``detail`` what was compared."""

    def __init__(self, code: str, where: str = "", **detail: object) -> None:
        super().__init__(code)
        self.code = code
        self.where = where
        self.detail = {name: str(value)[:200] for name, value in detail.items()}

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value}" for name, value in self.detail.items())
        return f"{self.code} [{self.where}] {shown}".rstrip()


class Missing(Exception):
    """A check needs something this machine does not have (an optional library). Nothing is wrong with the bundle."""

    def __init__(self, needs: str) -> None:
        super().__init__(needs)
        self.needs = needs


def demand(holds: object, code: str, where: str = "", **detail: object) -> None:
    """Raise a Problem unless ``holds``."""
    if not holds:
        raise Problem(code, where, **detail)


def same(found: object, wanted: object, code: str, where: str) -> None:
    """Raise a Problem that shows both values unless they are equal, and of the same kind: to Python True is 1."""
    if found != wanted or repr(found) != repr(wanted):
        raise Problem(code, where, found=found, wanted=wanted)


class Check:
    """One named check: how often it compared, what it found wrong, what it could not do."""

    MOST_SHOWN = 20

    def __init__(self, name: str) -> None:
        self.name = name
        self.compared = 0
        self.problems: list[Problem] = []
        self.more_problems = 0
        self.warnings: list[Problem] = []
        self.notes: list[Problem] = []
        self.needs: list[str] = []

    def attempt(self, act: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
        """Run one comparison; a Problem is written down and None returned, so that the next comparison still runs."""
        self.compared += 1
        try:
            return act(*args, **kwargs)
        except Problem as problem:
            self.add(problem)
        except Missing as missing:
            if missing.needs not in self.needs:
                self.needs.append(missing.needs)
        return None

    def add(self, problem: Problem) -> None:
        """Write a problem down; past the twentieth they are only counted."""
        if len(self.problems) < self.MOST_SHOWN:
            self.problems.append(problem)
        else:
            self.more_problems += 1

    def warn(self, code: str, where: str = "", **detail: object) -> None:
        self.warnings.append(Problem(code, where, **detail))

    def note(self, code: str, where: str = "", **detail: object) -> None:
        self.notes.append(Problem(code, where, **detail))

    @property
    def status(self) -> str:
        """failed, not_checked, warning or passed: the worst that was met."""
        if self.problems:
            return "failed"
        if self.needs:
            return "not_checked"
        return "warning" if self.warnings else "passed"
