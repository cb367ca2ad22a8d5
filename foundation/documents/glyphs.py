"""Preflight of every character of every value against the fonts.

typst leaves a character without a glyph out, or prints a box, and says nothing. A name in an official record must
never become a box, so a value that cannot be printed stops the paper, with the field and the characters named.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from foundation.documents.errors import MissingGlyphs
from foundation.documents.fonts import code_points, font_files
from foundation.errors import Objection

MAX_CHARACTERS_SHOWN = 20
_LINE_BREAK = "\n"
# Control, format (bidirectional overrides, zero-width), surrogate, private use, unassigned: a font may have a glyph
# for some of them, yet the reader of the paper would not see what the data says.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})


def require_printable(data: Mapping[str, object], font_dirs: Sequence[Path]) -> None:
    """Refuse ``data`` unless every character of every text in it (keys excepted) can be printed.

    Raises :class:`MissingGlyphs` with one objection for each field, ``field`` being its path ("bidders[3].name").
    """
    printable = coverage(font_dirs)
    objections = [
        Objection("documents.missing_glyphs", field=path, params={"field": path, "characters": _named(missing)})
        for path, text in texts(data)
        if (missing := missing_characters(text, printable))
    ]
    if objections:
        first = objections[0]
        raise MissingGlyphs(objections=objections, **first.params)


def coverage(font_dirs: Sequence[Path]) -> frozenset[int]:
    """Code points that at least one font of the folders can print. Raises :class:`FontsMissing`."""
    return frozenset().union(*(code_points(path) for path in font_files(font_dirs)))


def missing_characters(text: str, printable: frozenset[int]) -> str:
    """The characters of ``text`` that cannot be printed, each once, in order of appearance. Line breaks are fine."""
    return "".join(
        dict.fromkeys(
            character
            for character in text
            if character != _LINE_BREAK
            and (ord(character) not in printable or unicodedata.category(character) in _INVISIBLE)
        )
    )


def texts(value: object, path: str = "") -> Iterator[tuple[str, str]]:
    """Every text inside ``value`` with its path."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from texts(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, Sequence):
        for index, inner in enumerate(value):
            yield from texts(inner, f"{path}[{index}]")


def _named(characters: str) -> str:
    shown = " ".join(
        f"{character if character.isprintable() else ''}(U+{ord(character):04X})"
        for character in characters[:MAX_CHARACTERS_SHOWN]
    )
    return shown if len(characters) <= MAX_CHARACTERS_SHOWN else f"{shown} …"
