"""PKCS#12 files as a CA hands them out, for tests: one for signing, one for encryption, of any kind of key."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

PASSPHRASE = "证书口令 2026"
Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
LONG_AGO, LONG_AFTER = datetime(2020, 1, 1, tzinfo=UTC), datetime(2120, 1, 1, tzinfo=UTC)


def usage(*, signs: bool, opens: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=signs,
        content_commitment=False,
        key_encipherment=opens,
        data_encipherment=False,
        key_agreement=opens,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )


def certificate(key: Key, key_usage: x509.KeyUsage | None, until: datetime = LONG_AFTER) -> x509.Certificate:
    """Signed by itself: whether a CA is believed is not this layer's question."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "常州澄岳建设工程有限公司")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(2026)
        .not_valid_before(min(LONG_AGO, until - timedelta(days=1)))
        .not_valid_after(until)
    )
    if key_usage is not None:
        builder = builder.add_extension(key_usage, critical=True)
    return builder.sign(key, hashes.SHA256())


def p12(key: Key, leaf: x509.Certificate | None, passphrase: str = PASSPHRASE) -> bytes:
    """Few rounds: the tests are about what is inside."""
    hidden = (
        serialization.PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(1000)
        .key_cert_algorithm(pkcs12.PBES.PBESv2SHA256AndAES256CBC)
        .hmac_hash(hashes.SHA256())
        .build(passphrase.encode())
    )
    return pkcs12.serialize_key_and_certificates(b"key", key, leaf, None, hidden)


def signing_p12(key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    key = key or ec.generate_private_key(ec.SECP256R1())
    return p12(key, certificate(key, usage(signs=True, opens=False)))


def encryption_p12(key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    """The other half of a Chinese pair of certificates."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    return p12(key, certificate(key, usage(signs=False, opens=True)))
