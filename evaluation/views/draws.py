"""The draw of experts: anybody replays it; the tenderee and a supervisor add their words."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from evaluation import forms
from evaluation.queries import draws
from evaluation.services import committee
from foundation.ids import parse_id
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import units

bp = Blueprint("expert_draws", __name__)


@bp.get("/draws")
@allow("supervisor")
def list_draws() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        rows = draws.waiting_draws(unit)
    return page("evaluation/draws.html", rows=rows)


@bp.get("/lots/<lot_id>/committee/draw")
@allow(PUBLIC)
def show_draw(lot_id: str) -> ResponseReturnValue:
    """Replayed while the page is made, from public events alone."""
    with units().read(current_actor()) as unit:
        shown = draws.draw_page(unit, parse_id(lot_id))
    return page("evaluation/draw.html", draw_page=shown)


@bp.post("/lots/<lot_id>/committee/draw")
@allow("tenderee", "supervisor")
@refusable(show_draw)
def contribute(lot_id: str) -> ResponseReturnValue:
    """Add the asker's part of the randomness; the salt its words were mixed with comes back."""
    wanted = parse(forms.ContributionForm)
    with units().begin(current_actor()) as unit:
        salt = committee.contribute(unit, parse_id(lot_id), wanted.words)
    notice = (f"已提交。您的盐值：{salt}", f"Your part is in. Your salt: {salt}")
    return done(url_for(".show_draw", lot_id=lot_id), status=201, notice=notice, salt=salt)
