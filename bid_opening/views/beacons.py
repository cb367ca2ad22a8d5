"""The duty desk's page for the announced beacon: what is awaited, and handing its value in as a file in two steps."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from bid_opening import forms, queries
from bid_opening.services import beacons
from foundation.draws import Beacon
from foundation.draws.beacon import ANSWER_MAX_BYTES
from foundation.errors import InvalidInput, Objection
from foundation.web.access import allow, current_actor
from foundation.web.limits import EXPENSIVE, rate_limit
from foundation.web.negotiate import wants_json
from foundation.web.respond import done, json_response, page, parse, refusable
from foundation.web.runtime import runtime, units

bp = Blueprint("room_beacons", __name__)
DUTY = "centre_staff"


@bp.get("/rooms/<lot_id>/beacon")
@allow(DUTY)
def show(lot_id: str) -> ResponseReturnValue:
    return _page(lot_id)


@bp.post("/rooms/<lot_id>/beacon")
@allow(DUTY)
@rate_limit(EXPENSIVE)
@refusable(show)
def hand_in(lot_id: str) -> ResponseReturnValue:
    """First the file alone, which is verified and shown; then the same content with ``confirm``, which stores it."""
    wanted = parse(forms.BeaconForm)
    content = wanted.content or _file()
    with units().read(current_actor()) as unit:
        beacon = beacons.read_file(unit, lot_id, content.encode())
    if not wanted.confirm:
        if wants_json(request):
            return json_response({"round": beacon.round, "signature": beacon.signature, "is_verified": True})
        return _page(lot_id, beacon, content)
    with units().begin(current_actor()) as unit:
        state = beacons.receive_file(unit, lot_id, beacon)
    notice = ("公共随机数已核验并记录", "The beacon's value is verified and on record")
    return done(url_for("rooms.supervise", lot_id=lot_id), notice=notice, lot_id=lot_id, state=state.phase.name)


def _file() -> str:
    sent = request.files.get("document")
    if sent is None:
        raise InvalidInput(objections=[Objection("foundation.field_missing", "content")])
    content: bytes = sent.read(ANSWER_MAX_BYTES + 1)
    return content.decode("utf-8", errors="replace")


def _page(lot_id: str, checked: Beacon | None = None, content: str = "") -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        room = queries.room_page(unit, lot_id)
    relays = beacons.relays(runtime().settings)
    return page("bid_opening/beacon.html", room=room, relays=relays, checked=checked, content=content)
