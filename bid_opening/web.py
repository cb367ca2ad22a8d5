"""The opening's part of the web application."""

from __future__ import annotations

from flask import Flask

from bid_opening import nav, worklist
from bid_opening.views import acts, beacons, board, faults, identity, rooms, sessions


def register(app: Flask) -> None:
    """Blueprints and navigation."""
    app.register_blueprint(rooms.bp)
    app.register_blueprint(acts.bp)
    app.register_blueprint(beacons.bp)
    app.register_blueprint(sessions.bp)
    app.register_blueprint(faults.bp)
    app.register_blueprint(identity.bp)
    nav.register(app.extensions["nav"])
    app.extensions["worklist"].add(worklist.work)
    app.jinja_env.filters["room_money"] = board.grouped
