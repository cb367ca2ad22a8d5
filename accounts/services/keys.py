"""Public keys of organisations. A key belongs to one organisation and one purpose, and never comes back (R1.20)."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select

from accounts import access
from accounts.certificates import CertificateFacts, Roots, check_signing_certificate
from accounts.errors import CertificateOfAnotherKey, KeyMalformed, KeyTaken, TooManyKeys
from accounts.models import OrganisationKey
from accounts.rules import KEYS_MAX, LOT_KEYS_MAX
from accounts.states import KeyPurpose
from foundation.errors import Objection
from foundation.events.accounts import OrganisationKeyRegistered, OrganisationKeyRetired
from foundation.sealing import suite_of_point
from foundation.store.unit import Unit

POINT_HEX = 130
"""An uncompressed point: 65 bytes."""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A public key to register. ``lot_id``: the lot a decryption key is for, None for keys of no lot."""

    purpose: KeyPurpose
    public_key_hex: str
    label: str
    lot_id: str | None = None
    certificate: CertificateFacts | None = None


def register_key(unit: Unit, org_id: str, new: NewKey) -> str:
    """Add a public key; returns its id. The same key again for the same purpose and lot changes nothing.

    A key registered for no lot may get its lot later, and a certificate. Raises KeyMalformed, KeyTaken, TooManyKeys.
    """
    public_key = read_point(new.public_key_hex)
    certificate = new.certificate.as_json() if new.certificate else None
    known = unit.session.scalar(select(OrganisationKey).where(OrganisationKey.public_key == public_key))
    if known is not None:
        is_same = (known.org_id, known.purpose, known.retired_at) == (org_id, new.purpose, None)
        if not is_same or (known.lot_id is not None and known.lot_id != new.lot_id):
            raise KeyTaken(objections=[Objection("accounts.key_taken", "public_key", clause="R1.20")])
        known.lot_id = known.lot_id or new.lot_id
        known.certificate = certificate or known.certificate
        return known.id
    _require_room(unit, org_id, new.lot_id)
    purpose, label = new.purpose, new.label
    row = OrganisationKey(
        id=unit.new_id(),
        org_id=org_id,
        purpose=purpose,
        public_key=public_key,
        label=label[:100],
        lot_id=new.lot_id,
        certificate=certificate,
        registered_at=unit.at,
        registered_by=unit.actor.user_id,
        retired_at=None,
    )
    unit.session.add(row)
    unit.session.flush()
    event = OrganisationKeyRegistered(org=org_id, key=row.id, purpose=purpose, public_key=public_key, label=row.label)
    unit.append(f"org:{org_id}", event)
    return row.id


def _require_room(unit: Unit, org_id: str, lot_id: str | None) -> None:
    """Raises TooManyKeys. Keys of a lot are counted for themselves: a firm that bids often must not run out."""
    active = select(func.count()).select_from(OrganisationKey)
    active = active.where(OrganisationKey.org_id == org_id, OrganisationKey.retired_at.is_(None))
    active = active.where(OrganisationKey.lot_id == lot_id if lot_id else OrganisationKey.lot_id.is_(None))
    limit = LOT_KEYS_MAX if lot_id else KEYS_MAX
    if (unit.session.scalar(active) or 0) >= limit:
        raise TooManyKeys(limit=limit)


def register_own_key(unit: Unit, new: NewKey) -> str:
    """A key of the actor's own organisation; returns its id."""
    return register_key(unit, access.require_organisation(unit.actor), new)


def register_certified_key(
    unit: Unit, roots: Roots, *, certificate: bytes, label: str, public_key_hex: str = ""
) -> str:
    """A signing key by its certificate (PEM, the holder's first); returns its id.

    ``public_key_hex``: the key the sender believes it is, or "". Raises one of the Certificate… refusals, and what
    ``register_key`` raises.
    """
    own = access.own_organisation(unit)
    key, facts = check_signing_certificate(certificate, roots, at=unit.at, uscc=own.uscc, name=own.name)
    if public_key_hex.strip() and read_point(public_key_hex) != key:
        raise CertificateOfAnotherKey(objections=[Objection("accounts.certificate_of_another_key", "public_key")])
    return register_key(unit, own.id, NewKey(KeyPurpose.SIGNING, key, label, certificate=facts))


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


def keys_for_lot(unit: Unit, org_id: str, lot_id: str) -> list[OrganisationKey]:
    """The active decryption keys an organisation registered for one lot, oldest first."""
    query = select(OrganisationKey).where(
        OrganisationKey.org_id == org_id, OrganisationKey.lot_id == lot_id, OrganisationKey.retired_at.is_(None)
    )
    return list(unit.session.scalars(query.order_by(OrganisationKey.registered_at, OrganisationKey.id)))


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
