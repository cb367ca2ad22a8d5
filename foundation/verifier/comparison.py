"""What one bundle of a lot has that another has not: a later one may only add."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from foundation.verifier.container import BLOCK, SUMS, Files, ZipFiles, file_digest, open_files, read_whole
from foundation.verifier.problems import Problem
from foundation.verifier.reading import canonical, read_json, split_lines

GROWING = {"leaves.jsonl", "log/checkpoints.jsonl", "tender.json", "log/checkpoint", SUMS}
"""Files that are written anew for every bundle; what is in them is compared line by line below."""


@dataclass
class Difference:
    """``added`` is what a later bundle may bring; ``changed`` and ``dropped`` are what it may not."""

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)

    @property
    def exit_code(self) -> int:
        return 4 if self.changed or self.dropped else 0

    def as_json(self) -> dict[str, Any]:
        verdict = "only_added" if self.exit_code == 0 else "differs"
        return {"verdict": verdict, "added": self.added, "changed": self.changed, "dropped": self.dropped}


def compare_paths(old: Path, new: Path) -> Difference:
    """Compare two bundles of one lot. Raises Problem where one cannot be read. Does not verify either."""
    opened: list[Files] = []
    try:
        opened.extend(open_files(path) for path in (old, new))
        return compare_files(opened[0], opened[1])
    finally:
        for files in opened:
            if isinstance(files, ZipFiles):
                files.close()


def compare_files(old: Files, new: Files) -> Difference:
    found = Difference()
    before, after = set(old.names) - GROWING, set(new.names) - GROWING
    found.added += sorted(after - before)
    found.dropped += sorted(before - after)
    for name in sorted(before & after):
        if file_digest(old, name) != file_digest(new, name):
            found.changed.append(name)
    _tenders(old, new, found)
    _keyed(found, "leaves.jsonl", _leaves(old), _leaves(new))
    _keyed(found, "log checkpoint", _checkpoints(old), _checkpoints(new))
    return found


def _keyed(found: Difference, what: str, old: dict[str, str], new: dict[str, str]) -> None:
    for key in sorted(new.keys() - old.keys()):
        found.added.append(f"{what} {key} {new[key][:80] if what == 'leaves.jsonl' else ''}".rstrip())
    found.dropped += [f"{what} {key}" for key in sorted(old.keys() - new.keys())]
    found.changed += [f"{what} {key}" for key in sorted(old.keys() & new.keys()) if old[key] != new[key]]


def _tenders(old: Files, new: Files, found: Difference) -> None:
    first, second = (read_json(read_whole(files, "tender.json", 16 * BLOCK), "tender.json") for files in (old, new))
    streams = [one.pop("streams", {}) for one in (first, second)]
    found.changed += [
        f"tender.json {key}" for key in sorted(first.keys() | second.keys()) if first.get(key) != second.get(key)
    ]
    for stream, count in sorted(streams[0].items()):
        if not isinstance(count, int) or not isinstance(streams[1].get(stream), int) or streams[1][stream] < count:
            found.dropped.append(f"tender.json streams {stream}")


def _leaves(files: Files) -> dict[str, str]:
    """Place of each leaf and what it says; the proof is left out, for it is another one in every larger tree."""
    found: dict[str, str] = {}
    held = b""
    for block in files.blocks("leaves.jsonl") if "leaves.jsonl" in files.names else ():
        rows = (held + block).split(b"\n")
        held = rows.pop()
        for row in rows:
            value = read_json(row, "leaves.jsonl")
            key = f"{value.get('index')}/{value.get('slot', '-')}"
            value.pop("proof", None)
            found[key] = canonical(value).decode()
    return found


def _checkpoints(files: Files) -> dict[str, str]:
    """Size of each checkpoint and its text without signatures."""
    found: dict[str, str] = {}
    notes = [read_whole(files, "log/checkpoint", BLOCK).decode("utf-8", "replace")]
    raw = read_whole(files, "log/checkpoints.jsonl", 1024 * BLOCK)
    notes += [str(read_json(line.encode(), "log/checkpoints.jsonl").get("note")) for line in split_lines(raw, "log")]
    for note in notes:
        text = note.split("\n\n")[0]
        size = [*text.split("\n"), ""][1]
        if found.setdefault(size, text) != text:
            raise Problem("log.consistency", f"checkpoint {size}")
    return found
