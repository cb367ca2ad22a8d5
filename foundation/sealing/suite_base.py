"""What every suite can do, and the formulas that are the same in all of them (docs/sealed-bid-format.md §4, §5, §13).

A suite is chosen once a tender, by the key set; nothing is negotiated for a message. Callers hold a :class:`Suite`
taken from the key set, the binding or the manifest at hand and never ask for its name. Sizes are equal in all suites
unless an attribute says otherwise, so that pads, segments and limits need not know the suite.
"""

from __future__ import annotations

import hmac
from abc import ABC, abstractmethod
from typing import ClassVar, Final, Protocol

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.utils import Buffer

from foundation.entropy import Entropy, SystemEntropy
from foundation.sealing.sm2 import Sm2PrivateKey, Sm2PublicKey
from foundation.sealing.text import note

SECRET_BYTES: Final = 32
SHARE_BYTES: Final = 33
SIGNATURE_BYTES: Final = 64
PUBLIC_KEY_BYTES: Final = 65
COORDINATE_BYTES: Final = 32
PART_KEY_BYTES: Final = 32
SYSTEM: Final = SystemEntropy()

PrivateKey = ec.EllipticCurvePrivateKey | Sm2PrivateKey
PublicKey = ec.EllipticCurvePublicKey | Sm2PublicKey


class Hasher(Protocol):
    """An incremental digest."""

    def update(self, data: Buffer, /) -> None: ...

    def digest(self) -> bytes:
        """The digest of what came so far. Asked for once, at the end."""
        ...


class StreamCipher(Protocol):
    """One part going through: ciphertext (or plaintext) comes out behind what goes in.

    A decryptor raises ``cryptography.exceptions.InvalidTag``: before the first chunk when the key or the context is
    another one, at a chunk that was changed, and in ``finalize`` when the end is missing.
    """

    def update_into(self, data: Buffer, buf: Buffer) -> int:
        """Write what is ready into ``buf`` (as long as ``data`` and 64 KiB); returns how many bytes."""
        ...

    def finalize(self) -> bytes:
        """The last bytes."""
        ...


class Suite(ABC):
    """One set of algorithms. Stateless; compared by identity."""

    name: ClassVar[str]
    """What stands in the key set and in the binding."""
    curve: ClassVar[str]
    """The ``crv`` of a key file's JWK."""
    hash_name: ClassVar[str]
    """Of :meth:`digest`, as ``hashlib`` writes it."""
    manifest_kind: ClassVar[str]
    """The first line of a manifest: it names the suite, because the envelope hash depends on it."""
    secret_wrap_bytes: ClassVar[int]
    share_wrap_bytes: ClassVar[int]
    content_key_bytes: ClassVar[int]

    # --- hash ---------------------------------------------------------------------------------------------------------

    @abstractmethod
    def hasher(self) -> Hasher:
        """A fresh incremental digest of 32 bytes."""

    def digest(self, data: Buffer) -> bytes:
        """The 32-byte digest."""
        hasher = self.hasher()
        hasher.update(data)
        return hasher.digest()

    def h(self, *lines: str) -> str:
        """Lower-case hex digest of :func:`foundation.sealing.text.note`."""
        return self.digest(note(*lines)).hex()

    def commitment(self, b: bytes, role: str, secret: bytes) -> str:
        """``h("etender-share/v1", hex b, role, hex secret)``: fixes a share before anyone can open its wrap."""
        return self.h("etender-share/v1", b.hex(), role, secret.hex())

    # --- keys ---------------------------------------------------------------------------------------------------------

    @abstractmethod
    def generate_key(self, entropy: Entropy = SYSTEM) -> PrivateKey:
        """A fresh private key."""

    @abstractmethod
    def private_key(self, scalar: bytes) -> PrivateKey:
        """The key of 32 bytes, big-endian; ``ValueError`` when they are no private key of this curve."""

    @abstractmethod
    def load_public(self, point: bytes) -> PublicKey:
        """The key of an uncompressed point (65 bytes); ``ValueError`` when it is none, or not on this suite's curve."""

    @abstractmethod
    def owns(self, key: PrivateKey | PublicKey) -> bool:
        """Whether a key is one of this suite's curve."""

    def has_point(self, point: bytes) -> bool:
        """Whether 65 bytes are a public key of this suite."""
        try:
            self.load_public(point)
        except ValueError:
            return False
        return True

    # --- signatures ---------------------------------------------------------------------------------------------------

    @abstractmethod
    def sign(self, key: PrivateKey, message: bytes) -> bytes:
        """``r‖s``, 64 bytes. ``ValueError`` for a key of another suite."""

    @abstractmethod
    def verifies(self, key: PublicKey, signature: bytes, message: bytes) -> bool:
        """Whether a 64-byte signature is the key's over the message. False for a key of another suite."""

    # --- wraps --------------------------------------------------------------------------------------------------------

    @staticmethod
    def wrap_info(b: bytes, role: str) -> bytes:
        """What a wrap is bound to: this binding and this seat."""
        return note("etender-wrap/v1", b.hex(), role)

    @abstractmethod
    def wrap(self, public: PublicKey, b: bytes, role: str, secret: bytes, entropy: Entropy = SYSTEM) -> bytes:
        """Encrypt a secret to one key, bound to this binding and this seat."""

    @abstractmethod
    def unwrap(self, private: PrivateKey, b: bytes, role: str, wrapped: bytes) -> bytes | None:
        """The secret, or None when this key does not open this wrap for this binding and seat."""

    # --- payload ------------------------------------------------------------------------------------------------------

    @abstractmethod
    def content_key(self, r_bid: bytes, r_gate: bytes, b: bytes) -> bytes:
        """The key of one envelope: nobody has it without the bidder's (or escrow's) half *and* the gate's."""

    @abstractmethod
    def part_key(self, cek: bytes, part_id: str) -> bytes:
        """The 32-byte key of one part; publishing one opens that part and no other."""

    @staticmethod
    def part_info(part_id: str) -> bytes:
        return b"etender-part-key/v1\0" + part_id.encode()

    @staticmethod
    def part_context(part_id: str, hh: bytes) -> bytes:
        """Binds a ciphertext to its part and, through the header hash, to its bid, revision, tender and bidder."""
        return b"etender-part/v1\0" + part_id.encode() + b"\0" + hh

    @abstractmethod
    def encryptor(self, key: bytes, context: bytes, entropy: Entropy = SYSTEM) -> StreamCipher:
        """Encrypts one part under its 32-byte key, with a fresh salt."""

    @abstractmethod
    def decryptor(self, key: bytes, context: bytes) -> StreamCipher:
        """Decrypts one part."""


def same(left: str, right: str) -> bool:
    """Constant-time equality of two ASCII texts."""
    return hmac.compare_digest(left.encode(), right.encode())


def halves(r_bid: bytes, r_gate: bytes) -> bytes:
    """Both halves of a content key in one; ``ValueError`` when one has another size."""
    if len(r_bid) != SECRET_BYTES or len(r_gate) != SECRET_BYTES:
        raise ValueError("both halves are 32 bytes")
    return r_bid + r_gate
