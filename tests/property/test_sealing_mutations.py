"""Whatever single thing is changed in an envelope, the change is noticed and nothing else comes out."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.errors import InvalidInput, Tampering
from foundation.sealing import (
    BadPayload,
    Binding,
    Header,
    Keyset,
    Malformed,
    Manifest,
    PriceSchedule,
    Truncated,
    content_key,
    inspect,
    open_header,
    open_part_bytes,
    padding,
    part_key,
    recover_r_bid,
    recover_r_gate,
    shares,
)
from foundation.sealing.padding import Unpadder
from tests.unit.sealing import forgeries, oracle
from tests.unit.sealing.story import SCHEDULE, seal_story

STORY = seal_story("mutations", contents={"price_schedule": SCHEDULE, "technical": bytes(20_000)})
CEK = content_key(STORY.sealed.header, STORY.r_bid, STORY.r_gate)


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[(bit // 8) % len(data)] ^= 1 << (bit % 8)
    return bytes(changed)


BITS = st.integers(min_value=0, max_value=8 * 200_000 - 1)


@given(BITS)
def test_no_bit_of_a_header_can_change_unnoticed(bit: int) -> None:
    sealed = STORY.sealed
    raw = flip(sealed.header.raw, bit)
    with pytest.raises(InvalidInput):
        inspect(raw, sealed.manifest.raw, sealed.signature, STORY.expected)
    with pytest.raises(Tampering):
        open_header(raw, sealed.manifest)


@given(BITS)
def test_no_bit_of_a_manifest_or_signature_can_change_unnoticed(bit: int) -> None:
    sealed = STORY.sealed
    with pytest.raises(InvalidInput):
        inspect(sealed.header.raw, flip(sealed.manifest.raw, bit), sealed.signature, STORY.expected)
    with pytest.raises(InvalidInput):
        inspect(sealed.header.raw, sealed.manifest.raw, flip(sealed.signature, bit), STORY.expected)


@given(BITS, st.sampled_from(["price_schedule", "technical"]), st.booleans())
def test_no_bit_of_a_ciphertext_can_change_unnoticed(bit: int, part_id: str, is_before_signing: bool) -> None:
    data = flip(STORY.parts[part_id], bit)
    part = forgeries.sealed_part(part_id, data) if is_before_signing else STORY.sealed.manifest.part(part_id)
    with pytest.raises(BadPayload) as failure:
        open_part_bytes(io.BytesIO(data), part, part_key(CEK, part_id), STORY.sealed.header, limit_bytes=1 << 20)
    assert failure.value.fields["culprit"] == ("bidder" if is_before_signing else "store")


@given(st.integers(min_value=0, max_value=4200))
def test_no_ciphertext_can_be_cut_unnoticed(kept: int) -> None:
    part = STORY.sealed.manifest.part("technical")
    cut = io.BytesIO(STORY.parts["technical"][:kept])
    with pytest.raises(Truncated):
        open_part_bytes(cut, part, part_key(CEK, "technical"), STORY.sealed.header, limit_bytes=1 << 20)


@given(BITS)
def test_no_changed_wrap_gives_another_secret(bit: int) -> None:
    """Under a changed header a half is either the committed one or refused; never a third thing."""
    try:
        header = Header.parse(flip(STORY.sealed.header.raw, bit))
    except Malformed:
        return
    for recover in (
        lambda: recover_r_bid(header, STORY.bidder_keys[0]),
        lambda: recover_r_gate(header, STORY.keyset, dict(enumerate(STORY.gate_keys))).r_gate,
    ):
        try:
            secret = recover()
        except (InvalidInput, Tampering):
            continue
        assert secret in {STORY.r_bid, STORY.r_gate}


@settings(max_examples=25)
@given(st.dictionaries(st.from_regex(r"\A[a-z0-9_-]{1,12}\Z"), st.binary(max_size=40_000), min_size=1, max_size=3))
def test_whatever_is_sealed_comes_back(contents: dict[str, bytes]) -> None:
    story = seal_story("any contents", contents=contents)
    header = story.sealed.header
    cek = content_key(
        header,
        recover_r_bid(header, story.bidder_keys[1]),
        recover_r_gate(header, story.keyset, {1: story.gate_keys[1], 2: story.gate_keys[2]}).r_gate,
    )
    for part in story.sealed.manifest.parts:
        key = part_key(cek, part.id)
        assert open_part_bytes(story.stream(part.id), part, key, header, limit_bytes=1 << 20) == contents[part.id]
        assert (
            oracle.open_part(header.raw, story.r_bid, story.r_gate, part.id, story.parts[part.id]) == contents[part.id]
        )


@given(st.binary(max_size=9000), st.lists(st.integers(min_value=1, max_value=5000), min_size=1, max_size=20))
def test_padding_comes_off_however_the_pieces_fall(content: bytes, cuts: list[int]) -> None:
    padded, unpadder, out, at = memoryview(forgeries.padded(content)), Unpadder(), b"", 0
    while at < len(padded):
        step = cuts[at % len(cuts)]
        out += unpadder.feed(padded[at : at + step])
        at += step
    assert out == content
    assert unpadder.finish() == len(content)


@given(st.integers(min_value=0, max_value=padding.MAX_PART_BYTES))
def test_every_honest_length_is_recognised(size: int) -> None:
    padded = padding.padded_size(size)
    assert padding.is_ciphertext_size(padding.ciphertext_size(padded))
    assert padded <= max(4096, (size + 8) * 1.12)


@given(st.binary(min_size=32, max_size=32), st.integers(2, 6), st.integers(0, 4), st.randoms(use_true_random=False))
def test_any_threshold_of_shares_gives_the_secret(secret: bytes, threshold: int, spare: int, shuffle: object) -> None:
    dealt = shares.split(secret, threshold=threshold, holders=threshold + spare)
    shuffle.shuffle(dealt)  # type: ignore[attr-defined]
    assert shares.combine(dealt[:threshold]) == secret
    assert shares.combine(dealt) == secret


@given(st.binary(max_size=300))
def test_noise_is_refused_by_every_reader_without_a_crash(noise: bytes) -> None:
    for read in (Binding.parse, Header.parse, Manifest.parse, Keyset.parse, PriceSchedule.parse):
        with pytest.raises(Malformed):
            read(noise)
        with pytest.raises(Malformed):
            read(b"{" + noise)
