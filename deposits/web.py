"""Wiring into the web application."""

from __future__ import annotations

from flask import Flask

from deposits import desk_views, lot_life, nav, views, worklist


def register(app: Flask) -> None:
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
