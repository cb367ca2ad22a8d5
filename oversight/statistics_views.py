"""Figures of concluded deals by kind of trade, for everybody: a table, a chart and a file (R11.01-R11.03)."""

from __future__ import annotations

import csv
import io

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from foundation.i18n import pick, term
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.respond import page
from foundation.web.runtime import units
from tendering import facade as tendering

bp = Blueprint("statistics", __name__)
_YEAR_DIGITS = 4


@bp.get("/statistics")
@allow(PUBLIC)
def show_statistics() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        years = tendering.years_with_deals(unit)
        shown = tendering.figures(unit, _year())
    return page("oversight/statistics.html", figures=shown, years=years)


@bp.get("/statistics.csv")
@allow(PUBLIC)
def download() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        shown = tendering.figures(unit, _year())
    name = f"statistics-{shown.year}.csv" if shown else "statistics.csv"
    response = Response(_csv(shown), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _year() -> int | None:
    """The year asked for; anything that is no year asks for the latest."""
    text = request.args.get("year", "")
    return int(text) if len(text) == _YEAR_DIGITS and text.isascii() and text.isdigit() else None


def _csv(figures: tendering.Figures | None) -> str:
    """A row for each class, amounts in yuan. The mark in front tells spreadsheets that it is UTF-8."""
    out = io.StringIO()
    out.write("\ufeff")
    rows = csv.writer(out)
    rows.writerow(
        [
            pick("年份", "Year"),
            pick("类别", "Class"),
            pick("成交项目", "Deals"),
            pick("成交金额（元）", "Amount (CNY)"),
            pick("节约或增值（元）", "Saved or gained (CNY)"),
            pick("比率（%）", "Rate (%)"),
        ]
    )
    for one in figures.kinds if figures else ():
        rate = "" if one.gain.percent is None else str(one.gain.percent)
        kind = term(f"trade_kind.{one.kind}")
        year = figures.year if figures else ""
        rows.writerow([year, kind, one.count, one.amount.text(), one.gain.part.text(), rate])
    return out.getvalue()
