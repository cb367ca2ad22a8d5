"""Failures at the edge: a page or ``application/problem+json``, with a number to quote; never a stack trace."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import ClassVar

from flask import Flask, Response, current_app, g, has_request_context, make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException

from foundation.errors import (
    CentreError,
    NotFound,
    NotPermitted,
    Refusal,
    SignInRequired,
    Tampering,
    TooMany,
    Unavailable,
)
from foundation.store.engine import AWAY, RETRY_SECONDS, DatabaseAway
from foundation.web.negotiate import wants_json
from foundation.web.refusal import RefusalView, view_of
from foundation.web.respond import problem

_log = logging.getLogger(__name__)
_RETRY_SECONDS = 10


class Internal(CentreError):
    """A bug, as the reader sees it."""

    code: ClassVar[str] = "foundation.internal"


class BadRequest(Refusal):
    """The request itself is malformed (400)."""

    code = "foundation.bad_request"
    http_status = 400


class StaleForm(Refusal):
    """The CSRF token is missing, old or of another session (400)."""

    code = "foundation.stale_form"
    http_status = 400


class MethodNotAllowed(Refusal):
    """The address exists, the method does not (405)."""

    code = "foundation.method_not_allowed"
    http_status = 405


class TooLarge(Refusal):
    """The body passes the limit of the route (413). Fields: ``limit`` in bytes."""

    code = "foundation.too_large"
    http_status = 413


def install(app: Flask) -> None:
    """Register every handler on ``app``."""
    app.register_error_handler(CentreError, _on_centre_error)
    app.register_error_handler(HTTPException, _on_http)
    for kind in AWAY:  # raised outside a Unit, such as by the demonstration's clock
        app.register_error_handler(kind, _on_database_away)
    app.register_error_handler(Exception, _on_bug)


def _on_centre_error(error: CentreError) -> ResponseReturnValue:
    if isinstance(error, Tampering):
        _log.critical("tampering %s request=%s", error, _request_id())
        alert: Callable[[Tampering, str], None] | None = current_app.extensions.get("on_tampering")
        if alert is not None:  # the root journals it and wakes people; it opens a Unit of its own
            alert(error, _request_id())
    elif isinstance(error, Unavailable):
        _log.warning("unavailable %s request=%s", error, _request_id())
    elif not isinstance(error, Refusal):
        _log.error("unexpected %s request=%s", error, _request_id(), exc_info=error)
    wait = 0
    if isinstance(error, (Unavailable, TooMany)):
        wanted = error.fields.get("retry_after", _RETRY_SECONDS)
        wait = int(wanted) if isinstance(wanted, (int, float)) else _RETRY_SECONDS
    view = view_of(error, _request_id(), retry_after=wait)
    return _show_without_database(view) if isinstance(error, DatabaseAway) else show(view)


def _on_database_away(error: Exception) -> ResponseReturnValue:
    _log.warning("database away request=%s", _request_id(), exc_info=error)
    return _show_without_database(view_of(DatabaseAway(), _request_id(), retry_after=RETRY_SECONDS))


def _show_without_database(view: RefusalView) -> Response:
    """As ever; in plain text where the page itself (its clock, its reader) would need what is away."""
    try:
        return show(view)
    except (*AWAY, DatabaseAway):
        text = f"{view.happened}\n{view.meaning}\n{view.next_step}\n{view.request_id}\n"
        headers = {"Retry-After": str(view.retry_after)}
        return Response(text, status=view.status, mimetype="text/plain", headers=headers)


def _on_http(error: HTTPException) -> ResponseReturnValue:
    status = error.code or 500
    if status < 400:  # noqa: PLR2004 - a redirect of the router, such as a missing slash
        return error.get_response()
    if isinstance(error, CSRFError):
        return show(view_of(StaleForm(), _request_id()))
    if status >= 500:  # noqa: PLR2004 - server errors
        return _on_bug(error)
    refusal: Refusal
    if status == 413:  # noqa: PLR2004
        refusal = TooLarge(limit=request.max_content_length or 0)
    elif status == 429:  # noqa: PLR2004
        refusal = TooMany()
    else:
        known = {401: SignInRequired, 403: NotPermitted, 404: NotFound, 405: MethodNotAllowed}
        refusal = known.get(status, BadRequest)()
    wait = _RETRY_SECONDS if isinstance(refusal, TooMany) else 0
    response = show(view_of(refusal, _request_id(), status=status, retry_after=wait))
    for name, value in error.get_headers():
        if name in {"Allow", "Retry-After"}:
            response.headers[name] = value
    return response


def _on_bug(error: Exception) -> ResponseReturnValue:
    _log.error("bug request=%s", _request_id(), exc_info=error)
    return show(view_of(Internal(), _request_id()))


def show(view: RefusalView) -> Response:
    """The failure as this caller reads it."""
    if wants_json(request):
        response = problem(view)
    else:
        response = make_response(render_template("errors/refusal.html", shown=view), view.status)
    if view.retry_after:
        response.headers["Retry-After"] = str(view.retry_after)
    return response


def _request_id() -> str:
    return str(g.get("request_id", "")) if has_request_context() else ""
