"""What happens to organisations, people and their claims. Private, except that a verified claim is public knowledge.

No event carries a password, a token, a whole account number or a login that was not found.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from foundation.events.base import Audience, Event, event_type


@event_type
@dataclass(frozen=True)
class OrganisationRegistered(Event):
    TYPE: ClassVar[str] = "accounts.organisation_registered"
    org: str
    name: str
    uscc: str
    uscc_ground: str
    evidence: str = ""


@event_type
@dataclass(frozen=True)
class PersonRegistered(Event):
    TYPE: ClassVar[str] = "accounts.person_registered"
    user: str
    org: str
    login: str
    name: str
    roles: tuple[str, ...]


@event_type
@dataclass(frozen=True)
class RolesChanged(Event):
    TYPE: ClassVar[str] = "accounts.roles_changed"
    user: str
    before: tuple[str, ...]
    after: tuple[str, ...]


@event_type
@dataclass(frozen=True)
class SignedIn(Event):
    TYPE: ClassVar[str] = "accounts.signed_in"
    user: str
    session: str
    user_agent: str


@event_type
@dataclass(frozen=True)
class SignInFailed(Event):
    """``user`` is empty where no such login exists; the text that was typed is not kept: it may be a password."""

    TYPE: ClassVar[str] = "accounts.sign_in_failed"
    user: str
    cause: str


@event_type
@dataclass(frozen=True)
class SignedOut(Event):
    TYPE: ClassVar[str] = "accounts.signed_out"
    user: str
    session: str


@event_type
@dataclass(frozen=True)
class SessionRevoked(Event):
    TYPE: ClassVar[str] = "accounts.session_revoked"
    user: str
    session: str


@event_type
@dataclass(frozen=True)
class PasswordChanged(Event):
    TYPE: ClassVar[str] = "accounts.password_changed"
    user: str


@event_type
@dataclass(frozen=True)
class OrganisationKeyRegistered(Event):
    TYPE: ClassVar[str] = "accounts.organisation_key_registered"
    org: str
    key: str
    purpose: str
    public_key: str
    label: str


@event_type
@dataclass(frozen=True)
class OrganisationKeyRetired(Event):
    TYPE: ClassVar[str] = "accounts.organisation_key_retired"
    org: str
    key: str
    purpose: str
    public_key: str


@event_type
@dataclass(frozen=True)
class UsccOverrideReviewed(Event):
    """An officer looked at the evidence for a code whose check character does not fit (R7.20)."""

    TYPE: ClassVar[str] = "accounts.uscc_override_reviewed"
    org: str
    uscc: str
    is_accepted: bool


@event_type
@dataclass(frozen=True)
class ClaimStarted(Event):
    TYPE: ClassVar[str] = "accounts.claim_started"
    org: str
    uscc: str
    way: str
    round: int


@event_type
@dataclass(frozen=True)
class ClaimWayChanged(Event):
    TYPE: ClassVar[str] = "accounts.claim_way_changed"
    org: str
    uscc: str
    way: str
    round: int


@event_type
@dataclass(frozen=True)
class ClaimDocumentFiled(Event):
    TYPE: ClassVar[str] = "accounts.claim_document_filed"
    org: str
    document: str
    kind: str
    size_bytes: int
    sha256: str


@event_type
@dataclass(frozen=True)
class ClaimApproved(Event):
    """The first of two officers agreed; the second one's agreement shows as verified."""

    TYPE: ClassVar[str] = "accounts.claim_approved"
    org: str
    uscc: str
    officer: str
    note: str


@event_type
@dataclass(frozen=True)
class ClaimAlarmed(Event):
    """Another organisation claims the code that this one claims or holds."""

    TYPE: ClassVar[str] = "accounts.claim_alarmed"
    org: str
    uscc: str
    by_org: str
    by_name: str


@event_type
@dataclass(frozen=True)
class ClaimDisputed(Event):
    """Proof was given for a code that another organisation holds."""

    TYPE: ClassVar[str] = "accounts.claim_disputed"
    org: str
    uscc: str
    holder_org: str
    way: str


@event_type
@dataclass(frozen=True)
class ClaimRejected(Event):
    TYPE: ClassVar[str] = "accounts.claim_rejected"
    org: str
    uscc: str
    way: str


@event_type
@dataclass(frozen=True)
class ClaimRevoked(Event):
    """Two officers decided that the code belongs to another organisation."""

    TYPE: ClassVar[str] = "accounts.claim_revoked"
    org: str
    uscc: str
    in_favour_of: str


@event_type
@dataclass(frozen=True)
class OrganisationVerified(Event):
    TYPE: ClassVar[str] = "accounts.organisation_verified"
    AUDIENCE: ClassVar[Audience] = Audience.PUBLIC
    PUBLIC_FIELDS: ClassVar[tuple[str, ...]] = ("org", "name", "uscc", "way", "at")
    org: str
    name: str
    uscc: str
    way: str
    at: datetime
    evidence: str = ""


@event_type
@dataclass(frozen=True)
class BankNoticeReceived(Event):
    """``outcome``: verified, disputed, name_differs, account_differs, held, late or unmatched. Account: last four."""

    TYPE: ClassVar[str] = "accounts.bank_notice_received"
    org: str
    notice: str
    payer_name: str
    account_tail: str
    outcome: str
