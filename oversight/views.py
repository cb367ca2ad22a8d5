"""The alert desk, an alert with its evidence, and the catalogue of detectors."""

from __future__ import annotations

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from accounts.roles import Role
from foundation.clock import iso
from foundation.ids import parse_id
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.paging import keyset
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import units
from oversight import detectors, forms, queries
from oversight.copied_text import COMMON_MIN_BIDS
from oversight.services import alerts

bp = Blueprint("oversight", __name__)


@bp.get("/oversight/alerts")
@allow(Role.SUPERVISOR)
def list_alerts() -> ResponseReturnValue:
    wanted = queries.AlertFilter(*(request.args.get(name, "")[:40] for name in ("lot", "state", "severity")))
    asked = keyset(limit=50)
    with units().read(current_actor()) as unit:
        rows = queries.alerts(unit, wanted, asked.after, asked.limit + 1)
        scans = queries.scans(unit, wanted.lot)
        unread = queries.doubtful_readings(unit, wanted.lot)
    paging = asked.cut(rows, key=lambda row: (iso(row.raised_at), row.id))
    return page("oversight/alerts.html", wanted=wanted, paging=paging, alerts=paging.rows, scans=scans, readings=unread)


@bp.get("/oversight/alerts/<alert_id>")
@allow(Role.SUPERVISOR)
def show_alert(alert_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        shown = queries.alert_page(unit, parse_id(alert_id))
    return page("oversight/alert.html", shown=shown)


@bp.post("/oversight/alerts/<alert_id>/take-up")
@allow(Role.SUPERVISOR)
@refusable(show_alert)
def take_up(alert_id: str) -> ResponseReturnValue:
    with units().begin(current_actor()) as unit:
        alerts.take_up(unit, parse_id(alert_id))
    return _done(alert_id, ("已受理核查", "Taken up"))


@bp.post("/oversight/alerts/<alert_id>/explain")
@allow(Role.SUPERVISOR)
@refusable(show_alert)
def explain(alert_id: str) -> ResponseReturnValue:
    wanted = parse(forms.ExplainForm)
    with units().begin(current_actor()) as unit:
        alerts.explain(unit, parse_id(alert_id), wanted.explanation, wanted.reason)
    return _done(alert_id, ("已记录合理解释，预警办结", "The explanation is on record; the alert is closed"))


@bp.post("/oversight/alerts/<alert_id>/refer")
@allow(Role.SUPERVISOR)
@refusable(show_alert)
def refer(alert_id: str) -> ResponseReturnValue:
    wanted = parse(forms.ReferForm)
    with units().begin(current_actor()) as unit:
        alerts.refer(unit, parse_id(alert_id), wanted.authority, wanted.document_no, wanted.referral_reason)
    return _done(alert_id, ("已记录移送", "The referral is on record"))


@bp.get("/oversight/detectors")
@allow(PUBLIC)
def show_detectors() -> ResponseReturnValue:
    return page(
        "oversight/detectors.html",
        detectors=detectors.CATALOGUE,
        rules_version=detectors.VERSION,
        common_min_bids=COMMON_MIN_BIDS,
    )


def _done(alert_id: str, notice: tuple[str, str]) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        state = queries.alert_page(unit, alert_id).alert.state
    return done(url_for(".show_alert", alert_id=alert_id), notice=notice, alert_id=alert_id, state=state)
