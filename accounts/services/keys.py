"""Public keys of organisations. A key belongs to one organisation and one purpose, and never comes back (R1.20)."""

from __future__ import annotations

from sqlalchemy import func, select

from accounts import access
from accounts.errors import KeyMalformed, KeyTaken, TooManyKeys
from accounts.models import OrganisationKey
from accounts.rules import KEYS_MAX
from accounts.states import KeyPurpose
from foundation.errors import Objection
from foundation.events.accounts import OrganisationKeyRegistered, OrganisationKeyRetired
from foundation.sealing import suite_of_point
from foundation.store.unit import Unit

POINT_HEX = 130
"""An uncompressed point: 65 bytes."""


def register_key(unit: Unit, org_id: str, purpose: KeyPurpose, public_key_hex: str, label: str) -> str:
    """Add a public key; returns its id. The same key again for the same purpose changes nothing.

    Raises KeyMalformed, KeyTaken, TooManyKeys.
    """
    public_key = read_point(public_key_hex)
    known = unit.session.scalar(select(OrganisationKey).where(OrganisationKey.public_key == public_key))
    if known is not None:
        if (known.org_id, known.purpose, known.retired_at) != (org_id, purpose, None):
            raise KeyTaken(objections=[Objection("accounts.key_taken", "public_key", clause="R1.20")])
        return known.id
    active = select(func.count()).select_from(OrganisationKey)
    active = active.where(OrganisationKey.org_id == org_id, OrganisationKey.retired_at.is_(None))
    if (unit.session.scalar(active) or 0) >= KEYS_MAX:
        raise TooManyKeys(limit=KEYS_MAX)
    row = OrganisationKey(
        id=unit.new_id(),
        org_id=org_id,
        purpose=purpose,
        public_key=public_key,
        label=label[:100],
        registered_at=unit.at,
        registered_by=unit.actor.user_id,
        retired_at=None,
    )
    unit.session.add(row)
    unit.session.flush()
    event = OrganisationKeyRegistered(org=org_id, key=row.id, purpose=purpose, public_key=public_key, label=row.label)
    unit.append(f"org:{org_id}", event)
    return row.id


def register_own_key(unit: Unit, purpose: KeyPurpose, public_key_hex: str, label: str) -> str:
    """A key of the actor's own organisation; returns its id."""
    return register_key(unit, access.require_organisation(unit.actor), purpose, public_key_hex, label)


def retire_key(unit: Unit, key_id: str) -> None:
    """A key of the actor's organisation is not used from now on. Twice is the same as once."""
    row = access.own_key(unit, key_id)
    if row.retired_at is not None:
        return
    row.retired_at = unit.at
    unit.session.flush()
    event = OrganisationKeyRetired(org=row.org_id, key=row.id, purpose=row.purpose, public_key=row.public_key)
    unit.append(f"org:{row.org_id}", event)


def active_keys(unit: Unit, org_id: str, purpose: KeyPurpose) -> tuple[str, ...]:
    """Hex of the active public keys, oldest first."""
    return tuple(
        unit.session.scalars(
            select(OrganisationKey.public_key)
            .where(
                OrganisationKey.org_id == org_id,
                OrganisationKey.purpose == purpose,
                OrganisationKey.retired_at.is_(None),
            )
            .order_by(OrganisationKey.registered_at, OrganisationKey.id)
        )
    )


def read_point(text: str) -> str:
    """The canonical hex of an uncompressed point on the curve of any suite. Raises KeyMalformed."""
    plain = text.strip().lower()
    malformed = KeyMalformed(objections=[Objection("accounts.key_malformed", "public_key")])
    if len(plain) != POINT_HEX or not plain.startswith("04"):
        raise malformed
    try:
        suite_of_point(bytes.fromhex(plain))
    except ValueError:
        raise malformed from None
    return plain
