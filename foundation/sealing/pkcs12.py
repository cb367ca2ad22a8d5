"""The key of a CA certificate in a PKCS#12 file (``.p12``, ``.pfx``), as a provider.

Whether the CA is believed is for the centre to say, when the key is registered (``accounts.certificates``); here the
file is read, and the certificate's own word on what its key is for is held to. Chinese CAs issue *pairs*: a signing
certificate whose key only its owner has, and an encryption certificate whose key the CA's key centre made and keeps a
copy of. Sealing to the second adds that key centre to those who can open the bidder's half.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12

from foundation.errors import InvalidInput
from foundation.sealing.errors import WrongKey
from foundation.sealing.providers import HeldKey
from foundation.sealing.suite import Suite, public_bytes

MAX_FILE_BYTES: Final = 256 * 1024
_DER_SEQUENCE: Final = b"\x30"


class Pkcs12Refused(InvalidInput):
    """The file, its key or its certificate is of no use here. Fields: ``reason``.

    One of ``too_large``, ``no_key`` (no key and certificate in it), ``key_kind`` (not P-256), ``other_key`` (the
    certificate is about another key), ``not_for_signing``, ``not_for_opening`` (the certificate's key usage).
    """

    code = "sealing.pkcs12_refused"


@dataclass(frozen=True, slots=True)
class CertifiedKey:
    """A private key with its certificate and those between it and the root. Implements ``KeyProvider``."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    _held: HeldKey = field(repr=False)

    @property
    def public_key(self) -> bytes:
        return self._held.public_key

    @property
    def suite(self) -> Suite:
        return self._held.suite

    @property
    def is_for_signing(self) -> bool:
        usage = _usage(self.certificate)
        return usage is not None and (usage.digital_signature or usage.content_commitment)

    @property
    def is_for_opening(self) -> bool:
        usage = _usage(self.certificate)
        return usage is not None and (usage.key_agreement or usage.key_encipherment or usage.data_encipherment)

    @property
    def pem(self) -> str:
        """The certificate, then the chain: what is registered with a centre. Holds nothing secret."""
        return _pem((self.certificate, *self.chain))

    def is_valid_at(self, at: datetime) -> bool:
        return self.certificate.not_valid_before_utc <= at <= self.certificate.not_valid_after_utc

    def sign(self, message: bytes) -> bytes:
        """Raises Pkcs12Refused where the certificate is not one for signatures."""
        if not self.is_for_signing:
            raise Pkcs12Refused(reason="not_for_signing")
        return self._held.sign(message)

    def unwrap(self, b: bytes, role: str, wrapped: bytes) -> bytes | None:
        """Raises Pkcs12Refused where the certificate is not one for encryption."""
        if not self.is_for_opening:
            raise Pkcs12Refused(reason="not_for_opening")
        return self._held.unwrap(b, role, wrapped)

    @classmethod
    def parse(cls, data: bytes, passphrase: str) -> CertifiedKey:
        """Raises WrongKey (role ``passphrase``: wrong, or the file is damaged; neither tells which), Pkcs12Refused."""
        if len(data) > MAX_FILE_BYTES:
            raise Pkcs12Refused(reason="too_large")
        try:
            key, certificate, chain = pkcs12.load_key_and_certificates(data, passphrase.encode())
        except UnsupportedAlgorithm as error:
            raise Pkcs12Refused(reason="key_kind") from error
        except ValueError as error:
            raise WrongKey(role="passphrase") from error
        if key is None or certificate is None:
            raise Pkcs12Refused(reason="no_key")
        if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
            raise Pkcs12Refused(reason="key_kind")
        certified = certificate.public_key()
        held = HeldKey(key)
        if not isinstance(certified, ec.EllipticCurvePublicKey) or public_bytes(certified) != held.public_key:
            raise Pkcs12Refused(reason="other_key")
        return cls(certificate, tuple(chain), held)

    @classmethod
    def load(cls, path: Path, passphrase: str) -> CertifiedKey:
        return cls.parse(path.read_bytes(), passphrase)


def is_pkcs12(data: bytes) -> bool:
    """Whether a file begins as PKCS#12 does (DER) and not as an age file (text)."""
    return data.startswith(_DER_SEQUENCE)


def _usage(certificate: x509.Certificate) -> x509.KeyUsage | None:
    """None where the certificate does not say: then its key is taken for nothing, as at registration."""
    try:
        return certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return None


def _pem(certificates: Sequence[x509.Certificate]) -> str:
    return "".join(one.public_bytes(serialization.Encoding.PEM).decode() for one in certificates)
