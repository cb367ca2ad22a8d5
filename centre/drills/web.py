"""Pages of drills: what may be rehearsed, a drill while it runs and its report afterwards; and the practice room."""

from __future__ import annotations

import json
from collections.abc import Iterator

from flask import Blueprint, Flask, Response
from flask.typing import ResponseReturnValue

from accounts.roles import Role
from centre.drills import practice, services
from centre.drills.running import record_name
from foundation.actor import Actor
from foundation.ids import parse_id
from foundation.store.unit import Unit
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.jsonable import jsonable
from foundation.web.limits import EXPENSIVE, rate_limit
from foundation.web.lot_life import LotLink
from foundation.web.respond import done, page, refusable
from foundation.web.runtime import runtime, units
from tendering import facade as tendering

bp = Blueprint("drills", __name__)
SIDES = (Role.AGENCY, Role.TENDEREE, Role.CENTRE_STAFF)
READERS = (*SIDES, Role.SUPERVISOR)


@bp.get("/drills")
@allow(Role.CENTRE_STAFF, Role.SUPERVISOR)
def list_openings() -> ResponseReturnValue:
    """The openings of the next days, each with its last drill."""
    with units().read(current_actor()) as unit:
        openings = services.rehearsable(unit)
        orders = unit.actor.has_role(Role.CENTRE_STAFF)
    return page("drills/index.html", openings=openings, may_order=orders, ahead_days=services.AHEAD.days)


@bp.get("/lots/<lot_id>/drills")
@allow(*READERS)
def list_drills(lot_id: str) -> ResponseReturnValue:
    """The drills of one lot, newest first, and the button for another one."""
    return _lot_page(parse_id(lot_id))


def _lot_page(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        found = services.drills_of(unit, lot_id)
        card = tendering.lot_card(unit, lot_id)
        is_possible = services.can_be_rehearsed(unit, card)
        orders = services.may_order(unit, lot_id)
    lot = {"id": card.id, "code": card.lot_code, "name": card.name, "opens_at": card.deadline_at}
    return page("drills/lot.html", lot=lot, drills=found, is_possible=is_possible, may_order=orders)


@bp.post("/lots/<lot_id>/drills")
@allow(*SIDES)
@rate_limit(EXPENSIVE)
@refusable(list_drills)
def order(lot_id: str) -> ResponseReturnValue:
    """Rehearse this lot's opening, once at a time."""
    with units().begin(current_actor()) as unit:
        drill_id = services.order_drill(unit, parse_id(lot_id))
    return done(f"/drills/{drill_id}", status=201, drill_id=drill_id)


@bp.get("/drills/<drill_id>")
@allow(*READERS)
def show(drill_id: str) -> ResponseReturnValue:
    """One drill: how far it is, or what it found."""
    with units().read(current_actor()) as unit:
        found = services.drill_of(unit, parse_id(drill_id))
    return page("drills/drill.html", drill=found)


@bp.get("/drills/<drill_id>/report.json")
@allow(*READERS)
def report(drill_id: str) -> ResponseReturnValue:
    """The report to keep."""
    with units().read(current_actor()) as unit:
        found = services.report_of(unit, parse_id(drill_id))
    told = {
        **(found.report or {}),
        "id": found.id,
        "state": found.state,
        "ordered_by": found.ordered_by,
        "ordered_at": found.ordered_at,
        "finished_at": found.finished_at,
        "attempt": found.attempt,
    }
    text = json.dumps(jsonable(told), ensure_ascii=False, indent=1)
    return _download(text.encode(), "application/json", f"drill-{found.lot_code}-{found.id[-6:]}.json")


@bp.get("/drills/<drill_id>/record.pdf")
@allow(*READERS)
def record(drill_id: str) -> ResponseReturnValue:
    """The opening record the drill drew up, marked 演练."""
    with units().read(current_actor()) as unit:
        found = services.report_of(unit, parse_id(drill_id))
    content = runtime().objects.get(record_name(found.id))
    return _download(content, "application/pdf", f"drill-{found.lot_code}-{found.id[-6:]}.pdf")


@bp.get("/practice")
@allow(PUBLIC)
def practice_room() -> ResponseReturnValue:
    """练习室: a bidder's seat to try, for everybody. Everything happens in the browser; nothing is sent or kept."""
    return page("drills/practice.html", story=practice.story())


def _download(content: bytes, mimetype: str, name: str) -> Response:
    response = Response(content, mimetype=mimetype)
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def links(unit: Unit, actor: Actor, lot_id: str) -> Iterator[LotLink]:
    """From a lot's pages to its drills, for those who may see them; for a bidder to the practice room."""
    if actor.has_role(Role.BIDDER):
        yield LotLink("开标练习室", "Practice room", "/practice", 46)
    if not actor.has_role(*READERS) or not services.may_see(unit, lot_id):
        return
    if services.can_be_rehearsed(unit, tendering.lot_card(unit, lot_id)):
        yield LotLink("演练这场开标", "Rehearse this opening", f"/lots/{lot_id}/drills", 45)


def register(app: Flask) -> None:
    """Add drills and the practice room to the web application."""
    app.register_blueprint(bp)
    app.extensions["lot_life"].add_links(links)
    nav = app.extensions["nav"]
    nav.add(Role.CENTRE_STAFF, "开标演练", "Drills", "drills.list_openings", order=25)
    nav.add(Role.SUPERVISOR, "开标演练", "Drills", "drills.list_openings", order=60)
    nav.add("footer", "开标练习室", "Practice room", "drills.practice_room", order=40)
