"""A failure as the reader sees it: what happened → what it means → what can be done."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from foundation.errors import CentreError, Objection, Refusal
from foundation.i18n import Lang, UnknownSentence, current_lang, sentence

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ObjectionView:
    """One reason, spoken. ``field`` is the name of the form field, "" for the whole form."""

    code: str
    field: str
    detail: str
    clause: str


@dataclass(frozen=True, slots=True)
class RefusalView:
    """A failure, spoken in one language."""

    status: int
    code: str
    happened: str
    meaning: str
    next_step: str
    objections: tuple[ObjectionView, ...]
    fields: Mapping[str, object]
    request_id: str
    retry_after: int = 0

    def of_field(self, name: str) -> tuple[ObjectionView, ...]:
        return tuple(one for one in self.objections if one.field == name)


def view_of(error: CentreError, request_id: str, *, status: int | None = None, retry_after: int = 0) -> RefusalView:
    """Speak ``error`` in the current language. A code without a sentence is logged and spoken as its family is."""
    lang = current_lang()
    families = [error.code, *(base.code for base in type(error).__mro__[1:] if issubclass(base, CentreError))]
    params = {**error.fields, "retry_after": retry_after} if retry_after else error.fields
    reasons = error.objections if isinstance(error, Refusal) else ()
    return RefusalView(
        status=status or error.http_status,
        code=error.code,
        happened=_first(families, "", params, lang),
        meaning=_first(families, ".meaning", params, lang),
        next_step=_first(families, ".next", params, lang),
        objections=tuple(_spoken(one, families, lang) for one in reasons),
        fields=dict(error.fields),
        request_id=request_id,
        retry_after=retry_after,
    )


def _first(codes: list[str], part: str, params: Mapping[str, object], lang: Lang) -> str:
    for number, code in enumerate(codes):
        try:
            return sentence("errors", code + part, params, lang)
        except UnknownSentence:
            if not part and not number:
                _log.warning("no sentence for the refusal %s", code)
    return codes[0]


def _spoken(one: Objection, families: list[str], lang: Lang) -> ObjectionView:
    return ObjectionView(one.code, one.field, _first([one.code, *families], "", one.params, lang), one.clause)
