"""Checking a bidder's device and network, with a trial upload that nobody keeps (R3.24)."""

from __future__ import annotations

import hashlib
import threading
from typing import Final

from flask import Blueprint, Response, current_app, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import BaseModel, Field

from accounts import facade as accounts
from foundation.ids import parse_id
from foundation.web.access import allow, current_actor
from foundation.web.limits import EXPENSIVE, KIB, body_limit, rate_limit
from foundation.web.respond import done, json_response, page, parse
from foundation.web.runtime import runtime, units
from tendering.bid_errors import DigestMismatch, UploadsBusy
from tendering.self_check import LINES, MEASURED_MAX, TRIAL_MAX_BYTES, CheckLine, LineState, demand_trial
from tendering.services import self_checks

bp = Blueprint("self_check", __name__, url_prefix="/self-check")
BIDDER: Final = "bidder"
FILED: Final = "10 per minute"
READ_BYTES: Final = 64 * KIB
TRIALS_AT_ONCE: Final = 2
"""Places for trial bytes over plain HTTP: a thread of the web process each."""
_places = threading.BoundedSemaphore(TRIALS_AT_ONCE)


class NewLine(BaseModel):
    id: str = Field(max_length=20)
    state: LineState
    measured: str = Field(default="", max_length=MEASURED_MAX)


class NewCheck(BaseModel):
    """What the page found, every line once."""

    lines: list[NewLine] = Field(min_length=len(LINES), max_length=len(LINES))


@bp.get("")
@allow(BIDDER)
def show() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        checks = self_checks.own_checks(unit)
    return page(
        "tendering/self_check.html",
        lines=LINES,
        checks=checks,
        room_origin=_room_origin(),
        is_demo=runtime().settings.demo,
    )


@bp.get("/uploads")
@allow(BIDDER)
def held() -> ResponseReturnValue:
    """As ``GET /uploads/<id>`` answers, so that the real transport can be tried: nothing is ever held."""
    return json_response({"held": {}})


@bp.put("/uploads/parts/<part>/segments/<int:number>")
@allow(BIDDER)
@rate_limit(EXPENSIVE)
@body_limit(TRIAL_MAX_BYTES + KIB)
def take(part: str, number: int) -> ResponseReturnValue:
    """Trial bytes over plain HTTP: compared with their digest, and thrown away."""
    size_bytes, sha256 = request.content_length or 0, request.headers.get("X-Content-SHA256", "")
    if not _places.acquire(blocking=False):
        raise UploadsBusy(retry_after=5)
    try:
        demand_trial(part, number, size_bytes, sha256)
        digest = hashlib.sha256()
        while block := request.stream.read(READ_BYTES):
            digest.update(block)
    finally:
        while request.stream.read(READ_BYTES):
            pass  # what was not wanted must not be taken for the next request of this connection
        _places.release()
    if digest.hexdigest() != sha256:
        raise DigestMismatch
    return json_response({"stored": {"part": part, "index": number}}, 201)


@bp.post("/results")
@allow(BIDDER)
@rate_limit(FILED)
def file_result() -> ResponseReturnValue:
    wanted = parse(NewCheck)
    lines = [CheckLine(line.id, line.state, line.measured) for line in wanted.lines]
    with units().begin(current_actor()) as unit:
        card = self_checks.file_check(unit, lines, request.user_agent.string)
    text_url = url_for(".result_text", check_id=card.id)
    return done(url_for(".show"), status=201, check=card, text_url=text_url)


@bp.get("/results/<check_id>.txt")
@allow(BIDDER)
def result_text(check_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        card = self_checks.own_check(unit, parse_id(check_id))
        organisation = accounts.organisation(unit, str(unit.actor.org_id)).name
    response = Response(self_checks.report(card, organisation), mimetype="text/plain")
    name = f"self-check-{card.checked_at:%Y%m%d-%H%M%S}.txt"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _room_origin() -> str:
    """Where sockets go: the same host name, so that the same cookie counts there."""
    scheme = "wss" if request.is_secure else "ws"
    port = current_app.config["ROOM_PORT"]
    return f"{scheme}://{request.host.partition(':')[0]}:{port}" if port else f"{scheme}://{request.host}"
