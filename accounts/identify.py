"""Who asks: the bearer token if there is one and then nothing else, otherwise the cookie."""

from __future__ import annotations

from flask import Request

from accounts import sessions
from foundation.actor import Actor
from foundation.web.negotiate import is_bearer
from foundation.web.runtime import units


def token_of(request: Request) -> str:
    """The token the caller shows; "" for none."""
    if is_bearer(request):
        return request.headers["Authorization"].split(" ", 1)[1].strip()
    return request.cookies.get(sessions.COOKIE, "")


def identify(request: Request) -> Actor | None:
    """The person behind the request; None for nobody. Registered as ``app.extensions["identify"]``."""
    token = token_of(request)
    if not token:
        return None
    with units().read() as unit:
        actor = sessions.actor_of_token(unit, token, source=request.remote_addr or "")
        stale = actor is not None and sessions.needs_touch(unit, token)
    if stale and actor is not None:
        with units().begin(actor) as unit:
            sessions.touch(unit, token)
    return actor
