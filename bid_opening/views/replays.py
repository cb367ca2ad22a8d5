"""The replay of an opening: a player page, and its frames as a file."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from bid_opening.queries import replays
from bid_opening.services import record
from bid_opening.views import showing
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.limits import EXPENSIVE, rate_limit
from foundation.web.respond import page
from foundation.web.runtime import runtime, units

bp = Blueprint("room_replays", __name__)


@bp.get("/rooms/<lot_id>/replay")
@allow(PUBLIC)
def replay(lot_id: str) -> ResponseReturnValue:
    """Everybody sees the public story; ``?view=own`` adds what the asker's own desk was told."""
    with units().read(current_actor()) as unit:
        story = replays.replay_page(unit, lot_id, is_own=_is_own())
    return page("bid_opening/replay.html", story=story, words=showing.words())


@bp.get("/rooms/<lot_id>/replay.json")
@allow(PUBLIC)
@rate_limit(EXPENSIVE)
def replay_file(lot_id: str) -> ResponseReturnValue:
    """The frames of the replay, as they were sent, to keep and to check."""
    with units().read(current_actor()) as unit:
        story = replays.replay_page(unit, lot_id, is_own=_is_own())
        text = replays.story_text(unit, lot_id, story.audiences)
    response = Response(text, mimetype="application/json")
    if request.args.get("save"):
        response.headers["Content-Disposition"] = f'attachment; filename="opening-{story.lot_code}.json"'
    return response


@bp.get("/rooms/certificate.pem")
@allow(PUBLIC)
def certificate() -> ResponseReturnValue:
    """The certificate that opening records are signed under, to check a downloaded one with any PDF reader."""
    response = Response(record.signer_of(runtime()).certificate.read_bytes(), mimetype="application/x-pem-file")
    response.headers["Content-Disposition"] = 'attachment; filename="documents-certificate.pem"'
    return response


def _is_own() -> bool:
    return request.args.get("view") == "own"
