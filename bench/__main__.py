"""Run the benchmarks and write ``docs/measurements/bench-<date>.md``."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from bench.paired import Line
from foundation.clock import machine_now

ALL = ("sealing", "seal_commit", "fanout")
FOLDER = Path(__file__).resolve().parent.parent / "docs" / "measurements"


def main(names: Sequence[str]) -> None:
    at = machine_now()
    report = [
        f"# Ratios of {at:%Y-%m-%d}",
        "",
        f"Made by `make bench` on {os.cpu_count()} processors ({processor()}), Linux {platform.release()}, "
        f"Python {platform.python_version()}. The first line of each table is the reference of its ratios; "
        "the range holds 90 % of the rounds. Absolute figures are of this machine on this day.",
        "",
    ]
    for name in names or ALL:
        module = import_module(f"bench.{name}")
        print(f"{name}: {module.GOAL}", flush=True)
        lines: list[Line] = module.run()
        report += [f"## {name}", "", f"Goal: {module.GOAL}.", "", *table(lines), "", *verdict(module, lines)]
    text = "\n".join(report) + "\n"
    if not names:
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / f"bench-{at:%Y-%m-%d}.md").write_text(text, encoding="utf-8")
    print(text)


def table(lines: Sequence[Line]) -> list[str]:
    head = [f"| what | {lines[0].unit} (median) | ratio | 90 % range |", "|---|---|---|---|"]
    return head + [f"| {x.name} | {x.median:,.1f} | {x.ratio:.2f} | {x.low:.2f}-{x.high:.2f} |" for x in lines]


def verdict(module: object, lines: Sequence[Line]) -> list[str]:
    """What the module itself says of its goal: met or missed, by name."""
    judge = getattr(module, "judge", None)
    return [] if judge is None else [*judge(lines), ""]


def processor() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    main(sys.argv[1:])
