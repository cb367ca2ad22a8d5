from __future__ import annotations

import string
import tomllib

import pytest

from foundation.errors import CentreError
from foundation.transparency import errors
from tests.unit.transparency.logbook import ROOT

SENTENCES = tomllib.loads((ROOT / "translations" / "transparency.toml").read_text(encoding="utf-8"))["errors"]
KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, CentreError) and kind.__module__ == errors.__name__
]


def _fields(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_every_failure_has_its_sentences_in_both_languages(kind: type[CentreError]) -> None:
    for code in (kind.code, f"{kind.code}.meaning", f"{kind.code}.next"):
        assert set(SENTENCES[code]) == {"zh", "en"}
    both = [_fields(SENTENCES[kind.code][language]) for language in ("zh", "en")]
    assert both[0] == both[1]
    assert all(f"``{name}``" in (kind.__doc__ or "") for name in both[0])
