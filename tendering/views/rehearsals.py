"""Rehearsing decryption before the deadline: the challenge, and the statement that answers it (R3.22)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Final

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from foundation.ids import parse_id
from foundation.web.access import allow, current_actor
from foundation.web.limits import EXPENSIVE, rate_limit
from foundation.web.respond import done, json_response, parse
from foundation.web.runtime import units
from tendering.queries.rehearsals import own_rehearsal
from tendering.services import rehearsals

bp = Blueprint("rehearsals", __name__)
BIDDER: Final = "bidder"


class NewStatement(BaseModel):
    """What the bidder's client files; the digits are checked by the service, with a refusal of its own."""

    bid: str = Field(max_length=32)
    rev: int = Field(ge=1, le=9999)
    challenge: str = Field(max_length=64)
    tag: str = Field(max_length=64)


@bp.post("/lots/<lot_id>/bid/rehearsal/challenge")
@allow(BIDDER)
@rate_limit(EXPENSIVE)
def ask_challenge(lot_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        challenge = rehearsals.ask_challenge(unit, parse_id(lot_id))
    return json_response(asdict(challenge), 201)


@bp.post("/lots/<lot_id>/bid/rehearsal")
@allow(BIDDER)
@rate_limit(EXPENSIVE)
def file_statement(lot_id: str) -> ResponseReturnValue:
    wanted = parse(NewStatement)
    statement = rehearsals.Statement(wanted.bid, wanted.rev, wanted.challenge, wanted.tag)
    with units().begin(current_actor()) as unit:
        filed_at = rehearsals.file_statement(unit, parse_id(lot_id), statement)
        card = own_rehearsal(unit, lot_id)
    notice = ("这一版已验证：您的密钥能打开它", "This version is verified: your key opens it")
    where = url_for("bids.workbench", lot_id=lot_id)
    return done(where, status=201, notice=notice, filed_at=filed_at, rehearsal=card)
