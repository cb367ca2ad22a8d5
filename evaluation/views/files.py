"""Giving a stored PDF to a browser."""

from __future__ import annotations

from flask import Response, current_app

from evaluation.models import EvaluationPaper
from evaluation.services import papers
from foundation.errors import NotFound
from foundation.store.unit import Unit
from foundation.web.runtime import runtime


def issued(unit: Unit, lot_id: str, kind: str, org_id: str = "") -> EvaluationPaper:
    """The issued paper. Raises NotFound while there is none."""
    row = papers.paper(unit, lot_id, kind, org_id)
    if row is None:
        raise NotFound(what="paper")
    return row


def pdf(object_name: str, download_name: str, *, is_public: bool = False) -> Response:
    """Stream the object; only a public paper may be kept by caches in between."""
    answer: Response = current_app.response_class(
        runtime().objects.open_stream(object_name), mimetype="application/pdf"
    )
    answer.headers["Content-Disposition"] = f'inline; filename="{download_name}"'
    answer.headers["Cache-Control"] = "public, max-age=300" if is_public else "private, no-store"
    return answer
