"""Whether a caller reads HTML or JSON."""

from __future__ import annotations

from flask import Request

_JSON_KINDS = ("application/json", "application/problem+json")


def wants_json(request: Request) -> bool:
    """True when JSON is preferred to HTML, or when a JSON body is sent by somebody who names no preference."""
    accept = request.accept_mimetypes
    html = accept["text/html"]
    json = max(accept[kind] for kind in _JSON_KINDS)
    return json > html or (request.is_json and json >= html)


def is_bearer(request: Request) -> bool:
    """True for a caller with a token of its own. Such a request carries no cookie authority (see csrf.py)."""
    return request.headers.get("Authorization", "").lower().startswith("bearer ")
