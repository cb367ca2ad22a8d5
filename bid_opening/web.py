"""The opening's part of the web application."""

from __future__ import annotations

from flask import Flask

from bid_opening import duty_worklist, lot_life, nav, worklist
from bid_opening.views import acts, beacons, board, duty, faults, identity, replays, rooms, sessions, talk


def register(app: Flask) -> None:
    """Blueprints and navigation."""
    app.register_blueprint(rooms.bp)
    app.register_blueprint(acts.bp)
    app.register_blueprint(beacons.bp)
    app.register_blueprint(replays.bp)
    app.register_blueprint(sessions.bp)
    app.register_blueprint(faults.bp)
    app.register_blueprint(identity.bp)
    app.register_blueprint(talk.bp)
    app.register_blueprint(duty.bp)
    nav.register(app.extensions["nav"])
    app.extensions["lot_life"].add_links(lot_life.links)
    app.extensions["worklist"].add(worklist.work)
    app.extensions["worklist"].add(duty_worklist.work)
    app.jinja_env.filters["room_money"] = board.grouped
