"""Paired measurement on a noisy machine: rounds of A, B, …, medians, and the median of per-round ratios."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One thing measured: its median figure and its ratio to the reference (90 % of the rounds lie between)."""

    name: str
    unit: str
    median: float
    ratio: float
    low: float
    high: float


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


def paired(figures: Mapping[str, Callable[[], float]], *, unit: str, rounds: int) -> list[Line]:
    """Take each figure once a round, the order turned by one each time; the first is the reference of the ratios."""
    names = list(figures)
    taken: dict[str, list[float]] = {name: [] for name in names}
    for round_number in range(rounds):
        turned = names[round_number % len(names) :] + names[: round_number % len(names)]
        for name in turned:
            taken[name].append(figures[name]())
    lines = []
    for name in names:
        ratios = sorted(mine / reference for mine, reference in zip(taken[name], taken[names[0]], strict=True))
        cut = max(0, round(0.05 * (len(ratios) - 1)))
        lines.append(
            Line(
                name,
                unit,
                statistics.median(taken[name]),
                statistics.median(ratios),
                ratios[cut],
                ratios[len(ratios) - 1 - cut],
            )
        )
    return lines
