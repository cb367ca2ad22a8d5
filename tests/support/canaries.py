"""Secrets under every spelling, and where in a centre one shows: rows, files, log lines, what passed sockets."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

LEAST = 8
"""A needle shorter than this is found by accident."""


@dataclass(frozen=True)
class Canary:
    """``kind`` says when it may show; ``owner`` whose it is."""

    kind: str
    owner: str
    secret: bytes
    also: tuple[bytes, ...] = ()

    @cached_property
    def needles(self) -> tuple[bytes, ...]:
        """Itself, hex, and base64 of both alphabets however it is aligned; and the further spellings."""
        found = {self.secret, *self.also}
        for spelling in (self.secret, *self.also):
            found |= {spelling.hex().encode(), spelling.hex().upper().encode(), *_base64(spelling)}
        return tuple(one for one in found if len(one) >= LEAST)

    def __str__(self) -> str:
        return f"{self.kind} of {self.owner}"


def number(scalar: bytes) -> tuple[bytes, ...]:
    """A big number as decimal digits."""
    return (str(int.from_bytes(scalar, "big")).encode(),)


def _base64(data: bytes) -> Iterator[bytes]:
    """The characters that stand in any base64 text this lies in, for each place it can begin at."""
    for before in range(3):
        padded = bytes(before) + data
        text = base64.b64encode(padded).rstrip(b"=")
        # Characters that also depend on what stands before or behind say nothing of these bytes alone.
        first = -(-before * 8 // 6)
        last = len(padded) * 8 // 6
        yield text[first:last]
        yield text[first:last].translate(bytes.maketrans(b"+/", b"-_"))


class Places:
    """Everything a centre leaves: asked again at each stage, a file that has not changed is not read again."""

    def __init__(self, data: Path, *, beside: tuple[Path, ...], not_in: tuple[Path, ...]) -> None:
        self._data = data
        self._beside = beside
        self._not_in = not_in
        self._seen: dict[Path, tuple[int, int]] = {}
        self.bytes_read = 0

    def _files(self) -> Iterator[Path]:
        for folder in (self._data, *self._beside):
            for path in sorted(folder.rglob("*")) if folder.is_dir() else [folder]:
                hidden = any(path.is_relative_to(one) for one in self._not_in)
                if path.is_file() and not path.is_symlink() and not hidden:
                    yield path

    def texts(self) -> Iterator[tuple[str, bytes]]:
        """(where, bytes) of every row of every table, then of every file that changed."""
        for database in self._data.glob("*.db"):
            yield from _rows(database)
        for path in self._files():
            try:
                facts = path.stat()
                mark = (facts.st_mtime_ns, facts.st_size)
                if self._seen.get(path) == mark:
                    continue
                raw = path.read_bytes()
            except FileNotFoundError:  # a scratch file, gone meanwhile
                continue
            self._seen[path] = mark
            yield f"file {path}", raw

    def sightings(self, canaries: list[Canary]) -> dict[Canary, list[str]]:
        """Where each canary shows; those that show nowhere are left out."""
        found: dict[Canary, list[str]] = {}
        for where, raw in self.texts():
            self.bytes_read += len(raw)
            for canary in canaries:
                if any(needle in raw for needle in canary.needles):
                    found.setdefault(canary, []).append(where)
        return found


def _rows(database: Path) -> Iterator[tuple[str, bytes]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=30)) as connection:
        connection.text_factory = bytes
        tables = [row[0].decode() for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            rows = connection.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - names from the database itself
            values = (value if isinstance(value, bytes) else str(value).encode() for row in rows for value in row)
            yield f"table {database.name} {table}", b"\n".join(values)
