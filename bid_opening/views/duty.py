"""The duty desk of the centre: all rooms at once."""

from __future__ import annotations

from flask import Blueprint
from flask.typing import ResponseReturnValue

from bid_opening.queries.duty import duty_desk
from bid_opening.views.desks import DUTY
from foundation.web.access import allow, current_actor
from foundation.web.respond import page
from foundation.web.runtime import units

bp = Blueprint("duty", __name__)


@bp.get("/rooms/duty")
@allow(DUTY)
def show() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        desk = duty_desk(unit)
    return page("bid_opening/duty.html", desk=desk)
