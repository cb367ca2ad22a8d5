"""A time stamping authority for tests: RFC 3161 over HTTP, with a root, a signer and faults one can order."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from foundation.clock import machine_now

SHA512 = "2.16.840.1.101.3.4.2.3"
SIGNED_DATA, TST_INFO = "1.2.840.113549.1.7.2", "1.2.840.113549.1.9.16.1.4"
CONTENT_TYPE, MESSAGE_DIGEST = "1.2.840.113549.1.9.3", "1.2.840.113549.1.9.4"
SIGNING_CERTIFICATE_V2 = "1.2.840.113549.1.9.16.2.47"
ECDSA_SHA512 = "1.2.840.10045.4.3.4"
POLICY = "1.3.6.1.4.1.99999.1"


def der(tag: int, *parts: bytes) -> bytes:
    """One DER value."""
    body = b"".join(parts)
    if len(body) < 0x80:
        return bytes((tag, len(body))) + body
    size = len(body).to_bytes((len(body).bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(size))) + size + body


def integer(value: int) -> bytes:
    return der(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def oid(dotted: str) -> bytes:
    first, second, *rest = (int(part) for part in dotted.split("."))
    out = b""
    for arc in (first * 40 + second, *rest):
        chunk = bytes((arc & 0x7F,))
        while arc := arc >> 7:
            chunk = bytes((arc & 0x7F | 0x80,)) + chunk
        out += chunk
    return der(0x06, out)


def sequence(*parts: bytes) -> bytes:
    return der(0x30, *parts)


def set_of(*parts: bytes) -> bytes:
    return der(0x31, *sorted(parts))


def children(value: bytes) -> list[bytes]:
    """The values inside one constructed value (short and long lengths)."""

    def span(at: int) -> tuple[int, int]:
        size = value[at + 1]
        if size < 0x80:
            return at + 2, at + 2 + size
        count = size & 0x7F
        start = at + 2 + count
        return start, start + int.from_bytes(value[at + 2 : start], "big")

    at, end = span(0)
    found = []
    while at < end:
        _, after = span(at)
        found.append(value[at:after])
        at = after
    return found


@dataclass
class Faults:
    """What the authority does wrong; ``late``: how far its clock is off."""

    other_message: bool = False
    other_nonce: bool = False
    bad_signature: bool = False
    rejects: bool = False
    http_status: int = 200
    garbage: bool = False
    late: timedelta = timedelta(0)
    with_root: str = ""
    """The root's certificate stands beside the signer's: "sorted" as DER wants a set, or "unsorted"."""


@dataclass
class TestAuthority:
    """Keys and certificates. ``purpose``: the extended key usage of the signer."""

    __test__: ClassVar[bool] = False
    purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.TIME_STAMPING
    faults: Faults = field(default_factory=Faults)
    answered: int = 0

    def __post_init__(self) -> None:
        now = machine_now()
        self.root_key, self.key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
        root = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test time root")])
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Test time stamping unit")])

        def build(subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
            return (
                x509.CertificateBuilder()
                .subject_name(subject)
                .issuer_name(root)
                .public_key(key)
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - timedelta(days=1))
                .not_valid_after(now + timedelta(days=365))
            )

        ca = build(root, self.root_key.public_key()).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True
        )
        self.root = ca.sign(self.root_key, hashes.SHA256())
        signer = build(name, self.key.public_key()).add_extension(x509.ExtendedKeyUsage([self.purpose]), critical=True)
        self.certificate = signer.sign(self.root_key, hashes.SHA256())

    def roots_file(self, folder: Path) -> Path:
        path = folder / "tsa-roots.pem"
        path.write_bytes(self.root.public_bytes(serialization.Encoding.PEM))
        return path

    def respond(self, request: bytes) -> bytes:
        """The DER answer to a DER question."""
        self.answered += 1
        if self.faults.garbage:
            return b"<html>maintenance</html>"
        if self.faults.rejects:
            return sequence(sequence(integer(2)))
        _, imprint, *options = children(request)
        nonce = next((one for one in options if one[0] == 0x02), b"")
        if self.faults.other_message:
            imprint = sequence(children(imprint)[0], der(0x04, bytes(64)))
        if self.faults.other_nonce:
            nonce = integer(7)
        info = sequence(
            integer(1),
            oid(POLICY),
            imprint,
            integer(self.answered),
            self._time(machine_now() + self.faults.late),
            nonce,
        )
        return sequence(sequence(integer(0)), self._signed(info))

    @staticmethod
    def _time(at: datetime) -> bytes:
        return der(0x18, at.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())

    def _signed(self, info: bytes) -> bytes:
        encoded = self.certificate.public_bytes(serialization.Encoding.DER)
        algorithm = sequence(oid(SHA512), der(0x05))
        attributes = (
            sequence(oid(CONTENT_TYPE), set_of(oid(TST_INFO))),
            sequence(oid(MESSAGE_DIGEST), set_of(der(0x04, hashlib.sha512(info).digest()))),
            sequence(
                oid(SIGNING_CERTIFICATE_V2),
                set_of(sequence(sequence(sequence(der(0x04, hashlib.sha256(encoded).digest()))))),
            ),
        )
        signature = self.key.sign(set_of(*attributes), ec.ECDSA(hashes.SHA512()))
        if self.faults.bad_signature:
            signature = self.key.sign(b"something else", ec.ECDSA(hashes.SHA512()))
        issuer = sequence(self.certificate.issuer.public_bytes(), integer(self.certificate.serial_number))
        signer = sequence(
            integer(1),
            issuer,
            algorithm,
            der(0xA0, *sorted(attributes)),
            sequence(oid(ECDSA_SHA512)),
            der(0x04, signature),
        )
        content = sequence(
            integer(3),
            set_of(algorithm),
            sequence(oid(TST_INFO), der(0xA0, der(0x04, info))),
            der(0xA0, *self._certificates(encoded)),
            set_of(signer),
        )
        return sequence(oid(SIGNED_DATA), der(0xA0, content))

    def _certificates(self, own: bytes) -> list[bytes]:
        if not self.faults.with_root:
            return [own]
        both = [own, self.root.public_bytes(serialization.Encoding.DER)]
        return sorted(both, reverse=self.faults.with_root == "unsorted")


class AuthorityServer:
    """The authority listening on a port of its own."""

    def __init__(self, authority: TestAuthority) -> None:
        outer = authority

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = outer.respond(body)
                self.send_response(outer.faults.http_status)
                self.send_header("Content-Type", "application/timestamp-reply")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: Any) -> None:
                """Nothing."""

        self.authority = authority
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/tsa"
        self._thread = threading.Thread(target=self.http.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_raised: object) -> None:
        self.http.shutdown()
        self.http.server_close()
        self._thread.join()
