"""Wiring into the web application."""

from __future__ import annotations

from flask import Flask

from keyholding import api, by_hand, nav, views, worklist


def register(app: Flask) -> None:
    """Pages, the holders' own page, the agents' interface, navigation."""
    app.register_blueprint(views.bp)
    app.register_blueprint(by_hand.bp)
    app.register_blueprint(api.bp)
    nav.register(app.extensions["nav"])
    app.extensions["worklist"].add(worklist.work)
