"""The programs to seal with, for everybody to download and to compare with the public log."""

from __future__ import annotations

from flask import Blueprint, Response
from flask.typing import ResponseReturnValue

from foundation.ids import parse_id
from foundation.publication.policy import receipt_vkey
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.respond import page
from foundation.web.runtime import runtime, units
from tendering.bid_errors import ClientNotBuilt
from tendering.clients import releases
from tendering.queries import bids as queries
from tendering.views.words import client_words

bp = Blueprint("clients", __name__)


@bp.get("/client/offline-encryptor.html")
@allow(PUBLIC)
def offline_encryptor() -> ResponseReturnValue:
    """The single file that seals without a network. To be saved, then opened from the disk."""
    return _file(releases.OFFLINE, "text/html")


@bp.get("/client/online-modules.txt")
@allow(PUBLIC)
def online_modules() -> ResponseReturnValue:
    """The hash of every module the online pages load."""
    return _file(releases.ONLINE, "text/plain")


@bp.get("/lots/<lot_id>/bid/archive")
@allow("bidder")
def archive_page(lot_id: str) -> ResponseReturnValue:
    """Where the archive of the offline encryptor is handed in."""
    with units().read(current_actor()) as unit:
        bench = queries.workbench(unit, parse_id(lot_id))
    return page("tendering/bids/archive.html", bench=bench, receipt_vkey=receipt_vkey(runtime()), words=client_words())


def _file(name: str, media_type: str) -> Response:
    one = releases.served().get(name)
    if one is None:
        raise ClientNotBuilt
    response = Response(one.content, mimetype=media_type)
    response.headers["Cache-Control"] = "no-cache"
    response.headers.set("Content-Disposition", "attachment", filename=name)
    response.set_etag(one.sha256)
    return response
