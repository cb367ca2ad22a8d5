"""Wiring into the web application."""

from __future__ import annotations

from typing import Final

from flask import Flask

from credit import desk_views, nav, standing_views, views, worklist

RULE_SOURCES: Final = {"R7.13": "NDRC58", "R7.14": "SC49", "R7.16": "cfg"}
"""What the rules of this package rest on, for the citations of pages (docs/reference/rules.md)."""


def register(app: Flask) -> None:
    for blueprint in (views.bp, standing_views.bp, desk_views.bp):
        app.register_blueprint(blueprint)
    nav.register(app.extensions["nav"])
    app.extensions["worklist"].add(worklist.work)
    app.extensions["rule_sources"].update(RULE_SOURCES)
