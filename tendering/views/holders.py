"""A lot's key holders, for its host side and the centre: who they are, and what to do when one is lost."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel

from foundation.ids import parse_id
from foundation.web.access import allow, current_actor
from foundation.web.fields import Line
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import units
from tendering.queries import holders
from tendering.services import holder_loss

bp = Blueprint("holders", __name__)
SIDES = ("agency", "tenderee", "centre_staff")


class Loss(BaseModel):
    reason: Line


@bp.get("/lots/<lot_id>/key-holders")
@allow(*SIDES)
def show_holders(lot_id: str) -> ResponseReturnValue:
    return _page(lot_id, "")


def _page(lot_id: str, seat_id: str) -> ResponseReturnValue:
    """``seat_id``: the seat whose declaration was refused, its form then stands in the page; else empty."""
    with units().read(current_actor()) as unit:
        lot = holders.holders_page(unit, parse_id(lot_id))
    return page("tendering/holders.html", lot=lot, declaring=seat_id)


def _page_after(lot_id: str, loss_id: str) -> ResponseReturnValue:  # noqa: ARG001 - refused as a whole, not at a field
    return _page(lot_id, "")


@bp.post("/lots/<lot_id>/key-holders/<seat_id>/loss")
@allow(*SIDES)
@refusable(_page)
def declare_loss(lot_id: str, seat_id: str) -> ResponseReturnValue:
    """The first of two persons."""
    with units().read(current_actor()) as unit:
        holders.holders_page(unit, parse_id(lot_id))
    wanted = parse(Loss)
    with units().begin(current_actor()) as unit:
        loss_id = holder_loss.declare(unit, lot_id, parse_id(seat_id), wanted.reason)
    notice = ("已记录，等另一人确认", "Recorded; another person must confirm it")
    return done(url_for(".show_holders", lot_id=lot_id), status=201, notice=notice, kind="run", loss_id=loss_id)


@bp.post("/lots/<lot_id>/key-holders/losses/<loss_id>/confirm")
@allow(*SIDES)
@refusable(_page_after)
def confirm_loss(lot_id: str, loss_id: str) -> ResponseReturnValue:
    """The second person: the key set is replaced."""
    with units().begin(current_actor()) as unit:
        holder_loss.confirm(unit, parse_id(lot_id), parse_id(loss_id))
    notice = (
        "密钥集已停用，正在向新的持钥人收集密钥",
        "The key set is retired; other holders are asked for their keys",
    )
    return done(url_for(".show_holders", lot_id=lot_id), notice=notice)
