"""Keys as the command line is given them: a key file of ours, a CA's PKCS#12 file, a certificate, or a public key."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec

from foundation.clock import machine_now
from foundation.sealing import CertifiedKey, KeyFile, KeyProvider, KeyUse, Pkcs12Refused, is_pkcs12, provider_of
from foundation.sealing.suite import load_public, public_bytes
from tendering.cli_envelope import LotFile
from tendering.cli_errors import BadArgument
from tendering.cli_terminal import passphrase_of

_PUBLIC_HEX: Final = re.compile(r"04[0-9a-f]{128}")
_PEM: Final = b"-----BEGIN CERTIFICATE-----"
_MAX_BYTES: Final = 256 * 1024

CA_KEY_CENTRE: Final = "ca_key_centre"
EXPIRED: Final = "certificate_expired"
WARNINGS: Final = {
    CA_KEY_CENTRE: (
        "注意：{file} 是证书的加密密钥。双证书里的加密密钥由 CA 的密钥管理中心生成并留有副本，封给它等于多信任一方；"
        "没有开标锁，谁也不能提前打开。建议改用 centre keys new --for sealing 生成的密钥。\n"
        "Note: {file} holds the encryption key of a certificate. The key centre of the CA made it and keeps a copy: "
        "sealing to it trusts one party more. Nobody opens a bid early without the gate. "
        "Prefer a key made by centre keys new --for sealing."
    ),
    EXPIRED: (
        "注意：{file} 的证书不在有效期内，交易中心可能不认。\n"
        "Note: the certificate in {file} is not valid today; a centre may decline it."
    ),
}
"""By code: what is printed to standard error beside the answer, which carries the code."""


def load_key(path: Path, passphrase_env: str | None) -> KeyFile | CertifiedKey:
    """A key file or a PKCS#12 file, told apart by its first byte. Raises what reading either raises."""
    passphrase = passphrase_of(passphrase_env, path)
    return CertifiedKey.load(path, passphrase) if is_pkcs12(_content(path)) else KeyFile.load(path, passphrase)


def signing_provider(path: Path, passphrase_env: str | None) -> tuple[KeyProvider, tuple[str, ...]]:
    """What signs a bid, with the codes of what should be said about it. Raises BadArgument, Pkcs12Refused."""
    key = load_key(path, passphrase_env)
    if isinstance(key, KeyFile):
        if key.use is not KeyUse.SIGNING:
            raise BadArgument(argument=str(path), reason="use")
        return provider_of(key.private_key), ()
    if not key.is_for_signing:
        raise Pkcs12Refused(reason="not_for_signing")
    return key, () if key.is_valid_at(machine_now()) else (EXPIRED,)


def opening_provider(path: Path, passphrase_env: str | None, of: tuple[str, str] | None = None) -> KeyProvider:
    """What recovers the bidder's half. Raises BadArgument, Pkcs12Refused.

    ``of``: tender and lot a key file has to be for; a certificate's key is of no lot.
    """
    key = load_key(path, passphrase_env)
    if isinstance(key, KeyFile):
        if key.use is not KeyUse.OPENING or (of is not None and (key.tender, key.lot) != of):
            raise BadArgument(argument=str(path), reason="use")
        return provider_of(key.private_key)
    if not key.is_for_opening:
        raise Pkcs12Refused(reason="not_for_opening")
    return key


def recipient(text: str, lot: LotFile, passphrase_env: str | None) -> tuple[bytes, tuple[str, ...]]:
    """The public key a bid is sealed to, with the codes of what should be said about it.

    ``text``: 130 hex digits, a key file made for this lot, a PKCS#12 file, or a certificate (PEM); the last needs no
    private key and no passphrase. Raises BadArgument, Pkcs12Refused.
    """
    if _PUBLIC_HEX.fullmatch(text):
        return point(text), ()
    path = Path(text)
    if not path.is_file():
        raise BadArgument(argument=text, reason="file")
    data = _content(path)
    if data.lstrip().startswith(_PEM):
        return _of_certificate(data, text), (CA_KEY_CENTRE,)
    if is_pkcs12(data):
        return opening_provider(path, passphrase_env).public_key, (CA_KEY_CENTRE,)
    file = KeyFile.load(path, passphrase_of(passphrase_env, path))
    if file.use is not KeyUse.OPENING or (file.tender, file.lot) != (lot.tender, lot.lot):
        raise BadArgument(argument=text, reason="use")
    return file.public_key, ()


def warn(file: object, codes: Sequence[str]) -> tuple[str, ...]:
    """Print what should be said to standard error; returns the codes."""
    for code in codes:
        click.echo(WARNINGS[code].format(file=file), err=True)
    return tuple(codes)


def about_certificate(key: CertifiedKey) -> dict[str, Any]:
    """What ``centre keys show`` tells of a PKCS#12 file. Holds nothing secret."""
    leaf = key.certificate
    uses = [name for name, is_so in (("signing", key.is_for_signing), ("sealing", key.is_for_opening)) if is_so]
    return {
        "for": ", ".join(uses),
        "suite": key.suite.name,
        "subject": leaf.subject.rfc4514_string(),
        "issuer": leaf.issuer.rfc4514_string(),
        "serial": format(leaf.serial_number, "x"),
        "not_after": leaf.not_valid_after_utc.isoformat(),
        "public_key": key.public_key.hex(),
        "certificate": key.pem,
    }


def point(text: str) -> bytes:
    """A public key from hex. Raises BadArgument."""
    try:
        found = bytes.fromhex(text)
        load_public(found)
    except ValueError as error:
        raise BadArgument(argument=text[:40], reason="public_key") from error
    return found


def _of_certificate(pem: bytes, text: str) -> bytes:
    try:
        key = x509.load_pem_x509_certificates(pem)[0].public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadArgument(argument=text, reason="certificate") from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Pkcs12Refused(reason="key_kind")
    return public_bytes(key)


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_MAX_BYTES + 1)
