"""Questions and clarifications of a published lot, and the private subscription to them."""

from __future__ import annotations

from flask import Blueprint, url_for
from flask.typing import ResponseReturnValue

from foundation.ids import parse_id
from foundation.web.access import PUBLIC, SIGNED_IN, allow, current_actor
from foundation.web.limits import rate_limit
from foundation.web.respond import done, page, parse, refusable
from foundation.web.runtime import units
from tendering import forms
from tendering.queries import questions
from tendering.services import clarifications

bp = Blueprint("questions", __name__)

QUESTIONS = "20 per hour"
"""A published limit: enough for a careful reader, too little to bury a host."""


@bp.get("/lots/<lot_id>/questions")
@allow(PUBLIC)
def show_questions(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        lot = questions.questions_page(unit, parse_id(lot_id))
    return page("tendering/questions.html", lot=lot)


@bp.post("/lots/<lot_id>/questions")
@allow("bidder")
@rate_limit(QUESTIONS)
@refusable(show_questions)
def ask(lot_id: str) -> ResponseReturnValue:
    wanted = parse(forms.QuestionForm)
    with units().begin(current_actor()) as unit:
        question_id = clarifications.ask(unit, parse_id(lot_id), wanted.text)
    notice = ("问题已送达；没有人能看到是谁提的", "Your question has arrived; nobody can see who asked it")
    return done(url_for(".show_questions", lot_id=lot_id), status=201, notice=notice, question_id=question_id)


@bp.get("/lots/<lot_id>/clarifications/new")
@allow("agency", "tenderee")
def new_clarification(lot_id: str) -> ResponseReturnValue:
    return show_questions(lot_id)


@bp.post("/lots/<lot_id>/clarifications/new")
@allow("agency", "tenderee")
@refusable(show_questions)
def clarify(lot_id: str) -> ResponseReturnValue:
    wanted = parse(forms.ClarificationForm)
    with units().begin(current_actor()) as unit:
        order_id = clarifications.order_clarification(unit, parse_id(lot_id), wanted.new_clarification())
    notice = ("正在生成澄清文件", "The clarification is being produced")
    url = url_for(".show_questions", lot_id=lot_id)
    return done(url, status=201, notice=notice, kind="run", lot_id=lot_id, order_id=order_id, state="issuing")


@bp.post("/lots/<lot_id>/subscription")
@allow(SIGNED_IN)
def subscribe(lot_id: str) -> ResponseReturnValue:
    wanted = parse(forms.SubscriptionForm)
    with units().begin(current_actor()) as unit:
        clarifications.set_subscription(unit, parse_id(lot_id), is_on=wanted.on)
    notice = (
        ("已订阅澄清；只有您自己知道", "Subscribed; only you know") if wanted.on else ("已取消订阅", "Unsubscribed")
    )
    return done(url_for("tendering.show_lot", lot_id=lot_id), notice=notice, is_subscribed=wanted.on)
