"""Proving the claim to a code: the claimant's page, the bank's notices, and the officers' desk."""

from __future__ import annotations

from flask import Blueprint, Response, request, url_for
from flask.typing import ResponseReturnValue
from pydantic import ValidationError

from accounts import access, forms, queries
from accounts.certificates import read_roots
from accounts.errors import FileRefused
from accounts.roles import Role
from accounts.rules import DOCUMENT_MAX_BYTES, DOCUMENTS_MAX
from accounts.services import bank, claims
from accounts.states import ClaimState, Verdict
from foundation import canonical
from foundation.errors import InvalidInput, Objection
from foundation.ids import new_id, parse_id
from foundation.web.access import PUBLIC, SIGNED_IN, allow, current_actor
from foundation.web.limits import EXPENSIVE, MIB, body_limit, rate_limit
from foundation.web.parse import objections_of
from foundation.web.respond import done, json_response, page, parse, refusable
from foundation.web.runtime import runtime, units

bp = Blueprint("verification", __name__)
NOTICE_MAX_BYTES = 16 * 1024


@bp.get("/account/verification/documents")
@bp.get("/account/verification/certificate")
@bp.get("/account/verification")  # the lowest is the address url_for gives
@allow(SIGNED_IN)
def verification() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        return page(
            "accounts/verification.html",
            organisation=access.own_organisation(unit).name,
            claim=queries.claim_card(unit),
            documents_max=DOCUMENTS_MAX,
            document_max_bytes=DOCUMENT_MAX_BYTES,
        )


@bp.post("/account/verification")
@allow(SIGNED_IN)
@refusable(verification)
def start_claim() -> ResponseReturnValue:
    wanted = parse(forms.StartClaim)
    with units().begin(current_actor()) as unit:
        claims.start(unit, wanted.way, account_number=wanted.account_number)
        claim = queries.claim_card(unit)
    return done(url_for(".verification"), status=201, claim=claim)


@bp.post("/account/verification/certificate")
@allow(SIGNED_IN)
@rate_limit(EXPENSIVE)
@refusable(verification)
def prove_by_certificate() -> ResponseReturnValue:
    wanted = parse(forms.CertificateProof)
    roots = read_roots(runtime().settings.ca_roots_dir)
    with units().begin(current_actor()) as unit:
        state = claims.prove_by_certificate(
            unit, roots, certificate=wanted.certificate.encode(), signature=wanted.signature_bytes()
        )
    return done(url_for(".verification"), notice=_settled(state), state=state)


@bp.post("/account/verification/documents")
@allow(SIGNED_IN)
@body_limit(DOCUMENT_MAX_BYTES + MIB)
@rate_limit(EXPENSIVE)
@refusable(verification)
def file_document() -> ResponseReturnValue:
    wanted = parse(forms.DocumentForm)
    sent = request.files.get("document")
    if sent is None:
        raise FileRefused(objections=[Objection("foundation.field_missing", "document")])
    upload = claims.Upload(wanted.title, sent.read(DOCUMENT_MAX_BYTES + 1))
    org_id = access.require_organisation(current_actor())
    document_id = new_id(runtime().clock.now(), units().entropy)
    name, sha256, kind = claims.store_document(runtime().objects, org_id, document_id, upload)
    with units().begin(current_actor()) as unit:
        claims.file_document(unit, document_id, upload, object_name=name, sha256=sha256, kind=kind)
    notice = ("材料已收到，等两位工作人员核对", "Document received; two officers will look at it")
    return done(url_for(".verification"), status=201, notice=notice, document_id=document_id, sha256=sha256)


@bp.get("/account/verification/documents/<document_id>")
@allow(SIGNED_IN)
def document(document_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        row = access.document_for(unit, parse_id(document_id))
        name, media_type = row.object_name, row.media_type
    ending = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}[media_type]
    response = Response(runtime().objects.open_stream(name), mimetype=media_type)
    # Never shown inside our own origin: it is a stranger's file.
    response.headers["Content-Disposition"] = f'attachment; filename="{document_id}.{ending}"'
    return response


@bp.post("/bank/notices")
@allow(PUBLIC)
@body_limit(NOTICE_MAX_BYTES)
def bank_notice() -> ResponseReturnValue:
    """The bank's message: JSON, with the hex HMAC-SHA256 of the body in ``X-Bank-Signature``."""
    body = request.get_data(cache=True)
    secret = bank.read_secret(runtime().settings.secrets_dir)
    bank.require_signature(secret, body, request.headers.get(bank.SIGNATURE_HEADER, ""))
    try:
        said = forms.BankNoticeBody.model_validate(canonical.loads(body, max_bytes=NOTICE_MAX_BYTES))
    except ValidationError as refused:
        raise InvalidInput(objections=objections_of(refused)) from None
    notice = bank.Notice(said.notice_id, said.payer_name, said.payer_account, said.reference)
    with units().begin(bank.bank_actor(request.remote_addr or "")) as unit:
        outcome = bank.receive_notice(unit, notice, body)
    return json_response({"notice_id": notice.notice_id, "outcome": outcome})


@bp.get("/staff/verifications")
@allow(Role.CENTRE_STAFF)
def desk() -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        return page("accounts/verifications.html", desk=queries.verification_desk(unit))


@bp.get("/staff/verifications/<claim_id>")
@allow(Role.CENTRE_STAFF)
def desk_claim(claim_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        return page("accounts/verification_claim.html", claim=queries.desk_claim(unit, parse_id(claim_id)))


@bp.post("/staff/verifications/<claim_id>")
@allow(Role.CENTRE_STAFF)
@refusable(desk_claim)
def decide_claim(claim_id: str) -> ResponseReturnValue:
    wanted = parse(forms.OfficerVerdict)
    with units().begin(current_actor()) as unit:
        if wanted.verdict is Verdict.REJECT:
            claims.reject(unit, parse_id(claim_id), wanted.note)
            return done(
                url_for(".desk"), notice=("已退回，理由已通知对方", "Sent back with your reason"), state="rejected"
            )
        state = claims.approve(unit, parse_id(claim_id), wanted.note)
    return done(url_for(".desk"), notice=_agreed(state), state=state)


@bp.get("/staff/verifications/codes/<org_id>")
@allow(Role.CENTRE_STAFF)
def desk_code(org_id: str) -> ResponseReturnValue:
    with units().read(current_actor()) as unit:
        return page("accounts/verification_code.html", code=queries.desk_override(unit, parse_id(org_id)))


@bp.post("/staff/verifications/codes/<org_id>")
@allow(Role.CENTRE_STAFF)
@refusable(desk_code)
def decide_code(org_id: str) -> ResponseReturnValue:
    wanted = parse(forms.OfficerVerdict)
    accepted = wanted.verdict is Verdict.APPROVE
    with units().begin(current_actor()) as unit:
        claims.review_override(unit, parse_id(org_id), is_accepted=accepted, note=wanted.note)
    return done(
        url_for(".desk"), notice=("已记录，并已通知对方", "Recorded; the organisation is told"), is_accepted=accepted
    )


def _settled(state: ClaimState) -> tuple[str, str]:
    if state is ClaimState.VERIFIED:
        return ("单位代码已核验", "Your code is verified")
    return ("另一单位已持有该代码，交由工作人员裁定", "Another organisation holds this code; officers will decide")


def _agreed(state: ClaimState) -> tuple[str, str]:
    if state is ClaimState.VERIFIED:
        return ("两人一致，已核验", "Two officers agree: verified")
    if state is ClaimState.DISPUTED:
        return ("已记录；该代码另有持有人，还需两人裁定", "Recorded; the code has a holder, two officers must decide")
    return ("已记录，还需另一位工作人员", "Recorded; a second officer is needed")
