"""Run the benchmarks and write ``docs/measurements/bench-<date>.md``; those named are only printed."""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from bench.paired import Table
from foundation.clock import machine_now

ALL = (
    "sealing",
    "openings",
    "seal_commit",
    "uploads",
    "browser",
    "slow",
    "publishing",
    "fanout",
    "crowd",
    "neighbours",
    "hints",
    "growth",
    "bundle",
)
FOLDER = Path(__file__).resolve().parent.parent / "docs" / "measurements"


def main(names: Sequence[str]) -> None:
    at, began = machine_now(), time.monotonic()
    sections: list[str] = []
    load = os.getloadavg()[0]
    for name in names or ALL:
        module = import_module(f"bench.{name}")
        print(f"{name}: {module.GOAL}", flush=True)
        tables: list[Table] = module.run()
        sections += [f"## {name}", "", f"Goal: {module.GOAL}.", "", *module.judge(tables), ""]
        for table in tables:
            sections += [*written(table), ""]
    made = (
        f"Made by `make bench` on {os.cpu_count()} processors ({processor()}), Linux {platform.release()}, "
        f"Python {platform.python_version()}, in {(time.monotonic() - began) / 60:.1f} minutes; the machine's load "
        f"was {load:.1f} before and {os.getloadavg()[0]:.1f} after. The first line of each table is the reference of "
        "its ratios; the range holds 90 % of the rounds. Absolute figures are of this machine on this day; the ratios "
        "are what may be compared."
    )
    head = [f"# Ratios of {at:%Y-%m-%d}", "", made, ""]
    text = "\n".join([*head, *sections]).rstrip() + "\n"
    if not names:
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / f"bench-{at:%Y-%m-%d}.md").write_text(text, encoding="utf-8")
    print(text)


def written(table: Table) -> list[str]:
    """A table in Markdown."""
    rows = [f"| {x.name} | {x.median:,.2f} | {x.ratio:.2f} | {x.low:.2f}-{x.high:.2f} |" for x in table.lines]
    head = [f"### {table.title}", "", *([table.note, ""] if table.note else [])]
    return [*head, f"| what | {table.unit} (median) | ratio | 90 % range |", "|---|---|---|---|", *rows]


def processor() -> str:
    """The processor's name."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


if __name__ == "__main__":
    main(sys.argv[1:])
