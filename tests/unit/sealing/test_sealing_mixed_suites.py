"""Two suites never mix: not in a key set, not in an envelope, not at the opening."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest

from foundation.entropy import SeededEntropy
from foundation.sealing import (
    S1,
    S2,
    BadHeader,
    BadShare,
    CannotSeal,
    EnvelopeRefused,
    Holder,
    Keyset,
    Manifest,
    PartSource,
    Role,
    Suite,
    WrongKey,
    inspect,
    open_header,
    prove_possession,
    recover_r_bid,
    seal,
    suite_named,
    suite_of_point,
    unwrap_share,
)
from foundation.sealing.errors import KeysetMalformed
from foundation.sealing.suite import load_public, public_bytes, sign, verifies
from tests.unit.sealing.story import LOT, SCHEDULE, TENDER, Store, Story, fixed_key, seal_story


@pytest.fixture(scope="module")
def story() -> Story:
    return seal_story("s2", suite=S2)


@pytest.fixture(scope="module")
def other() -> Story:
    """The same bid in S1."""
    return seal_story("s2", suite=S1)


@pytest.mark.parametrize("name", ["S1", "S2"])
def test_a_key_says_its_suite_by_its_curve(name: str) -> None:
    suite = suite_named(name)
    key = fixed_key("curve", suite)
    point = public_bytes(key.public_key())
    assert suite_of_point(point) is suite
    assert verifies(load_public(point), sign(key, b"message"), b"message")
    stranger = S2 if suite is S1 else S1
    assert not stranger.has_point(point)
    with pytest.raises(ValueError, match=r"point|curve|key"):
        stranger.load_public(point)
    with pytest.raises(ValueError, match="another suite"):
        stranger.sign(key, b"message")
    assert not stranger.verifies(key.public_key(), sign(key, b"message"), b"message")
    with pytest.raises(ValueError, match="another suite"):
        stranger.wrap(key.public_key(), bytes(32), "bidder", bytes(32))


def test_there_are_no_other_suites() -> None:
    for name in ("S3", "s1", "", "S1 "):
        with pytest.raises(ValueError, match="no such suite"):
            suite_named(name)
    with pytest.raises(ValueError, match="curve"):
        suite_of_point(b"\4" + b"\x11" * 64)


@pytest.mark.parametrize("name", ["S1", "S2"])
def test_a_key_set_with_a_holder_of_the_other_suite_is_none(name: str, story: Story, other: Story) -> None:
    own, strange = (story, other) if name == "S2" else (other, story)
    text = own.keyset.to_bytes()
    renamed = text.replace(f'"suite":"{name}"'.encode(), f'"suite":"{strange.keyset.suite.name}"'.encode())
    with pytest.raises(KeysetMalformed) as failure:
        Keyset.parse(renamed)
    assert failure.value.fields["reason"] == "public_key"
    key = strange.gate_keys[0]
    point, proof = public_bytes(key.public_key()), prove_possession(key, TENDER, LOT, Role.GATE)
    gate = own.keyset.gate
    mixed = Holder(id="mixed", side="tenderee", public_key=point, proof=proof)
    with pytest.raises(KeysetMalformed):
        replace(own.keyset, gate=replace(gate, holders=(mixed, *gate.holders[1:])))


def _seal(own: Story, **changes: Any) -> None:
    facts: dict[str, Any] = {
        "binding": own.binding,
        "keyset": own.keyset,
        "bidder_public_keys": [public_bytes(own.bidder_keys[0].public_key())],
        "parts": [PartSource(name, io.BytesIO(content), len(content)) for name, content in own.contents.items()],
        "sink": Store().sink,
        "signing_key": own.signing_key,
        "entropy": SeededEntropy("mixed"),
    }
    seal(**(facts | changes))


@pytest.mark.parametrize("name", ["S1", "S2"])
def test_nothing_is_sealed_with_a_piece_of_the_other_suite(name: str, story: Story, other: Story) -> None:
    own, strange = (story, other) if name == "S2" else (other, story)
    _seal(own)
    wrong: dict[str, tuple[str, object]] = {
        "signing_key": ("signing_key", strange.signing_key),
        "bidder_public_keys": ("bidder_keys", [public_bytes(strange.bidder_keys[0].public_key())]),
        "binding": ("keyset", replace(own.binding, suite=strange.keyset.suite)),
        "keyset": ("keyset", strange.keyset),
    }
    for argument, (reason, value) in wrong.items():
        with pytest.raises(CannotSeal) as failure:
            _seal(own, **{argument: value})
        assert failure.value.fields["reason"] == reason


@pytest.mark.parametrize("name", ["S1", "S2"])
def test_an_envelope_of_the_other_suite_is_not_received(name: str, story: Story, other: Story) -> None:
    own, strange = (story, other) if name == "S2" else (other, story)
    sealed, theirs = own.sealed, strange.sealed

    def codes(header: bytes, manifest: bytes, signature: bytes) -> list[str]:
        with pytest.raises(EnvelopeRefused) as refused:
            inspect(header, manifest, signature, own.expected)
        return [objection.code for objection in refused.value.objections]

    inspect(sealed.header.raw, sealed.manifest.raw, sealed.signature, own.expected)
    assert codes(theirs.header.raw, theirs.manifest.raw, theirs.signature) == ["sealing.suite_mismatch"]
    assert codes(theirs.header.raw, sealed.manifest.raw, sealed.signature) == ["sealing.suite_mismatch"]
    assert codes(sealed.header.raw, theirs.manifest.raw, theirs.signature) == ["sealing.suite_mismatch"]
    assert codes(sealed.header.raw, sealed.manifest.raw, theirs.signature) == ["sealing.bad_signature"]
    stranger = replace(own.expected, signing_key=public_bytes(strange.signing_key.public_key()))
    with pytest.raises(EnvelopeRefused) as refused:
        inspect(sealed.header.raw, sealed.manifest.raw, sealed.signature, stranger)
    assert [objection.code for objection in refused.value.objections] == ["sealing.bad_signature"]


@pytest.mark.parametrize("name", ["S1", "S2"])
def test_a_manifest_that_names_the_other_suite_is_not_the_headers(name: str, story: Story, other: Story) -> None:
    own, strange = (story, other) if name == "S2" else (other, story)
    raw = own.sealed.manifest.raw
    _, _, rest = raw.partition(b"\n")
    renamed = Manifest.parse(strange.keyset.suite.manifest_kind.encode() + b"\n" + rest)
    assert renamed.envelope_hash != own.sealed.manifest.envelope_hash
    with pytest.raises(BadHeader) as failure:
        open_header(own.sealed.header.raw, renamed)
    assert failure.value.fields == {"reason": "header_hash", "culprit": "store"}
    # A bidder who signs the right digest of the header under the other suite's name is told from the header itself.
    digest = strange.keyset.suite.digest(own.sealed.header.raw).hex().encode()
    lines = renamed.raw.split(b"\n")
    signed = Manifest.parse(b"\n".join([*lines[:2], digest, *lines[3:]]))
    with pytest.raises(BadHeader) as found:
        open_header(own.sealed.header.raw, signed)
    assert found.value.fields == {"reason": "suite", "culprit": "bidder"}


@pytest.mark.parametrize("name", ["S1", "S2"])
def test_a_key_of_the_other_suite_opens_nothing(name: str, story: Story, other: Story) -> None:
    own, strange = (story, other) if name == "S2" else (other, story)
    with pytest.raises(WrongKey):
        recover_r_bid(own.sealed.header, strange.bidder_keys[0])
    with pytest.raises(WrongKey):
        unwrap_share(own.sealed.header, own.keyset, Role.GATE, 0, strange.gate_keys[0])
    suite: Suite = own.keyset.suite
    assert suite.unwrap(strange.bidder_keys[0], own.binding.hash, "bidder", own.sealed.header.wraps.bidder[0]) is None


def test_a_header_moved_under_a_binding_of_the_other_suite_opens_for_nobody(story: Story, other: Story) -> None:
    moved = replace(story.sealed.header, binding=replace(story.binding, suite=S1))
    with pytest.raises(BadShare) as failure:
        unwrap_share(moved, story.keyset, Role.GATE, 0, story.gate_keys[0])
    assert failure.value.fields["reason"] == "wrap"
    assert SCHEDULE in other.contents.values()
