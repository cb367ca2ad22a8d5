"""The log for everybody: its files as C2SP readers want them, proofs of public entries, and a page for people."""

from __future__ import annotations

import re
from typing import Final

from flask import Blueprint, Flask, Response
from flask.typing import ResponseReturnValue

from foundation.errors import NotFound
from foundation.i18n import iso
from foundation.ids import parse_id
from foundation.publication import proofs, stamping
from foundation.publication.errors import NotYetProved, PublishingStopped
from foundation.publication.models import STATE_ROW, LogState
from foundation.publication.policy import cosigner_key, log_policy, receipt_vkey
from foundation.publication.proofs import PublishedProof
from foundation.publication.tiles import FOLDER, getter
from foundation.transparency.errors import CosignerUnavailable
from foundation.web.access import PUBLIC, allow, current_actor
from foundation.web.respond import page
from foundation.web.runtime import runtime, units

bp = Blueprint("log", __name__)

_TILE: Final = re.compile(
    r"(entries|[0-9]|[1-5][0-9]|6[0-3])/(x\d{3}/){0,6}\d{3}(\.p/([1-9]|[1-9]\d|1\d\d|2[0-4]\d|25[0-5]))?"
)
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_RETRY_SECONDS: Final = 2


@bp.get("/log")
@allow(PUBLIC)
def show_log() -> ResponseReturnValue:
    """What the log is, where it stands, and how to verify."""
    with units().read(current_actor()) as unit:
        head = proofs.log_head(unit)
        state = unit.session.get(LogState, STATE_ROW)
    settings = runtime().settings
    return page(
        "log/log.html",
        origin=settings.log_origin,
        head=head,
        stopped=state.alarm if state is not None else None,
        log_vkey=str(runtime().log_key.verifier),
        receipt_vkey=receipt_vkey(runtime()),
        has_cosigner=bool(settings.cosigner_url),
        cosigner_vkey=_cosigner_vkey(),
        tick_seconds=settings.tick_seconds,
    )


@bp.get("/log/checkpoint")
@allow(PUBLIC)
def checkpoint() -> ResponseReturnValue:
    """The newest published checkpoint, a signed note."""
    with units().read(current_actor()) as unit:
        return _text(proofs.latest_checkpoint(unit), "no-cache")


@bp.get("/log/policy")
@allow(PUBLIC)
def policy() -> ResponseReturnValue:
    """The C2SP tlog-policy: compare it with a copy from elsewhere before trusting it."""
    return _text(log_policy(runtime()), "no-cache")


@bp.get("/log/tile/<path:path>")
@allow(PUBLIC)
def tile(path: str) -> ResponseReturnValue:
    """A tile or an entry bundle. A partial file may be gone once the full one is there."""
    content = getter(runtime().objects)(f"tile/{path}") if _TILE.fullmatch(path) else None
    if content is None:
        raise NotFound(what=f"{FOLDER}/tile")
    response = Response(content, mimetype="application/octet-stream")
    response.headers["Cache-Control"] = _FOR_EVER
    return response


@bp.get("/log/entries/<entry_id>")
@allow(PUBLIC)
def entry(entry_id: str) -> ResponseReturnValue:
    """A public entry with its proof. Private and unknown entries are not found, both alike."""
    proof = _proof(entry_id)
    return page(
        "log/entry.html",
        entry_id=entry_id,
        entry_text=proof.entry_text,
        leaf_index=proof.leaf_index,
        tlog_proof=proof.tlog_proof,
        is_cosigned=proof.is_cosigned,
        stamp=_stamp(entry_id),
    )


@bp.get("/log/entries/<entry_id>/stamp")
@allow(PUBLIC)
def stamp_file(entry_id: str) -> ResponseReturnValue:
    """The time stamp response (DER) of the checkpoint over an entry; ``openssl ts -reply -in`` reads it."""
    stamp = _stamp(entry_id)
    if stamp is None:
        raise NotFound(what="stamp")
    response = Response(stamp.response, mimetype="application/timestamp-reply")
    response.headers["Content-Disposition"] = f'attachment; filename="{entry_id}.tsr"'
    return response


@bp.get("/log/entries/<entry_id>/stamped")
@allow(PUBLIC)
def stamped_file(entry_id: str) -> ResponseReturnValue:
    """The checkpoint that the time stamp is of, byte by byte."""
    stamp = _stamp(entry_id)
    if stamp is None:
        raise NotFound(what="stamp")
    return _download(stamp.checkpoint, f"{entry_id}.checkpoint")


def _stamp(entry_id: str) -> stamping.Stamped | None:
    with units().read(current_actor()) as unit:
        return stamping.stamp_of(unit, parse_id(entry_id))


@bp.get("/log/entries/<entry_id>/entry")
@allow(PUBLIC)
def entry_file(entry_id: str) -> ResponseReturnValue:
    """The leaf itself, byte by byte, for a verifier."""
    return _download(_proof(entry_id).entry_text, f"{entry_id}.entry")


@bp.get("/log/entries/<entry_id>/proof")
@allow(PUBLIC)
def proof_file(entry_id: str) -> ResponseReturnValue:
    """The C2SP proof file."""
    return _download(_proof(entry_id).tlog_proof, f"{entry_id}.tlog-proof")


def _proof(entry_id: str) -> PublishedProof:
    with units().read(current_actor()) as unit:
        found = proofs.public_proof(unit, parse_id(entry_id))
    if found is None:
        raise NotYetProved(retry_after=_RETRY_SECONDS)
    return found


def _cosigner_vkey() -> str:
    try:
        key = cosigner_key(runtime().settings)
    except CosignerUnavailable:
        return ""
    return str(key) if key is not None else ""


def _text(text: str, cache: str) -> Response:
    response = Response(text, mimetype="text/plain")
    response.headers["Cache-Control"] = cache
    return response


def _download(text: str, name: str) -> Response:
    response = _text(text, "no-cache")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def _check(app: Flask) -> None:
    """Not ready while tampering has stopped the publisher."""
    with app.app_context(), units().read() as unit:
        state = unit.session.get(LogState, STATE_ROW)
    if state is not None and state.alarm is not None:
        raise PublishingStopped(problem=state.alarm, at=iso(state.alarm_at) if state.alarm_at else "")


def register(app: Flask) -> None:
    """Add the log to the web application."""
    app.register_blueprint(bp)
    app.extensions["nav"].add("public", "公众查验", "Verify", "log.show_log", order=50)
    app.extensions["readiness"]["publication"] = lambda: _check(app)
