"""Cross-site request forgery: a token in every form that rides on cookies.

A request with ``Authorization: Bearer`` is exempt, because another site can neither set that header nor learn the
token; the accounts package must then look at nothing but the header.
"""

from __future__ import annotations

from flask import Flask, request
from flask_wtf.csrf import CSRFProtect

from foundation.web.negotiate import is_bearer


def install(app: Flask) -> CSRFProtect:
    """Check the token (form field ``csrf_token`` or header ``X-CSRFToken``) of every POST, PUT, PATCH and DELETE."""
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False
    # As long as the browser session: a bid form may stay open for a day, and the session itself is what expires.
    app.config.setdefault("WTF_CSRF_TIME_LIMIT", None)
    protect = CSRFProtect(app)

    @app.before_request
    def check_token() -> None:
        if app.config["WTF_CSRF_ENABLED"] and not is_bearer(request):
            protect.protect(apply_exemptions=True)

    return protect
