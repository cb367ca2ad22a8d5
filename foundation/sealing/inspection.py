"""Everything the server may check of an envelope at submission, without any key."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from foundation.errors import Objection
from foundation.sealing import padding
from foundation.sealing.errors import EnvelopeRefused
from foundation.sealing.header import Header
from foundation.sealing.keyset import Keyset
from foundation.sealing.manifest import Manifest
from foundation.sealing.suite import same


@dataclass(frozen=True, slots=True)
class LastSealed:
    """The newest revision already sealed by this bidder for this lot and stage."""

    bid: str
    rev: int
    envelope_hash: str


@dataclass(frozen=True, slots=True)
class Expectations:
    """What the server knows and the envelope must say.

    ``required_parts`` must all be there; other parts only from ``optional_parts``. ``max_bytes`` limits the sum of the
    ciphertext lengths. ``signing_key`` is the bidder's registered public key.
    """

    tender: str
    lot: str
    stage: str
    bidder: str
    keyset: Keyset
    signing_key: bytes
    last: LastSealed | None
    required_parts: frozenset[str]
    optional_parts: frozenset[str]
    max_bytes: int


@dataclass(frozen=True, slots=True)
class Inspected:
    """An envelope whose outside is in order. ``commit_bidder`` must never have been seen before (copied ciphertext)."""

    header: Header
    manifest: Manifest
    envelope_hash: str
    commit_bidder: str


def inspect(header: bytes, manifest: bytes, signature: bytes, expected: Expectations) -> Inspected:
    """Check an envelope at submission.

    Raises the ``…Malformed`` refusals for unreadable bytes, else :class:`EnvelopeRefused` with one objection for
    every reason found. The caller still compares the digests of the received segments with the manifest's roots
    (:func:`foundation.sealing.segments.root_of_digests`) and looks ``commit_bidder`` up.
    """
    parsed, signed = Header.parse(header), Manifest.parse(manifest)
    if parsed.suite is not expected.keyset.suite or signed.suite is not expected.keyset.suite:
        # Nothing else can be compared: every hash and size of the envelope is another suite's.
        params = {"said": f"{parsed.suite.name}/{signed.suite.name}", "wanted": expected.keyset.suite.name}
        raise EnvelopeRefused(objections=(Objection("sealing.suite_mismatch", params=params),))
    found = (
        *_signature_objections(signed, signature, expected),
        *_hash_objections(parsed, signed),
        *_binding_objections(parsed, expected),
        *_revision_objections(parsed, expected),
        *_part_objections(parsed, signed, expected),
        *_shape_objections(parsed, expected.keyset),
    )
    if found:
        raise EnvelopeRefused(objections=found)
    return Inspected(parsed, signed, signed.envelope_hash, parsed.commit.bidder)


def _signature_objections(manifest: Manifest, signature: bytes, expected: Expectations) -> Iterator[Objection]:
    suite = expected.keyset.suite
    key = suite.load_public(expected.signing_key) if suite.has_point(expected.signing_key) else None
    if key is None or not suite.verifies(key, signature, manifest.raw):
        yield Objection("sealing.bad_signature")


def _hash_objections(header: Header, manifest: Manifest) -> Iterator[Objection]:
    if not same(manifest.binding_hash, header.binding.hash.hex()):
        yield Objection("sealing.binding_hash_mismatch")
    if not same(manifest.header_hash, header.hash.hex()):
        yield Objection("sealing.header_hash_mismatch")
    if manifest.rev != header.binding.rev:
        yield Objection("sealing.rev_mismatch")
    if manifest.prev != header.binding.prev:
        yield Objection("sealing.prev_mismatch")


def _binding_objections(header: Header, expected: Expectations) -> Iterator[Objection]:
    binding = header.binding
    pairs = (
        ("keyset", binding.keyset, expected.keyset.hash),
        ("tender", binding.tender, expected.tender),
        ("lot", binding.lot, expected.lot),
        ("stage", binding.stage, expected.stage),
        ("bidder", binding.bidder, expected.bidder),
    )
    for name, said, wanted in pairs:
        if said != wanted:
            yield Objection(f"sealing.{name}_mismatch", params={"said": said, "wanted": wanted})


def _revision_objections(header: Header, expected: Expectations) -> Iterator[Objection]:
    binding, last = header.binding, expected.last
    if last is None:
        if binding.rev != 1:
            yield Objection("sealing.rev_mismatch", params={"said": binding.rev, "wanted": 1})
        return
    if binding.bid != last.bid:
        yield Objection("sealing.bid_mismatch", params={"said": binding.bid, "wanted": last.bid})
    if binding.rev <= last.rev:
        yield Objection("sealing.rev_mismatch", params={"said": binding.rev, "wanted": last.rev + 1})
    if not same(binding.prev, last.envelope_hash):
        yield Objection("sealing.prev_mismatch", params={"said": binding.prev, "wanted": last.envelope_hash})


def _part_objections(header: Header, manifest: Manifest, expected: Expectations) -> Iterator[Objection]:
    bound = [part.id for part in header.binding.parts]
    allowed = expected.required_parts | expected.optional_parts
    if bound != [part.id for part in manifest.parts] or not set(bound) <= allowed:
        yield Objection("sealing.parts_mismatch", params={"parts": ", ".join(bound)})
    for missing in sorted(expected.required_parts - set(bound)):
        yield Objection("sealing.part_missing", params={"part": missing})
    for part in manifest.parts:
        if not padding.is_ciphertext_size(part.size_bytes):
            yield Objection("sealing.part_length", params={"part": part.id, "size_bytes": part.size_bytes})
    if manifest.size_bytes > expected.max_bytes:
        params = {"size_bytes": manifest.size_bytes, "limit_bytes": expected.max_bytes}
        yield Objection("sealing.too_large", params=params)


def _shape_objections(header: Header, keyset: Keyset) -> Iterator[Objection]:
    m, n = len(keyset.gate.holders), len(keyset.escrow.holders)
    suite, commit, wraps = keyset.suite, header.commit, header.wraps
    if (len(commit.gate_shares), len(commit.escrow_shares)) != (m, n):
        yield Objection("sealing.commit_shape")
    if len(set(commit.gate_shares)) != len(commit.gate_shares):
        yield Objection("sealing.commit_shape")
    sizes_fit = all(len(item) == suite.secret_wrap_bytes for item in wraps.bidder) and all(
        len(item) == suite.share_wrap_bytes for item in (*wraps.gate, *wraps.escrow)
    )
    if (len(wraps.gate), len(wraps.escrow)) != (m, n) or not sizes_fit:
        yield Objection("sealing.wrap_size")
