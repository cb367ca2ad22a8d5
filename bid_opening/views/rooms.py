"""Hall, gallery, host desk, seat, supervision, polling, record."""

from __future__ import annotations

import segno
from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue

from bid_opening import access, queries
from bid_opening.errors import OutdatedPage
from bid_opening.room.query import parse_after
from bid_opening.services import acts, record, rooms
from bid_opening.views import showing
from foundation.errors import NotFound, NotPermitted
from foundation.i18n import iso
from foundation.roomwire import VERSION, speaks
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.limits import EXPENSIVE, rate_limit
from foundation.web.negotiate import wants_json
from foundation.web.respond import json_response, page
from foundation.web.runtime import runtime, units

bp = Blueprint("rooms", __name__)
POLL_LIMIT = 500
_OFFICIAL = frozenset({"host", "represent", "supervise"})
"""Desks of the official side."""


@bp.get("/rooms")
@allow(PUBLIC)
def hall() -> ResponseReturnValue:
    """Openings by day. ``?screen=1`` is the wall of the lobby, ``?q=`` searches."""
    is_screen = request.args.get("screen") == "1"
    with units().read(current_actor()) as unit:
        found = showing.search(queries.hall(unit), request.args.get("q", ""))
        feature = showing.feature(unit, found) if is_screen else None
    if is_screen:
        qr = segno.make(url_for(".hall", _external=True)).svg_data_uri()
        return page("bid_opening/screen.html", hall=found, screen=showing.screen(found), feature=feature, qr=qr)
    return page("bid_opening/hall.html", hall=found, wanted=request.args.get("q", ""))


@bp.get("/rooms/<lot_id>")
@allow(PUBLIC)
def gallery(lot_id: str) -> ResponseReturnValue:
    """What the public sees; as JSON the snapshot for the asker's own audiences."""
    return _show(lot_id, "gallery")


@bp.get("/rooms/<lot_id>/host")
@allow("agency", "tenderee")
def host_desk(lot_id: str) -> ResponseReturnValue:
    return _show(lot_id, "host")


@bp.get("/rooms/<lot_id>/represent")
@allow("tenderee")
def represent(lot_id: str) -> ResponseReturnValue:
    """The desk of the tenderee's representative, where an agency hosts (R3.01)."""
    return _show(lot_id, "represent")


@bp.get("/rooms/<lot_id>/seat")
@allow("bidder")
def seat(lot_id: str) -> ResponseReturnValue:
    return _show(lot_id, "seat")


@bp.get("/rooms/<lot_id>/supervise")
@allow("supervisor", "centre_staff", "witness")
def supervise(lot_id: str) -> ResponseReturnValue:
    return _show(lot_id, "supervise")


def _note_arrival(lot_id: str) -> None:
    """Who of the official side opens its desk while the room is live attends the opening; written once a person."""
    with units().read(current_actor()) as unit:
        is_arriving = acts.is_arriving(unit, lot_id)
    if is_arriving:
        with units().begin(current_actor()) as unit:
            acts.join(unit, lot_id)


def _show(lot_id: str, desk: str) -> ResponseReturnValue:
    if desk in _OFFICIAL:
        _note_arrival(lot_id)
    with units().read(current_actor()) as unit:
        room = queries.room_page(unit, lot_id)
        if desk in _OFFICIAL and not room.is_staff:
            raise NotFound(what="room")
        shown = showing.desk(unit, room, desk)
    if wants_json(request):
        return json_response(room)
    return page(f"bid_opening/{desk}.html", room=room, shown=shown)


@bp.get("/rooms/<lot_id>/events")
@allow(PUBLIC)
def events(lot_id: str) -> ResponseReturnValue:
    """The frames of the socket for whom it fails: ``?after=public:12,staff:3``, each audience in its order."""
    if not speaks(request.args.get("v", "")):
        raise OutdatedPage(spoken=VERSION)
    wanted = parse_after(request.args.get("after", ""))
    with units().read(current_actor()) as unit:
        may_see = access.audiences_of(unit, lot_id)
        if any(audience not in may_see for audience in wanted):
            raise NotPermitted(what="audience")
        after = wanted or dict.fromkeys(may_see, 0)
        heads = rooms.heads_of(unit, lot_id, after)
        # Numbers this history does not have: the asker begins again, as at the socket.
        after = {audience: number if number <= heads[audience] else 0 for audience, number in after.items()}
        found = [
            text
            for audience, number in after.items()
            if heads[audience] > number
            for _, text in rooms.frames_after(unit, lot_id, audience, number, limit=POLL_LIMIT)
        ]
        now = unit.at
    # The frames are JSON already, the same bytes as on the socket: they are put together, not parsed.
    told = json_response({"version": VERSION, "server_time": iso(now), "heads": heads, "from": after}).get_data(
        as_text=True
    )
    return Response(f'{told[:-1]},"frames":[{",".join(found)}]}}', mimetype="application/json")


@bp.get("/rooms/<lot_id>/record.pdf")
@allow(PUBLIC)
@rate_limit(EXPENSIVE)
def record_pdf(lot_id: str) -> ResponseReturnValue:
    """The opening record, or the record of its failure. Public (Art 32); the latter tells how many, never who."""
    content = record.read_record(runtime(), lot_id)
    if content is None:
        raise NotFound(what="record")
    response = Response(content, mimetype="application/pdf")
    response.headers["Content-Disposition"] = f'inline; filename="opening-record-{lot_id}.pdf"'
    return response


@bp.get("/rooms/<lot_id>/draws")
@allow(PUBLIC)
def draws(lot_id: str) -> ResponseReturnValue:
    """Everything anybody needs to draw again: frozen list, pools, transcripts. JSON only."""
    with units().read(current_actor()) as unit:
        found = queries.replay(unit, lot_id)
    return json_response(found)
