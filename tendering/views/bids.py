"""A bidder's pages and addresses: workbench, sealing, uploads, receipt. A seal is stamped when its body has come."""

from __future__ import annotations

import threading
from dataclasses import asdict
from datetime import datetime
from typing import Final

from flask import Blueprint, Response, current_app, request, url_for
from flask.blueprints import BlueprintSetupState
from flask.typing import ResponseReturnValue

from accounts import facade as accounts
from foundation.documents.forms import render_submission_receipt
from foundation.i18n import ZH, instant
from foundation.ids import parse_id
from foundation.publication.proofs import log_policy, proof_of_entry, receipt_vkey
from foundation.sealing import Header
from foundation.sealing.strict import encode_base64
from foundation.web.access import allow, current_actor
from foundation.web.limits import EXPENSIVE, KIB, body_limit, rate_limit
from foundation.web.negotiate import wants_json
from foundation.web.respond import done, json_response, page, parse
from foundation.web.runtime import runtime, units
from tendering import bid_samples, receiver
from tendering.bid_errors import (
    ProofNotYet,
    SamplesInDemoOnly,
    SealContested,
    SealRefused,
    UploadsBusy,
)
from tendering.bid_forms import SEAL_BODY, NewSeal, NewUpload
from tendering.bid_rules import PARTS, STAGE, AnnouncedPart, HeldSegment
from tendering.intake import Intake
from tendering.queries import bids as queries
from tendering.queries.opening_keys import offered_keys
from tendering.queries.rehearsals import own_rehearsal
from tendering.services import receipts, seals, uploads
from tendering.views.words import client_words

bp = Blueprint("bids", __name__)
BIDDER: Final = "bidder"
SEGMENT_BODY: Final = 8 * 1024 * KIB + KIB
"""A full segment and a little: a stream that ends exactly at its limit cannot be told from one that goes beyond."""
HTTP_UPLOADS: Final = 4
"""Places for segments over plain HTTP: a thread of the web process each, so most stay free for everybody else."""
READ_BYTES: Final = 64 * KIB
_places = threading.BoundedSemaphore(HTTP_UPLOADS)


@bp.record_once
def _install(state: BlueprintSetupState) -> None:
    app = state.app
    app.extensions.setdefault("intake", Intake(app.extensions["runtime"]))
    app.extensions["nav"].add("bidder", "我的投标", "My bids", "bids.my_bids", order=10)


def intake() -> Intake:
    """The receiver of this process; ``centre.web`` starts its reporting before it serves."""
    found = current_app.extensions["intake"]
    if not isinstance(found, Intake):
        raise TypeError("app.extensions['intake'] is not an Intake")
    return found


# --- pages ------------------------------------------------------------------------------------------------------------


@bp.get("/bids")
@allow(BIDDER)
def my_bids() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        lines = queries.my_bids(unit)
    return page("tendering/bids/my_bids.html", bids=lines)


@bp.get("/lots/<lot_id>/bid")
@allow(BIDDER)
def workbench(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        bench = queries.workbench(unit, parse_id(lot_id))
        rehearsal = own_rehearsal(unit, lot_id)
    return page("tendering/bids/workbench.html", bench=bench, rehearsal=rehearsal)


@bp.get("/lots/<lot_id>/bid/seal")
@allow(BIDDER)
def seal_page(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        bench = queries.workbench(unit, parse_id(lot_id))
    return page(
        "tendering/bids/seal.html",
        bench=bench,
        parts=PARTS,
        receipt_vkey=receipt_vkey(runtime()),
        policy=log_policy(runtime()),
        words=client_words(),
        is_demo=runtime().settings.demo,
    )


@bp.get("/lots/<lot_id>/bid/receipt")
@allow(BIDDER)
def receipt(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        shown = queries.own_receipt(unit, parse_id(lot_id), _rev())
        proof = proof_of_entry(unit, shown.entry_id)
    return page(
        "tendering/bids/receipt.html",
        shown=shown,
        receipt_vkey=receipt_vkey(runtime()),
        policy=log_policy(runtime()),
        leaf_index=None if proof is None else proof.leaf_index,
        words=client_words(),
    )


# --- what a sealing client asks and sends -----------------------------------------------------------------------------


@bp.get("/lots/<lot_id>/lot.json")
@allow(BIDDER)
def lot_json(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        facts = queries.sealing_facts(unit, parse_id(lot_id))
        offered = offered_keys(unit, lot_id)
        now = unit.at
    last = facts.last
    return json_response(
        {
            "lot": facts.lot,
            "lot_id": lot_id,
            "tender": facts.tender,
            "stage": STAGE,
            "bidder": facts.bidder,
            "bidder_name": facts.bidder_name,
            "suite": facts.keyset.suite,
            "keyset": facts.keyset.json_text,
            "keyset_hash": facts.keyset.hash,
            "escrow_rule": facts.escrow_rule,
            "beacon": facts.beacon,
            "beacon_round": facts.beacon_round,
            "deadline_at": facts.deadline_at,
            "server_time": now,
            "is_taking_bids": facts.is_taking_bids,
            "is_verified": facts.is_verified,
            "parts": PARTS,
            "duration_days": facts.duration_days,
            "quality": facts.quality,
            "last": None if last is None else asdict(last),
            "receipt_vkey": receipt_vkey(runtime()),
            "log_policy": log_policy(runtime()),
            "room_origin": _room_origin(),
            "signing_keys": facts.signing_keys,
            "opening_keys": offered,
        }
    )


@bp.post("/lots/<lot_id>/uploads")
@allow(BIDDER)
def start_upload(lot_id: str) -> ResponseReturnValue:
    wanted = parse(NewUpload)
    parts = [AnnouncedPart(part.id, part.size, part.segments) for part in wanted.parts]
    with units().begin(current_actor()) as unit:
        upload_id = uploads.start_upload(unit, parse_id(lot_id), parts)
    where = url_for(".show_upload", upload_id=upload_id)
    return done(where, status=201, upload_id=upload_id, room_origin=_room_origin())


@bp.get("/uploads/<upload_id>")
@allow(BIDDER)
def show_upload(upload_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        held = uploads.held(unit, parse_id(upload_id))
    return json_response({"held": held})


@bp.put("/uploads/<upload_id>/parts/<part>/segments/<int:number>")
@allow(BIDDER)
@body_limit(SEGMENT_BODY)
def put_segment(upload_id: str, part: str, number: int) -> ResponseReturnValue:
    """One segment over plain HTTP, for networks that let no socket through. Answers as the socket does."""
    segment = HeldSegment(number, request.content_length or 0, request.headers.get("X-Content-SHA256", ""))
    if not _places.acquire(blocking=False):
        raise UploadsBusy(retry_after=5)
    try:
        receiver.take(runtime(), current_actor(), parse_id(upload_id), part, segment, request.stream.read)
    finally:
        while request.stream.read(READ_BYTES):
            pass  # what was not wanted must not be taken for the next request of this connection
        _places.release()
    return json_response({"stored": {"part": part, "index": number}}, 201)


@bp.post("/lots/<lot_id>/seals")
@allow(BIDDER)
@body_limit(SEAL_BODY)
def submit_seal(lot_id: str) -> ResponseReturnValue:
    request.get_data()  # to its last byte: only then has the bid been handed in
    with intake().stamp() as received_at:
        command = parse(NewSeal).command(parse_id(lot_id))
        outcome = _decide(command, received_at)
    if isinstance(outcome, SealRefused):
        raise outcome
    answer = {name: value for name, value in asdict(outcome).items() if name != "is_new"}
    where = url_for(".receipt", lot_id=lot_id)
    return done(where, status=201 if outcome.is_new else 200, **answer)


def _decide(command: seals.SealCommand, received_at: datetime) -> seals.Acknowledged | SealRefused:
    """Decide in one Unit; once more when another revision of the same bidder was committed in between."""
    for is_last in (False, True):
        try:
            with units().begin(current_actor()) as unit:
                return seals.submit_seal(unit, runtime(), command, received_at)
        except SealContested:
            if is_last:
                raise
    raise AssertionError("the loop returns or raises")


@bp.post("/lots/<lot_id>/bid/withdraw")
@allow(BIDDER)
def withdraw(lot_id: str) -> ResponseReturnValue:
    request.get_data()
    with intake().stamp() as received_at, units().begin(current_actor()) as unit:
        row = seals.withdraw_bid(unit, parse_id(lot_id), received_at)
        shown = queries.revision_of(row)
    notice = (
        f"第 {shown.rev} 版已撤回，不会开启。截止前可以重新递交。",
        f"Version {shown.rev} is withdrawn and will not be opened. You may seal again until the deadline.",
    )
    return done(url_for(".workbench", lot_id=lot_id), notice=notice, revision=shown)


# --- the receipt and what proves it -----------------------------------------------------------------------------------


@bp.get("/lots/<lot_id>/bid/receipt.note")
@allow(BIDDER)
def receipt_note(lot_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        shown = queries.own_receipt(unit, parse_id(lot_id), _rev())
    return _file(shown.receipt.encode(), "text/plain; charset=utf-8", f"{shown.revision.receipt_number}.note")


@bp.get("/lots/<lot_id>/bid/receipt.tlog-proof")
@allow(BIDDER)
def receipt_proof(lot_id: str) -> ResponseReturnValue:
    """The inclusion proof as a file; as JSON with the record it unblinds, or ``{"state": "waiting"}`` (202)."""
    with units().read(current_actor()) as unit:
        shown = queries.own_receipt(unit, parse_id(lot_id), _rev())
        proof = proof_of_entry(unit, shown.entry_id)
    log_by = shown.revision.log_by
    if wants_json(request):
        if proof is None:
            return json_response({"state": "waiting", "log_by": log_by}, 202)
        return json_response(
            {
                "state": "published",
                "proof": proof.tlog_proof,
                "record": proof.entry_text,
                "leaf_index": proof.leaf_index,
                "is_cosigned": proof.is_cosigned,
                "log_by": log_by,
            }
        )
    if proof is None:
        raise ProofNotYet(log_by=log_by)
    return _file(proof.tlog_proof.encode(), "text/plain; charset=utf-8", f"{shown.revision.receipt_number}.tlog-proof")


@bp.get("/lots/<lot_id>/bid/receipt.pdf")
@allow(BIDDER)
@rate_limit(EXPENSIVE)
def receipt_pdf(lot_id: str) -> ResponseReturnValue:
    settings = runtime().settings
    with units().read(current_actor()) as unit:
        shown = queries.own_receipt(unit, parse_id(lot_id), _rev())
        (lot, project), row = queries.sealed_with_lot(unit, lot_id, shown.revision.rev)
        facts = queries.sealing_facts(unit, lot_id)
        proof = proof_of_entry(unit, shown.entry_id)
        now = unit.at
    inclusion = (
        f"入日志的证明于 {instant(shown.revision.log_by, 'full', ZH)} 前给出"
        if proof is None
        else f"第 {proof.leaf_index} 条，包含证明可在本页下载"
    )
    paper = receipts.receipt_paper(
        project,
        lot,
        row,
        bidder=shown.bidder_name,
        uscc=shown.bidder_uscc,
        keyset_hash=facts.keyset.hash,
        inclusion=inclusion,
        centre=bid_samples.CENTRE,
        verify_url=url_for(".receipt", lot_id=lot_id, rev=row.rev, _external=True),
        demo=settings.demo,
    )
    pdf = render_submission_receipt(paper, at=now)
    return _file(pdf, "application/pdf", f"{shown.revision.receipt_number}.pdf")


@bp.get("/lots/<lot_id>/bid/header")
@allow(BIDDER)
def own_header(lot_id: str) -> ResponseReturnValue:
    """The header of the own bid: what a client needs to rehearse and, in the window, to release its 32 bytes."""
    with units().read(current_actor()) as unit:
        (lot, project), row = queries.sealed_with_lot(unit, parse_id(lot_id), _rev())
        own = accounts.organisation(unit, row.org_id)
        answer = {
            "bid_id": row.bid,
            "rev": row.rev,
            "state": row.state,
            "tender": project.tender_code,
            "lot": lot.lot_code,
            "bidder": own.uscc,
            "stage": STAGE,
            "header": encode_base64(row.header),
            "header_hash": Header.parse(row.header).hash.hex(),
            "manifest": row.manifest.decode(),
            "signature": encode_base64(row.signature),
            "envelope_hash": row.envelope_hash,
        }
    return json_response(answer)


@bp.post("/lots/<lot_id>/bid/sample-files")
@allow(BIDDER)
@rate_limit(EXPENSIVE)
def sample_files(lot_id: str) -> ResponseReturnValue:
    if not runtime().settings.demo:
        raise SamplesInDemoOnly
    with units().read(current_actor()) as unit:
        bench = queries.workbench(unit, parse_id(lot_id))
        now = unit.at
    sample = bid_samples.sample_bid(bench, at=now)
    files = [
        {"part": one.part, "name": one.name, "media_type": one.media_type, "base64": encode_base64(one.content)}
        for one in sample.files
    ]
    price = {
        "total": sample.total,
        "duration_days": sample.duration_days,
        "quality": sample.quality,
        "project_manager": sample.project_manager,
    }
    return json_response({"files": files, "price": price}, 201)


# --- small things -----------------------------------------------------------------------------------------------------


def _file(content: bytes, media_type: str, name: str) -> Response:
    response = Response(content, mimetype=media_type.partition(";")[0])
    response.headers["Content-Type"] = media_type
    response.headers.set("Content-Disposition", "attachment", filename=name)
    return response


def _rev() -> int | None:
    text = request.args.get("rev", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) <= len("9999") else None


def _room_origin() -> str:
    """Where sockets go: the same host name, so that the same cookie counts there."""
    scheme = "wss" if request.is_secure else "ws"
    port = current_app.config["ROOM_PORT"]
    return f"{scheme}://{request.host.partition(':')[0]}:{port}" if port else f"{scheme}://{request.host}"
