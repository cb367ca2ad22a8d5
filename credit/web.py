"""Wiring into the web application."""

from __future__ import annotations

from flask import Flask

from credit import nav
from credit.views import bp


def register(app: Flask) -> None:
    app.register_blueprint(bp)
    nav.register(app.extensions["nav"])
