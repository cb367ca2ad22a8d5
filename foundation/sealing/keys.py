"""Keys of bidders and holders, and the passphrase-protected file they are kept in (format page §10)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

import pyrage

from foundation.clock import pause
from foundation.errors import Unavailable
from foundation.sealing.errors import CannotSeal, KeyFileMalformed, WrongKey
from foundation.sealing.strict import Fields, dump_compact, load_object
from foundation.sealing.suite import (
    DEFAULT,
    SUITES,
    PrivateKey,
    Suite,
    public_bytes,
    scalar_of,
    suite_of,
)
from foundation.sealing.text import INSTANT, PUBLIC_HEX, TOKEN, instant_text, note, parse_instant

MAX_KEY_FILE_BYTES: Final = 16 * 1024
MAX_PAYLOAD_BYTES: Final = 8 * 1024
MIN_PASSPHRASE_LENGTH: Final = 12
DECRYPT_TRIES: Final = 30
FINGERPRINT_LENGTH: Final = 16

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_AGE_SCRYPT = b"age-encryption.org/v1\n-> scrypt "
_CURVES: Final = {suite.curve: suite for suite in SUITES.values()}
_COORDINATE = re.compile(r"[A-Za-z0-9_-]{43}")
_ABOUT = re.compile(rf"|{TOKEN.pattern}")


class KeyUse(StrEnum):
    """What a key is for; a key is used for nothing else."""

    OPENING = "opening"
    SIGNING = "signing"
    GATE = "gate"
    ESCROW = "escrow"


def generate_key(suite: Suite = DEFAULT) -> PrivateKey:
    """A fresh key from the operating system's generator."""
    return suite.generate_key()


def fingerprint(tender: str, lot: str, public_key: bytes) -> str:
    """Sixteen characters by which people compare an opening key on two screens: ``7K3M-9QXD-02FA-ZZ1B``.

    80 bits of SHA-256, so that nobody can make another key that looks the same (format page §10).
    """
    digest = hashlib.sha256(note("etender-fingerprint/v1", tender, lot, public_key.hex())).digest()
    bits = int.from_bytes(digest[: FINGERPRINT_LENGTH * 5 // 8], "big")
    text = "".join(_CROCKFORD[bits >> 5 * at & 31] for at in reversed(range(FINGERPRINT_LENGTH)))
    return "-".join(text[at : at + 4] for at in range(0, FINGERPRINT_LENGTH, 4))


@dataclass(frozen=True, slots=True)
class KeyFile:
    """One key with what it is for. ``tender``, ``lot``, ``owner`` are tokens or empty. Never printed with its key."""

    use: KeyUse
    tender: str
    lot: str
    owner: str
    created: datetime
    private_key: PrivateKey = field(repr=False)

    @property
    def public_key(self) -> bytes:
        return public_bytes(self.private_key.public_key())

    def payload(self) -> bytes:
        """The JSON inside the file: the private key in the clear."""
        payload = dump_compact(
            {
                "v": 1,
                "for": self.use.value,
                "tender": self.tender,
                "lot": self.lot,
                "owner": self.owner,
                "created": instant_text(self.created),
                "private_key": jwk_of(self.private_key),
                "public_key": self.public_key.hex(),
            }
        )
        KeyFile.parse_payload(payload)
        return payload

    def to_bytes(self, passphrase: str) -> bytes:
        """The encrypted file; about a second of scrypt. :class:`CannotSeal` (reason ``passphrase``) when too short."""
        return encrypted(self.payload(), passphrase)

    @classmethod
    def parse_payload(cls, payload: bytes) -> KeyFile:
        """Read the JSON of a decrypted file; :class:`KeyFileMalformed` when it contradicts itself."""
        return _parse_payload(payload)

    @classmethod
    def parse(cls, data: bytes, passphrase: str) -> KeyFile:
        """Open a key file.

        :class:`KeyFileMalformed` when it is not one, :class:`WrongKey` (role ``passphrase``) when it does not open:
        age cannot tell a wrong passphrase from a damaged file, and neither can this.
        """
        if len(data) > MAX_KEY_FILE_BYTES:
            raise KeyFileMalformed(reason="too_large", path="", limit_bytes=MAX_KEY_FILE_BYTES)
        if not data.startswith(_AGE_SCRYPT):
            raise KeyFileMalformed(reason="not_age", path="")
        payload = decrypted(data, unicodedata.normalize("NFC", passphrase))
        return cls.parse_payload(payload)

    def save(self, path: Path, passphrase: str) -> None:
        """Write a new file readable by its owner alone; ``FileExistsError`` rather than replace a key."""
        data = self.to_bytes(passphrase)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())

    @classmethod
    def load(cls, path: Path, passphrase: str) -> KeyFile:
        return cls.parse(path.read_bytes(), passphrase)


def encrypted(payload: bytes, passphrase: str) -> bytes:
    """An age file of any payload, under a passphrase; :class:`CannotSeal` (reason ``passphrase``) when too short."""
    data: bytes = pyrage.passphrase.encrypt(payload, _normalised(passphrase))
    return data


def decrypted(data: bytes, passphrase: str) -> bytes:
    """The payload of an age file.

    The library measures the machine before it works and declines what it reckons would take too long; on a busy
    machine that reckoning is wrong for a moment, so it is asked again. Raises WrongKey; Unavailable when it stays so.
    """
    for left in reversed(range(DECRYPT_TRIES)):
        try:
            payload: bytes = pyrage.passphrase.decrypt(data, passphrase)
        except pyrage.DecryptError as error:
            if "Excessive work" not in str(error):
                raise WrongKey(role="passphrase") from error
            if not left:
                raise Unavailable(what="passphrase", reason="busy_machine") from error
            pause(1.0)
        else:
            return payload
    raise AssertionError("the last try returns or raises")


def jwk_of(key: PrivateKey) -> dict[str, str]:
    """The private key as the five-member JWK that WebCrypto imports (``crv`` says the suite's curve)."""
    point = public_bytes(key.public_key())
    return {
        "kty": "EC",
        "crv": suite_of(key).curve,
        "x": _coordinate(point[1:33]),
        "y": _coordinate(point[33:]),
        "d": _coordinate(scalar_of(key)),
    }


def key_of_jwk(value: object) -> PrivateKey:
    """The key of such a JWK; :class:`KeyFileMalformed` when members, sizes or the point are wrong."""
    fields = Fields(value, "private_key", KeyFileMalformed, required={"kty", "crv", "x", "y", "d"})
    suite = _CURVES.get(fields.string("crv", TOKEN))
    if fields.string("kty", TOKEN) != "EC" or suite is None:
        fields.refuse("crv", "curve")
    x, y, d = (_bytes_of(fields, name) for name in ("x", "y", "d"))
    try:
        key = suite.private_key(d)
    except ValueError as error:
        raise KeyFileMalformed(reason="private_key", path="private_key") from error
    if public_bytes(key.public_key()) != b"\4" + x + y:
        raise KeyFileMalformed(reason="private_key", path="private_key")
    return key


def _coordinate(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes_of(fields: Fields, name: str) -> bytes:
    text = fields.string(name, _COORDINATE)
    try:
        raw = base64.urlsafe_b64decode(text + "=")
    except (binascii.Error, ValueError):
        fields.refuse(name, "base64")
    if _coordinate(raw) != text:
        fields.refuse(name, "base64")
    return raw


def _normalised(passphrase: str) -> str:
    normal = unicodedata.normalize("NFC", passphrase)
    if len(normal) < MIN_PASSPHRASE_LENGTH:
        raise CannotSeal(reason="passphrase", part="", least=MIN_PASSPHRASE_LENGTH)
    return normal


def _parse_payload(payload: bytes) -> KeyFile:
    fail = KeyFileMalformed
    value = load_object(payload, limit_bytes=MAX_PAYLOAD_BYTES, fail=fail)
    keys = {"v", "for", "tender", "lot", "owner", "created", "private_key", "public_key"}
    top = Fields(value, "", fail, required=keys)
    top.integer("v", 1, 1)
    private = key_of_jwk(value["private_key"])
    if top.string("public_key", PUBLIC_HEX) != public_bytes(private.public_key()).hex():
        top.refuse("public_key", "public_key")
    use = top.string("for", TOKEN)
    if use not in set(KeyUse):
        top.refuse("for", "form")
    try:
        created = parse_instant(top.string("created", INSTANT))
    except ValueError:
        top.refuse("created", "form")
    return KeyFile(
        use=KeyUse(use),
        tender=top.string("tender", _ABOUT),
        lot=top.string("lot", _ABOUT),
        owner=top.string("owner", _ABOUT),
        created=created,
        private_key=private,
    )
