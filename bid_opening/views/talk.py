"""Talking in a room over HTTP: messages to all, the help line, papers on the table. One address an act."""

from __future__ import annotations

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from bid_opening import talk_forms
from bid_opening.queries.talk import document, talk_page
from bid_opening.services import talk as talking
from bid_opening.talk import FILE_MAX_BYTES
from bid_opening.views import duty
from bid_opening.views.desks import BIDDER, DECIDING, DUTY, HOST, desk_of
from bid_opening.views.rooms import host_desk, represent, seat, supervise
from foundation.errors import InvalidInput, Objection
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.limits import EXPENSIVE, MIB, body_limit, rate_limit
from foundation.web.negotiate import wants_json
from foundation.web.respond import done, json_response, parse, refusable
from foundation.web.runtime import runtime, units

bp = Blueprint("room_talk", __name__)
HIDING = (*HOST, *DECIDING)
TALK_RATE = "30 per minute"
_DESKS = {"host": host_desk, "represent": represent, "supervise": supervise, "seat": seat}


def show_desk(lot_id: str) -> ResponseReturnValue:
    """The page to show again after a refusal: the desk of who asked."""
    if _is_from_duty():
        return duty.show()
    return _DESKS[desk_of(lot_id).rpartition("/")[2]](lot_id)


def show_ticket(lot_id: str, ticket: int) -> ResponseReturnValue:  # noqa: ARG001 - part of the address
    """The same, for addresses that name a ticket."""
    return show_desk(lot_id)


def _is_from_duty() -> bool:
    return request.args.get("from") == "duty" and current_actor().has_role(DUTY)


def _back(lot_id: str, part: str) -> str:
    return url_for("duty.show") if _is_from_duty() else f"{desk_of(lot_id)}#part-{part}"


@bp.get("/rooms/<lot_id>/talk")
@allow(PUBLIC)
def show(lot_id: str) -> ResponseReturnValue:
    """What was said and shown, as JSON for the asker; a browser is led to the desk where it stands."""
    with units().read(current_actor()) as unit:
        found = talk_page(unit, lot_id)
    return json_response(found) if wants_json(request) else redirect(desk_of(lot_id), code=303)


@bp.post("/rooms/<lot_id>/talk")
@allow(BIDDER, *HIDING)
@rate_limit(TALK_RATE)
@refusable(show_desk)
def say(lot_id: str) -> ResponseReturnValue:
    given = parse(talk_forms.SayForm)
    with units().begin(current_actor()) as unit:
        number = talking.say(unit, lot_id, given.message)
    return done(_back(lot_id, "talk"), lot_id=lot_id, number=number)


@bp.get("/rooms/<lot_id>/<any('hide-message',help,documents):act>")
@allow(BIDDER, *HIDING)
def back_to_desk(lot_id: str, act: str) -> ResponseReturnValue:  # noqa: ARG001 - part of the address
    """After a refused form the address is the act's; reading it (reload, other language) shows the desk."""
    return redirect(desk_of(lot_id), code=303)


@bp.get("/rooms/<lot_id>/help/<int:ticket>/<any(answer,close):act>")
@allow(BIDDER, *HIDING)
def back_from_ticket(lot_id: str, ticket: int, act: str) -> ResponseReturnValue:  # noqa: ARG001 - parts of the address
    """The same, for the addresses of a ticket."""
    return redirect(_back(lot_id, "help"), code=303)


@bp.post("/rooms/<lot_id>/hide-message")
@allow(*HIDING)
@refusable(show_desk)
def hide(lot_id: str) -> ResponseReturnValue:
    given = parse(talk_forms.HideForm)
    with units().begin(current_actor()) as unit:
        talking.hide(unit, lot_id, given.hide_number, given.hide_reason)
    return done(_back(lot_id, "talk"), lot_id=lot_id, notice=("已隐藏，留有公开标记", "Hidden; a public mark stays"))


@bp.post("/rooms/<lot_id>/help")
@allow(BIDDER)
@rate_limit(TALK_RATE)
@refusable(show_desk)
def ask_help(lot_id: str) -> ResponseReturnValue:
    given = parse(talk_forms.HelpForm)
    with units().begin(current_actor()) as unit:
        ticket = talking.ask_help(unit, lot_id, given.help_topic, given.help_text)
    notice = ("已送到值守席，答复会出现在这里", "The duty desk has it; the answer appears here")
    return done(_back(lot_id, "help"), lot_id=lot_id, ticket=ticket, notice=notice)


@bp.post("/rooms/<lot_id>/help/<int:ticket>/answer")
@allow(DUTY)
@refusable(show_ticket)
def answer_help(lot_id: str, ticket: int) -> ResponseReturnValue:
    given = parse(talk_forms.HelpAnswerForm)
    with units().begin(current_actor()) as unit:
        talking.answer_help(unit, lot_id, ticket, given.help_answer)
    return done(_back(lot_id, "help"), lot_id=lot_id, ticket=ticket, notice=("已答复", "Answered"))


@bp.post("/rooms/<lot_id>/help/<int:ticket>/close")
@allow(BIDDER, DUTY)
@refusable(show_ticket)
def close_help(lot_id: str, ticket: int) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        talking.close_help(unit, lot_id, ticket)
    return done(_back(lot_id, "help"), lot_id=lot_id, ticket=ticket, notice=("求助已办结", "The request is closed"))


@bp.post("/rooms/<lot_id>/documents")
@allow(*HOST)
@rate_limit(EXPENSIVE)
@body_limit(FILE_MAX_BYTES + MIB)
@refusable(show_desk)
def show_document(lot_id: str) -> ResponseReturnValue:
    """A published paper by its digest, or a PDF that comes with the form: read first, then shown."""
    given = parse(talk_forms.ShowForm)
    if given.document:
        with units().begin(current_actor()) as unit:
            number = talking.show_published(unit, lot_id, given.document)
    else:
        with units().read(current_actor()) as unit:
            talking.require_may_show(unit, lot_id)
        paper = talking.check_paper(runtime(), lot_id, given.document_title, _file())
        with units().begin(current_actor()) as unit:
            number = talking.show_upload(unit, lot_id, paper)
    notice = ("已展示，全场可见", "Shown; everybody sees it")
    return done(_back(lot_id, "documents"), lot_id=lot_id, number=number, notice=notice)


def _file() -> bytes:
    sent = request.files.get("document_file")
    if sent is None:
        raise InvalidInput(objections=[Objection("foundation.field_missing", "document_file")])
    content: bytes = sent.read(FILE_MAX_BYTES + 1)
    return content


@bp.get("/rooms/<lot_id>/documents/<int:number>")
@allow(PUBLIC)
def open_document(lot_id: str, number: int) -> ResponseReturnValue:
    """The file, for everybody. It is a stranger's PDF: never shown inside a page of the centre's own."""
    with units().read(current_actor()) as unit:
        found = document(unit, lot_id, number)
    if found.url:
        return redirect(found.url, code=303)
    content = runtime().objects.open_stream(talking.object_name(lot_id, found.sha256))
    response = Response(content, mimetype="application/pdf")
    response.headers["Content-Length"] = str(found.size_bytes)
    response.headers["Content-Disposition"] = f'attachment; filename="shown-{number}.pdf"'
    response.headers["ETag"] = f'"{found.sha256}"'
    return response
