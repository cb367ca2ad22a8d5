"""How a view answers: a page (HTML or JSON of the same model), a redirect with a notice, or the same form again.

``parse`` is re-exported here because a view needs all four together.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import wraps
from typing import Final, ParamSpec

from flask import Response, current_app, g, make_response, redirect, render_template, request, session
from flask.typing import ResponseReturnValue

from foundation.errors import NotFound, NotPermitted, Refusal, SignInRequired
from foundation.i18n import pick
from foundation.web.jsonable import jsonable
from foundation.web.negotiate import is_bearer, wants_json
from foundation.web.parse import parse
from foundation.web.refusal import RefusalView, view_of

__all__ = ["done", "notify", "page", "parse", "problem", "refusable", "take_notices"]

P = ParamSpec("P")
_NOTICES: Final = "notices"
_MAX_NOTICES: Final = 5
_ELSEWHERE: Final = (NotFound, NotPermitted, SignInRequired)


def page(template: str, status: int = 200, **model: object) -> Response:
    """Render ``template`` with ``model``, or give the model itself to a caller who prefers JSON."""
    if wants_json(request):
        return json_response(model, status)
    return make_response(render_template(template, **model), status)


def json_response(model: object, status: int = 200, mimetype: str = "application/json") -> Response:
    body = json.dumps(jsonable(model), ensure_ascii=False, separators=(",", ":"))
    return current_app.response_class(body, status=status, mimetype=mimetype)


def done(
    url: str, *, status: int = 200, notice: tuple[str, str] | None = None, kind: str = "ok", **result: object
) -> Response:
    """After a successful act: 303 to ``url`` for HTML, ``result`` as JSON (status 200 or 201) otherwise.

    ``notice`` is (zh, en); it shows once on the next page. ``kind`` is a note kind (ok, run, warn).
    """
    if wants_json(request):
        response = json_response({**result, "location": url}, status)
        response.headers["Location"] = url
        return response
    if notice is not None:
        notify(*notice, kind=kind)
    return make_response(redirect(url, code=303))


def notify(zh: str, en: str, kind: str = "ok") -> None:
    """Show one sentence once, on the next page this browser opens."""
    waiting = [*session.get(_NOTICES, []), [kind, zh, en]]
    session[_NOTICES] = waiting[-_MAX_NOTICES:]


def take_notices() -> list[tuple[str, str]]:
    """(kind, sentence) of every waiting notice; they are gone afterwards."""
    if is_bearer(request) or _NOTICES not in session:
        return []
    return [(kind, pick(zh, en)) for kind, zh, en in session.pop(_NOTICES)]


def problem(view: RefusalView) -> Response:
    """A RefusalView as ``application/problem+json`` (RFC 9457)."""
    body = {
        "type": f"urn:centre:problem:{view.code}",
        "title": view.happened,
        "status": view.status,
        "code": view.code,
        "detail": " ".join(part for part in (view.meaning, view.next_step) if part),
        "fields": {name: _plain(value) for name, value in view.fields.items()},
        "objections": view.objections,
        "request_id": view.request_id,
    }
    return json_response(body, view.status, "application/problem+json")


def _plain(value: object) -> object:
    try:
        jsonable(value)
    except TypeError:
        return str(value)
    return value


def refusable(
    form_view: Callable[P, ResponseReturnValue],
) -> Callable[[Callable[P, ResponseReturnValue]], Callable[P, ResponseReturnValue]]:
    """On a Refusal show ``form_view`` again: same address, entered values, error summary, the refusal's status.

    JSON callers, and refusals that have a page of their own (not found, not permitted, sign in first), are left to the
    error handlers; so is a refusal of the form view itself, which then must not hide the first one.
    """

    def guard(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> ResponseReturnValue:
            try:
                return view(*args, **kwargs)
            except _ELSEWHERE:
                raise
            except Refusal as refusal:
                if wants_json(request):
                    raise
                g.refusal = view_of(refusal, g.request_id)
                try:
                    response = make_response(form_view(*args, **kwargs))
                except Refusal:
                    g.refusal = None
                    raise refusal from None
                response.status_code = refusal.http_status
                return response

        return guarded

    return guard
