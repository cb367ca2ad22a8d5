"""Evaluation's part of the web application."""

from __future__ import annotations

from flask import Flask

from evaluation import lot_life, nav, worklist
from evaluation.views import desk, draws, library, results, reviews


def register(app: Flask) -> None:
    """Blueprints and navigation."""
    for module in (reviews, desk, results, draws, library):
        app.register_blueprint(module.bp)
    nav.register(app.extensions["nav"])
    app.extensions["worklist"].add(worklist.work)
    app.extensions["worklist"].add_lots(worklist.lots)
    app.extensions["lot_life"].add_stages(lot_life.stages, order=50)
    app.extensions["lot_life"].add_links(lot_life.links)
