"""Reading PDFs that somebody sent, in a child process with little to lose.

A bid may be a bomb. The child gets no secrets in its environment, hard limits on processor, memory and output, and a
time limit; whatever happens to it, the caller gets facts or one of four named outcomes
(:class:`Encrypted`, :class:`Broken`, :class:`TooLarge`, :class:`TimedOut`).
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal, TypeVar

from pydantic import TypeAdapter, ValidationError

from foundation.documents import limits
from foundation.documents.errors import Broken, Encrypted, TimedOut, TooLarge, UnreadablePdf
from foundation.documents.fonts import REPOSITORY

_Work = Literal["facts", "tables"]
_CHILD: tuple[str, ...] = ("-m", "foundation.documents.reader_child")
_OUTCOMES: dict[str, type[UnreadablePdf]] = {
    "encrypted": Encrypted,
    "broken": Broken,
    "too_large": TooLarge,
    "timed_out": TimedOut,
}


@dataclass(frozen=True, slots=True)
class PdfFacts:
    """What a PDF says about itself.

    ``page_texts`` has one text for each page read, at most ``limits.MAX_TEXT_PER_PAGE`` characters each;
    ``is_cut`` tells that a text was longer, or that the texts together passed ``limits.MAX_TEXT``.
    ``metadata`` holds the non-empty entries of the document information dictionary ("Title", "Author", …).
    ``image_pages`` (from 1) have a picture and fewer than ``limits.PICTURE_TEXT`` characters.
    """

    page_count: int
    page_texts: tuple[str, ...]
    is_cut: bool
    metadata: dict[str, str]
    image_pages: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class PdfTable:
    """One ruled table: the page it stands on (from 1) and its rows; an empty cell is an empty text."""

    page: int
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class _Failure:
    outcome: str
    limit: str = ""


_Read = TypeVar("_Read")
_FACTS = TypeAdapter(PdfFacts)
_TABLES = TypeAdapter(tuple[PdfTable, ...])
_FAILURE = TypeAdapter(_Failure)


def read_pdf(source: Path | bytes, *, seconds: int = limits.FACTS_SECONDS) -> PdfFacts:
    """Page count, page texts and metadata. Raises an :class:`UnreadablePdf` that names the outcome."""
    return _validated(_FACTS, _run("facts", source, seconds))


def read_tables(
    source: Path | bytes, *, pages: Collection[int] = (), seconds: int = limits.TABLES_SECONDS
) -> tuple[PdfTable, ...]:
    """The ruled tables of the first ``limits.MAX_TABLE_PAGES`` pages, or of those among ``pages`` (from 1), in order.

    Frames without text are left out. Raises an :class:`UnreadablePdf` that names the outcome.
    """
    return _validated(_TABLES, _run("tables", source, seconds, pages))


def _run(work: _Work, source: Path | bytes, seconds: int, pages: Collection[int] = ()) -> bytes:
    size_bytes = source.stat().st_size if isinstance(source, Path) else len(source)
    if size_bytes > limits.MAX_FILE_BYTES:
        raise TooLarge(limit="file_bytes", size_bytes=size_bytes)
    with tempfile.TemporaryFile() as answer:
        if isinstance(source, Path):
            with source.open("rb") as file:
                code = _child(work, seconds, answer, file=file, pages=pages)
        else:
            code = _child(work, seconds, answer, content=source, pages=pages)
        answer.seek(0)
        written = answer.read(limits.MAX_OUTPUT_BYTES + 1)
    if code == limits.EXIT_OK:
        return written
    if code == limits.EXIT_NAMED:
        failure = _validated(_FAILURE, written)
        raise _OUTCOMES.get(failure.outcome, Broken)(limit=failure.limit)
    raise _outcome_of_death(code)


def _child(
    work: _Work,
    seconds: int,
    answer: IO[bytes],
    *,
    file: IO[bytes] | None = None,
    content: bytes = b"",
    pages: Collection[int] = (),
) -> int:
    """Run the reader; its exit code, or the negated signal that ended it."""
    listed = (",".join(map(str, sorted(pages))),) if pages else ()
    command = (sys.executable, "-B", *_CHILD, work, str(seconds), *listed)
    environment = {"PYTHONPATH": str(REPOSITORY), "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(
        command,
        stdin=file if file is not None else subprocess.PIPE,
        stdout=answer,
        stderr=subprocess.DEVNULL,
        env=environment,
        cwd=REPOSITORY,
        close_fds=True,
        start_new_session=True,
    ) as child:
        try:
            child.communicate(None if file is not None else content, timeout=seconds + limits.START_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            raise TimedOut(seconds=seconds) from None
        return child.returncode


def _outcome_of_death(code: int) -> UnreadablePdf:
    if code == -signal.SIGXCPU:
        return TimedOut(limit="cpu_seconds")
    if code == -signal.SIGXFSZ:
        return TooLarge(limit="output_bytes")
    if code == -signal.SIGKILL:
        return TooLarge(limit="memory_bytes")  # the kernel's out-of-memory killer; our own kill never comes here
    return Broken(limit="crashed")


def _validated(shape: TypeAdapter[_Read], written: bytes) -> _Read:
    """A child that was taken over might write anything: its answer is checked like any other foreign input."""
    try:
        return shape.validate_json(written, strict=True)
    except ValidationError:
        raise Broken(limit="answer") from None
