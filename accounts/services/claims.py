"""Proving a claim to a code, once, before the first seal: certificate, transfer, or two officers with documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from accounts import access
from accounts.certificates import Roots, check_certificate
from accounts.errors import (
    DocumentsMissing,
    FileRefused,
    OwnClaim,
    PossessionNotProved,
    SameOfficer,
    TooManyDocuments,
    UsccNotReviewed,
    WrongWay,
)
from accounts.inbox import add_to_inbox
from accounts.models import Claim, ClaimDocument, ClaimVerdict, Organisation
from accounts.rules import (
    DOCUMENT_MAX_BYTES,
    DOCUMENTS_MAX,
    NONCE_LIFE,
    OFFICERS_NEEDED,
    FileKind,
    file_kind,
    possession_text,
    reference_of,
)
from accounts.services.registration import alarm_others
from accounts.states import ClaimState, ClaimTrigger, ClaimWay, UsccGround, Verdict
from foundation.clock import machine_now
from foundation.entropy import url_token
from foundation.errors import NotFound, Objection
from foundation.events.accounts import (
    ClaimApproved,
    ClaimDisputed,
    ClaimDocumentFiled,
    ClaimRejected,
    ClaimRevoked,
    ClaimStarted,
    ClaimWayChanged,
    OrganisationVerified,
    UsccOverrideReviewed,
)
from foundation.machine import LostRace, WrongState
from foundation.storage import ObjectStore
from foundation.store.unit import Unit

PAGE: Final = "/account/verification"


def start(unit: Unit, way: ClaimWay, *, account_number: str = "") -> Claim:
    """Begin to prove the claim of the actor's organisation in ``way``, or change the way while it is pending.

    Every start makes a new round with a fresh reference code and nonce, so that nothing of an older one can be used.
    """
    if way is ClaimWay.IMPORTED:
        raise WrongWay(way=way)
    organisation = access.own_organisation(unit)
    claim = access.own_claim(unit)
    if way is not ClaimWay.DOCUMENTS and not organisation.is_code_admitted:
        raise UsccNotReviewed
    if claim.state is ClaimState.PENDING:
        _begin_round(unit, claim, way, account_number)
        event = ClaimWayChanged(org=claim.org_id, uscc=claim.uscc, way=way, round=claim.round)
        unit.append(_stream(claim), event)
        return claim
    following = ClaimStarted(org=claim.org_id, uscc=claim.uscc, way=way, round=claim.round + 1)
    unit.transition(claim, ClaimTrigger.START, _stream(claim), following)
    _begin_round(unit, claim, way, account_number)
    alarm_others(unit, claim.org_id, organisation.name, claim.uscc)
    return claim


def prove_by_certificate(unit: Unit, roots: Roots, *, certificate: bytes, signature: bytes) -> ClaimState:
    """Verify certificate, subject and possession; the claim is verified at once (or disputed). Raises Certificate…."""
    organisation = access.own_organisation(unit)
    claim = access.own_claim(unit)
    require_way(claim, ClaimWay.CERTIFICATE)
    if claim.nonce_until is None or machine_now() >= claim.nonce_until:
        raise PossessionNotProved
    facts = check_certificate(
        certificate,
        roots,
        at=unit.at,
        uscc=claim.uscc,
        name=organisation.name,
        signed=possession_text(claim.org_id, claim.uscc, claim.nonce),
        signature=signature,
    )
    claim.certificate = facts.as_json()
    return settle(unit, claim, evidence=f"certificate sha256 {facts.sha256}")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent. ``title``: what it shows, in the sender's words."""

    title: str
    content: bytes


def store_document(objects: ObjectStore, org_id: str, document_id: str, upload: Upload) -> tuple[str, str, FileKind]:
    """Check and keep the bytes, before the Unit opens. Returns (object name, SHA-256, kind). Raises FileRefused."""
    kind = file_kind(upload.content)
    if kind is None or len(upload.content) > DOCUMENT_MAX_BYTES:
        objection = Objection("accounts.file_refused", "document", {"limit": DOCUMENT_MAX_BYTES})
        raise FileRefused(objections=[objection], limit=DOCUMENT_MAX_BYTES)
    stored = objects.put_once(f"claims/{org_id}/{document_id}", upload.content)
    return stored.name, stored.sha256, kind


def file_document(
    unit: Unit, document_id: str, upload: Upload, *, object_name: str, sha256: str, kind: FileKind
) -> ClaimDocument:
    """Add a stored document to the present round. Raises WrongWay, TooManyDocuments."""
    claim = access.own_claim(unit)
    require_way(claim, ClaimWay.DOCUMENTS)
    if _documents(unit, claim) >= DOCUMENTS_MAX:
        raise TooManyDocuments(limit=DOCUMENTS_MAX)
    row = ClaimDocument(
        id=document_id,
        claim_id=claim.id,
        round=claim.round,
        title=upload.title,
        media_type=kind,
        object_name=object_name,
        size_bytes=len(upload.content),
        sha256=sha256,
        filed_at=unit.at,
    )
    unit.session.add(row)
    unit.session.flush()
    event = ClaimDocumentFiled(org=claim.org_id, document=row.id, kind=kind, size_bytes=row.size_bytes, sha256=sha256)
    unit.append(_stream(claim), event)
    return row


def approve(unit: Unit, claim_id: str, note: str) -> ClaimState:
    """One officer agrees; the second, a different one, makes it so. Returns the state afterwards.

    Serves both claims proved by documents and disputed ones; agreeing to a disputed claim takes the code away from its
    present holder. Raises SameOfficer, OwnClaim, DocumentsMissing, WrongWay, NotFound.
    """
    claim = _claim_to_decide(unit, claim_id)
    if claim.state is ClaimState.PENDING and not _documents(unit, claim):
        raise DocumentsMissing
    _write_verdict(unit, claim, Verdict.APPROVE, note)
    agreed = unit.session.scalar(
        select(func.count())
        .select_from(ClaimVerdict)
        .where(
            ClaimVerdict.claim_id == claim.id,
            ClaimVerdict.round == claim.round,
            ClaimVerdict.verdict == Verdict.APPROVE,
        )
    )
    event = ClaimApproved(org=claim.org_id, uscc=claim.uscc, officer=unit.actor.user_id or "", note=note)
    unit.append(_stream(claim), event)
    if (agreed or 0) < OFFICERS_NEEDED:
        return claim.state
    _accept_override(unit, claim)
    if claim.state is ClaimState.DISPUTED:
        _take_from_holder(unit, claim)
        _verify(unit, claim, evidence="two officers")
        return claim.state
    return settle(unit, claim, evidence="two officers")


def reject(unit: Unit, claim_id: str, reason: str) -> None:
    """One officer's refusal with its reason is enough: the organisation may try again, in any way."""
    claim = _claim_to_decide(unit, claim_id)
    _write_verdict(unit, claim, Verdict.REJECT, reason)
    event = ClaimRejected(org=claim.org_id, uscc=claim.uscc, way=claim.way or "")
    unit.transition(claim, ClaimTrigger.REJECT, _stream(claim), event, reason=reason)
    claim.reason = reason
    claim.decided_at = unit.at
    unit.session.flush()
    add_to_inbox(unit, claim.org_id, "inbox.claim_rejected", {"uscc": claim.uscc, "reason": reason}, PAGE)


def review_override(unit: Unit, org_id: str, *, is_accepted: bool, note: str) -> None:
    """An officer looks at the evidence for a code whose check character does not fit (R7.20).

    Until it is accepted the code can be proved by documents only. Not accepting it changes nothing else: the
    organisation is told the reason.
    """
    organisation = unit.session.get(Organisation, org_id)
    if organisation is None or organisation.uscc_ground is not UsccGround.OVERRIDDEN:
        raise NotFound(what="override")
    if organisation.id == unit.actor.org_id:
        raise OwnClaim
    if organisation.override_reviewed_at is not None:
        return
    if is_accepted:
        organisation.override_reviewed_by = unit.actor.user_id
        organisation.override_reviewed_at = unit.at
    unit.append(
        f"org:{org_id}", UsccOverrideReviewed(org=org_id, uscc=organisation.uscc, is_accepted=is_accepted), reason=note
    )
    code = "inbox.code_accepted" if is_accepted else "inbox.code_not_accepted"
    add_to_inbox(unit, org_id, code, {"uscc": organisation.uscc, "reason": note}, PAGE)


def settle(unit: Unit, claim: Claim, *, evidence: str) -> ClaimState:
    """Proof was given: the claim is verified, or disputed where somebody else holds the code. Returns the new state."""
    holder = _holder(unit, claim)
    if holder is None:
        _verify(unit, claim, evidence=evidence)
        return claim.state
    event = ClaimDisputed(org=claim.org_id, uscc=claim.uscc, holder_org=holder.org_id, way=claim.way or "")
    unit.transition(claim, ClaimTrigger.CONTEST, _stream(claim), event)
    # The officers' agreement to the papers is not their decision between two holders of proof: a round of its own.
    claim.round += 1
    unit.session.flush()
    organisation = unit.session.get(Organisation, claim.org_id)
    name = organisation.name if organisation else ""
    params = {"uscc": claim.uscc, "name": name, "at": unit.at}
    add_to_inbox(unit, holder.org_id, "inbox.claim_contested", params, PAGE)
    add_to_inbox(unit, claim.org_id, "inbox.claim_disputed", params, PAGE)
    return claim.state


def vouch(unit: Unit, org_id: str, evidence: str) -> None:
    """The centre brings in an organisation it knows (imported and demonstration data); only a process may do this."""
    claim = access.claim_of(unit, org_id)
    if not unit.actor.has_role("system"):
        raise OwnClaim
    if claim.state is ClaimState.VERIFIED:
        return
    following = ClaimStarted(org=org_id, uscc=claim.uscc, way=ClaimWay.IMPORTED, round=claim.round + 1)
    unit.transition(claim, ClaimTrigger.START, _stream(claim), following)
    _begin_round(unit, claim, ClaimWay.IMPORTED, "")
    settle(unit, claim, evidence=evidence)


def require_way(claim: Claim, way: ClaimWay) -> None:
    """The claim is being proved in this way now; raises WrongState or WrongWay."""
    if claim.state is not ClaimState.PENDING:
        raise WrongState(machine=claim.MACHINE.name, state=str(claim.state), trigger=str(ClaimTrigger.VERIFY))
    if claim.way is not way:
        raise WrongWay(way=way)


def _begin_round(unit: Unit, claim: Claim, way: ClaimWay, account_number: str) -> None:
    claim.way = way
    claim.round += 1
    claim.reference = reference_of(unit.entropy.token(16)) if way is ClaimWay.TRANSFER else None
    claim.account_number = account_number if way is ClaimWay.TRANSFER else ""
    claim.nonce = url_token(unit.entropy) if way is ClaimWay.CERTIFICATE else ""
    claim.nonce_until = machine_now() + NONCE_LIFE if way is ClaimWay.CERTIFICATE else None
    claim.started_at = unit.at
    claim.decided_at = None
    claim.reason = ""
    claim.certificate = None
    unit.session.flush()


def _holder(unit: Unit, claim: Claim) -> Claim | None:
    return unit.session.scalar(
        select(Claim).where(Claim.uscc == claim.uscc, Claim.id != claim.id, Claim.state == ClaimState.VERIFIED)
    )


def _verify(unit: Unit, claim: Claim, *, evidence: str) -> None:
    organisation = unit.session.get(Organisation, claim.org_id)
    event = OrganisationVerified(
        org=claim.org_id,
        name=organisation.name if organisation else "",
        uscc=claim.uscc,
        way=claim.way or "",
        at=unit.at,
        evidence=evidence,
    )
    try:
        unit.transition(claim, ClaimTrigger.VERIFY, _stream(claim), event)
    except IntegrityError as taken:
        # Two proofs for one code in the same instant: the index lets one through, the other tries again, disputed.
        raise LostRace(machine=claim.MACHINE.name, state=str(claim.state), trigger=str(ClaimTrigger.VERIFY)) from taken
    claim.decided_at = unit.at
    claim.nonce = ""
    unit.session.flush()
    add_to_inbox(unit, claim.org_id, "inbox.claim_verified", {"uscc": claim.uscc}, "/account")


def _take_from_holder(unit: Unit, claim: Claim) -> None:
    holder = _holder(unit, claim)
    if holder is None:
        return
    event = ClaimRevoked(org=holder.org_id, uscc=claim.uscc, in_favour_of=claim.org_id)
    unit.transition(holder, ClaimTrigger.REVOKE, _stream(holder), event, reason="dispute decided by two officers")
    holder.decided_at = unit.at
    unit.session.flush()
    add_to_inbox(unit, holder.org_id, "inbox.claim_revoked", {"uscc": claim.uscc}, PAGE)


def _accept_override(unit: Unit, claim: Claim) -> None:
    organisation = unit.session.get(Organisation, claim.org_id)
    if organisation is not None and not organisation.is_code_admitted:
        organisation.override_reviewed_by = unit.actor.user_id
        organisation.override_reviewed_at = unit.at
        event = UsccOverrideReviewed(org=organisation.id, uscc=claim.uscc, is_accepted=True)
        unit.append(_stream(claim), event, reason="with the documents")


def _claim_to_decide(unit: Unit, claim_id: str) -> Claim:
    claim = access.claim_for_officer(unit, claim_id)
    # Officers wait for each other here: two who agree at once must not both count only themselves.
    unit.session.refresh(claim, with_for_update=True)
    if claim.org_id == unit.actor.org_id:
        raise OwnClaim
    if claim.state is not ClaimState.DISPUTED:
        require_way(claim, ClaimWay.DOCUMENTS)
    return claim


def _write_verdict(unit: Unit, claim: Claim, verdict: Verdict, note: str) -> None:
    before = unit.session.scalar(
        select(ClaimVerdict).where(
            ClaimVerdict.claim_id == claim.id,
            ClaimVerdict.round == claim.round,
            ClaimVerdict.officer_id == unit.actor.user_id,
        )
    )
    if before is None:
        unit.session.add(
            ClaimVerdict(
                id=unit.new_id(),
                claim_id=claim.id,
                round=claim.round,
                officer_id=unit.actor.user_id,
                verdict=verdict,
                note=note,
                at=unit.at,
            )
        )
    elif verdict is Verdict.APPROVE:
        raise SameOfficer
    else:
        before.verdict, before.note, before.at = verdict, note, unit.at  # an officer may think better of it
    unit.session.flush()


def _documents(unit: Unit, claim: Claim) -> int:
    count = select(func.count()).select_from(ClaimDocument)
    return unit.session.scalar(count.where(ClaimDocument.claim_id == claim.id, ClaimDocument.round == claim.round)) or 0


def _stream(claim: Claim) -> str:
    return f"org:{claim.org_id}"
