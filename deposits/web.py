"""Wiring into the web application."""

from __future__ import annotations

from typing import Final

from flask import Flask

from deposits import desk_views, lot_life, nav, views, worklist

RULE_SOURCES: Final = {"R2.10": "REG 35", "R2.12": "REG 31"}
"""What the grounds of refunds rest on, where a law says so and no rulebook does (docs/reference/rules.md)."""


def register(app: Flask) -> None:
    for rule_id, source in RULE_SOURCES.items():
        app.extensions["rule_sources"].setdefault(rule_id, source)
    for blueprint in (views.bp, desk_views.bp):
        app.register_blueprint(blueprint)
    nav.register(app.extensions["nav"])
    app.extensions["worklist"].add(worklist.work)
    # After every other package: whether the money is back is known here alone.
    app.extensions["lot_life"].add_stages(lot_life.stages, order=90)
    app.extensions["lot_life"].add_links(lot_life.links)
    # The bank signs its body.
    for view in (desk_views.bank_arrival, desk_views.bank_order):
        app.extensions["csrf"].exempt(view)
