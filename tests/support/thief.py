"""Whoever holds the database, the disks and every key of the servers, and tries all of it on sealed bids."""

from __future__ import annotations

import base64
import binascii
import re
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from foundation.sealing import Header, Role, content_key, part_key, seat, shares
from foundation.sealing.errors import Malformed
from foundation.sealing.suite import SECRET_BYTES, SHARE_BYTES, Suite
from foundation.transparency.keys import SigningKey

THRESHOLD = 2
CHUNK = 16 * 1024
_HEX = re.compile(rb"(?<![0-9a-fA-F])(?:[0-9a-fA-F]{64}|[0-9a-fA-F]{66})(?![0-9a-fA-F])")
_BASE64 = re.compile(rb"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{43,44}(?![A-Za-z0-9+/_-])")
_NOTE_KEY = re.compile(rb"PRIVATE\+KEY\+[!-~]+")
_PEM = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----.+?-----END [A-Z ]*PRIVATE KEY-----", re.DOTALL)


def loot_of(folder: Path, *, but: Iterable[Path] = ()) -> set[bytes]:
    """Everything of 32 or 33 bytes that stands in a folder's files, and in its databases' rows."""
    found: set[bytes] = set()
    hidden = tuple(but)
    for path in folder.rglob("*"):
        if not path.is_file() or path.is_symlink() or any(path.is_relative_to(one) for one in hidden):
            continue
        raw = path.read_bytes()
        found |= set(secrets_in(raw))
        if raw.startswith(b"SQLite format 3\0"):
            for value in _values(path):
                found |= set(secrets_in(value))
    return found


def secrets_in(raw: bytes) -> Iterator[bytes]:
    """What could be a key, half or share: the whole value, hex, base64, a key in PEM."""
    if len(raw) in {SECRET_BYTES, SHARE_BYTES}:
        yield raw
    for match in _HEX.finditer(raw):
        yield bytes.fromhex(match[0].decode())
    for match in _BASE64.finditer(raw):
        text = match[0].translate(bytes.maketrans(b"-_", b"+/"))
        try:
            decoded = base64.b64decode(text + b"=" * (-len(text) % 4))
        except binascii.Error:
            continue
        if len(decoded) in {SECRET_BYTES, SHARE_BYTES}:
            yield decoded
    for match in _NOTE_KEY.finditer(raw):
        yield SigningKey.parse(match[0].decode()).seed
    for match in _PEM.finditer(raw):
        key = serialization.load_pem_private_key(match[0], None)
        if isinstance(key, ec.EllipticCurvePrivateKey):
            yield key.private_numbers().private_value.to_bytes(32, "big")
        elif isinstance(key, ed25519.Ed25519PrivateKey):
            yield key.private_bytes_raw()


def _values(path: Path) -> Iterator[bytes]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30)) as connection:
        connection.text_factory = bytes
        names = [row[0].decode() for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for name in names:
            for row in connection.execute(f'SELECT * FROM "{name}"'):  # noqa: S608 - a table of the database
                yield from (value for value in row if isinstance(value, bytes))


@dataclass
class Taken:
    """What the thief got out of one envelope."""

    r_bids: set[bytes]
    r_gates: set[bytes]
    shares: set[tuple[str, bytes]]
    parts: set[str]

    def __bool__(self) -> bool:
        return bool(self.r_bids or self.r_gates or self.shares or self.parts)


def rob(header: Header, ciphertexts: Mapping[str, bytes], loot: Iterable[bytes]) -> Taken:
    """Try everything as a half, a share, a part key, and as the key of every wrap."""
    suite, b, taken = header.suite, header.binding.hash, Taken(set(), set(), set(), set())
    committed = dict(_committed_shares(header))
    candidates = set(loot)
    for one in list(candidates):
        candidates |= set(_unwrapped(suite, header, one))
    taken.shares = {
        (role, one) for one in candidates for role, told in committed.items() if suite.commitment(b, role, one) == told
    }
    for kind in ("gate/", "escrow/"):
        held = [share for role, share in taken.shares if role.startswith(kind)]
        candidates |= {shares.combine(list(pair)) for pair in combinations(held, THRESHOLD)}
    taken.r_bids = {one for one in candidates if suite.commitment(b, "bidder", one) == header.commit.bidder}
    taken.r_gates = {one for one in candidates if suite.commitment(b, "gate", one) == header.commit.gate}
    for one in candidates:
        if len(one) == SECRET_BYTES:
            taken.parts |= {name for name, raw in ciphertexts.items() if _fits(suite, header, name, one, raw)}
    for r_bid in taken.r_bids:
        for r_gate in taken.r_gates:
            cek = content_key(header, r_bid, r_gate)
            taken.parts |= {n for n, raw in ciphertexts.items() if _fits(suite, header, n, part_key(cek, n), raw)}
    return taken


def _committed_shares(header: Header) -> Iterator[tuple[str, str]]:
    for role, commitments in ((Role.GATE, header.commit.gate_shares), (Role.ESCROW, header.commit.escrow_shares)):
        for index, commitment in enumerate(commitments):
            yield seat(role, index), commitment


def _unwrapped(suite: Suite, header: Header, scalar: bytes) -> Iterator[bytes]:
    """What the wraps hold for whoever has this scalar."""
    try:
        key = suite.private_key(scalar)
    except (ValueError, Malformed):
        return
    b, wraps = header.binding.hash, header.wraps
    named = [("bidder", one) for one in wraps.bidder]
    named += [(seat(Role.GATE, index), one) for index, one in enumerate(wraps.gate)]
    named += [(seat(Role.ESCROW, index), one) for index, one in enumerate(wraps.escrow)]
    for role, wrapped in named:
        secret = suite.unwrap(key, b, role, wrapped)
        if secret is not None:
            yield secret


def _fits(suite: Suite, header: Header, name: str, key: bytes, ciphertext: bytes) -> bool:
    """Whether this part key opens the ciphertext: its key commitment says so before the first chunk."""
    head = ciphertext[: 2 * CHUNK]
    try:
        suite.decryptor(key, suite.part_context(name, header.hash)).update_into(head, bytearray(len(head) + 4 * CHUNK))
    except InvalidTag:
        return False
    return True
