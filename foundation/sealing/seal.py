"""Seal a bid: the client's side of the format, streaming, with memory independent of file size.

One envelope, one fresh content key, one fresh salt a part: sealing again after an edit makes a new envelope, and a
resumed upload sends stored bytes, so no key and nonce ever meet two plaintexts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.utils import Buffer

from foundation.entropy import Entropy
from foundation.sealing import padding, shares
from foundation.sealing.binding import Binding
from foundation.sealing.errors import CannotSeal
from foundation.sealing.header import BIDDER, MAX_BIDDER_KEYS, Commitments, Header, Wraps, seat, write_header
from foundation.sealing.keyset import Keyset, Role
from foundation.sealing.manifest import Manifest, SealedPart, write_manifest
from foundation.sealing.providers import KeyProvider, provider_of
from foundation.sealing.segments import RootBuilder
from foundation.sealing.suite import SECRET_BYTES, PrivateKey

BLOCK_BYTES: Final = 1024 * 1024
# A cipher holds back up to one 16 KiB chunk, adds 16 bytes a chunk and 56 in front.
_OUTPUT_BYTES: Final = BLOCK_BYTES + 32 * 1024
_ZEROS: Final = bytes(64 * 1024)


class Readable(Protocol):
    """A file opened for reading bytes."""

    def read(self, size: int, /) -> bytes: ...


class Writable(Protocol):
    """A file opened for writing bytes."""

    def write(self, data: Buffer, /) -> object: ...


@dataclass(frozen=True, slots=True)
class PartSource:
    """The content of one part: exactly ``size_bytes`` bytes are read from ``stream``."""

    id: str
    stream: Readable
    size_bytes: int


PartSink = Callable[[str], AbstractContextManager[Writable]]
"""Opens the place where the ciphertext of the part with this id goes; closed when the part is complete."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the bidder hands in besides the ciphertext parts. Holds no secret."""

    header: Header
    manifest: Manifest
    signature: bytes


def seal(
    binding: Binding,
    keyset: Keyset,
    bidder_public_keys: Sequence[bytes],
    parts: Sequence[PartSource],
    sink: PartSink,
    signing_key: PrivateKey | KeyProvider,
    entropy: Entropy,
) -> Sealed:
    """Seal the parts named by the binding to the bidder's own keys and the key set's holders, and sign.

    Raises :class:`CannotSeal` when the inputs do not fit together (key set, suite, part list, sizes) and
    :class:`KeysetMalformed` when a holder's proof of possession fails; nothing of value is in the sink then.
    """
    suite = keyset.suite
    _check_inputs(binding, keyset, bidder_public_keys, parts)
    signer = provider_of(signing_key)
    if signer.suite is not suite:
        raise CannotSeal(reason="signing_key", part="", suite=suite.name)
    keyset.check_proofs()
    r_bid, r_gate = entropy.token(SECRET_BYTES), entropy.token(SECRET_BYTES)
    header = _make_header(binding, keyset, bidder_public_keys, r_bid, r_gate, entropy)
    cek = suite.content_key(r_bid, r_gate, binding.hash)
    sealed = tuple(_seal_part(part, header, cek, sink, entropy) for part in parts)
    manifest = write_manifest(
        binding_hash=binding.hash,
        header_hash=header.hash,
        rev=binding.rev,
        prev=binding.prev,
        parts=sealed,
        suite=suite,
    )
    return Sealed(header=header, manifest=manifest, signature=signer.sign(manifest.raw))


def _check_inputs(binding: Binding, keyset: Keyset, keys: Sequence[bytes], parts: Sequence[PartSource]) -> None:
    named = (binding.suite, binding.keyset, binding.tender, binding.lot)
    if named != (keyset.suite, keyset.hash, keyset.tender, keyset.lot):
        raise CannotSeal(reason="keyset", part="")
    if not 1 <= len(keys) <= MAX_BIDDER_KEYS or len(set(keys)) != len(keys):
        raise CannotSeal(reason="bidder_keys", part="")
    if [part.id for part in parts] != [part.id for part in binding.parts]:
        raise CannotSeal(reason="parts", part="")
    for part in parts:
        if not 0 <= part.size_bytes <= padding.MAX_PART_BYTES:
            raise CannotSeal(reason="too_large", part=part.id, limit_bytes=padding.MAX_PART_BYTES)


def _make_header(
    binding: Binding,
    keyset: Keyset,
    bidder_public_keys: Sequence[bytes],
    r_bid: bytes,
    r_gate: bytes,
    entropy: Entropy,
) -> Header:
    b, suite = binding.hash, keyset.suite
    gate_commits, gate_wraps = _share_out(keyset, Role.GATE, b, r_gate, entropy)
    escrow_commits, escrow_wraps = _share_out(keyset, Role.ESCROW, b, r_bid, entropy)
    try:
        own = tuple(suite.wrap(suite.load_public(key), b, BIDDER, r_bid, entropy) for key in bidder_public_keys)
    except ValueError as error:
        raise CannotSeal(reason="bidder_keys", part="") from error
    commit = Commitments(
        bidder=suite.commitment(b, BIDDER, r_bid),
        gate=suite.commitment(b, Role.GATE, r_gate),
        gate_shares=gate_commits,
        escrow_shares=escrow_commits,
    )
    return write_header(binding, commit, Wraps(bidder=own, gate=gate_wraps, escrow=escrow_wraps))


def _share_out(
    keyset: Keyset, role: Role, b: bytes, secret: bytes, entropy: Entropy
) -> tuple[tuple[str, ...], tuple[bytes, ...]]:
    """Commitments and wraps of one secret's shares, in seat order; both empty where the role has no holders."""
    group, suite = keyset.group(role), keyset.suite
    if not group.holders:
        return (), ()
    pieces = shares.split(secret, threshold=group.threshold, holders=len(group.holders))
    commits = tuple(suite.commitment(b, seat(role, i), piece) for i, piece in enumerate(pieces))
    wraps = tuple(
        suite.wrap(suite.load_public(holder.public_key), b, seat(role, i), piece, entropy)
        for i, (holder, piece) in enumerate(zip(group.holders, pieces, strict=True))
    )
    return commits, wraps


def _seal_part(part: PartSource, header: Header, cek: bytes, sink: PartSink, entropy: Entropy) -> SealedPart:
    suite = header.suite
    key, context = suite.part_key(cek, part.id), suite.part_context(part.id, header.hash)
    encryptor = suite.encryptor(key, context, entropy)
    root = RootBuilder(suite)
    # One buffer for all blocks: fresh output for each block costs more in page faults than the encryption itself.
    output = bytearray(_OUTPUT_BYTES)
    view = memoryview(output)
    with sink(part.id) as out:

        def put(data: Buffer) -> None:
            root.update(data)
            out.write(data)

        for block in _padded_blocks(part):
            put(view[: encryptor.update_into(block, output)])
        put(encryptor.finalize())
    return SealedPart(id=part.id, size_bytes=root.size_bytes, root=root.root())


def _padded_blocks(part: PartSource) -> Iterator[bytes]:
    """Length prefix, content, zeros: blocks of at most 1 MiB."""
    yield part.size_bytes.to_bytes(padding.PREFIX_BYTES, "big")
    left = part.size_bytes
    while left:
        block = part.stream.read(min(BLOCK_BYTES, left))
        if not block:
            raise CannotSeal(reason="source_shorter", part=part.id)
        left -= len(block)
        yield block
    if part.stream.read(1):
        # The file grew while it was read: what would be sealed is not what the bidder sees.
        raise CannotSeal(reason="source_longer", part=part.id)
    left = padding.padded_size(part.size_bytes) - padding.PREFIX_BYTES - part.size_bytes
    while left:
        zeros = _ZEROS[: min(len(_ZEROS), left)]
        left -= len(zeros)
        yield zeros
