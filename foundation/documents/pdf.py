"""PDF papers by typst: PDF/A-2u, tagged, the same bytes for the same data, fonts and instant."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Literal

import typst

from foundation.documents.errors import MissingGlyphs
from foundation.documents.fonts import FONT_DIR, REPOSITORY, families, font_files
from foundation.documents.glyphs import require_printable

TEMPLATE_DIR = REPOSITORY / "templates" / "documents"
PDF_STANDARD: Literal["a-2u"] = "a-2u"
_TEMPLATE_NAME = re.compile(r"[a-z][a-z_]{0,60}")
_UNPRINTED = re.compile(r'the text `"(.+?)"` could not be displayed')
_BEIJING = timezone(timedelta(hours=8))


def render(
    template: str,
    data: Mapping[str, object],
    *,
    at: datetime,
    font_dirs: Sequence[Path] = (FONT_DIR,),
    template_dir: Path = TEMPLATE_DIR,
) -> bytes:
    """The paper ``template`` ("opening_record") filled with ``data``, as the bytes of a PDF/A-2u file.

    ``data`` holds texts, whole numbers, truth values, lists and mappings. It enters typst as JSON, so markup
    characters in a value stay plain text. ``at`` is an aware instant: the creation date of the file, shown in the
    foot as Beijing time. The first of ``font_dirs`` holds the text fonts, the rest fonts for rare characters.

    Takes a second or so for large tables: call it from a job, outside any Unit.
    Raises :class:`~foundation.documents.errors.MissingGlyphs` and
    :class:`~foundation.documents.errors.FontsMissing`.
    """
    if not _TEMPLATE_NAME.fullmatch(template):
        raise ValueError(f"not a template name: {template!r}")
    if at.tzinfo is None:
        raise ValueError("the instant of a paper must be aware")
    require_printable(data, font_dirs)
    text = canonical_text(data)
    inputs = {
        "data": text,
        "digest": hashlib.sha256(text.encode()).hexdigest(),
        "at": at.astimezone(_BEIJING).strftime("%Y-%m-%d %H:%M:%S"),
        "fonts": json.dumps(families(font_files(font_dirs)), ensure_ascii=False),
    }
    try:
        return typst.compile(
            template_dir / f"{template}.typ",
            root=template_dir,
            font_paths=list(font_dirs),
            ignore_system_fonts=True,
            format="pdf",
            sys_inputs=inputs,
            pdf_standards=PDF_STANDARD,
            timestamp=at.astimezone(UTC).replace(microsecond=0),
        )
    except typst.TypstError as error:
        # A font the preflight could read and typst could not: PDF/A lets no character without a glyph pass.
        if unprinted := _UNPRINTED.search(str(error)):
            raise MissingGlyphs(field="", characters=unprinted[1]) from error
        raise


def canonical_text(data: Mapping[str, object]) -> str:
    """The JSON text a paper is made from: keys sorted, no spaces, no escapes beyond what JSON needs."""
    return json.dumps(data, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def data_digest(data: Mapping[str, object]) -> str:
    """SHA-256 (hex) of the data of a paper; its first sixteen digits stand in the foot of every page."""
    return hashlib.sha256(canonical_text(data).encode()).hexdigest()
