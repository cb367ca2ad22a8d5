"""Opening sessions: one page for the lots that open together, acts on several of them, the cover, a host's days."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from bid_opening import forms
from bid_opening.errors import SessionPartlyDone
from bid_opening.queries import sessions as queries
from bid_opening.services import sessions
from bid_opening.services.sessions import Outcome
from bid_opening.views import session_showing as showing
from foundation.errors import Objection
from foundation.i18n import sentence
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.negotiate import wants_json
from foundation.web.respond import done, json_response, page, parse, refusable
from foundation.web.runtime import units

bp = Blueprint("sessions", __name__)


@bp.get("/sessions")
@allow("agency", "tenderee")
def my_days() -> ResponseReturnValue:
    """The openings the asker's organisation hosts, by day, with what overlaps."""
    with units().read(current_actor()) as unit:
        days = queries.days_of_host(unit)
    return page("bid_opening/session_days.html", days=days)


@bp.get("/sessions/<lot_id>")
@allow(PUBLIC)
def show(lot_id: str) -> ResponseReturnValue:
    """The lots that open together, each as the asker sees it; host and bidders act from here."""
    sessions.note_arrival(units(), current_actor(), lot_id)
    with units().read(current_actor()) as unit:
        session = queries.session_page(unit, lot_id)
        shown = showing.session(session)
    if wants_json(request):
        return json_response(session)
    return page("bid_opening/session.html", session=session, shown=shown)


@bp.get("/sessions/<lot_id>/cover")
@allow(PUBLIC)
def cover(lot_id: str) -> ResponseReturnValue:
    """The cover sheet of the session's records, with the hash of each."""
    with units().read(current_actor()) as unit:
        found = queries.session_cover(unit, lot_id)
    if wants_json(request):
        return json_response(found)
    return page("bid_opening/session_cover.html", cover=found)


@bp.get("/sessions/<lot_id>/<any(act,'check-in'):step>")
@allow("agency", "tenderee", "bidder")
def back_to_session(lot_id: str, step: str) -> ResponseReturnValue:  # noqa: ARG001 - part of the address
    """After a refused form the address is the act's; reading it shows the session."""
    return redirect(url_for(".show", lot_id=lot_id), code=303)


@bp.post("/sessions/<lot_id>/act")
@allow("agency", "tenderee")
@refusable(show)
def act(lot_id: str) -> ResponseReturnValue:
    """One act of the host in the lots that are named, each judged by itself."""
    wanted = parse(forms.SessionActForm)
    return _answer(lot_id, sessions.act_on(units(), current_actor(), lot_id, wanted.act, wanted.lots))


@bp.post("/sessions/<lot_id>/check-in")
@allow("bidder")
@refusable(show)
def check_in(lot_id: str) -> ResponseReturnValue:
    """The bidder signs in to every lot it has bid for."""
    return _answer(lot_id, sessions.check_in(units(), current_actor(), lot_id))


def _answer(lot_id: str, outcomes: Sequence[Outcome]) -> ResponseReturnValue:
    refused = [one for one in outcomes if not one.is_done]
    count = len(outcomes) - len(refused)
    if refused:
        raise SessionPartlyDone(done=count, refused=len(refused), objections=_objections(lot_id, refused))
    told = [{"lot_id": one.lot_id, "state": one.phase.name if one.phase else None} for one in outcomes]
    notice = (f"已办理 {count} 个标段", f"Done in {count} lots" if count != 1 else "Done in one lot")
    return done(url_for(".show", lot_id=lot_id), notice=notice, lots=told)


def _objections(lot_id: str, refused: Sequence[Outcome]) -> list[Objection]:
    """Why each of these lots refused, in the reader's language, with a link to the lot on the page."""
    with units().read(current_actor()) as unit:
        numbers = {lot.room.lot_id: lot.number for lot in queries.session_page(unit, lot_id).lots}
    return [
        Objection(
            code="bid_opening.lot_refused",
            field=f"lot-{numbers[one.lot_id]}",
            params={"lot": numbers[one.lot_id], "why": sentence("errors", one.refusal.code, one.refusal.fields)},
        )
        for one in refused
        if one.refusal is not None
    ]
