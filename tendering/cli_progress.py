"""Progress of long work on standard error: bytes, percent, time left. Standard output stays with the answer."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Protocol

from foundation import i18n
from foundation.clock import monotonic

TERMINAL_SECONDS: Final = 0.2
"""Between two states of the one line a terminal shows."""
FILE_SECONDS: Final = 5.0
"""Between two lines where standard error is a file or a pipe: short work writes none."""
_CLEAR_LINE: Final = "\r\x1b[K"


class Source(Protocol):
    """Bytes in order: an open file."""

    def read(self, size: int, /) -> bytes: ...


@dataclass
class Counted:
    """A source that tells how much was read of it."""

    source: Source
    tell: Callable[[int], None]

    def read(self, size: int, /) -> bytes:
        block = self.source.read(size)
        self.tell(len(block))
        return block


@dataclass
class Meter:
    """``advance`` takes bytes just done; ``finish`` leaves the terminal's line whole."""

    label: str
    total: int
    write: Callable[[str], object]
    is_terminal: bool
    now: Callable[[], float] = monotonic
    done: int = 0
    _began: float = field(init=False)
    _told: float = field(init=False)

    def __post_init__(self) -> None:
        self._began = self._told = self.now()

    def advance(self, size_bytes: int) -> None:
        self.done = min(self.total, self.done + size_bytes)
        if self.now() - self._told >= (TERMINAL_SECONDS if self.is_terminal else FILE_SECONDS):
            self._told = self.now()
            self.write(f"{_CLEAR_LINE}{self.line()}" if self.is_terminal else f"{self.line()}\n")

    def line(self) -> str:
        """``seal  128.0 MB / 1.0 GB  12 %  00:42``; the time left is reckoned from the mean speed so far."""
        percent = 100 * self.done // self.total
        spent = self.now() - self._began
        left = i18n.duration(round(spent * (self.total - self.done) / self.done)) if self.done else "--:--"
        return f"{self.label}  {i18n.size(self.done)} / {i18n.size(self.total)}  {percent} %  {left}"

    def finish(self) -> None:
        if self._told > self._began:
            self.write(f"{_CLEAR_LINE}{self.line()}\n" if self.is_terminal else f"{self.line()}\n")


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Call what it yields with the bytes just done. Nothing is shown of what is over before anybody wonders."""
    if total <= 0:
        yield lambda _bytes: None
        return

    def write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()

    meter = Meter(label, total, write, sys.stderr.isatty())
    try:
        yield meter.advance
    finally:
        meter.finish()
