"""How strong a trace is. Levels order the desk; none of them is a verdict (R6.00, R6.20)."""

from __future__ import annotations

from enum import StrEnum


class Severity(StrEnum):
    """``RED``: a fact the law names, or nearly everything the same; ``ORANGE``: a strong trace; ``YELLOW``: look."""

    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
