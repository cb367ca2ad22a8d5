"""The payload of suite S2: C2SP chunked-encryption with HKDF-Expand-SM3 and AEAD_SM4_GCM (format page §13).

Salt, then a commitment to key and context, then chunks of 16 KiB of which the last is shorter (perhaps empty): the
frame is as long as Cobblestone-256's, so sizes do not depend on the suite.
"""

from __future__ import annotations

import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand
from cryptography.utils import Buffer

CHUNK_BYTES: Final = 16 * 1024
TAG_BYTES: Final = 16
SALT_BYTES: Final = 24
COMMITMENT_BYTES: Final = 32
HEADER_BYTES: Final = SALT_BYTES + COMMITMENT_BYTES
LABEL: Final = b"c2sp.org/chunked-encryption@v1+AEAD_SM4_GCM\0"

_KEY_BYTES: Final = 16
_NONCE_BYTES: Final = 12


class _Chunks:
    """Key, nonces and commitment of one message, and the bytes of a chunk that is not complete yet."""

    def __init__(self, part_key: bytes, context: bytes, salt: bytes) -> None:
        length = _KEY_BYTES + _NONCE_BYTES + COMMITMENT_BYTES
        stream = HKDFExpand(algorithm=hashes.SM3(), length=length, info=LABEL + salt + context).derive(part_key)
        self._algorithm = algorithms.SM4(stream[:_KEY_BYTES])
        self._base = int.from_bytes(stream[_KEY_BYTES : _KEY_BYTES + _NONCE_BYTES], "big")
        self._number = 0
        self.commitment = stream[_KEY_BYTES + _NONCE_BYTES :]

    def _mode(self) -> modes.GCM:
        nonce = (self._base ^ self._number).to_bytes(_NONCE_BYTES, "big")
        self._number += 1
        return modes.GCM(nonce)

    def seal(self, chunk: Buffer) -> bytes:
        encryptor = Cipher(self._algorithm, self._mode()).encryptor()
        return encryptor.update(chunk) + encryptor.finalize() + encryptor.tag

    def open(self, chunk: memoryview) -> bytes:
        """The plaintext of one chunk with its tag; ``InvalidTag`` when a bit of it is another one."""
        if len(chunk) < TAG_BYTES:
            raise InvalidTag
        decryptor = Cipher(self._algorithm, self._mode()).decryptor()
        plaintext = decryptor.update(chunk[:-TAG_BYTES])
        return plaintext + decryptor.finalize_with_tag(bytes(chunk[-TAG_BYTES:]))


class _Gathered:
    """Cuts what comes in any size into pieces of one size; what is left over waits."""

    def __init__(self, size: int) -> None:
        self._size = size
        self.rest = bytearray()

    def pieces(self, data: memoryview) -> list[memoryview]:
        found: list[memoryview] = []
        if self.rest:
            taken = data[: self._size - len(self.rest)]
            self.rest += taken
            data = data[len(taken) :]
            if len(self.rest) < self._size:
                return found
            found.append(memoryview(bytes(self.rest)))
            self.rest = bytearray()
        whole = len(data) - len(data) % self._size
        found += [data[at : at + self._size] for at in range(0, whole, self._size)]
        self.rest += data[whole:]
        return found


class Sm4Encryptor:
    """Encrypts one part under its key; the salt is new for every part and every envelope."""

    def __init__(self, part_key: bytes, context: bytes, salt: bytes) -> None:
        if len(salt) != SALT_BYTES:
            raise ValueError("a salt is 24 bytes")
        self._chunks = _Chunks(part_key, context, salt)
        self._head = salt + self._chunks.commitment
        self._gathered = _Gathered(CHUNK_BYTES)

    def update_into(self, data: Buffer, buf: Buffer) -> int:
        out, at = memoryview(buf), 0
        for piece in (self._take_head(), *(self._chunks.seal(one) for one in self._gathered.pieces(memoryview(data)))):
            out[at : at + len(piece)] = piece
            at += len(piece)
        return at

    def _take_head(self) -> bytes:
        head, self._head = self._head, b""
        return head

    def finalize(self) -> bytes:
        return self._take_head() + self._chunks.seal(self._gathered.rest)


class Sm4Decryptor:
    """Decrypts one part. A full chunk is given out once its tag holds; only :meth:`finalize` knows of the end."""

    def __init__(self, part_key: bytes, context: bytes) -> None:
        self._part_key, self._context = part_key, context
        self._head = bytearray()
        self._chunks: _Chunks | None = None
        self._gathered = _Gathered(CHUNK_BYTES + TAG_BYTES)

    def update_into(self, data: Buffer, buf: Buffer) -> int:
        view, out, at = memoryview(data), memoryview(buf), 0
        if self._chunks is None:
            taken = view[: HEADER_BYTES - len(self._head)]
            self._head += taken
            view = view[len(taken) :]
            if len(self._head) < HEADER_BYTES:
                return 0
            self._chunks = self._agreed(bytes(self._head))
        for piece in self._gathered.pieces(view):
            plaintext = self._chunks.open(piece)
            out[at : at + len(plaintext)] = plaintext
            at += len(plaintext)
        return at

    def _agreed(self, head: bytes) -> _Chunks:
        chunks = _Chunks(self._part_key, self._context, head[:SALT_BYTES])
        if not hmac.compare_digest(chunks.commitment, head[SALT_BYTES:]):
            raise InvalidTag
        return chunks

    def finalize(self) -> bytes:
        if self._chunks is None:
            raise InvalidTag
        return self._chunks.open(memoryview(self._gathered.rest))
