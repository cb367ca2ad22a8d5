"""The child of :mod:`foundation.documents.reading`: limits first, then the hostile file from standard input.

``python -m foundation.documents.reader_child facts|tables SECONDS [PAGE,…]``; writes one JSON text to standard output.
"""

from __future__ import annotations

import io
import json
import re
import resource
import signal
import sys
from typing import TYPE_CHECKING, Never

from foundation.documents import limits

if TYPE_CHECKING:
    import pypdfium2

_PASSWORD_ERROR = 4  # FPDF_ERR_PASSWORD
_SECURITY_ERROR = 5  # FPDF_ERR_SECURITY: an encryption scheme pdfium does not know
_UNSPEAKABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class _Stopped(Exception):
    def __init__(self, outcome: str, limit: str = "") -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.limit = limit


def limit_resources(seconds: int, size_bytes: int) -> None:
    """Hard limits: even code injected by the file cannot raise them again."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it; a flood shall end the child
    memory = limits.MAX_MEMORY_BYTES + 3 * size_bytes
    for what, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, limits.MAX_OUTPUT_BYTES, limits.MAX_OUTPUT_BYTES),
        (resource.RLIMIT_CPU, seconds, seconds + 1),
        (resource.RLIMIT_NOFILE, 64, 64),
        (resource.RLIMIT_AS, memory, memory),
    ):
        resource.setrlimit(what, (soft, hard))


def read_facts(content: bytes) -> dict[str, object]:
    document = _opened(content)
    page_count = len(document)
    if page_count > limits.MAX_PAGES:
        raise _Stopped("too_large", "pages")
    texts: list[str] = []
    image_pages: list[int] = []
    left = limits.MAX_TEXT
    is_cut = False
    for index in range(page_count):
        text, whole = _page_text(document, index, min(left, limits.MAX_TEXT_PER_PAGE))
        texts.append(text)
        left -= len(text)
        is_cut = is_cut or not whole
        if whole and len(text.strip()) < limits.PICTURE_TEXT and _has_image(document, index):
            image_pages.append(index + 1)
    metadata = {
        key: _speakable(value)[: limits.MAX_METADATA_CHARACTERS]
        for key, value in document.get_metadata_dict(skip_empty=True).items()
    }
    return {
        "page_count": page_count,
        "page_texts": texts,
        "is_cut": is_cut,
        "metadata": metadata,
        "image_pages": image_pages,
    }


def read_tables(content: bytes, pages: frozenset[int] = frozenset()) -> list[dict[str, object]]:
    import pdfplumber

    if len(_opened(content)) > limits.MAX_PAGES:
        raise _Stopped("too_large", "pages")
    found: list[dict[str, object]] = []
    cells = 0
    with pdfplumber.open(io.BytesIO(content)) as document:
        wanted = [page for page in document.pages if not pages or page.page_number in pages]
        for page in wanted[: limits.MAX_TABLE_PAGES]:
            for table in page.extract_tables():
                rows = [[_speakable(cell or "")[: limits.MAX_CELL_CHARACTERS] for cell in row] for row in table]
                cells += sum(len(row) for row in rows)
                if cells > limits.MAX_CELLS:
                    raise _Stopped("too_large", "cells")
                if any(cell for row in rows for cell in row):  # frames and logos are ruled, too, but say nothing
                    found.append({"page": page.page_number, "rows": rows})
            page.close()
    return found


def _opened(content: bytes) -> pypdfium2.PdfDocument:
    import pypdfium2

    try:
        return pypdfium2.PdfDocument(content)
    except pypdfium2.PdfiumError as error:
        encrypted = getattr(error, "err_code", None) in {_PASSWORD_ERROR, _SECURITY_ERROR}
        raise _Stopped("encrypted" if encrypted else "broken") from None


def _page_text(document: pypdfium2.PdfDocument, index: int, room: int) -> tuple[str, bool]:
    """The text of a page up to ``room`` characters, and whether that is all of it. A page that fails breaks all."""
    page = document[index]
    text_page = page.get_textpage()
    length = text_page.count_chars()
    text = text_page.get_text_range(0, min(length, room)) if min(length, room) > 0 else ""
    text_page.close()
    page.close()
    return _speakable(text.replace("\r\n", "\n"))[:room], length <= room


def _has_image(document: pypdfium2.PdfDocument, index: int) -> bool:
    import pypdfium2.raw

    page = document[index]
    is_there = any(True for _ in page.get_objects(filter=(pypdfium2.raw.FPDF_PAGEOBJ_IMAGE,)))
    page.close()
    return is_there


def _speakable(text: str) -> str:
    return _UNSPEAKABLE.sub("", text)


def main(work: str, seconds: int, pages: frozenset[int] = frozenset()) -> int:
    content = sys.stdin.buffer.read(limits.MAX_FILE_BYTES + 1)
    limit_resources(seconds, len(content))
    answer: object
    try:
        if len(content) > limits.MAX_FILE_BYTES:
            raise _Stopped("too_large", "file_bytes")  # noqa: TRY301 - the same way out as every other limit
        answer = read_facts(content) if work == "facts" else read_tables(content, pages)
        code = limits.EXIT_OK
    except _Stopped as stopped:
        answer, code = {"outcome": stopped.outcome, "limit": stopped.limit}, limits.EXIT_NAMED
    except MemoryError:
        answer, code = {"outcome": "too_large", "limit": "memory_bytes"}, limits.EXIT_NAMED
    except Exception:  # noqa: BLE001 - whatever a library stumbles over here, the file made it stumble
        answer, code = {"outcome": "broken", "limit": ""}, limits.EXIT_NAMED
    sys.stdout.write(json.dumps(answer))
    sys.stdout.flush()
    return code


def _run() -> Never:
    pages = frozenset(int(page) for page in sys.argv[3].split(",")) if sys.argv[3:] else frozenset[int]()
    sys.exit(main(sys.argv[1], int(sys.argv[2]), pages))


if __name__ == "__main__":
    _run()
