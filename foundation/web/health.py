"""Is it alive, is it ready, and what time does the platform say it is."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Flask, Response, current_app
from flask.typing import ResponseReturnValue

from foundation.clock import machine_now
from foundation.errors import CentreError
from foundation.i18n import iso
from foundation.web.access import PUBLIC, allow
from foundation.web.respond import json_response

bp = Blueprint("health", __name__)
_log = logging.getLogger(__name__)


def civil_now() -> datetime:
    """The civil instant as the root registered it (``app.extensions["civil_now"]``); machine time before that."""
    tell: Callable[[], datetime] = current_app.extensions.get("civil_now", machine_now)
    return tell()


@bp.get("/healthz")
@allow(PUBLIC)
def healthz() -> ResponseReturnValue:
    """The process answers; nothing else is asked."""
    return json_response({"status": "ok"})


@bp.get("/readyz")
@allow(PUBLIC)
def readyz() -> ResponseReturnValue:
    """Every named check of ``app.extensions["readiness"]``; 503 when one of them raises."""
    found: dict[str, str] = {}
    for name, check in current_app.extensions["readiness"].items():
        try:
            check()
        except CentreError as error:
            found[name] = error.code
        except Exception:  # noqa: BLE001 - logged; any failure means "not ready", and the others must still be named
            _log.exception("readiness check %s failed", name)
            found[name] = "failed"
        else:
            found[name] = "ok"
    ready = all(word == "ok" for word in found.values())
    return json_response({"status": "ready" if ready else "not ready", "checks": found}, 200 if ready else 503)


@bp.get("/time")
@allow(PUBLIC)
def time_now() -> Response:
    """The platform's civil time, for the clocks of pages. ``is_paused``: the demonstration clock stands still."""
    paused: Callable[[], bool] = current_app.extensions.get("civil_paused", bool)
    response = json_response({"now": iso(civil_now()), "is_demo": current_app.config["DEMO"], "is_paused": paused()})
    response.headers["Cache-Control"] = "no-store"
    return response


def install(app: Flask) -> None:
    app.extensions.setdefault("readiness", {})
    app.register_blueprint(bp)
