"""What everybody sees: the home page, notices, published lots and their documents."""

from __future__ import annotations

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue

from foundation.clock import iso
from foundation.ids import parse_id
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.limits import EXPENSIVE, rate_limit
from foundation.web.lot_life import lot_life
from foundation.web.paging import keyset
from foundation.web.respond import page
from foundation.web.runtime import runtime, units
from tendering import access
from tendering.clients import releases
from tendering.models import Document
from tendering.queries import lot_page, notices, statistics
from tendering.services import clarifications

bp = Blueprint("tendering", __name__)


@bp.get("/")
@allow(PUBLIC)
def home() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        openings = notices.openings(unit, 8)
        return page(
            "tendering/home.html",
            openings=openings,
            today=[row.lot_id for row in openings if notices.is_today(row, unit.at)],
            latest=notices.latest(unit, 6),
            figures=statistics.figures(unit),
        )


@bp.get("/notices")
@allow(PUBLIC)
def list_notices() -> ResponseReturnValue:
    wanted = notices.NoticeFilter(*(request.args.get(name, "")[:100] for name in ("q", "kind", "state")))
    asked = keyset(limit=30)
    with units().read(current_actor()) as unit:
        rows = notices.notices(unit, wanted, asked.after, asked.limit + 1)
    paging = asked.cut(rows, key=lambda row: (iso(row.published_at), row.lot_id))
    return page("tendering/notices.html", wanted=wanted, paging=paging, kinds=notices.TRADE_KINDS)


@bp.get("/lots/<lot_id>")
@allow(PUBLIC)
def show_lot(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        life = lot_life().stages(unit, [parse_id(lot_id)])[lot_id]
        lot = lot_page.lot_page(unit, lot_id, life)
        own = lot_page.own_view(unit, lot.lot_id)
        programs = releases.shown(unit)
    return page("tendering/lot.html", lot=lot, own=own, programs=programs)


@bp.get("/lots/<lot_id>/notice.pdf")
@allow(PUBLIC)
@rate_limit(EXPENSIVE)
def notice_pdf(lot_id: str) -> ResponseReturnValue:
    return _download(lot_id, "notice", 1)


@bp.get("/lots/<lot_id>/document.pdf")
@allow(PUBLIC)
@rate_limit(EXPENSIVE)
def document_pdf(lot_id: str) -> ResponseReturnValue:
    return _download(lot_id, "document", 1)


@bp.get("/lots/<lot_id>/clarifications/<int:number>.pdf")
@allow(PUBLIC)
@rate_limit(EXPENSIVE)
def clarification_pdf(lot_id: str, number: int) -> ResponseReturnValue:
    return _download(lot_id, "clarification", number)


def _download(lot_id: str, kind: str, version: int) -> Response:
    """Free for everybody; for a signed-in bidder its own download is noted where only it may look."""
    actor = current_actor()
    if actor.has_role("bidder"):
        with units().begin(actor) as unit:
            document = clarifications.note_download(unit, parse_id(lot_id), kind, version)
    else:
        with units().read(actor) as unit:
            document = access.public_document(unit, parse_id(lot_id), kind, version)
    return _pdf(document)


def _pdf(document: Document) -> Response:
    response = Response(runtime().objects.open_stream(document.object_name), mimetype=document.media_type)
    response.headers["Content-Length"] = str(document.size_bytes)
    response.headers["Content-Disposition"] = f'attachment; filename="{document.kind}-{document.version}.pdf"'
    response.headers["ETag"] = f'"{document.sha256}"'
    return response
