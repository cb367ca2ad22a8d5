"""Wiring into the web application."""

from __future__ import annotations

from flask import Flask

from credit import desk_views, nav, standing_views, views, worklist


def register(app: Flask) -> None:
    for blueprint in (views.bp, standing_views.bp, desk_views.bp):
        app.register_blueprint(blueprint)
    nav.register(app.extensions["nav"])
    app.extensions["worklist"].add(worklist.work)
