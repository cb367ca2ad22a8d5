"""The trace of a bid as page, paper, JSON, and each text of its evidence as a file."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from foundation.documents.forms import BidTraceData, BidTraceStep, render_bid_trace
from foundation.errors import NotFound
from foundation.i18n import ZH, Lang, instant, sentence, term
from foundation.ids import parse_id
from foundation.store.unit import Unit
from foundation.web.access import allow, current_actor
from foundation.web.limits import EXPENSIVE, rate_limit
from foundation.web.negotiate import wants_json
from foundation.web.respond import page
from foundation.web.runtime import runtime, units
from tendering import bid_samples
from tendering.queries import trace as queries
from tendering.queries.trace import BidTrace
from tendering.queries.trace_steps import TraceStep

bp = Blueprint("traces", __name__)
READERS = ("bidder", *queries.EXAMINERS)


@bp.get("/lots/<lot_id>/bid/trace")
@allow(*READERS)
def show(lot_id: str) -> ResponseReturnValue:
    """The own bid's trace; for examiners the one of ``?bid=``, or the published list to choose from."""
    with units().read(current_actor()) as unit:
        if _is_examiner() and not request.args.get("bid"):
            listed = queries.listed_bids(unit, parse_id(lot_id))
            return page("tendering/bids/traces.html", lot_id=lot_id, listed=listed)
        trace = _trace(unit, lot_id)
    if wants_json(request):
        return _json(trace)
    return page("tendering/bids/trace.html", trace=trace, sentence_of=sentence_of, reasons_of=reasons_of)


@bp.get("/lots/<lot_id>/bid/trace.json")
@allow(*READERS)
def as_json(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        trace = _trace(unit, lot_id)
    return _file(_json(trace), f"trace-{trace.lot_code}.json")


@bp.get("/lots/<lot_id>/bid/trace.pdf")
@allow(*READERS)
@rate_limit(EXPENSIVE)
def as_pdf(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        trace = _trace(unit, lot_id)
    paper = _paper(trace, demo=runtime().settings.demo)
    answer = Response(render_bid_trace(paper, at=trace.made_at), mimetype="application/pdf")
    return _file(answer, f"trace-{trace.lot_code}.pdf")


@bp.get("/lots/<lot_id>/bid/trace/<name>")
@allow(*READERS)
def evidence(lot_id: str, name: str) -> ResponseReturnValue:
    """One text of the evidence, byte by byte: a note, a proof, a record, a manifest, digests of segments."""
    with units().read(current_actor()) as unit:
        text = _trace(unit, lot_id).text(name)
    return _file(Response(text.encode(), mimetype="text/plain"), name)


def _is_examiner() -> bool:
    return current_actor().has_role(*queries.EXAMINERS)


def _trace(unit: Unit, lot_id: str) -> BidTrace:
    if not _is_examiner():
        return queries.own_trace(unit, parse_id(lot_id))
    bid = request.args.get("bid", "")
    if not bid:
        raise NotFound(what="bid")
    return queries.examined_trace(unit, parse_id(lot_id), bid)


def _json(trace: BidTrace) -> Response:
    return Response(queries.as_json(trace), mimetype="application/json")


def _file(response: Response, name: str) -> Response:
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def sentence_of(step: TraceStep, lang: Lang | None = None) -> str:
    return term(f"trace.{step.kind}", lang, **step.params)


def reasons_of(step: TraceStep, lang: Lang | None = None) -> list[str]:
    """The sentences of a refusal's reasons."""
    return [sentence("errors", code, {}, lang) for code in step.params.get("codes", ())]


def _paper(trace: BidTrace, *, demo: bool) -> BidTraceData:
    """The Chinese paper, whatever the reader's language: the official one."""
    steps = tuple(
        BidTraceStep(
            at=f"{instant(step.at, 'date', ZH)} {instant(step.at, 'ms', ZH)}" if step.at else "—",
            text=" ".join((sentence_of(step, ZH), *reasons_of(step, ZH))),
            evidence=tuple(f"{term(f'trace_evidence.{one.kind}', ZH)} {one.value}".strip() for one in step.evidence),
        )
        for step in trace.steps
    )
    return BidTraceData(
        document_number=f"TJ-{(trace.bid or trace.lot_code)[-12:].upper()}",
        centre=bid_samples.CENTRE,
        demo=demo,
        project_name=trace.project_name,
        lot_name=trace.lot_name,
        lot_code=trace.lot_code,
        bidder=trace.bidder_name,
        bidder_uscc=trace.bidder_uscc,
        bid=trace.bid,
        bid_deadline=instant(trace.deadline_at, "full", ZH),
        made_at=instant(trace.made_at, "full", ZH),
        steps=steps,
    )
