"""Downloads of bundles, the verifier as a file, and the page on which everybody verifies a bundle by themselves."""

from __future__ import annotations

from collections.abc import Iterator

from flask import Blueprint, Flask, Response
from flask.typing import ResponseReturnValue

from accounts.roles import Role
from centre.bundles.archive import Bundle, prepare
from centre.bundles.errors import BundleNotReady
from centre.bundles.gather import Tier
from centre.bundles.issuing import bundles_of
from foundation.ids import parse_id
from foundation.publication.policy import log_policy
from foundation.transparency.errors import CosignerUnavailable
from foundation.verifier.export import single_file
from foundation.verifier.wording import GROUPS, LIMITS, MEANINGS, PROBLEMS, STATUSES, VERDICTS
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.limits import EXPENSIVE, rate_limit
from foundation.web.respond import page
from foundation.web.runtime import runtime, units
from tendering import facade as tendering

bp = Blueprint("bundles", __name__)

VERIFY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'none'; "
    "font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; worker-src 'none'"
)
"""For the page that verifies: whatever its scripts do, the browser lets nothing leave it."""


@bp.get("/lots/<lot_id>/bundle.zip")
@allow(PUBLIC)
@rate_limit(EXPENSIVE)
def bundle(lot_id: str) -> ResponseReturnValue:
    """The newest public bundle of a lot whose opening is over."""
    with units().read(current_actor()) as unit:
        card = tendering.lot_card(unit, parse_id(lot_id))
    names = bundles_of(runtime().objects, card.id)
    if not names:
        raise BundleNotReady(what="bundle")
    objects = runtime().objects
    response = _zip(objects.open_stream(names[-1]), f"{card.lot_code}-bundle.zip")
    response.headers["Content-Length"] = str(objects.size_bytes(names[-1]))
    return response


@bp.get("/lots/<lot_id>/bundle-regulator.zip")
@allow(Role.SUPERVISOR)
@rate_limit(EXPENSIVE)
def regulator_bundle(lot_id: str) -> ResponseReturnValue:
    """The regulator's tier, made while it is sent: every ciphertext part, and the halves of bids that were opened."""
    with units().read(current_actor()) as unit:
        card = tendering.lot_card(unit, parse_id(lot_id))
    made = prepare(runtime(), card.id, Tier.REGULATOR)
    response = _zip(_closing(made), f"{card.lot_code}-bundle-regulator.zip")
    response.headers["Cache-Control"] = "no-store"
    return response


def _closing(made: Bundle) -> Iterator[bytes]:
    try:
        yield from made.zip_bytes()
    finally:
        made.close()


def _zip(blocks: Iterator[bytes], name: str) -> Response:
    response = Response(blocks, mimetype="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


@bp.get("/verify")
@allow(PUBLIC)
def verify() -> ResponseReturnValue:
    """Drop a bundle; the browser verifies it, and nothing is uploaded."""
    try:
        policy = log_policy(runtime())
    except CosignerUnavailable:
        policy = ""
    wording = {
        "meanings": MEANINGS,
        "statuses": STATUSES,
        "verdicts": VERDICTS,
        "problems": PROBLEMS,
        "groups": GROUPS,
        "limits": LIMITS,
    }
    response = page("bundles/verify.html", policy=policy, wording=wording, meanings=MEANINGS)
    response.headers["Content-Security-Policy"] = VERIFY_POLICY
    return response


@bp.get("/verify/verify-bundle.py")
@allow(PUBLIC)
@rate_limit(EXPENSIVE)
def verifier_file() -> ResponseReturnValue:
    """The stand-alone verifier."""
    response = Response(single_file(), mimetype="text/x-python")
    response.headers["Content-Disposition"] = 'attachment; filename="verify-bundle.py"'
    return response


def register(app: Flask) -> None:
    """Add bundles and the page that verifies them to the web application."""
    app.register_blueprint(bp)
