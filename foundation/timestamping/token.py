"""Reading a time stamp response (RFC 3161 §2.4.2), checked against roots that the reader chose."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from rfc3161_client import TimeStampResponse, VerificationError, VerifierBuilder, decode_timestamp_response

from foundation.timestamping.errors import StampFalse


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """What an authority states: these bytes existed at ``at`` (aware UTC). ``serial`` is unique at the authority.

    ``authority``: subject of the certificate that signed; ``policy``: dotted OID under which it was given.
    """

    at: datetime
    serial: str
    authority: str
    policy: str


def read_roots(path: Path) -> tuple[x509.Certificate, ...]:
    """The PEM certificates of a file. Raises OSError, ValueError (none, or not PEM)."""
    return tuple(x509.load_pem_x509_certificates(path.read_bytes()))


def read_stamp(
    response: bytes, message: bytes, roots: Sequence[x509.Certificate], *, nonce: int | None = None
) -> TimeStamp:
    """The stamp of ``message`` in a DER response. Raises StampFalse unless everything holds.

    Certificates are judged at the time the stamp states, so that it outlives them; revocation is not looked up.
    """
    try:
        parsed = decode_timestamp_response(response)
        info = parsed.tst_info
        signer = _signer(parsed)
    except ValueError as error:
        raise StampFalse(reason="form") from error
    if info.message_imprint.message != hashlib.sha512(message).digest():
        raise StampFalse(reason="message")
    if nonce is not None and info.nonce != nonce:
        raise StampFalse(reason="nonce")
    builder = VerifierBuilder(roots=list(roots))
    try:
        builder.build().verify_message(parsed, message)
    except (VerificationError, ValueError) as error:
        raise StampFalse(reason="signature") from error
    return TimeStamp(
        at=info.gen_time.astimezone(UTC),
        serial=f"{info.serial_number:x}",
        authority=signer.subject.rfc4514_string(),
        policy=info.policy.dotted_string,
    )


def _signer(parsed: TimeStampResponse) -> x509.Certificate:
    """The certificate the one signature names. Raises ValueError."""
    (info,) = parsed.signed_data.signer_infos
    for der in parsed.signed_data.certificates:
        certificate = x509.load_der_x509_certificate(der)
        if (certificate.issuer, certificate.serial_number) == (info.issuer, info.serial_number):
            return certificate
    raise ValueError("signer")
