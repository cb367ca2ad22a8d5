"""One's own organisation, claim, keys, sessions and messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, func, or_, select

from accounts import access, sessions
from accounts.models import (
    Claim,
    ClaimDocument,
    ClaimVerdict,
    InboxItem,
    OrganisationKey,
    User,
)
from accounts.notices.choices import muted_codes
from accounts.roles import Role, in_order
from accounts.rules import possession_text, tail_of
from accounts.states import ClaimState
from foundation.store.unit import Unit

VERIFIED: Final = "inbox.claim_verified"


@dataclass(frozen=True, slots=True)
class KeyLine:
    id: str
    purpose: str
    public_key: str
    label: str
    is_for_lot: bool
    certificate: Mapping[str, str] | None
    registered_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class DocumentLine:
    id: str
    title: str
    media_type: str
    size_bytes: int
    sha256: str
    filed_at: datetime


@dataclass(frozen=True, slots=True)
class ClaimCard:
    """The claim of one's own organisation. ``to_sign`` is the text whose signature proves possession, in hex."""

    id: str
    uscc: str
    state: str
    way: str
    round: int
    reference: str
    account_tail: str
    to_sign: str
    nonce_until: datetime | None
    started_at: datetime | None
    decided_at: datetime | None
    reason: str
    certificate: Mapping[str, str] | None
    documents: tuple[DocumentLine, ...]
    approvals: int
    is_code_admitted: bool


@dataclass(frozen=True, slots=True)
class AccountPage:
    name: str
    uscc: str
    registered_at: datetime
    person: str
    login: str
    is_password_given: bool
    roles: tuple[str, ...]
    claim: ClaimCard
    keys: tuple[KeyLine, ...]
    unread: int


@dataclass(frozen=True, slots=True)
class SessionLine:
    id: str
    opened_at: datetime
    seen_at: datetime
    expires_at: datetime
    source: str
    user_agent: str
    is_this: bool


@dataclass(frozen=True, slots=True)
class InboxLine:
    id: str
    code: str
    params: Mapping[str, object]
    link: str
    at: datetime
    is_read: bool


def account_page(unit: Unit) -> AccountPage:
    """The actor's person and organisation."""
    organisation = access.own_organisation(unit)
    user = unit.session.get_one(User, unit.actor.user_id)
    return AccountPage(
        name=organisation.name,
        uscc=organisation.uscc,
        registered_at=organisation.registered_at,
        person=user.name,
        login=user.login,
        is_password_given=user.is_password_given,
        roles=in_order(unit.actor.roles),
        claim=claim_card(unit),
        keys=_keys(unit, organisation.id),
        unread=unread(unit),
    )


def claim_card(unit: Unit) -> ClaimCard:
    """The claim of the actor's organisation."""
    organisation = access.own_organisation(unit)
    claim = access.own_claim(unit)
    approvals = unit.session.scalar(
        select(func.count())
        .select_from(ClaimVerdict)
        .where(ClaimVerdict.claim_id == claim.id, ClaimVerdict.round == claim.round)
    )
    return ClaimCard(
        id=claim.id,
        uscc=claim.uscc,
        state=claim.state,
        way=claim.way or "",
        round=claim.round,
        reference=claim.reference or "",
        account_tail=tail_of(claim.account_number),
        to_sign=possession_text(claim.org_id, claim.uscc, claim.nonce).decode() if claim.nonce else "",
        nonce_until=claim.nonce_until,
        started_at=claim.started_at,
        decided_at=claim.decided_at,
        reason=claim.reason,
        certificate=claim.certificate,
        documents=documents_of(unit, claim),
        approvals=approvals or 0,
        is_code_admitted=organisation.is_code_admitted,
    )


def session_lines(unit: Unit) -> tuple[SessionLine, ...]:
    """The actor's own live sessions, newest first."""
    return tuple(
        SessionLine(
            id=row.id,
            opened_at=row.opened_at,
            seen_at=row.seen_at,
            expires_at=row.expires_at,
            source=row.source,
            user_agent=row.user_agent,
            is_this=row.id == unit.actor.session_id,
        )
        for row in sessions.live_of(unit, unit.actor.user_id or "")
    )


def inbox(unit: Unit, *, after: Sequence[str] | None, limit: int) -> list[InboxLine]:
    """Messages to the actor and its organisation, newest first."""
    query = select(InboxItem).where(_mine(unit), _wanted(unit)).order_by(InboxItem.id.desc()).limit(limit)
    if after:
        query = query.where(InboxItem.id < after[0])
    return [
        InboxLine(row.id, _sentence(unit, row.code), row.params, row.link, row.at, row.read_at is not None)
        for row in unit.session.scalars(query)
    ]


def _sentence(unit: Unit, code: str) -> str:
    """Only who bids is told that it may seal, by the roles of the reader now."""
    return f"{code}_bidder" if code == VERIFIED and unit.actor.has_role(Role.BIDDER) else code


def unread(unit: Unit) -> int:
    count = select(func.count()).select_from(InboxItem).where(_mine(unit), _wanted(unit), InboxItem.read_at.is_(None))
    return unit.session.scalar(count) or 0


def _mine(unit: Unit) -> ColumnElement[bool]:
    return or_(InboxItem.user_id == unit.actor.user_id, InboxItem.org_id == unit.actor.org_id)


def _wanted(unit: Unit) -> ColumnElement[bool]:
    """Not of a kind the reader has switched off; the message itself stays, and shows again when it is switched on."""
    return InboxItem.code.not_in(muted_codes(unit, unit.actor.user_id or ""))


def _keys(unit: Unit, org_id: str) -> tuple[KeyLine, ...]:
    rows = unit.session.scalars(
        select(OrganisationKey).where(OrganisationKey.org_id == org_id).order_by(OrganisationKey.registered_at.desc())
    )
    return tuple(
        KeyLine(
            id=row.id,
            purpose=row.purpose,
            public_key=row.public_key,
            label=row.label,
            is_for_lot=row.lot_id is not None,
            certificate=row.certificate,
            registered_at=row.registered_at,
            retired_at=row.retired_at,
        )
        for row in rows
    )


def documents_of(unit: Unit, claim: Claim) -> tuple[DocumentLine, ...]:
    query = select(ClaimDocument).where(ClaimDocument.claim_id == claim.id).order_by(ClaimDocument.filed_at)
    if claim.state is ClaimState.PENDING:  # in a dispute the officers see everything that was ever shown
        query = query.where(ClaimDocument.round == claim.round)
    return tuple(
        DocumentLine(row.id, row.title, row.media_type, row.size_bytes, row.sha256, row.filed_at)
        for row in unit.session.scalars(query)
    )
