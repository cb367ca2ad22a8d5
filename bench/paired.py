"""Paired measurement on a noisy machine: rounds of A, B, …, medians, and the median of per-round ratios."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One thing measured: its median figure and its ratio to the reference (90 % of the rounds lie between)."""

    name: str
    median: float
    ratio: float
    low: float
    high: float


@dataclass(frozen=True)
class Table:
    """Lines of one unit; the first is the reference of the ratios. ``note`` says what the reader must know."""

    title: str
    unit: str
    lines: tuple[Line, ...]
    note: str = ""

    def line(self, name: str) -> Line:
        """The line of this name. Raises KeyError."""
        for line in self.lines:
            if line.name == name:
                return line
        raise KeyError(name)


@dataclass(frozen=True)
class Rounds:
    """What every round brought, by name."""

    taken: Mapping[str, Sequence[float]]

    def table(self, title: str, unit: str, names: Sequence[str] = (), *, note: str = "") -> Table:
        """These names (else all), each against the first of them in the same round."""
        shown = list(names or self.taken)
        return Table(title, unit, tuple(self._line(name, shown[0]) for name in shown), note)

    def _line(self, name: str, reference: str) -> Line:
        pairs = zip(self.taken[name], self.taken[reference], strict=True)
        ratios = sorted(mine / other if other else float("nan") for mine, other in pairs)
        cut = max(0, round(0.05 * (len(ratios) - 1)))
        return Line(
            name,
            statistics.median(self.taken[name]),
            statistics.median(ratios),
            ratios[cut],
            ratios[len(ratios) - 1 - cut],
        )


def cpu_seconds(work: Callable[[], object]) -> float:
    """Processor time of this process (all threads) for one call of ``work``."""
    before = time.process_time()
    work()
    return time.process_time() - before


def wall_seconds(work: Callable[[], object]) -> float:
    """Wall time of one call of ``work``."""
    before = time.perf_counter()
    work()
    return time.perf_counter() - before


def paired(figures: Mapping[str, Callable[[], float]], *, rounds: int) -> Rounds:
    """Take each figure once a round, the order turned by one each time."""
    names = list(figures)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for round_number in range(rounds):
        turn = round_number % len(names)
        for name in names[turn:] + names[:turn]:
            taken[name].append(figures[name]())
    return Rounds(taken)


def quantile(values: Sequence[float], part: float) -> float:
    """The value below which ``part`` of the values lie (the nearest one that was measured)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def verdict(what: str, *, is_met: bool, found: str) -> str:
    """One line of a judgement."""
    return f"- {what}: **{'met' if is_met else 'MISSED'}** ({found})"
