"""The expert's pages: invitations, oath and recusal, the score sheet, the report."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from evaluation import forms
from evaluation.queries import reviews
from evaluation.services import bid_files, report, seats, sheets
from evaluation.views.files import pdf
from foundation.errors import NotFound
from foundation.ids import parse_id
from foundation.web.access import allow, current_actor
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import runtime, units

bp = Blueprint("reviews", __name__)


@bp.get("/reviews")
@allow("expert")
def my_reviews() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        rows = reviews.my_reviews(unit)
    return page("evaluation/reviews.html", rows=rows)


@bp.get("/reviews/<lot_id>")
@allow("expert")
def show_review(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        review = reviews.review_page(unit, parse_id(lot_id), runtime().objects)
    return page("evaluation/review.html", review=review)


@bp.post("/reviews/<lot_id>")
@allow("expert")
@refusable(show_review)
def answer(lot_id: str) -> ResponseReturnValue:
    """Answer the invitation, or step down from the seat."""
    wanted = parse(forms.AnswerForm)
    with units().begin(current_actor()) as unit:
        if wanted.answer == "accept":
            seats.accept(unit, parse_id(lot_id), is_sworn=wanted.oath, is_free=wanted.free)
        elif wanted.answer == "decline":
            seats.decline(unit, parse_id(lot_id), wanted.reason)
        else:
            seats.recuse(unit, parse_id(lot_id), wanted.reason)
    if wanted.answer == "accept":
        notice = ("已确认参加", "Your seat is taken")
        return done(url_for(".show_review", lot_id=lot_id), notice=notice, answer=wanted.answer)
    return done(
        url_for(".my_reviews"),
        notice=("已记录，席位将递补", "Recorded; the next expert is asked"),
        answer=wanted.answer,
    )


@bp.post("/reviews/<lot_id>/sheet")
@allow("expert")
@refusable(show_review)
def write_sheet(lot_id: str) -> ResponseReturnValue:
    """Save the sheet, or hand it in."""
    wanted = parse(forms.SheetForm)
    with units().begin(current_actor()) as unit:
        if wanted.act == "submit":
            sheets.submit(unit, parse_id(lot_id), wanted.given())
        else:
            sheets.save(unit, parse_id(lot_id), wanted.given())
    notice = ("评分表已提交", "The sheet is handed in") if wanted.act == "submit" else ("已保存", "Saved")
    return done(url_for(".show_review", lot_id=lot_id), notice=notice, act=wanted.act)


@bp.post("/reviews/<lot_id>/signature")
@allow("expert")
@refusable(show_review)
def sign(lot_id: str) -> ResponseReturnValue:
    wanted = parse(forms.SignatureForm)
    with units().begin(current_actor()) as unit:
        report.sign(unit, parse_id(lot_id), wanted.dissent)
    notice = ("已签署评标报告", "You have signed the report")
    return done(url_for(".show_review", lot_id=lot_id), notice=notice, is_dissent=bool(wanted.dissent))


@bp.get("/reviews/<lot_id>/files/<code>.pdf")
@allow("expert")
def bid_file(lot_id: str, code: str) -> ResponseReturnValue:
    """The technical part of the bid under this code."""
    with units().read(current_actor()) as unit:
        name = bid_files.name_for(unit, parse_id(lot_id), code)
    if not runtime().objects.exists(name):
        raise NotFound(what="file")
    return pdf(name, f"{code}.pdf")
