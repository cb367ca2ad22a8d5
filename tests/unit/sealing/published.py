"""Readers of the published examples of suite S2's algorithms (``tests/vectors/sm``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SM = Path(__file__).resolve().parents[2] / "vectors" / "sm"
EXAMPLE: dict[str, Any] = json.loads((SM / "sm2-gbt32918.json").read_text(encoding="utf-8"))


def nist(name: str) -> list[dict[str, str]]:
    """Cases of a file of ``KEY = value`` lines, parted by comments or empty lines."""
    found: list[dict[str, str]] = [{}]
    for line in (SM / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("#") or not line.strip():
            found.append({})
        else:
            key, _, value = line.partition(" = ")
            found[-1][key] = value
    return [case for case in found if case]


def wycheproof(name: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Every case with its group."""
    groups = json.loads((SM / name).read_text(encoding="utf-8"))["testGroups"]
    return [(group, test) for group in groups for test in group["tests"]]
