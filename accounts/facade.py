"""What neighbours may ask of accounts and do here, in business words. Every function runs in the caller's Unit."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select

from accounts.access import require_organisation
from accounts.duties import Action, Part, part_of
from accounts.inbox import add_to_inbox, tell
from accounts.models import Claim, Organisation, OrganisationKey, User, UserRole
from accounts.services import claims, keys
from accounts.services.registration import NewOrganisation, NewPerson, add_organisation, add_person
from accounts.sessions import actor_of_token
from accounts.states import ClaimState, KeyPurpose
from foundation.errors import NotFound
from foundation.ids import OrgId, UserId
from foundation.sealing import suite_named
from foundation.store.unit import Unit

__all__ = [
    "Action",
    "NewOrganisation",
    "NewPerson",
    "OpeningKeyCard",
    "OrganisationCard",
    "Part",
    "PersonCard",
    "SigningKeyCard",
    "actor_of_token",
    "add_to_inbox",
    "claim_is_verified",
    "decryption_keys",
    "enrol_organisation",
    "enrol_person",
    "find_organisations",
    "opening_keys",
    "organisation",
    "organisation_by_uscc",
    "organisations_in_role",
    "part_of",
    "people_of",
    "person",
    "register_decryption_key",
    "register_signing_key",
    "require_organisation",
    "retire_opening_key",
    "signing_key_cards",
    "signing_keys",
    "tell",
    "uscc_of",
    "vouch_for",
]


@dataclass(frozen=True, slots=True)
class OrganisationCard:
    """``roles``: those of its people together. ``is_verified``: its claim to ``uscc`` is proved."""

    id: OrgId
    name: str
    uscc: str
    roles: frozenset[str]
    is_verified: bool
    claim_state: str


@dataclass(frozen=True, slots=True)
class PersonCard:
    user_id: UserId
    name: str
    org_id: OrgId
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class SigningKeyCard:
    """An active signing key. ``issuer`` and ``not_after`` are its certificate's; "" and None for a platform key.

    A certificate is checked when the key is registered; that it runs out later takes nothing away from the key.
    """

    registered_at: datetime
    issuer: str
    not_after: datetime | None


def organisation(unit: Unit, org_id: str) -> OrganisationCard:
    """Raises NotFound."""
    found = _cards(unit, [org_id])
    if not found:
        raise NotFound(what="organisation")
    return found[0]


def uscc_of(unit: Unit, org_id: str) -> str:
    """The organisation's code alone. Raises NotFound."""
    uscc = unit.session.scalar(select(Organisation.uscc).where(Organisation.id == org_id))
    if uscc is None:
        raise NotFound(what="organisation")
    return uscc


def organisation_by_uscc(unit: Unit, uscc: str) -> OrganisationCard | None:
    """The organisation whose claim to the code is verified; unproved claims name nobody."""
    org_id = unit.session.scalar(select(Claim.org_id).where(Claim.uscc == uscc, Claim.state == ClaimState.VERIFIED))
    return organisation(unit, org_id) if org_id is not None else None


def find_organisations(unit: Unit, text: str, limit: int = 50) -> tuple[OrganisationCard, ...]:
    """Verified organisations whose name contains ``text`` or whose code begins with it, by name."""
    fits = or_(Organisation.name.contains(text, autoescape=True), Organisation.uscc.startswith(text, autoescape=True))
    ids = unit.session.scalars(
        select(Organisation.id)
        .join(Claim, Claim.org_id == Organisation.id)
        .where(Claim.state == ClaimState.VERIFIED, fits)
        .order_by(Organisation.name, Organisation.id)
        .limit(limit)
    ).all()
    return tuple(sorted(_cards(unit, ids), key=lambda card: (card.name, card.id)))


def organisations_in_role(unit: Unit, role: str) -> tuple[OrganisationCard, ...]:
    """Organisations with at least one open account in ``role``, by name."""
    ids = unit.session.scalars(
        select(User.org_id)
        .join(UserRole, UserRole.user_id == User.id)
        .where(UserRole.role == str(role), User.closed_at.is_(None))
        .distinct()
    ).all()
    return tuple(sorted(_cards(unit, ids), key=lambda card: (card.name, card.id)))


def person(unit: Unit, user_id: str) -> PersonCard:
    """Raises NotFound."""
    user = unit.session.get(User, user_id)
    if user is None:
        raise NotFound(what="user")
    roles = frozenset(unit.session.scalars(select(UserRole.role).where(UserRole.user_id == user_id)))
    return PersonCard(UserId(user.id), user.name, OrgId(user.org_id), roles)


def people_of(unit: Unit, org_id: str) -> tuple[PersonCard, ...]:
    """People of the organisation with an open account, by name; empty where the organisation is unknown."""
    users = unit.session.scalars(select(User).where(User.org_id == org_id, User.closed_at.is_(None))).all()
    roles: dict[str, set[str]] = {}
    held = select(UserRole.user_id, UserRole.role).where(UserRole.user_id.in_([user.id for user in users]))
    for user_id, role in unit.session.execute(held):
        roles.setdefault(user_id, set()).add(role)
    return tuple(
        PersonCard(UserId(user.id), user.name, OrgId(user.org_id), frozenset(roles.get(user.id, ())))
        for user in sorted(users, key=lambda user: (user.name, user.id))
    )


def claim_is_verified(unit: Unit, org_id: str) -> bool:
    """Whether the organisation may seal: its claim to its code was proved and not taken away since."""
    state = unit.session.scalar(select(Claim.state).where(Claim.org_id == org_id))
    return state is ClaimState.VERIFIED


def register_signing_key(unit: Unit, org_id: str, public_key_hex: str, label: str) -> None:
    """``public_key_hex``: uncompressed point, on P-256 or SM2's curve. Raises KeyMalformed, KeyTaken, TooManyKeys."""
    keys.register_key(unit, org_id, keys.NewKey(KeyPurpose.SIGNING, public_key_hex, label))


def signing_keys(unit: Unit, org_id: str, suite: str = "") -> tuple[str, ...]:
    """Hex of the active signing keys, oldest first; only those of ``suite`` where one is named."""
    found = keys.active_keys(unit, org_id, KeyPurpose.SIGNING)
    return tuple(key for key in found if not suite or suite_named(suite).has_point(bytes.fromhex(key)))


def signing_key_cards(unit: Unit, org_id: str) -> tuple[SigningKeyCard, ...]:
    """The active signing keys with what their certificates say, oldest first."""
    rows = unit.session.scalars(
        select(OrganisationKey)
        .where(
            OrganisationKey.org_id == org_id,
            OrganisationKey.purpose == KeyPurpose.SIGNING,
            OrganisationKey.retired_at.is_(None),
        )
        .order_by(OrganisationKey.registered_at, OrganisationKey.id)
    )
    return tuple(
        SigningKeyCard(
            row.registered_at,
            (row.certificate or {}).get("issuer", ""),
            datetime.fromisoformat(row.certificate["not_after"]) if row.certificate else None,
        )
        for row in rows
    )


def register_decryption_key(
    unit: Unit, org_id: str, public_key_hex: str, label: str, lot_id: str | None = None
) -> None:
    """The public part of a key that opens the bidder's own wrap; the private part never leaves its owner.

    ``lot_id``: the one lot it is for. Raises KeyMalformed, KeyTaken, TooManyKeys.
    """
    keys.register_key(unit, org_id, keys.NewKey(KeyPurpose.SEALING, public_key_hex, label, lot_id))


@dataclass(frozen=True, slots=True)
class OpeningKeyCard:
    """A device's decryption key for one lot, by its public part (130 hex digits)."""

    id: str
    public_key: str
    label: str
    registered_at: datetime
    registered_by: str
    """Name of the person, "" where a process did it."""


def opening_keys(unit: Unit, org_id: str, lot_id: str) -> tuple[OpeningKeyCard, ...]:
    """The decryption keys an organisation registered for one lot and still uses, oldest first.

    For this organisation alone: that it has any tells that it means to bid (R1.05).
    """
    rows = keys.keys_for_lot(unit, org_id, lot_id)
    names = {
        user.id: user.name
        for user in unit.session.scalars(select(User).where(User.id.in_([row.registered_by for row in rows])))
    }
    return tuple(
        OpeningKeyCard(row.id, row.public_key, row.label, row.registered_at, names.get(row.registered_by or "", ""))
        for row in rows
    )


def retire_opening_key(unit: Unit, lot_id: str, key_id: str) -> None:
    """A device is lost or given away: its key is offered to no further bid. Any other id changes nothing."""
    if key_id in {row.id for row in keys.keys_for_lot(unit, require_organisation(unit.actor), lot_id)}:
        keys.retire_key(unit, key_id)


def decryption_keys(unit: Unit, org_id: str) -> tuple[str, ...]:
    return keys.active_keys(unit, org_id, KeyPurpose.SEALING)


def enrol_organisation(unit: Unit, new: NewOrganisation) -> OrgId:
    """Add an organisation without a person (imports, demonstration data, the centre itself)."""
    return add_organisation(unit, new)


def enrol_person(unit: Unit, org_id: str, new: NewPerson, roles: Iterable[str]) -> UserId:
    """Add a person with any roles that go together. ``accounts.passwords.shared()`` hashes, before the Unit."""
    return add_person(unit, org_id, new, roles)


def vouch_for(unit: Unit, org_id: str, evidence: str) -> None:
    """Verify a claim on the centre's own word. Only a process of the centre (role "system") may; idempotent."""
    claims.vouch(unit, org_id, evidence)


def _cards(unit: Unit, org_ids: Sequence[str]) -> list[OrganisationCard]:
    rows = unit.session.execute(
        select(Organisation, Claim.state)
        .join(Claim, Claim.org_id == Organisation.id)
        .where(Organisation.id.in_(list(org_ids)))
    ).all()
    roles: dict[str, set[str]] = {}
    for org_id, role in unit.session.execute(
        select(User.org_id, UserRole.role)
        .join(UserRole, UserRole.user_id == User.id)
        .where(User.org_id.in_(list(org_ids)), User.closed_at.is_(None))
    ):
        roles.setdefault(org_id, set()).add(role)
    return [
        OrganisationCard(
            id=OrgId(row.id),
            name=row.name,
            uscc=row.uscc,
            roles=frozenset(roles.get(row.id, ())),
            is_verified=state is ClaimState.VERIFIED,
            claim_state=str(state),
        )
        for row, state in rows
    ]
