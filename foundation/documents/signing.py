"""Papers signed in the centre's name: a PAdES baseline signature (ETSI EN 319 142-1, B-B) by pyHanko.

The signature says which certificate vouches for the bytes; what is true in them follows from the public log. It is
added behind the finished file, so every page, its text and the PDF/A marks stay byte for byte what was drawn.
"""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pyhanko.keys import load_certs_from_pemder_data, load_private_key_from_pemder_data
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.fields import MDPPerm, SigSeedSubFilter
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from foundation.clock import machine_now
from foundation.documents.errors import SignatureFalse

FIELD: Final = "Centre"
VALID_FOR: Final = timedelta(days=3650)
CERTIFICATE_NAME: Final = "documents.certificate.pem"
KEY_NAME: Final = "documents.key.pem"


@dataclass(frozen=True, slots=True)
class DocumentSigner:
    """Where the certificate (PEM, further ones of its chain behind it) and its private key (PEM) lie."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class SignedBy:
    """Who signed a paper. ``fingerprint``: SHA-256 of the certificate, hex."""

    subject: str
    fingerprint: str


def ensure_signer(folder: Path, organisation: str) -> DocumentSigner:
    """The folder's signer; a self-made one where there is none. Two processes that come at once end with the same."""
    signer = DocumentSigner(folder / CERTIFICATE_NAME, folder / KEY_NAME)
    if not signer.key.exists():
        _publish(signer.key, _new_key())
    if not signer.certificate.exists():
        _publish(signer.certificate, _self_made(signer.key.read_bytes(), organisation))
    return signer


def sign_pdf(content: bytes, signer: DocumentSigner, *, reason: str, place: str) -> bytes:
    """The same file with a certifying signature that allows no later change. Two signings give different bytes.

    Takes some milliseconds; call it outside any Unit. Raises OSError, ValueError where certificate or key can not be
    read.
    """
    chain = list(load_certs_from_pemder_data(signer.certificate.read_bytes()))
    registry = SimpleCertificateStore()  # type: ignore[no-untyped-call]
    registry.register_multiple(chain[1:])
    own = signers.SimpleSigner(
        signing_cert=chain[0],
        signing_key=load_private_key_from_pemder_data(signer.key.read_bytes(), passphrase=None),
        cert_registry=registry,
    )
    about = signers.PdfSignatureMetadata(
        field_name=FIELD,
        md_algorithm="sha256",
        reason=reason,
        location=place,
        certify=True,
        docmdp_permissions=MDPPerm.NO_CHANGES,
        subfilter=SigSeedSubFilter.PADES,
    )
    signed = _apart(lambda: signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(content)), about, own))
    return bytes(signed.getvalue())


def check_pdf(content: bytes, certificate: Path) -> SignedBy:
    """Who signed, if it was the holder of ``certificate`` and nothing was changed since. Raises SignatureFalse."""
    try:
        (embedded,) = PdfFileReader(io.BytesIO(content)).embedded_signatures
    except (PdfError, ValueError) as error:
        raise SignatureFalse(reason="form") from error
    (root, *_) = load_certs_from_pemder_data(certificate.read_bytes())
    trusted = ValidationContext(trust_roots=[root], allow_fetching=False)
    found = _apart(lambda: validate_pdf_signature(embedded, signer_validation_context=trusted))
    if not (found.intact and found.valid):
        raise SignatureFalse(reason="changed")
    if not found.trusted:
        raise SignatureFalse(reason="certificate")
    if not found.bottom_line:
        raise SignatureFalse(reason="added")
    own = x509.load_der_x509_certificate(embedded.signer_cert.dump())
    return SignedBy(own.subject.rfc4514_string(), own.fingerprint(hashes.SHA256()).hex())


def _apart(work: Callable[[], Any]) -> Any:
    """In a thread of its own: pyHanko starts an event loop, which a thread that has one already would refuse."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(work).result()


def _new_key() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    plain = serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)


def _self_made(key_pem: bytes, organisation: str) -> bytes:
    key = serialization.load_pem_private_key(key_pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("a key of ours")
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.COMMON_NAME, f"{organisation} documents"),
        ]
    )
    now = machine_now()
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=True,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def _publish(path: Path, content: bytes) -> None:
    """Write aside, then link: whoever comes second keeps what the first one made, and nobody reads half a file."""
    handle, name = tempfile.mkstemp(dir=path.parent)  # for the owner only
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        Path(name).unlink()
