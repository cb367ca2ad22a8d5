"""Organisations with people, and a certificate authority of the test's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from sqlalchemy import select

from accounts.certificates import Roots
from accounts.models import Claim
from accounts.services.registration import NewOrganisation, NewPerson, add_organisation, add_person
from foundation.actor import Actor, system
from foundation.clock import SteppingClock
from foundation.codes import synthetic_uscc
from foundation.entropy import SeededEntropy
from foundation.ids import OrgId, UserId
from foundation.journal import read_stream
from foundation.store.base import Base
from foundation.store.engine import open_engine
from foundation.store.unit import Units

NOW = datetime(2026, 11, 24, 1, 42, 18, tzinfo=UTC)
NAME = "常州澄岳建设有限公司"
USCC = synthetic_uscc(1)


@dataclass
class Town:
    """A database with some organisations; every person is an Actor."""

    units: Units
    clock: SteppingClock

    def organisation(self, name: str = NAME, uscc: str = USCC, evidence: str = "") -> Actor:
        """An organisation and one bidder of it."""
        with self.units.begin(system("test")) as unit:
            org_id = add_organisation(unit, NewOrganisation(name, uscc, evidence))
        return self.person(org_id, "bidder")

    def person(self, org_id: str, role: str) -> Actor:
        with self.units.begin(system("test")) as unit:
            login = f"p{unit.new_id()[-8:]}"
            user_id = add_person(unit, org_id, NewPerson(login, login, "!"), [role])
        return Actor(UserId(user_id), OrgId(org_id), frozenset({role}), role, login)

    def officers(self) -> tuple[Actor, Actor]:
        centre = self.organisation("交易中心", synthetic_uscc(900))
        return self.person(str(centre.org_id), "centre_staff"), self.person(str(centre.org_id), "centre_staff")

    def claim(self, actor: Actor) -> Claim:
        with self.units.read() as unit:
            found = unit.session.scalar(select(Claim).where(Claim.org_id == actor.org_id))
        assert found is not None
        return found

    def told(self, actor: Actor) -> list[str]:
        """The types of events in the organisation's stream."""
        with self.units.read() as unit:
            return [entry.event.TYPE for entry in read_stream(unit.session, f"org:{actor.org_id}")]

    def inbox(self, actor: Actor) -> list[str]:
        from accounts import queries

        with self.units.read(actor) as unit:
            return [line.code for line in queries.inbox(unit, after=None, limit=50)]


def make_town(folder: Path, url: str = "") -> Town:
    engine = open_engine(url or f"sqlite:///{folder / 'town.db'}")
    Base.metadata.create_all(engine)
    clock = SteppingClock(NOW)
    return Town(Units(engine, clock, SeededEntropy(str(folder))), clock)


@dataclass(frozen=True)
class Authority:
    """A CA: root and one intermediate."""

    root: x509.Certificate
    issuer: x509.Certificate
    issuer_key: ec.EllipticCurvePrivateKey

    @property
    def roots(self) -> Roots:
        return Roots((self.root,))


@dataclass(frozen=True)
class Holder:
    """A certificate with its chain as PEM, and the key that signs."""

    pem: bytes
    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def sign(self, text: bytes) -> bytes:
        return self.key.sign(text, ec.ECDSA(hashes.SHA256()))


def make_authority(name: str = "Test CA") -> Authority:
    root_key, issuer_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root = _certificate(_name(f"{name} root"), root_key, None, root_key, is_ca=True)
    issuer = _certificate(_name(f"{name} 2"), issuer_key, root, root_key, is_ca=True)
    return Authority(root, issuer, issuer_key)


def issue(
    authority: Authority,
    *,
    name: str = NAME,
    uscc: str = USCC,
    signs: bool = True,
    has_usage: bool = True,
    valid_for: timedelta = timedelta(days=365),
    curve: ec.EllipticCurve | None = None,
) -> Holder:
    key = ec.generate_private_key(curve or ec.SECP256R1())
    certificate = _certificate(
        _name(name, uscc),
        key,
        authority.issuer,
        authority.issuer_key,
        signs=signs,
        has_usage=has_usage,
        valid_for=valid_for,
    )
    pem = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (certificate, authority.issuer))
    return Holder(pem, certificate, key)


def revocation_list(authority: Authority, certificate: x509.Certificate) -> x509.CertificateRevocationList:
    revoked = (
        x509.RevokedCertificateBuilder()
        .serial_number(certificate.serial_number)
        .revocation_date(NOW - timedelta(days=1))
        .build()
    )
    return (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.issuer.subject)
        .last_update(NOW - timedelta(days=1))
        .next_update(NOW + timedelta(days=30))
        .add_revoked_certificate(revoked)
        .sign(authority.issuer_key, hashes.SHA256())
    )


def _name(common: str, uscc: str = "") -> x509.Name:
    parts = [
        x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
        x509.NameAttribute(NameOID.ORGANIZATION_NAME, common),
        x509.NameAttribute(NameOID.COMMON_NAME, common),
    ]
    if uscc:
        parts.append(x509.NameAttribute(NameOID.SERIAL_NUMBER, uscc))
    return x509.Name(parts)


def _certificate(
    subject: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Certificate | None,
    issuer_key: ec.EllipticCurvePrivateKey,
    *,
    is_ca: bool = False,
    signs: bool = True,
    has_usage: bool = True,
    valid_for: timedelta = timedelta(days=3650),
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer is not None else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + valid_for)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )
    if has_usage:
        builder = builder.add_extension(
            x509.KeyUsage(
                digital_signature=signs and not is_ca,
                content_commitment=False,
                key_encipherment=not signs,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=is_ca,
                crl_sign=is_ca,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
    return builder.sign(issuer_key, hashes.SHA256())
