"""Pages: a holder's own desk, the desk that appoints, and the key set everybody may check."""

from __future__ import annotations

from flask import Blueprint, Response, url_for
from flask.typing import ResponseReturnValue

from accounts.roles import Role
from foundation.ids import parse_id
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import units
from keyholding import access, forms, queries
from keyholding.services import seats
from keyholding.states import Side

bp = Blueprint("keyholding", __name__)
DESK = (Role.CENTRE_STAFF, Role.ADMINISTRATOR)


@bp.get("/keyholding")
@allow(Role.GATE_HOLDER, Role.CUSTODIAN)
def my_seats() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        desks = queries.own_desks(unit)
    return page("keyholding/my_seats.html", desks=desks)


@bp.get("/keyholding/setup")
@allow(Role.GATE_HOLDER, Role.CUSTODIAN, *DESK)
def setup() -> ResponseReturnValue:
    return page("keyholding/setup.html")


@bp.get("/keyholding/seats")
@allow(*DESK)
def show_seats() -> ResponseReturnValue:
    return _desk("")


def _desk(seat_id: str) -> ResponseReturnValue:
    """``seat_id``: the seat whose ending was refused, its form then stands in the page; else empty."""
    with units().read(current_actor()) as unit:
        found = queries.seats(unit)
        hands = queries.standing_hands(unit)
        organisations = queries.organisations(unit)
        holders = queries.possible_holders(unit)
    return page(
        "keyholding/seats.html",
        seats=found,
        hands=hands,
        organisations=organisations,
        holders=holders,
        sides=tuple(Side),
        ending=seat_id,
    )


@bp.post("/keyholding/seats")
@allow(*DESK)
@refusable(show_seats)
def appoint_seat() -> ResponseReturnValue:
    wanted = parse(forms.Appointment)
    new = seats.NewSeat(wanted.side, wanted.org_id, wanted.holder_name, wanted.operator, wanted.user_id)
    with units().begin(current_actor()) as unit:
        seat_id = seats.appoint_seat(unit, new)
    notice = ("席位已设立，接下来登记代理程序", "Seat appointed; next, enrol its agent")
    return done(url_for(".show_seats"), status=201, notice=notice, seat_id=seat_id)


@bp.post("/keyholding/seats/<seat_id>/enrol")
@allow(*DESK)
def enrol_agent(seat_id: str) -> ResponseReturnValue:
    """The token is in this answer and nowhere else."""
    with units().begin(current_actor()) as unit:
        token = seats.enrol_agent(unit, parse_id(seat_id))
        seat = queries.seat_line(access.seat(unit, seat_id))
    response = page("keyholding/enrolled.html", status=201, seat=seat, token=token)
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.post("/keyholding/seats/<seat_id>/retire")
@allow(*DESK)
@refusable(_desk)
def retire_seat(seat_id: str) -> ResponseReturnValue:
    wanted = parse(forms.Retirement)
    with units().begin(current_actor()) as unit:
        seats.retire_seat(unit, parse_id(seat_id), reason=wanted.reason)
    return done(url_for(".show_seats"), notice=("席位已撤销", "The seat is ended"))


@bp.get("/lots/<lot_id>/keyset")
@allow(PUBLIC)
def show_keyset(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        keyset = queries.public_keyset(unit, parse_id(lot_id))
    return page("keyholding/keyset.html", keyset=keyset)


@bp.get("/lots/<lot_id>/keyset.json")
@allow(PUBLIC)
def keyset_file(lot_id: str) -> ResponseReturnValue:
    """The canonical bytes whose SHA-256 every envelope names, with every holder's proof of possession."""
    with units().read(current_actor()) as unit:
        row = queries.complete_keyset(unit, parse_id(lot_id))
        text, name = row.json_text, f"keyset-{row.lot_code}-{row.version}.json"
    response = Response(text, mimetype="application/json")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
