"""The expert library, for the centre's staff."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from evaluation import forms
from evaluation.queries import library as queries
from evaluation.services import library
from foundation.ids import parse_id
from foundation.web.access import allow, current_actor
from foundation.web.paging import keyset
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import units

bp = Blueprint("experts", __name__)


@bp.get("/experts")
@allow("centre_staff")
def list_experts() -> ResponseReturnValue:
    asked = keyset(limit=50)
    with units().read(current_actor()) as unit:
        rows = queries.experts(unit, asked.after, asked.limit + 1)
    return page("evaluation/experts.html", paging=asked.cut(rows, key=lambda row: (row.id,)))


@bp.post("/experts")
@allow("centre_staff")
@refusable(list_experts)
def enter_expert() -> ResponseReturnValue:
    wanted = parse(forms.ExpertForm)
    with units().begin(current_actor()) as unit:
        expert = library.enter_expert(unit, wanted.new_expert(library.user_of_login(unit, wanted.login)))
    return done(url_for(".list_experts"), status=201, notice=("已入库", "Entered"), expert=expert)


@bp.post("/experts/<expert_id>/suspension")
@allow("centre_staff")
def suspend(expert_id: str) -> ResponseReturnValue:
    wanted = parse(forms.SuspensionForm)
    with units().begin(current_actor()) as unit:
        library.suspend(unit, parse_id(expert_id), is_suspended=wanted.on)
    notice = ("已暂停", "Suspended") if wanted.on else ("已恢复", "Restored")
    return done(url_for(".list_experts"), notice=notice, is_suspended=wanted.on)
