"""Damage done to a bundle by somebody without any key: repeatable, one kind after the other, digests made anew."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from foundation.canonical import dumps
from tests.support_bundle import Files


class Dice:
    """Numbers that follow from a seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._turn = 0

    def below(self, limit: int) -> int:
        self._turn += 1
        digest = hashlib.sha256(f"{self._seed}:{self._turn}".encode()).digest()
        return int.from_bytes(digest[:8], "big") % limit

    def one(self, choices: list[Any]) -> Any:
        return choices[self.below(len(choices))]


def flip(files: Files, dice: Dice) -> Files:
    """One bit of one file."""
    name = dice.one([one for one in sorted(files) if files[one]])
    raw = bytearray(files[name])
    raw[dice.below(len(raw))] ^= 1 << dice.below(8)
    return {**files, name: bytes(raw)}


def truncate(files: Files, dice: Dice) -> Files:
    name = dice.one([one for one in sorted(files) if files[one]])
    return {**files, name: files[name][: dice.below(len(files[name]))]}


def extend(files: Files, dice: Dice) -> Files:
    name = dice.one(sorted(files))
    return {**files, name: files[name] + dice.one([b"\n", b" ", b"\0", b"{}\n", files[name][-40:]])}


def drop_file(files: Files, dice: Dice) -> Files:
    name = dice.one(sorted(files))
    return {other: content for other, content in files.items() if other != name}


def add_file(files: Files, dice: Dice) -> Files:
    names = [
        "readme.txt",
        "gate/1.key",
        "draws/Q.txt",
        "parts/" + "0" * 32 + "/price_schedule.cob",
        "tsa/7.tsr",
        "r-bid.jsonl",
    ]
    return {**files, dice.one([one for one in names if one not in files]): files[dice.one(sorted(files))]}


def swap_files(files: Files, dice: Dice) -> Files:
    """Two files of one kind change places: parts, headers, manifests, signatures, keys, draws."""
    kinds = [
        ("parts/", ".cob"),
        ("headers/", ".json"),
        ("manifests/", ".txt"),
        ("manifests/", ".sig"),
        ("gate/", ".key"),
    ]
    start, end = dice.one(kinds)
    names = sorted(name for name in files if name.startswith(start) and name.endswith(end))
    first = dice.below(len(names))
    second = (first + 1 + dice.below(len(names) - 1)) % len(names)
    return {**files, names[first]: files[names[second]], names[second]: files[names[first]]}


def _lined(files: Files, dice: Dice) -> tuple[str, list[bytes]]:
    names = [
        name for name in sorted(files) if name.endswith((".jsonl", ".txt", ".pool")) and files[name].count(b"\n") > 1
    ]
    name = dice.one(names)
    return name, files[name].split(b"\n")[:-1]


def _joined(files: Files, name: str, rows: list[bytes]) -> Files:
    return {**files, name: b"".join(row + b"\n" for row in rows)}


def drop_line(files: Files, dice: Dice) -> Files:
    name, rows = _lined(files, dice)
    rows.pop(dice.below(len(rows)))
    return _joined(files, name, rows)


def repeat_line(files: Files, dice: Dice) -> Files:
    name, rows = _lined(files, dice)
    rows.insert(dice.below(len(rows) + 1), dice.one(rows))
    return _joined(files, name, rows)


def move_line(files: Files, dice: Dice) -> Files:
    name, rows = _lined(files, dice)
    first = dice.below(len(rows))
    second = (first + 1 + dice.below(len(rows) - 1)) % len(rows)
    if rows[first] == rows[second]:
        return drop_line(files, dice)
    rows[first], rows[second] = rows[second], rows[first]
    return _joined(files, name, rows)


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (container, key) within a JSON value."""
    keys = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _places(value[key])


def change_field(files: Files, dice: Dice) -> Files:
    """One value of one JSON object becomes another one: of the same kind, of another kind, or is gone."""
    name = dice.one([one for one in sorted(files) if one.endswith((".json", ".jsonl")) and files[one]])
    rows = files[name].split(b"\n")
    at = dice.below(len([row for row in rows if row]))
    value = json.loads(rows[at])
    holder, key = dice.one(list(_places(value)))
    old = holder[key]
    others = [None, True, -1, 0, 1, 2**60, "", "0" * 64, [], {}, [old], {"a": old}, f"{old}0", 1.5]
    if isinstance(holder, dict) and dice.below(6) == 0:
        del holder[key]
    else:
        holder[key] = dice.one([one for one in others if one != old or type(one) is not type(old)])
    rows[at] = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    return {**files, name: b"\n".join(rows)}


def swap_fields(files: Files, dice: Dice) -> Files:
    """Two values of one JSON object, or of two lines, change places."""
    name = dice.one([one for one in sorted(files) if one.endswith((".json", ".jsonl")) and files[one]])
    rows = files[name].split(b"\n")
    full = [number for number, row in enumerate(rows) if row]
    first, second = dice.one(full), dice.one(full)
    values = [json.loads(rows[first]), json.loads(rows[second])]
    one, key = dice.one(list(_places(values[0])))
    if first == second:
        values[1] = values[0]
    other, to = dice.one(list(_places(values[1])))
    before = dumps(values[0]) + dumps(values[1])
    try:
        one[key], other[to] = other[to], one[key]
        after = dumps(values[0]) + dumps(values[1])
    except (KeyError, IndexError, TypeError, ValueError, RecursionError):
        return flip(files, dice)
    if before == after:
        return flip(files, dice)
    rows[first], rows[second] = dumps(values[0]).encode(), dumps(values[1]).encode()
    return {**files, name: b"\n".join(rows)}


KINDS: tuple[Callable[[Files, Dice], Files], ...] = (
    flip,
    truncate,
    extend,
    drop_file,
    add_file,
    swap_files,
    drop_line,
    repeat_line,
    move_line,
    change_field,
    swap_fields,
)


def mutated(files: Files, seed: int) -> tuple[str, Files]:
    """The name of what was done, and the bundle after it: never the same as before."""
    kind = KINDS[seed % len(KINDS)]
    dice = Dice(seed)
    for _ in range(20):
        after = kind(files, dice)
        if after != files:
            return f"{kind.__name__} {seed}", after
    raise AssertionError(f"{kind.__name__} changes nothing")
