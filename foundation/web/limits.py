"""Published limits: how often, and how large.

Rates are counted per signed-in person, else per address, and per route. Sizes are checked before a body is read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from flask import Flask, current_app, request
from flask.typing import ResponseReturnValue
from flask_limiter import Limiter

from foundation.web.access import current_actor

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])

KIB: Final = 1024
MIB: Final = 1024 * 1024
DEFAULT_BODY_BYTES: Final = MIB
DEFAULT_FORM_FIELDS: Final = 2000

READ: Final = "3000 per minute"
"""Generous: a whole bidders' hall may sit behind one address."""
WRITE: Final = "300 per minute"
SIGN_IN: Final = "20 per minute"
EXPENSIVE: Final = "30 per minute"
"""PDFs, exports, verification of uploads."""


def rate_limit(rate: str) -> Callable[[View], View]:
    """The rate of one route, such as ``SIGN_IN`` or ``"10 per minute"``, in place of the defaults."""

    def mark(view: View) -> View:
        view.__dict__["rate_limit"] = rate
        return view

    return mark


def body_limit(size_bytes: int) -> Callable[[View], View]:
    """The largest body of one route, in bytes, in place of DEFAULT_BODY_BYTES."""

    def mark(view: View) -> View:
        view.__dict__["body_limit"] = size_bytes
        return view

    return mark


def install_body_limits(app: Flask) -> None:
    """Must stand before anything that reads the form (the CSRF check does)."""
    app.config["MAX_CONTENT_LENGTH"] = DEFAULT_BODY_BYTES
    app.config["MAX_FORM_PARTS"] = DEFAULT_FORM_FIELDS

    @app.before_request
    def set_body_limit() -> None:
        limit = _mark("body_limit")
        if isinstance(limit, int):
            request.max_content_length = limit


def install_rates(app: Flask, storage_url: str, *, enabled: bool = True) -> Limiter:
    """Count in memory or, with a ``redis://`` address, for all processes together."""
    return Limiter(
        key_func=_who,
        app=app,
        default_limits=[_rate],
        storage_uri=storage_url or "memory://",
        enabled=enabled,
        headers_enabled=False,
        swallow_errors=True,  # a counter that is out of reach must not stop a bid before its deadline
    )


def _mark(name: str) -> object:
    return getattr(current_app.view_functions.get(request.endpoint or ""), name, None)


def _rate() -> str:
    marked = _mark("rate_limit")
    return marked if isinstance(marked, str) else READ if request.method in {"GET", "HEAD"} else WRITE


def _who() -> str:
    actor = current_actor()
    return f"user:{actor.user_id}" if actor.is_signed_in else f"address:{actor.source}"
