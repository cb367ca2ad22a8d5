"""A self-signed certificate for a demo or a first look; production brings its own."""

from __future__ import annotations

import ipaddress
import os
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID_FOR = timedelta(days=397)
"""Browsers refuse certificates that live longer than 398 days."""
RENEW_BEFORE = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Certificate:
    """Where a certificate and its key lie; both files are readable by their owner only."""

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """A server's context, TLS 1.2 or newer."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.certificate, self.key)
        return context


def ensure_certificate(folder: Path, names: Sequence[str], *, at: datetime) -> Certificate:
    """The folder's certificate when it names all these hosts and stays valid for 30 days more; else a new one.

    ``names``: every host name and address, one by one: ``*.localhost`` is a wildcard that TLS clients refuse.
    ``at``: now, aware UTC.
    """
    found = Certificate(folder / "certificate.pem", folder / "key.pem")
    if not _is_good(found, names, at):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(found, names, at)
    return found


def _is_good(found: Certificate, names: Sequence[str], at: datetime) -> bool:
    try:
        certificate = x509.load_pem_x509_certificate(found.certificate.read_bytes())
        found.context()
    except (FileNotFoundError, ValueError, ssl.SSLError):
        return False
    alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    is_valid = certificate.not_valid_before_utc <= at < certificate.not_valid_after_utc - RENEW_BEFORE
    return is_valid and all(_general_name(name) in alternatives for name in names)


def _make(target: Certificate, names: Sequence[str], at: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(minutes=5))
        .not_valid_after(at - timedelta(minutes=5) + VALID_FOR)
        .add_extension(x509.SubjectAlternativeName([_general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    certificate = builder.sign(key, hashes.SHA256())
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    _write(target.key, key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain))
    _write(target.certificate, certificate.public_bytes(pem))


def _general_name(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name.strip("[]")))
    except ValueError:
        return x509.DNSName(name)


def _write(path: Path, content: bytes) -> None:
    """Write to a new file and rename: nobody ever reads half a key, nor one that others could read for a moment."""
    passing = path.with_name(f".{path.name}.new")
    passing.unlink(missing_ok=True)
    with os.fdopen(os.open(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    passing.replace(path)
