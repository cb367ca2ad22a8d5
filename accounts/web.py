"""Wiring into the web application."""

from __future__ import annotations

from flask import Flask

from accounts import nav, worklist
from accounts.blueprints import BLUEPRINTS
from accounts.identify import identify
from accounts.verification_views import bank_notice
from accounts.views import enter, register_organisation


def register(app: Flask) -> None:
    """Pages, navigation, and who is who (``app.extensions["identify"]``)."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    nav.register(app.extensions["nav"])
    app.extensions["worklist"].add(worklist.work)
    app.extensions["identify"] = identify
    # The bank signs its body; the other two check the token themselves unless the body is JSON.
    for view in (bank_notice, enter, register_organisation):
        app.extensions["csrf"].exempt(view)
