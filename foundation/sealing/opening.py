"""Open a bid: recover the two halves of the content key, check every piece against its commitment, decrypt.

Every failure says whose doing it is: a holder offering a false share, a bidder who wrapped nonsense, a store that
lost or changed bytes. Shares are secrets until the window is closed: keep them out of logs and job arguments.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations, islice
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag

from foundation.sealing import shares
from foundation.sealing.errors import BadHeader, BadPayload, BadShare, Truncated, WrongKey
from foundation.sealing.header import BIDDER, Header, seat
from foundation.sealing.keyset import Keyset, Role
from foundation.sealing.manifest import Manifest, SealedPart
from foundation.sealing.padding import FRAME_HEADER_BYTES, Unpadder
from foundation.sealing.providers import KeyProvider, provider_of
from foundation.sealing.seal import BLOCK_BYTES, Readable
from foundation.sealing.segments import RootBuilder
from foundation.sealing.suite import PrivateKey, Suite, public_bytes, same

MAX_SUBSETS_TRIED: Final = 600
TEMPORARY_PREFIX: Final = ".unsealing-"
_OUTPUT_BYTES: Final = BLOCK_BYTES + 64 * 1024


def open_header(raw: bytes, manifest: Manifest) -> Header:
    """The stored header, proved to be the one the bidder signed over; :class:`BadHeader` otherwise."""
    if not same(manifest.suite.digest(raw).hex(), manifest.header_hash):
        raise BadHeader(reason="header_hash", culprit="store")
    header = Header.parse(raw)
    if header.suite is not manifest.suite:
        raise BadHeader(reason="suite", culprit="bidder")
    if not same(header.binding.hash.hex(), manifest.binding_hash):
        raise BadHeader(reason="binding_hash", culprit="bidder")
    return header


def matches_commit(header: Header, role: str, secret: bytes) -> bool:
    """Whether a secret is the committed one of a role (``bidder``, ``gate``, ``gate/0``, ``escrow/2``)."""
    return same(_committed(header, role), header.suite.commitment(header.binding.hash, role, secret))


def check_commit(header: Header, role: str, secret: bytes, *, culprit: str) -> None:
    """Raises :class:`BadShare` naming ``culprit`` (who offered the secret) when it is not the committed one."""
    if not matches_commit(header, role, secret):
        raise BadShare(role=role, culprit=culprit, reason="commitment")


def _committed(header: Header, role: str) -> str:
    if role == BIDDER:
        return header.commit.bidder
    if role == Role.GATE:
        return header.commit.gate
    for kind in Role:
        for index, commitment in enumerate(header.commitments_of(kind)):
            if role == seat(kind, index):
                return commitment
    raise BadShare(role=role, culprit="holder", reason="no_such_seat")


def recover_r_bid(header: Header, key: PrivateKey | KeyProvider) -> bytes:
    """The bidder's half from any of its wraps.

    :class:`WrongKey` when this key opens none of them; :class:`BadShare` (culprit bidder) when it opens one whose
    secret is not the committed one.
    """
    provider = provider_of(key)
    for wrapped in header.wraps.bidder if provider.suite is header.suite else ():
        secret = provider.unwrap(header.binding.hash, BIDDER, wrapped)
        if secret is not None:
            check_commit(header, BIDDER, secret, culprit="bidder")
            return secret
    raise WrongKey(role=BIDDER)


def unwrap_share(header: Header, keyset: Keyset, role: Role, index: int, private_key: PrivateKey) -> bytes:
    """One holder's share.

    :class:`WrongKey` when the key is not that seat's; :class:`BadShare` (culprit bidder) when the bidder wrapped
    something that does not open or does not match its own commitment.
    """
    holders, wraps = keyset.group(role).holders, header.wraps_of(role)
    if not 0 <= index < min(len(holders), len(wraps)):
        raise BadShare(role=seat(role, index), culprit="holder", reason="no_such_seat")
    if public_bytes(private_key.public_key()) != holders[index].public_key:
        raise WrongKey(role=seat(role, index), holder=holders[index].id)
    share = header.suite.unwrap(private_key, header.binding.hash, seat(role, index), wraps[index])
    if share is None:
        raise BadShare(role=seat(role, index), culprit="bidder", reason="wrap")
    check_commit(header, seat(role, index), share, culprit="bidder")
    return share


def recover_from_escrow(header: Header, keyset: Keyset, offered: Mapping[int, bytes]) -> bytes:
    """The bidder's half from custodians' shares, by seat.

    A share that is not the committed one raises :class:`BadShare` naming that custodian; committed shares that do not
    give r_bid raise it naming the bidder; fewer than k shares raise it with reason ``too_few``.
    """
    return _combine(header, keyset, Role.ESCROW, BIDDER, offered)


def recover_from_gate(header: Header, keyset: Keyset, offered: Mapping[int, bytes]) -> bytes:
    """The gate's half from holders' shares, by seat; errors as :func:`recover_from_escrow`."""
    return _combine(header, keyset, Role.GATE, Role.GATE.value, offered)


def _combine(header: Header, keyset: Keyset, role: Role, whole: str, offered: Mapping[int, bytes]) -> bytes:
    group = keyset.group(role)
    for index, share in sorted(offered.items()):
        if not 0 <= index < len(group.holders):
            raise BadShare(role=seat(role, index), culprit="holder", reason="no_such_seat")
        if not matches_commit(header, seat(role, index), share):
            raise BadShare(
                role=seat(role, index), culprit="holder", holder=group.holders[index].id, reason="commitment"
            )
    if not group.holders or len(offered) < group.threshold:
        raise BadShare(role=role.value, culprit="holder", reason="too_few")
    # A bidder may deal shares of which only some sets combine, and hope that the right holders stay away. If any set
    # gives the committed secret, that is the secret, whoever came.
    by_seat = [share for _, share in sorted(offered.items())]
    for subset in islice(combinations(by_seat, group.threshold), MAX_SUBSETS_TRIED):
        try:
            secret = shares.combine(subset)
        except ValueError:
            continue
        if matches_commit(header, whole, secret):
            return secret
    raise BadShare(role=role.value, culprit="bidder", reason="combination")


@dataclass(frozen=True, slots=True)
class GateRecovery:
    """The gate's half, and what was wrong on the way (kept for the opening record even when enough was right)."""

    r_gate: bytes
    faults: tuple[BadShare | WrongKey, ...]


def recover_r_gate(header: Header, keyset: Keyset, private_keys: Mapping[int, PrivateKey]) -> GateRecovery:
    """The gate's half from holders' published private keys, by seat.

    A wrong key or a bad share is noted and passed over while enough others remain; when too few do, the first fault
    is raised (or :class:`BadShare` ``too_few`` where there was none).
    """
    good: dict[int, bytes] = {}
    faults: list[BadShare | WrongKey] = []
    for index, key in sorted(private_keys.items()):
        try:
            good[index] = unwrap_share(header, keyset, Role.GATE, index, key)
        except (BadShare, WrongKey) as fault:
            faults.append(fault)
    if len(good) < keyset.gate.threshold and faults:
        raise faults[0]
    return GateRecovery(r_gate=recover_from_gate(header, keyset, good), faults=tuple(faults))


@dataclass(frozen=True, slots=True)
class ContentKey:
    """The key of one envelope with the suite it was made in. Never printed."""

    suite: Suite
    raw: bytes = field(repr=False)


def content_key(header: Header, r_bid: bytes, r_gate: bytes) -> ContentKey:
    """The content key from both halves, each checked against its commitment first."""
    check_commit(header, BIDDER, r_bid, culprit="bidder")
    check_commit(header, Role.GATE.value, r_gate, culprit="bidder")
    return ContentKey(header.suite, header.suite.content_key(r_bid, r_gate, header.binding.hash))


def part_key(cek: ContentKey, part_id: str) -> bytes:
    """The 32-byte key of one part; publishing one opens that part and no other."""
    return cek.suite.part_key(cek.raw, part_id)


def open_part(source: Readable, part: SealedPart, key: bytes, header: Header, destination: Path) -> int:
    """Decrypt one part to ``destination`` (mode 0600); returns the content's length in bytes.

    Until the whole ciphertext is authenticated the plaintext lives in a private temporary file beside it, which is
    removed on any failure and only renamed after the last chunk verified. Raises :class:`Truncated` or
    :class:`BadPayload`; ``key`` is the part key, ``header`` the envelope's header.
    """
    handle, name = tempfile.mkstemp(prefix=TEMPORARY_PREFIX, dir=destination.parent)
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            size_bytes = _decrypt(source, part, key, header, out.write)
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(destination)
    finally:
        temporary.unlink(missing_ok=True)
    return size_bytes


def open_part_bytes(source: Readable, part: SealedPart, key: bytes, header: Header, *, limit_bytes: int) -> bytes:
    """Decrypt a small part (the price schedule) in memory.

    Errors as :func:`open_part`, and :class:`BadPayload` when the signed length is beyond ``limit_bytes``.
    """
    if part.size_bytes > limit_bytes:
        raise BadPayload(part=part.id, culprit="bidder", reason="too_large")
    out = bytearray()
    _decrypt(source, part, key, header, out.extend)
    return bytes(out)


def sweep_temporary(directory: Path) -> int:
    """Remove what a crash left half opened; returns how many. Run at start-up, before any job opens bids there."""
    left = [path for path in directory.iterdir() if path.name.startswith(TEMPORARY_PREFIX)]
    for path in left:
        path.unlink(missing_ok=True)
    return len(left)


class _Decryption:
    """Cipher and padding as one stream; remembers the first failure instead of raising: hashing goes on."""

    def __init__(self, suite: Suite, key: bytes, context: bytes, write: Callable[[memoryview], object]) -> None:
        self._suite, self._key, self._context, self._write = suite, key, context, write
        self._decryptor = suite.decryptor(key, context)
        self._unpadder = Unpadder()
        # One buffer for all blocks; what the decryptor held back comes out with the next block.
        self._output = bytearray(_OUTPUT_BYTES)
        self._view = memoryview(self._output)
        self._is_first = True
        self.failure = ""

    def feed(self, block: bytes) -> None:
        if self.failure:
            return
        try:
            size = self._decryptor.update_into(block, self._output)
        except InvalidTag:
            self.failure = "key" if self._is_first and self._is_key_refused(block) else "decryption"
            return
        self._is_first = False
        self._emit(self._view[:size])

    def _is_key_refused(self, block: bytes) -> bool:
        try:
            self._suite.decryptor(self._key, self._context).update_into(block[:FRAME_HEADER_BYTES], self._output)
        except InvalidTag:
            return True
        return False

    def _emit(self, piece: memoryview) -> None:
        try:
            content = self._unpadder.feed(piece)
        except ValueError:
            self.failure = "padding"
        else:
            self._write(content)

    def finish(self) -> int:
        """The content's length; 0 with :attr:`failure` set when anything was wrong."""
        if self.failure:
            return 0
        try:
            rest = self._decryptor.finalize()
        except InvalidTag:
            self.failure = "decryption"
            return 0
        self._emit(memoryview(rest))
        try:
            return 0 if self.failure else self._unpadder.finish()
        except ValueError:
            self.failure = "padding"
            return 0


def _decrypt(
    source: Readable, part: SealedPart, key: bytes, header: Header, write: Callable[[memoryview], object]
) -> int:
    """Decrypt and compare with the signed root in one pass.

    After a decryption failure the rest is still hashed: only the root tells whether the bidder signed these bytes or
    the store changed them. Reason ``key`` means that the ciphertext is committed to another key or context: the
    bidder's doing when the key came from :func:`content_key`, the publisher's when it was a published part key.
    """
    suite = header.suite
    decryption = _Decryption(suite, key, suite.part_context(part.id, header.hash), write)
    root = RootBuilder(suite)
    while block := source.read(BLOCK_BYTES):
        root.update(block)
        if root.size_bytes > part.size_bytes:
            raise BadPayload(part=part.id, culprit="store", reason="longer")
        decryption.feed(block)
    if root.size_bytes < part.size_bytes:
        raise Truncated(part=part.id, culprit="store", expected_bytes=part.size_bytes, found_bytes=root.size_bytes)
    if not same(root.root(), part.root):
        raise BadPayload(part=part.id, culprit="store", reason="root")
    size_bytes = decryption.finish()
    if decryption.failure:
        raise BadPayload(part=part.id, culprit="bidder", reason=decryption.failure)
    return size_bytes
