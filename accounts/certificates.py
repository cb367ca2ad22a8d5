"""Certificates of CAs whose roots this centre trusts: one way to prove a claim, and where a signing key may come from.

The chain is verified by ``cryptography``'s RFC 5280 verifier. For the holder's certificate ``permit_all`` is used: its
own profile wants web names, which certificates of organisations do not carry; what matters here (key usage, subject)
is checked below. SM2 certificates cannot be verified by this library and are refused by name. Revocation lists are
looked at where the operator keeps them: ``*.crl`` beside the roots.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import NameOID
from cryptography.x509.verification import ExtensionPolicy, PolicyBuilder, Store, VerificationError

from accounts.errors import (
    CertificateAlgorithm,
    CertificateKeyUnfit,
    CertificateNotTrusted,
    CertificateOfAnother,
    CertificatesNotConfigured,
    CertificateUnreadable,
    CertificateUsage,
    PossessionNotProved,
)
from accounts.rules import names_code, same_name

PEM_LIMIT: Final = 64 * 1024
CHAIN_DEPTH: Final = 4
RSA_BITS_MIN: Final = 2048
_CODE_PLACES: Final = (
    NameOID.SERIAL_NUMBER,
    NameOID.ORGANIZATION_IDENTIFIER,
    NameOID.ORGANIZATIONAL_UNIT_NAME,
    NameOID.USER_ID,
    NameOID.COMMON_NAME,
)
_NAME_PLACES: Final = (NameOID.ORGANIZATION_NAME, NameOID.COMMON_NAME)


@dataclass(frozen=True, slots=True)
class Roots:
    """What this centre trusts: certificates of CAs and, where kept, their revocation lists."""

    certificates: tuple[x509.Certificate, ...]
    revocations: tuple[x509.CertificateRevocationList, ...] = ()


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """What was seen and verified, as it is kept with the claim."""

    subject: str
    issuer: str
    serial: str
    sha256: str
    not_after: datetime

    def as_json(self) -> dict[str, str]:
        return {
            "subject": self.subject,
            "issuer": self.issuer,
            "serial": self.serial,
            "sha256": self.sha256,
            "not_after": self.not_after.isoformat(),
        }


def read_roots(folder: Path) -> Roots:
    """The roots in ``folder`` (``*.pem``, several to a file) and revocation lists (``*.crl``, PEM). None: empty."""
    certificates: list[x509.Certificate] = []
    for path in sorted(folder.glob("*.pem")):
        certificates += x509.load_pem_x509_certificates(path.read_bytes())
    lists = tuple(x509.load_pem_x509_crl(path.read_bytes()) for path in sorted(folder.glob("*.crl")))
    return Roots(tuple(certificates), lists)


def check_certificate(
    pem: bytes, roots: Roots, *, at: datetime, uscc: str, name: str, signed: bytes, signature: bytes
) -> CertificateFacts:
    """Verify the chain at the instant ``at``, the usage, the subject and the signature over ``signed``.

    ``pem``: the holder's certificate first, then any intermediate ones. ``signature``: RSA PKCS #1 v1.5 or ECDSA (DER),
    both with SHA-256. Raises one of the Certificate… refusals or PossessionNotProved.
    """
    leaf = _trusted_leaf(pem, roots, at=at, uscc=uscc, name=name)
    _require_signature(_supported_key(leaf), signature, signed)
    return _facts_of(leaf)


def check_signing_certificate(
    pem: bytes, roots: Roots, *, at: datetime, uscc: str, name: str
) -> tuple[str, CertificateFacts]:
    """Verify a certificate whose key is to sign bids: chain, usage, subject, and that the key is one of P-256.

    Returns the key as 130 hex digits, with what was seen. Possession is proved by every bid the key signs: a
    certificate naming somebody else is refused, and one's own without its key signs nothing. Raises one of the
    Certificate… refusals.
    """
    leaf = _trusted_leaf(pem, roots, at=at, uscc=uscc, name=name)
    key = _supported_key(leaf)
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise CertificateKeyUnfit
    return public_hex_of(key), _facts_of(leaf)


def public_hex_of(key: ec.EllipticCurvePublicKey) -> str:
    """The uncompressed point in hex."""
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint).hex()


def _trusted_leaf(pem: bytes, roots: Roots, *, at: datetime, uscc: str, name: str) -> x509.Certificate:
    if not roots.certificates:
        raise CertificatesNotConfigured
    leaf, intermediates = _read(pem)
    _supported_key(leaf)
    _verify_chain(leaf, intermediates, roots, at)
    _require_signing_use(leaf)
    _require_subject(leaf, uscc, name)
    return leaf


def _facts_of(leaf: x509.Certificate) -> CertificateFacts:
    return CertificateFacts(
        subject=leaf.subject.rfc4514_string(),
        issuer=leaf.issuer.rfc4514_string(),
        serial=format(leaf.serial_number, "x"),
        sha256=leaf.fingerprint(hashes.SHA256()).hex(),
        not_after=leaf.not_valid_after_utc,
    )


def _read(pem: bytes) -> tuple[x509.Certificate, list[x509.Certificate]]:
    if len(pem) > PEM_LIMIT:
        raise CertificateUnreadable(limit=PEM_LIMIT)
    try:
        leaf, *intermediates = x509.load_pem_x509_certificates(pem)
    except ValueError:
        raise CertificateUnreadable from None
    if len(intermediates) > CHAIN_DEPTH:
        raise CertificateUnreadable
    return leaf, intermediates


def _supported_key(leaf: x509.Certificate) -> rsa.RSAPublicKey | ec.EllipticCurvePublicKey:
    try:
        key = leaf.public_key()
    except (UnsupportedAlgorithm, ValueError):
        raise CertificateAlgorithm(algorithm=leaf.public_key_algorithm_oid.dotted_string) from None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS_MIN:
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)):
        return key
    raise CertificateAlgorithm(algorithm=leaf.public_key_algorithm_oid.dotted_string)


def _verify_chain(
    leaf: x509.Certificate, intermediates: Sequence[x509.Certificate], roots: Roots, at: datetime
) -> None:
    verifier = (
        PolicyBuilder()
        .store(Store(list(roots.certificates)))
        .time(at)
        .max_chain_depth(CHAIN_DEPTH)
        .extension_policies(ca_policy=ExtensionPolicy.webpki_defaults_ca(), ee_policy=ExtensionPolicy.permit_all())
        .build_client_verifier()
    )
    try:
        chain = verifier.verify(leaf, list(intermediates)).chain
    except (VerificationError, UnsupportedAlgorithm, ValueError) as problem:
        raise CertificateNotTrusted(problem=str(problem)[:300]) from None
    for certificate, issuer in pairwise(chain):
        _refuse_revoked(certificate, issuer, roots)


def _refuse_revoked(certificate: x509.Certificate, issuer: x509.Certificate, roots: Roots) -> None:
    key = issuer.public_key()
    if not isinstance(key, (rsa.RSAPublicKey, ec.EllipticCurvePublicKey)):
        raise CertificateNotTrusted(problem="issuer key")
    for one in roots.revocations:
        if one.issuer != certificate.issuer or not one.is_signature_valid(key):
            continue
        if one.get_revoked_certificate_by_serial_number(certificate.serial_number) is not None:
            raise CertificateNotTrusted(problem="revoked")


def _require_signing_use(leaf: x509.Certificate) -> None:
    """``permit_all`` leaves this to us: a certificate for encryption or one of a CA must not sign for anybody."""
    try:
        usage = leaf.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        raise CertificateUsage from None
    if not (usage.digital_signature or usage.content_commitment):
        raise CertificateUsage
    try:
        constraints = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound:
        return
    if constraints.ca:
        raise CertificateUsage


def _require_subject(leaf: x509.Certificate, uscc: str, name: str) -> None:
    if not names_code(_texts(leaf, _CODE_PLACES), uscc):
        raise CertificateOfAnother(subject=leaf.subject.rfc4514_string()[:300])
    if not any(same_name(text, name) for text in _texts(leaf, _NAME_PLACES)):
        raise CertificateOfAnother(subject=leaf.subject.rfc4514_string()[:300])


def _texts(leaf: x509.Certificate, places: Sequence[x509.ObjectIdentifier]) -> list[str]:
    return [str(one.value) for place in places for one in leaf.subject.get_attributes_for_oid(place)]


def _require_signature(
    public_key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey, signature: bytes, signed: bytes
) -> None:
    try:
        if isinstance(public_key, rsa.RSAPublicKey):
            public_key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        else:
            public_key.verify(signature, signed, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise PossessionNotProved from None
