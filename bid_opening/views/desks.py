"""Where a person's acts in a room lead back to: everybody to the own desk."""

from __future__ import annotations

from flask import url_for
from flask.typing import ResponseReturnValue

from bid_opening.ceremony import RoomState
from bid_opening.views.rooms import host_desk, supervise
from foundation.errors import NotFound
from foundation.web.access import current_actor
from foundation.web.respond import done
from foundation.web.runtime import units
from tendering import facade as tendering

BIDDER = "bidder"
HOST = ("agency", "tenderee")
DECIDING = ("supervisor", "centre_staff")
DUTY = "centre_staff"


def back(lot_id: str, state: RoomState | None = None, notice: tuple[str, str] | None = None) -> ResponseReturnValue:
    if state is None:
        return done(desk_of(lot_id), notice=notice, lot_id=lot_id)
    return done(desk_of(lot_id), notice=notice, lot_id=lot_id, state=state.phase.name, until=state.until)


def desk_of(lot_id: str) -> str:
    actor = current_actor()
    if actor.has_role(*DECIDING):
        return url_for("rooms.supervise", lot_id=lot_id)
    if actor.has_role("tenderee") and not _hosts(lot_id):
        return url_for("rooms.represent", lot_id=lot_id)
    if actor.has_role(*HOST):
        return url_for("rooms.host_desk", lot_id=lot_id)
    return url_for("rooms.seat", lot_id=lot_id)


def _hosts(lot_id: str) -> bool:
    """Whether the actor runs this opening; no for a lot that is not there: the desk it is led to says so."""
    with units().read(current_actor()) as unit:
        try:
            return tendering.host_may_run(unit, lot_id, unit.actor)
        except NotFound:
            return False


def any_desk(lot_id: str) -> ResponseReturnValue:
    """The page to show again after a refusal."""
    return (supervise if current_actor().has_role(*DECIDING) else host_desk)(lot_id)
