"""Sentences for refusals that arise in the browser or come back to its script."""

from __future__ import annotations

from typing import Final

from foundation.i18n import EN, catalogue, current_lang

_KINDS: Final = (
    "sealing.",
    "upload.",
    "tendering.",
    "transparency.",
    "accounts.key",
    "accounts.too_many_keys",
    "foundation.",
)


def client_words() -> dict[str, str]:
    """By code, in the reader's language."""
    at = 1 if current_lang() == EN else 0
    errors = catalogue().sections["errors"]
    return {code: texts[at] for code, texts in errors.items() if code.startswith(_KINDS)}
