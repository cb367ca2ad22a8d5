"""Oversight's part of the web application."""

from __future__ import annotations

from flask import Flask

from oversight import nav, statistics_views, views


def register(app: Flask) -> None:
    """Blueprints and navigation."""
    for module in (views, statistics_views):
        app.register_blueprint(module.bp)
    nav.register(app.extensions["nav"])
