"""Key texts and key files (C2SP signed-note, verifier keys).

One Ed25519 key pair, one name, one algorithm byte: a log key signs notes (0x01), a cosigner key cosigns (0x04).
"""

from __future__ import annotations

import hashlib
import stat
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from foundation.entropy import Entropy
from foundation.transparency.errors import KeyFileExposed, MalformedText
from foundation.transparency.storage import create_file
from foundation.transparency.text import b64, unb64, unhex

KEY_BYTES = 32
SIGNATURE_BYTES = 64
_PRIVATE_PREFIX = "PRIVATE+KEY+"


class Algorithm(IntEnum):
    """Signature type identifier bytes of C2SP signed-note that this project uses."""

    ED25519 = 0x01
    COSIGNATURE = 0x04


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A public key with its name, written ``<name>+<hex key id>+<base64 algorithm || key>`` (a *vkey*)."""

    name: str
    algorithm: Algorithm
    public_key: bytes

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.public_key) != KEY_BYTES:
            raise MalformedText(what="vkey", reason="key_length")

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Read a vkey; refuses one whose key id is not that of its key."""
        parts = text.split("+", 2)
        if len(parts) != 3:  # noqa: PLR2004 - the three parts of a vkey
            raise MalformedText(what="vkey", reason="parts")
        name, key_id, material = parts
        algorithm, public_key = _algorithm_and_key(material, "vkey")
        key = cls(name, algorithm, public_key)
        if unhex(key_id, "vkey", 4) != key.key_id:
            raise MalformedText(what="vkey", reason="key_id")
        return key

    @property
    def key_id(self) -> bytes:
        """Four bytes that, with the name, say which key signed; an identifier, not a proof."""
        sequence = self.name.encode() + b"\n" + bytes([self.algorithm]) + self.public_key
        return hashlib.sha256(sequence).digest()[:4]

    def is_signature(self, signature: bytes, message: bytes) -> bool:
        """Whether ``signature`` (64 bytes) is this key's over ``message``."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public_key).verify(signature, message)
        except (InvalidSignature, ValueError):
            return False
        return True

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{b64(bytes([self.algorithm]) + self.public_key)}"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A private key with its name. Its text form is the secret itself: ``private_text`` is for the key file only."""

    name: str
    algorithm: Algorithm
    seed: bytes = field(repr=False)

    def __post_init__(self) -> None:
        check_name(self.name)
        if len(self.seed) != KEY_BYTES:
            raise MalformedText(what="signing key", reason="key_length")

    @classmethod
    def generate(cls, name: str, algorithm: Algorithm, entropy: Entropy) -> SigningKey:
        return cls(name, algorithm, entropy.token(KEY_BYTES))

    @classmethod
    def parse(cls, text: str) -> SigningKey:
        """Read ``PRIVATE+KEY+<name>+<hex key id>+<base64 algorithm || seed>``."""
        parts = text.removeprefix(_PRIVATE_PREFIX).split("+", 2)
        if not text.startswith(_PRIVATE_PREFIX) or len(parts) != 3:  # noqa: PLR2004 - as in a vkey
            raise MalformedText(what="signing key", reason="parts")
        name, key_id, material = parts
        algorithm, seed = _algorithm_and_key(material, "signing key")
        key = cls(name, algorithm, seed)
        if unhex(key_id, "signing key", 4) != key.verifier.key_id:
            raise MalformedText(what="signing key", reason="key_id")
        return key

    @property
    def verifier(self) -> VerifierKey:
        public = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return VerifierKey(self.name, self.algorithm, public)

    def sign(self, message: bytes) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(message)

    def private_text(self) -> str:
        return f"{_PRIVATE_PREFIX}{self.name}+{self.verifier.key_id.hex()}+{b64(bytes([self.algorithm]) + self.seed)}"


def check_name(name: str) -> None:
    """Refuse a key name that is empty or holds spaces, plus signs or control characters (C2SP signed-note, Format)."""
    if not name or any(char.isspace() or char == "+" or char < " " for char in name):
        raise MalformedText(what="key name", reason="characters")


def load_key(path: Path) -> SigningKey:
    """Read a key file; refuses one that others may read."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise KeyFileExposed(mode=f"{mode:04o}")
    return SigningKey.parse(path.read_text(encoding="utf-8").removesuffix("\n"))


def load_or_create_key(path: Path, name: str, algorithm: Algorithm, entropy: Entropy) -> SigningKey:
    """The key in ``path``; made there (mode 0600, whole or not at all) when the file is missing.

    Two processes that start together end with the same key: the file appears under its name once only.
    """
    if not path.exists():
        key = SigningKey.generate(name, algorithm, entropy)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_file(path, f"{key.private_text()}\n".encode(), mode=0o600)
    key = load_key(path)
    if (key.name, key.algorithm) != (name, algorithm):
        raise MalformedText(what="signing key", reason="other_name")
    return key


def _algorithm_and_key(material: str, what: str) -> tuple[Algorithm, bytes]:
    data = unb64(material, what)
    if not data or data[0] not in tuple(Algorithm):
        raise MalformedText(what=what, reason="algorithm")
    return Algorithm(data[0]), data[1:]
