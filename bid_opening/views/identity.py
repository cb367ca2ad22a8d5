"""Attendance of a room: the staff's page, sign-in by papers, identity checks, absence, refusal of a bid."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from bid_opening import identity_forms as forms
from bid_opening.ceremony import RoomState
from bid_opening.errors import PaperRefused
from bid_opening.queries.attendance import attendance_page
from bid_opening.services import identity
from bid_opening.views.rooms import seat
from foundation.errors import Objection
from foundation.web.access import allow, current_actor
from foundation.web.limits import EXPENSIVE, MIB, body_limit, rate_limit
from foundation.web.negotiate import wants_json
from foundation.web.respond import done, json_response, page, parse, refusable
from foundation.web.runtime import runtime, units

bp = Blueprint("room_attendance", __name__)
HOST = ("agency", "tenderee")
DECIDING = ("supervisor", "centre_staff")
STAFF = (*HOST, *DECIDING, "witness")


@bp.get("/rooms/<lot_id>/attendance")
@allow(*STAFF)
def attendance(lot_id: str) -> ResponseReturnValue:
    """Who is there, once the list is published; as JSON the annex of the record."""
    with units().read(current_actor()) as unit:
        found = attendance_page(unit, lot_id)
    if wants_json(request):
        return json_response(found)
    wanted = request.values.get("seat", "")
    chosen = next((row for row in found.rows if str(row.seat) == wanted), None)
    return page("bid_opening/attendance.html", attendance=found, chosen=chosen)


@bp.get("/rooms/<lot_id>/papers/<int:number>/<any(photo,letter):kind>")
@allow("bidder", *HOST, "supervisor")
def paper(lot_id: str, number: int, kind: str) -> ResponseReturnValue:
    """A paper of a sign-in, for the host's side, a supervisor, or the bidder's own people; after the list only."""
    with units().read(current_actor()) as unit:
        row = identity.paper_for(unit, lot_id, number, kind)
        name, media = row.object_name, identity.Media(row.media_type)
    response = Response(runtime().objects.open_stream(name), mimetype=media)
    # Never shown inside our own origin: it is a stranger's file.
    response.headers["Content-Disposition"] = f'attachment; filename="{kind}-{number:02d}.{media.ending}"'
    return response


@bp.get("/rooms/<lot_id>/emergency-sign-in")
@allow("bidder")
def back_to_seat(lot_id: str) -> ResponseReturnValue:
    """After a refused form the address is the act's; reading it shows the seat."""
    return redirect(url_for("rooms.seat", lot_id=lot_id), code=303)


@bp.post("/rooms/<lot_id>/emergency-sign-in")
@allow("bidder")
@body_limit(2 * identity.PAPER_MAX_BYTES + MIB)
@rate_limit(EXPENSIVE)
@refusable(seat)
def emergency_sign_in(lot_id: str) -> ResponseReturnValue:
    """应急签到: a photo and a proxy letter, in the last minutes only."""
    with units().read(current_actor()) as unit:
        is_wanted = identity.is_wanted(unit, lot_id)
    if not is_wanted:
        return done(url_for("rooms.seat", lot_id=lot_id), notice=("已签到", "You are signed in"), lot_id=lot_id)
    papers = tuple(identity.read_paper(kind, _file(kind)) for kind in identity.KINDS)
    kept = identity.keep_papers(runtime(), lot_id, papers)
    with units().begin(current_actor()) as unit:
        identity.sign_in_by_papers(unit, lot_id, kept)
    notice = (
        "已应急签到，照片和授权书在名单公布后供招标方和监督人核验",
        "Signed in; your papers are checked after the list",
    )
    return done(url_for("rooms.seat", lot_id=lot_id), status=201, notice=notice, lot_id=lot_id)


def _file(kind: str) -> bytes:
    sent = request.files.get(kind)
    if sent is None:
        raise PaperRefused(objections=[Objection("foundation.field_missing", kind)])
    content: bytes = sent.read(identity.PAPER_MAX_BYTES + 1)
    return content


# --- the host, and the second person ----------------------------------------------------------------------------------


@bp.get("/rooms/<lot_id>/attendance/<any(absence,check,'propose-refusal','withdraw-refusal','decide-refusal'):act>")
@allow(*STAFF)
def back_to_attendance(lot_id: str, act: str) -> ResponseReturnValue:  # noqa: ARG001 - part of the address
    """After a refused form the address is the act's; reading it shows the page."""
    return redirect(url_for(".attendance", lot_id=lot_id), code=303)


def _back(lot_id: str, state: RoomState, notice: tuple[str, str]) -> ResponseReturnValue:
    url = url_for(".attendance", lot_id=lot_id, seat=request.values.get("seat") or None)
    return done(url, notice=notice, lot_id=lot_id, state=state.phase.name)


@bp.post("/rooms/<lot_id>/attendance/absence")
@allow(*HOST)
@refusable(attendance)
def explain_absence(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.AbsenceForm)
    with units().begin(current_actor()) as unit:
        state = identity.explain_absence(unit, lot_id, given.seat, given.cause, given.text)
    return _back(lot_id, state, ("未签到原因已记录", "The reason is on record"))


@bp.post("/rooms/<lot_id>/attendance/check")
@allow(*HOST)
@refusable(attendance)
def check_identity(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.IdentityForm)
    with units().begin(current_actor()) as unit:
        state = identity.check_identity(
            unit, lot_id, given.seat, given.what, given.reason, is_passed=given.result == "passed"
        )
    return _back(lot_id, state, ("核验结果已记录", "The result is on record"))


@bp.post("/rooms/<lot_id>/attendance/propose-refusal")
@allow(*HOST)
@refusable(attendance)
def propose_refusal(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.RefusalForm)
    with units().begin(current_actor()) as unit:
        state = identity.propose_refusal(unit, lot_id, given.seat, given.ground, given.why)
    return _back(lot_id, state, ("已提出，等待第二人确认", "Proposed; a second person has to confirm"))


@bp.post("/rooms/<lot_id>/attendance/withdraw-refusal")
@allow(*HOST)
@refusable(attendance)
def withdraw_refusal(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.SeatForm)
    with units().begin(current_actor()) as unit:
        state = identity.withdraw_refusal(unit, lot_id, given.seat)
    return _back(lot_id, state, ("已收回", "Taken back"))


@bp.post("/rooms/<lot_id>/attendance/decide-refusal")
@allow(*DECIDING)
@refusable(attendance)
def decide_refusal(lot_id: str) -> ResponseReturnValue:
    given = parse(forms.RefusalDecisionForm)
    with units().begin(current_actor()) as unit:
        state = identity.decide_refusal(unit, lot_id, given.seat, agrees=given.decision == "refuse")
    refused = ("已拒收，这份投标不解密、不唱标", "Refused: this bid is neither decrypted nor read out")
    kept = ("不予拒收，该投标照常参加", "Not refused; the bid takes part")
    return _back(lot_id, state, refused if given.decision == "refuse" else kept)
