"""The dummy bid of a rehearsal: sealed like a real one, and recognisable as none.

A holder's agent unwraps shares of a dummy *before* any opening. So that nobody can pass a real bid off as a dummy, the
binding, on which every wrap depends, says ``rehearsal`` as its stage and as its bidder; a real bid's stage is ``1``
and its bidder a unified code of 18 characters. A changed binding opens no wrap.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from foundation.entropy import Entropy
from foundation.sealing import (
    NO_PREVIOUS,
    BadShare,
    Header,
    Keyset,
    Manifest,
    Part,
    PartSource,
    content_key,
    generate_key,
    matches_commit,
    open_header,
    open_part_bytes,
    part_key,
    recover_from_escrow,
    recover_from_gate,
    recover_r_bid,
    seal,
    write_binding,
)
from foundation.sealing.suite import PrivateKey, Suite, public_bytes, scalar_of

REHEARSAL: Final = "rehearsal"
CONTENT_BYTES: Final = 64
PART_LIMIT_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Dummy:
    """A sealed dummy. ``opening_key`` is the dummy bidder's own private key, 64 hex digits."""

    header: bytes
    manifest: bytes
    ciphertext: bytes
    opening_key: str
    content_hash: str


def is_dummy(header: Header) -> bool:
    """Whether a header says of itself, in what its wraps are bound to, that it is no bid."""
    binding = header.binding
    return (binding.stage, binding.bidder, [part.id for part in binding.parts]) == (REHEARSAL, REHEARSAL, [REHEARSAL])


def seal_dummy(keyset: Keyset, entropy: Entropy, at: datetime) -> Dummy:
    """Seal random bytes to the holders of ``keyset``."""
    binding = write_binding(
        tender=keyset.tender,
        lot=keyset.lot,
        stage=REHEARSAL,
        bidder=REHEARSAL,
        bid=entropy.token(16).hex(),
        rev=1,
        prev=NO_PREVIOUS,
        keyset=keyset.hash,
        parts=(Part(REHEARSAL, REHEARSAL),),
        created=at,
        suite=keyset.suite,
    )
    content = entropy.token(CONTENT_BYTES)
    opening_key, signing_key = generate_key(keyset.suite), generate_key(keyset.suite)
    ciphertext = io.BytesIO()

    @contextmanager
    def sink(_part_id: str) -> Iterator[io.BytesIO]:
        yield ciphertext

    parts = [PartSource(REHEARSAL, io.BytesIO(content), len(content))]
    own = public_bytes(opening_key.public_key())
    sealed = seal(binding, keyset, [own], parts, sink, signing_key, entropy)
    return Dummy(
        header=sealed.header.raw,
        manifest=sealed.manifest.raw,
        ciphertext=ciphertext.getvalue(),
        opening_key=private_hex(opening_key),
        content_hash=keyset.suite.digest(content).hex(),
    )


def open_dummy(dummy: Dummy, keyset: Keyset, gate: Mapping[int, bytes], escrow: Mapping[int, bytes]) -> None:
    """Open the dummy with the holders' shares; raises the errors of ``foundation.sealing`` naming whose doing it is."""
    manifest = Manifest.parse(dummy.manifest)
    header = open_header(dummy.header, manifest)
    r_gate = recover_from_gate(header, keyset, gate)
    if keyset.escrow.holders:
        r_bid = recover_from_escrow(header, keyset, escrow)
    else:
        r_bid = recover_r_bid(header, private_key_of(dummy.opening_key, keyset.suite))
    key = part_key(content_key(header, r_bid, r_gate), REHEARSAL)
    part = manifest.part(REHEARSAL)
    content = open_part_bytes(io.BytesIO(dummy.ciphertext), part, key, header, limit_bytes=PART_LIMIT_BYTES)
    if keyset.suite.digest(content).hex() != dummy.content_hash:
        raise BadShare(role=REHEARSAL, culprit="platform", reason="content")


def fits(header: bytes, role: str, share: bytes) -> bool:
    """Whether a share is the committed one of a seat (``gate/0``, ``escrow/1``)."""
    return matches_commit(Header.parse(header), role, share)


def private_hex(key: PrivateKey) -> str:
    """The private scalar as 64 hex digits: the form in which gate keys are published."""
    return scalar_of(key).hex()


def private_key_of(digits: str, suite: Suite) -> PrivateKey:
    """The key of 64 hex digits in the key set's suite; ``ValueError`` when they are none."""
    return suite.private_key(bytes.fromhex(digits))
