"""A check and a verdict in words, for the command line; pages make the same from the same terms."""

from __future__ import annotations

from typing import Any, Final

from foundation.i18n import Lang, sentence

SIGNS: Final = {"ok": "✓", "failed": "✗", "none": "–"}


def term(code: str, lang: Lang) -> str:
    return sentence("terms", code, {}, lang)


def line_of(check: dict[str, Any], lang: Lang) -> str:
    """``✗ log: 75 / 60 s: why (names)``."""
    name, unit = term(f"drill_check.{check['code']}", lang), check["unit"]
    parts = [f"{SIGNS[str(check['state'])]} {name}"]
    if check["measured"] is not None:
        parts.append(f"{check['measured']} / {check['limit']} {term(f'drill_unit.{unit}', lang)}")
    if check["why"]:
        parts.append(term(f"drill_why.{check['why']}", lang))
    if check["names"]:
        parts.append(", ".join(check["names"]))
    return "  ".join(parts)


def verdict_of(state: str, lang: Lang) -> str:
    return f"【演练】{term(f'drill_state.{state}', lang)}"
