"""Where the fonts are, and which family names they go by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path

from fontTools.ttLib import TTFont

from foundation.documents.errors import FontsMissing

REPOSITORY = Path(__file__).resolve().parents[2]
FONT_DIR = REPOSITORY / "static" / "vendor" / "fonts"
TEXT_FAMILY = "Noto Sans SC"
REQUIRED_FILES = ("NotoSansSC-Regular.ttf", "NotoSansSC-Bold.ttf")
_SUFFIXES = frozenset({".ttf", ".otf"})
_FAMILY_NAME_IDS = (16, 1)  # typographic family first, then the legacy one


def font_files(font_dirs: Sequence[Path]) -> tuple[Path, ...]:
    """Every font file of the folders, in a fixed order.

    The first folder must hold ``REQUIRED_FILES``: with them missing typst would print the paper in a font without
    Chinese characters. Raises :class:`FontsMissing`.
    """
    for name in REQUIRED_FILES:
        if not font_dirs or not (font_dirs[0] / name).is_file():
            raise FontsMissing(folder=str(font_dirs[0]) if font_dirs else "", file=name)
    return tuple(
        path for folder in font_dirs if folder.is_dir() for path in sorted(folder.iterdir()) if path.suffix in _SUFFIXES
    )


def families(files: Iterable[Path]) -> tuple[str, ...]:
    """Family names in the order of use: the text family, then the families of the operator's rare-name fonts."""
    found = {TEXT_FAMILY: None}
    for path in files:
        found.setdefault(_family(path, path.stat().st_mtime_ns))
    return tuple(found)


def code_points(path: Path) -> frozenset[int]:
    """The characters one font file can print; read once while the file stays as it is."""
    return _code_points(path, path.stat().st_mtime_ns)


@lru_cache(maxsize=64)
def _family(path: Path, _changed: int) -> str:
    with TTFont(path, lazy=True, fontNumber=0) as font:
        for name_id in _FAMILY_NAME_IDS:
            if name := font["name"].getDebugName(name_id):
                return str(name)
    return path.stem


@lru_cache(maxsize=64)
def _code_points(path: Path, _changed: int) -> frozenset[int]:
    with TTFont(path, lazy=True, fontNumber=0) as font:
        return frozenset(font.getBestCmap() or ())
