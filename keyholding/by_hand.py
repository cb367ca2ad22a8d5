"""A holder's own page: it keeps its keys in its browser and acts there, by the checks an agent makes.

The page's script (``static/js/keyholding``) verifies the log by a policy that the holder pinned; these routes only
hand out tasks and take answers, for the person's own seats.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from accounts.roles import Role
from foundation.clock import machine_now
from foundation.i18n import EN, catalogue, current_lang
from foundation.ids import parse_id
from foundation.store.unit import Unit
from foundation.web.access import allow, current_actor
from foundation.web.limits import body_limit, rate_limit
from foundation.web.respond import done, json_response, page, parse
from foundation.web.runtime import units
from keyholding import access, api, queries
from keyholding.models import HolderSeat
from keyholding.rules import SEEN_WITHIN
from keyholding.services import seats
from keyholding.work import tasks_of

bp = Blueprint("holder_desk", __name__)
HOLDERS = (Role.GATE_HOLDER, Role.CUSTODIAN)
B = TypeVar("B", bound=BaseModel)
SPOKEN = ("keyholding.", "sealing.", "transparency.", "foundation.")


@bp.get("/keyholding/seats/<seat_id>")
@allow(*HOLDERS)
def show_desk(seat_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        seat = queries.seat_line(access.own_seat(unit, parse_id(seat_id)))
    return page("keyholding/desk.html", seat=seat, words=_words())


@bp.post("/keyholding/seats/<seat_id>/by-hand")
@allow(*HOLDERS)
def act_by_hand(seat_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        seats.act_by_hand(unit, parse_id(seat_id))
    notice = ("从现在起您可以在本页办理", "From now on you act on this page")
    return done(url_for(".show_desk", seat_id=seat_id), notice=notice)


@bp.get("/keyholding/seats/<seat_id>/tasks")
@allow(*HOLDERS)
@rate_limit("240 per minute")
def show_tasks(seat_id: str) -> ResponseReturnValue:
    """What is asked of the seat now, and the lots it has a place in."""
    with units().read(current_actor()) as unit:
        seat = access.own_seat(unit, parse_id(seat_id))
        tasks, places = tasks_of(unit, seat), queries.places_of(unit, seat)
    if seat.last_seen_at is None or machine_now() - seat.last_seen_at > SEEN_WITHIN / 6:
        with units().begin(current_actor()) as unit:
            seats.mark_seen(unit, seat.id)
    return json_response({"tasks": tasks, "places": places})


@bp.post("/keyholding/seats/<seat_id>/keysets/<keyset_id>/key")
@allow(*HOLDERS)
@rate_limit(api.GIVE)
@body_limit(api.BODY_BYTES)
def give_key(seat_id: str, keyset_id: str) -> ResponseReturnValue:
    return _give(seat_id, api.GivenKey, lambda unit, seat, given: api.take_key(unit, seat, keyset_id, given))


@bp.post("/keyholding/seats/<seat_id>/rehearsals/<rehearsal_id>/share")
@allow(*HOLDERS)
@rate_limit(api.GIVE)
@body_limit(api.BODY_BYTES)
def give_rehearsal_share(seat_id: str, rehearsal_id: str) -> ResponseReturnValue:
    def take(unit: Unit, seat: HolderSeat, given: api.Answer) -> ResponseReturnValue:
        return api.take_rehearsal_share(unit, seat, rehearsal_id, given)

    return _give(seat_id, api.Answer, take)


@bp.post("/keyholding/seats/<seat_id>/lots/<lot_id>/gate-key")
@allow(*HOLDERS)
@rate_limit(api.GIVE)
@body_limit(api.BODY_BYTES)
def give_gate_key(seat_id: str, lot_id: str) -> ResponseReturnValue:
    return _give(seat_id, api.GateKeyBody, lambda unit, seat, given: api.take_gate_key(unit, seat, lot_id, given))


@bp.post("/keyholding/seats/<seat_id>/lots/<lot_id>/escrow-shares")
@allow(*HOLDERS)
@rate_limit(api.GIVE)
@body_limit(api.BODY_BYTES)
def give_escrow_shares(seat_id: str, lot_id: str) -> ResponseReturnValue:
    return _give(seat_id, api.SharesBody, lambda unit, seat, given: api.take_escrow_shares(unit, seat, lot_id, given))


def _give(
    seat_id: str, form: type[B], take: Callable[[Unit, HolderSeat, B], ResponseReturnValue]
) -> ResponseReturnValue:
    """Whose seat it is comes before anything of the body is read."""
    with units().read(current_actor()) as unit:
        access.own_seat(unit, parse_id(seat_id))
    given = parse(form)
    with units().begin(current_actor()) as unit:
        return take(unit, access.own_seat(unit, seat_id), given)


def _words() -> dict[str, str]:
    """Sentences for what the page's script refuses, in the reader's language."""
    at = 1 if current_lang() == EN else 0
    sections = catalogue().sections
    spoken = {code: texts[at] for code, texts in sections["errors"].items() if code.startswith(SPOKEN)}
    return spoken | {
        code: texts[at] for code, texts in sections["terms"].items() if code.startswith("evidence_reason.")
    }
