"""The public list of bans, and the supervisor's form."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from accounts.roles import Role
from credit import forms, queries, services
from foundation.ids import parse_id
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.paging import keyset
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import units

bp = Blueprint("credit", __name__)


@bp.get("/credit/bans")
@allow(PUBLIC)
def bans() -> ResponseReturnValue:
    asked = keyset(limit=50)
    with units().read(current_actor()) as unit:
        lines = queries.public_bans(unit, before=asked.after, limit=asked.limit + 1)
    return page("credit/bans.html", paging=asked.cut(lines, key=lambda line: (line.id,)))


@bp.get("/credit/bans/new")
@allow(Role.SUPERVISOR)
def new_ban() -> ResponseReturnValue:
    return page("credit/ban_new.html")


@bp.post("/credit/bans/new")
@allow(Role.SUPERVISOR)
@refusable(new_ban)
def enter_ban() -> ResponseReturnValue:
    wanted = parse(forms.BanForm)
    with units().begin(current_actor()) as unit:
        ban_id = services.enter_ban(unit, wanted.command())
    return done(
        url_for(".bans"), status=201, notice=("禁入已登记并公开", "The ban is entered and published"), ban_id=ban_id
    )


@bp.get("/credit/bans/<ban_id>/annul")
@allow(Role.SUPERVISOR)
def show_annul(ban_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        return page("credit/ban_annul.html", ban=queries.ban(unit, parse_id(ban_id)))


@bp.post("/credit/bans/<ban_id>/annul")
@allow(Role.SUPERVISOR)
@refusable(show_annul)
def annul_ban(ban_id: str) -> ResponseReturnValue:
    wanted = parse(forms.AnnulForm)
    with units().begin(current_actor()) as unit:
        services.annul_ban(unit, parse_id(ban_id), wanted.ground)
    return done(url_for(".bans"), notice=("已撤销，记录保留", "Annulled; the entry stays"))
