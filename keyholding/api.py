"""The interface of holders' agents: JSON only, ``Authorization: Bearer <agent token>``."""

from __future__ import annotations

from typing import Annotated, Final, Self

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from foundation.clock import machine_now
from foundation.ids import parse_id
from foundation.sealing.strict import decode_base64
from foundation.store.unit import Unit
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.fields import reading
from foundation.web.limits import body_limit, rate_limit
from foundation.web.negotiate import is_bearer
from foundation.web.respond import json_response, parse
from foundation.web.runtime import units
from keyholding import access
from keyholding.errors import AgentUnknown, ProofRefused
from keyholding.models import HolderSeat
from keyholding.rules import SEEN_WITHIN
from keyholding.services import escrow, gate, keysets, rehearsals, seats
from keyholding.work import tasks_of

bp = Blueprint("holder_agents", __name__)
POLL: Final = "1200 per minute"
"""Per address: a demonstration runs all its agents on one machine, each asking once a second."""
GIVE: Final = "240 per minute"
SHARES_MAX: Final = 50
BODY_BYTES: Final = 64 * 1024

Digits64 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ShareHex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{66}$")]
BidHex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
PublicHex = Annotated[str, StringConstraints(pattern=r"^04[0-9a-f]{128}$")]
FaultWord = Annotated[str, StringConstraints(pattern=r"^[a-z_.]{1,40}$")]


def _proof(text: str) -> bytes:
    raw = decode_base64(text)
    if raw is None:
        raise ProofRefused
    return raw


class GivenKey(BaseModel):
    public_key: PublicHex
    proof: Annotated[bytes, reading(_proof)]


class Answer(BaseModel):
    """A share, or why there is none: never both, never neither (silence must not count as a fault)."""

    share: ShareHex | None = None
    fault: FaultWord | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.share is None) == (self.fault is None):
            raise PydanticCustomError("foundation.field_missing", "share or fault")
        return self


class GateKeyBody(BaseModel):
    private_key: Digits64


class ShareBody(Answer):
    bid: BidHex


class SharesBody(BaseModel):
    shares: Annotated[list[ShareBody], Field(min_length=1, max_length=SHARES_MAX)]


def bearer() -> str:
    """The agent's token; raises AgentUnknown without one. Cookies are never looked at."""
    if not is_bearer(request):
        raise AgentUnknown
    return request.headers["Authorization"].split(" ", 1)[1].strip()


@bp.get("/agent/tasks")
@allow(PUBLIC)
@rate_limit(POLL)
def show_tasks() -> ResponseReturnValue:
    with units().read() as unit:
        seat = access.seat_of_token(unit, bearer())
        tasks = tasks_of(unit, seat)
        about = {"id": seat.id, "side": seat.side.value, "holder": seat.holder_name, "organisation": seat.org_name}
    if seat.last_seen_at is None or machine_now() - seat.last_seen_at > SEEN_WITHIN / 6:
        with units().begin(access.agent_actor(seat, current_actor().source)) as unit:
            seats.mark_seen(unit, seat.id)
    return json_response({"seat": about, "tasks": tasks})


@bp.post("/agent/keysets/<keyset_id>/key")
@allow(PUBLIC)
@rate_limit(GIVE)
@body_limit(BODY_BYTES)
def give_key(keyset_id: str) -> ResponseReturnValue:
    seat = _seat()
    given = parse(GivenKey)
    with units().begin(access.agent_actor(seat, current_actor().source)) as unit:
        return take_key(unit, seat, keyset_id, given)


@bp.post("/agent/rehearsals/<rehearsal_id>/share")
@allow(PUBLIC)
@rate_limit(GIVE)
@body_limit(BODY_BYTES)
def give_rehearsal_share(rehearsal_id: str) -> ResponseReturnValue:
    seat = _seat()
    answer = parse(Answer)
    with units().begin(access.agent_actor(seat, current_actor().source)) as unit:
        return take_rehearsal_share(unit, seat, rehearsal_id, answer)


@bp.post("/agent/lots/<lot_id>/gate-key")
@allow(PUBLIC)
@rate_limit(GIVE)
@body_limit(BODY_BYTES)
def give_gate_key(lot_id: str) -> ResponseReturnValue:
    seat = _seat()
    given = parse(GateKeyBody)
    with units().begin(access.agent_actor(seat, current_actor().source)) as unit:
        return take_gate_key(unit, seat, lot_id, given)


@bp.post("/agent/lots/<lot_id>/escrow-shares")
@allow(PUBLIC)
@rate_limit(GIVE)
@body_limit(BODY_BYTES)
def give_escrow_shares(lot_id: str) -> ResponseReturnValue:
    seat = _seat()
    given = parse(SharesBody)
    with units().begin(access.agent_actor(seat, current_actor().source)) as unit:
        return take_escrow_shares(unit, seat, lot_id, given)


def _seat() -> HolderSeat:
    """Whose agent this is, before anything of the body is read."""
    with units().read() as unit:
        return access.seat_of_token(unit, bearer())


# What agents and browsers have in common ---------------------------------------------------------------------------


def take_key(unit: Unit, seat: HolderSeat, keyset_id: str, given: GivenKey) -> ResponseReturnValue:
    state = keysets.give_key(unit, seat, parse_id(keyset_id), bytes.fromhex(given.public_key), given.proof)
    return json_response({"state": state.value})


def take_rehearsal_share(unit: Unit, seat: HolderSeat, rehearsal_id: str, answer: Answer) -> ResponseReturnValue:
    share = bytes.fromhex(answer.share) if answer.share else None
    state = rehearsals.give_rehearsal_share(unit, seat, parse_id(rehearsal_id), share, answer.fault or "")
    return json_response({"state": state.value})


def take_gate_key(unit: Unit, seat: HolderSeat, lot_id: str, given: GateKeyBody) -> ResponseReturnValue:
    gate.release_gate_key(unit, seat, parse_id(lot_id), given.private_key)
    return json_response({"state": "published"})


def take_escrow_shares(unit: Unit, seat: HolderSeat, lot_id: str, given: SharesBody) -> ResponseReturnValue:
    shares = [
        escrow.GivenShare(one.bid, bytes.fromhex(one.share) if one.share else None, one.fault or "")
        for one in given.shares
    ]
    return json_response(escrow.release_shares(unit, seat, parse_id(lot_id), shares))
