"""Standing for everybody, and the bidder's own page with its way to object."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from accounts.roles import Role
from credit import record_forms, record_queries, remedies, standing_queries
from foundation.ids import parse_id
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.paging import keyset
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import units

bp = Blueprint("credit_standing", __name__)

QUERY_MAX: Final = 100


@bp.get("/credit")
@allow(PUBLIC)
def index() -> ResponseReturnValue:
    asked = keyset(limit=50)
    wanted = request.args.get("q", "").strip()[:QUERY_MAX]
    with units().read(current_actor()) as unit:
        found = standing_queries.search(unit, wanted) if wanted else ()
        lines = record_queries.public_records(unit, before=asked.after, limit=asked.limit + 1)
    return page("credit/index.html", wanted=wanted, found=found, paging=asked.cut(lines, key=lambda one: (one.id,)))


@bp.get("/credit/organisations/<uscc>")
@allow(PUBLIC)
def show_organisation(uscc: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        return page("credit/organisation.html", organisation=standing_queries.standing_page(unit, uscc))


@bp.get("/credit/mine")
@allow(Role.BIDDER)
def mine() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        return page("credit/mine.html", own=standing_queries.own_page(unit))


@bp.get("/credit/mine/<record_id>")
@allow(Role.BIDDER)
def show_own(record_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        return page("credit/own_record.html", record=record_queries.own_page(unit, parse_id(record_id)))


@bp.post("/credit/mine/<record_id>")
@allow(Role.BIDDER)
@refusable(show_own)
def file_objection(record_id: str) -> ResponseReturnValue:
    wanted = parse(record_forms.ObjectionForm)
    with units().begin(current_actor()) as unit:
        objection_id = remedies.file_objection(unit, parse_id(record_id), wanted.text)
    notice = ("异议已提交，监督部门将在期限内答复", "Your objection is filed; the supervisor answers within the term")
    return done(url_for(".show_own", record_id=record_id), status=201, notice=notice, objection_id=objection_id)
