"""What every paper carries, and the one way to render it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal

from foundation.documents.fonts import FONT_DIR
from foundation.documents.pdf import render

Language = Literal["zh-Hans", "en"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """Head and foot of a paper.

    ``document_number`` stands in the foot of every page; ``centre`` is the trading centre named in the head;
    ``demo`` puts 演示时钟，不产生法律效力 on every page; ``language`` chooses the labels (the Chinese paper is the
    official one, the English one says so).
    """

    document_number: str
    centre: str
    demo: bool = False
    language: Language = "zh-Hans"

    def as_data(self) -> dict[str, object]:
        """The data a template is filled with; its digest stands in the foot (see :func:`~..pdf.data_digest`)."""
        return asdict(self)


def render_paper(
    template: str,
    paper: Paper,
    *,
    at: datetime,
    font_dirs: Sequence[Path] = (FONT_DIR,),
) -> bytes:
    """Render ``paper``. Errors as :func:`~..pdf.render`."""
    return render(template, paper.as_data(), at=at, font_dirs=font_dirs)
