"""Drafting: projects, lots, scoring methods and the simulated timetable."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from foundation.ids import parse_id
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.paging import keyset
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import runtime, units
from tendering import access, forms
from tendering.methods import METHODS, default_parameters
from tendering.queries import preparation, timetable
from tendering.queries.opening_plan import clashes_with
from tendering.rules import LotDraft
from tendering.services import lots, projects
from tendering.services.codes import CodeSource

bp = Blueprint("projects", __name__)


def _codes() -> CodeSource:
    settings = runtime().settings
    return CodeSource(settings.region_code, settings.centre_uscc)


@bp.get("/projects")
@allow("agency", "tenderee")
def my_projects() -> ResponseReturnValue:
    asked = keyset(limit=20)
    with units().read(current_actor()) as unit:
        rows = preparation.my_projects(unit, asked.after, asked.limit + 1)
    return page("tendering/projects.html", paging=asked.cut(rows, key=lambda row: (row.project_id,)))


@bp.get("/projects/new")
@allow("agency", "tenderee")
def new_project() -> ResponseReturnValue:
    return page("tendering/new_project.html", is_agency=current_actor().has_role("agency"))


@bp.post("/projects/new")
@allow("agency", "tenderee")
@refusable(new_project)
def add_project() -> ResponseReturnValue:
    wanted = parse(forms.ProjectForm)
    with units().begin(current_actor()) as unit:
        project_id = projects.create_project(unit, wanted.new_project(), _codes())
    notice = ("项目已建立，代码已分配", "Project entered, codes given")
    return done(url_for(".show_project", project_id=project_id), status=201, notice=notice, project_id=project_id)


@bp.get("/projects/<project_id>")
@allow("agency", "tenderee")
def show_project(project_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        project = preparation.project_page(unit, parse_id(project_id))
    return page("tendering/project.html", project=project)


@bp.get("/projects/<project_id>/lots/new")
@allow("agency", "tenderee")
def new_lot(project_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        access.project_to_draft(unit, parse_id(project_id))
        project = preparation.project_page(unit, project_id)
    return page("tendering/lot_form.html", project=project, lot=None, draft=LotDraft(name=project.name))


@bp.post("/projects/<project_id>/lots/new")
@allow("agency", "tenderee")
@refusable(new_lot)
def add_lot(project_id: str) -> ResponseReturnValue:
    wanted = parse(forms.LotForm)
    with units().begin(current_actor()) as unit:
        lot_id = lots.add_lot(unit, parse_id(project_id), wanted.draft(), _codes())
    url = url_for("publication.show_preparation", lot_id=lot_id)
    return done(url, status=201, notice=("标段已建立", "Lot entered"), lot_id=lot_id)


@bp.get("/lots/<lot_id>/edit")
@allow("agency", "tenderee")
def edit_form(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        lot, project = access.lot_to_draft(unit, parse_id(lot_id))
        draft = lots.draft_of(lot)
        shown = preparation.project_page(unit, project.id)
        card = preparation.preparation_page(unit, lot.id)
    return page("tendering/lot_form.html", project=shown, lot=card, draft=draft)


@bp.post("/lots/<lot_id>/edit")
@allow("agency", "tenderee")
@refusable(edit_form)
def edit(lot_id: str) -> ResponseReturnValue:
    wanted = parse(forms.LotForm)
    with units().begin(current_actor()) as unit:
        lot, _ = access.lot_to_draft(unit, parse_id(lot_id))
        before = lots.draft_of(lot)
        lots.edit_lot(unit, lot.id, wanted.draft((before.method_id, dict(before.method_params))))
    return _prepared(lot_id, "标段内容已保存", "Lot saved")


@bp.get("/lots/<lot_id>/method")
@allow("agency", "tenderee")
def method_form(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        card = preparation.preparation_page(unit, parse_id(lot_id))
        access.lot_to_draft(unit, lot_id)
    chosen = request.args.get("method", card.draft.method_id)
    spec = METHODS.get(chosen) or METHODS[card.draft.method_id]
    kept: dict[str, Any] = dict(default_parameters(spec.id).as_document())
    if spec.id == card.draft.method_id:
        kept |= dict(card.draft.method_params)
    choices = [(one.id, one.zh, one.en) for one in METHODS.values()]
    return page("tendering/method.html", lot=card, method=spec, values=kept, methods=choices)


@bp.post("/lots/<lot_id>/method")
@allow("agency", "tenderee")
@refusable(method_form)
def choose_method(lot_id: str) -> ResponseReturnValue:
    wanted = parse(forms.MethodForm)
    with units().begin(current_actor()) as unit:
        lots.set_method(unit, parse_id(lot_id), wanted.method_id, wanted.params)
    return _prepared(lot_id, "评标办法已保存", "Scoring method saved")


@bp.get("/timetable")
@allow(PUBLIC)
def simulate() -> ResponseReturnValue:
    """Simulate a timetable from the address alone, before anything is saved."""
    with units().read(current_actor()) as unit:
        plan = timetable.from_query(unit, request.args)
    return page("tendering/timetable.html", plan=plan, lot=None, clashes=())


@bp.get("/lots/<lot_id>/timetable")
@allow("agency", "tenderee", "centre_staff")
def lot_timetable(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        card = preparation.preparation_page(unit, parse_id(lot_id))
        plan = timetable.of_lot(unit, card.draft, request.args)
        clashes = clashes_with(unit, lot_id, plan.bid_deadline) if card.is_host else ()
    return page("tendering/timetable.html", plan=plan, lot=card, clashes=clashes)


@bp.post("/lots/<lot_id>/timetable")
@allow("agency", "tenderee")
@refusable(lot_timetable)
def use_dates(lot_id: str) -> ResponseReturnValue:
    wanted = parse(forms.DatesForm)
    with units().begin(current_actor()) as unit:
        lots.set_dates(unit, parse_id(lot_id), wanted.publish_at, wanted.bid_deadline)
    return _prepared(lot_id, "时间表已采用", "Dates taken over")


def _prepared(lot_id: str, zh: str, en: str) -> ResponseReturnValue:
    return done(url_for("publication.show_preparation", lot_id=lot_id), notice=(zh, en), lot_id=lot_id)
