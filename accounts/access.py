"""The only loaders that check who asks; what belongs to others is not found."""

from __future__ import annotations

from sqlalchemy import select

from accounts.errors import OrganisationRequired
from accounts.models import Claim, ClaimDocument, Organisation, OrganisationKey, UserSession
from accounts.roles import Role
from foundation.actor import Actor
from foundation.errors import NotFound
from foundation.ids import OrgId
from foundation.store.unit import Unit


def require_organisation(actor: Actor) -> OrgId:
    """The organisation the actor acts for; raises OrganisationRequired (a NotPermitted)."""
    if actor.org_id is None:
        raise OrganisationRequired
    return actor.org_id


def own_organisation(unit: Unit) -> Organisation:
    found = unit.session.get(Organisation, require_organisation(unit.actor))
    if found is None:
        raise NotFound(what="organisation")
    return found


def own_claim(unit: Unit) -> Claim:
    """The claim of the actor's organisation."""
    return claim_of(unit, require_organisation(unit.actor))


def claim_of(unit: Unit, org_id: str) -> Claim:
    """The claim of an organisation, whoever asks: for services that have checked already."""
    claim = unit.session.scalar(select(Claim).where(Claim.org_id == org_id))
    if claim is None:
        raise NotFound(what="claim")
    return claim


def own_session(unit: Unit, session_id: str) -> UserSession:
    """One of the actor's own sessions; somebody else's is not found."""
    row = unit.session.get(UserSession, session_id)
    if row is None or row.user_id != unit.actor.user_id:
        raise NotFound(what="session")
    return row


def own_key(unit: Unit, key_id: str) -> OrganisationKey:
    row = unit.session.get(OrganisationKey, key_id)
    if row is None or row.org_id != require_organisation(unit.actor):
        raise NotFound(what="key")
    return row


def claim_for_officer(unit: Unit, claim_id: str) -> Claim:
    """Any claim, for centre staff."""
    claim = unit.session.get(Claim, claim_id)
    if claim is None or not unit.actor.has_role(Role.CENTRE_STAFF):
        raise NotFound(what="claim")
    return claim


def document_for(unit: Unit, document_id: str) -> ClaimDocument:
    """A document of a claim: for centre staff and for the organisation that filed it."""
    document = unit.session.get(ClaimDocument, document_id)
    claim = unit.session.get(Claim, document.claim_id) if document is not None else None
    if document is None or claim is None:
        raise NotFound(what="document")
    if not unit.actor.has_role(Role.CENTRE_STAFF) and claim.org_id != unit.actor.org_id:
        raise NotFound(what="document")
    return document
