"""Evaluation's part of the web application."""

from __future__ import annotations

from typing import Final

from flask import Flask

from evaluation import lot_life, nav, worklist
from evaluation.views import desk, draws, library, results, reviews

RULE_SOURCES: Final = {
    "R1.41": "REG 54",
    "R1.49": "REG 55",
    "R4.01": "ZTB 37",
    "R4.08": "REG 48",
    "R4.11": "REG 53",
    "R4.51": "REG 51",
}
"""What the rules named on work lists and pages of evaluation rest on, where a law says so (docs/reference/rules.md)."""


def register(app: Flask) -> None:
    """Blueprints, navigation, work lists, and what a lot's other pages show of its evaluation."""
    for rule_id, source in RULE_SOURCES.items():
        app.extensions["rule_sources"].setdefault(rule_id, source)
    for module in (reviews, desk, results, draws, library):
        app.register_blueprint(module.bp)
    nav.register(app.extensions["nav"])
    app.extensions["worklist"].add(worklist.work)
    app.extensions["worklist"].add_lots(worklist.lots)
    app.extensions["lot_life"].add_stages(lot_life.stages, order=50)
    app.extensions["lot_life"].add_links(lot_life.links)
