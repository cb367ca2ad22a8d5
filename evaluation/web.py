"""Evaluation's part of the web application."""

from __future__ import annotations

from flask import Flask

from evaluation import nav
from evaluation.views import desk, draws, library, results, reviews


def register(app: Flask) -> None:
    """Blueprints and navigation."""
    for module in (reviews, desk, results, draws, library):
        app.register_blueprint(module.bp)
    nav.register(app.extensions["nav"])
