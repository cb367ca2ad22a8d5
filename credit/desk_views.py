"""The desk of records: the centre's staff or a supervisor enters, another supervisor publishes and answers."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from accounts.roles import Role
from credit import record_forms, record_queries, record_services, remedies, reports
from credit.acts import ACTS, USUAL_MONTHS, decidable
from foundation.ids import parse_id
from foundation.web.access import allow, current_actor
from foundation.web.paging import keyset
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import units

bp = Blueprint("credit_records", __name__)


@bp.get("/credit/records")
@allow(Role.CENTRE_STAFF, Role.SUPERVISOR)
def show_desk() -> ResponseReturnValue:
    asked = keyset(limit=50)
    with units().read(current_actor()) as unit:
        lines = record_queries.desk_list(unit, before=asked.after, limit=asked.limit + 1)
        desk = record_queries.desk(unit)
        found = reports.open_reports(unit)
    return page("credit/records.html", desk=desk, reports=found, paging=asked.cut(lines, key=lambda line: (line.id,)))


@bp.get("/credit/records/new")
@allow(Role.CENTRE_STAFF, Role.SUPERVISOR)
def new_record() -> ResponseReturnValue:
    """An empty form, or one begun from an opening's report (``?report=`` its journal entry)."""
    acts = [(act, ACTS[act].law, USUAL_MONTHS[ACTS[act].weight]) for act in decidable()]
    entry_id, report = request.args.get("report", ""), None
    if entry_id:
        with units().read(current_actor()) as unit:
            report = reports.report_of(unit, parse_id(entry_id))
    return page("credit/record_new.html", acts=acts, report=report)


@bp.post("/credit/records/new")
@allow(Role.CENTRE_STAFF, Role.SUPERVISOR)
@refusable(new_record)
def enter_record() -> ResponseReturnValue:
    wanted = parse(record_forms.RecordForm)
    with units().begin(current_actor()) as unit:
        record_id = record_services.enter_record(unit, wanted.command())
    notice = ("已登记，等待另一人核对后公开", "Entered; it is public once another person has compared it")
    return done(url_for(".show_record", record_id=record_id), status=201, notice=notice, record_id=record_id)


@bp.get("/credit/records/<record_id>")
@allow(Role.CENTRE_STAFF, Role.SUPERVISOR)
def show_record(record_id: str) -> ResponseReturnValue:
    return _shown("credit/record.html", record_id)


@bp.post("/credit/records/<record_id>")
@allow(Role.SUPERVISOR)
@refusable(show_record)
def publish_record(record_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        record_services.publish_record(unit, parse_id(record_id))
    notice = ("已公开，并通知该单位", "Published; the organisation is told")
    return done(url_for(".show_record", record_id=record_id), notice=notice)


@bp.get("/credit/records/<record_id>/drop")
@allow(Role.SUPERVISOR)
def show_drop(record_id: str) -> ResponseReturnValue:
    return _shown("credit/record_drop.html", record_id)


@bp.post("/credit/records/<record_id>/drop")
@allow(Role.SUPERVISOR)
@refusable(show_drop)
def drop_record(record_id: str) -> ResponseReturnValue:
    wanted = parse(record_forms.ReasonForm)
    with units().begin(current_actor()) as unit:
        record_services.drop_record(unit, parse_id(record_id), wanted.reason)
    return done(url_for(".show_desk"), notice=("登记有误，未公开", "Entered wrongly; it was not published"))


@bp.get("/credit/records/<record_id>/answer")
@allow(Role.SUPERVISOR)
def show_answer(record_id: str) -> ResponseReturnValue:
    return _shown("credit/record_answer.html", record_id)


@bp.post("/credit/records/<record_id>/answer")
@allow(Role.SUPERVISOR)
@refusable(show_answer)
def answer_objection(record_id: str) -> ResponseReturnValue:
    wanted = parse(record_forms.AnswerForm)
    with units().begin(current_actor()) as unit:
        remedies.answer_objection(
            unit, parse_id(record_id), is_right=wanted.outcome == "annulled", answer=wanted.answer
        )
    notice = ("已答复，并通知该单位", "Answered; the organisation is told")
    return done(url_for(".show_record", record_id=record_id), notice=notice)


@bp.get("/credit/records/<record_id>/annul")
@allow(Role.SUPERVISOR)
def show_annul(record_id: str) -> ResponseReturnValue:
    return _shown("credit/record_ruling.html", record_id, kind="annulment")


@bp.post("/credit/records/<record_id>/annul")
@allow(Role.SUPERVISOR)
@refusable(show_annul)
def annul_record(record_id: str) -> ResponseReturnValue:
    wanted = parse(record_forms.RulingForm)
    with units().begin(current_actor()) as unit:
        remedies.annul_record(unit, parse_id(record_id), wanted.command())
    notice = ("已撤销，停止公开；原记录留存", "Annulled and no longer shown; the entry stays on file")
    return done(url_for(".show_record", record_id=record_id), notice=notice)


@bp.get("/credit/records/<record_id>/repair")
@allow(Role.SUPERVISOR)
def show_repair(record_id: str) -> ResponseReturnValue:
    return _shown("credit/record_ruling.html", record_id, kind="repair")


@bp.post("/credit/records/<record_id>/repair")
@allow(Role.SUPERVISOR)
@refusable(show_repair)
def repair_record(record_id: str) -> ResponseReturnValue:
    wanted = parse(record_forms.RulingForm)
    with units().begin(current_actor()) as unit:
        remedies.repair_record(unit, parse_id(record_id), wanted.command())
    notice = ("信用已修复，停止公开", "Repaired and no longer shown")
    return done(url_for(".show_record", record_id=record_id), notice=notice)


def _shown(template: str, record_id: str, kind: str = "") -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        found = record_queries.desk_record(unit, parse_id(record_id))
    return page(template, record=found, kind=kind)
