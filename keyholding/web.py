"""Wiring into the web application."""

from __future__ import annotations

from flask import Flask

from keyholding import api, nav, views, worklist


def register(app: Flask) -> None:
    """Pages, the agents' interface, navigation."""
    app.register_blueprint(views.bp)
    app.register_blueprint(api.bp)
    nav.register(app.extensions["nav"])
    app.extensions["worklist"].add(worklist.work)
