"""A dishonest bidder, holder or store is caught, and it is said who it was (docs/sealed-bid-format.md §12)."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from foundation.sealing import (
    SUITES,
    BadHeader,
    BadPayload,
    BadShare,
    Role,
    check_commit,
    content_key,
    open_header,
    open_part_bytes,
    part_key,
    recover_from_escrow,
    recover_from_gate,
    recover_r_bid,
    recover_r_gate,
    shares,
    unwrap_share,
)
from foundation.sealing.padding import padded_size
from tests.unit.sealing import forgeries
from tests.unit.sealing.story import SCHEDULE, Story, make_binding, seal_story

VECTORS = Path(__file__).resolve().parents[2] / "vectors"


@pytest.fixture(scope="module", params=list(SUITES))
def story(request: pytest.FixtureRequest) -> Story:
    """Every forgery is tried in every suite."""
    return seal_story("forgeries", suite=SUITES[request.param])


def fields(failure: pytest.ExceptionInfo[BadShare] | pytest.ExceptionInfo[BadPayload]) -> tuple[object, object]:
    return failure.value.fields["culprit"], failure.value.fields["reason"]


def test_the_honest_plan_passes_everything(story: Story) -> None:
    plan = forgeries.honest_plan()
    header = forgeries.forge_header(story, plan)
    assert recover_r_bid(header, story.bidder_keys[0]) == plan.r_bid
    assert recover_r_gate(header, story.keyset, dict(enumerate(story.gate_keys))).r_gate == plan.r_gate
    assert recover_from_escrow(header, story.keyset, dict(enumerate(plan.escrow_shares))) == plan.r_bid


def test_custodians_given_another_half_than_the_bidder_blame_the_bidder(story: Story) -> None:
    """Otherwise one ciphertext could open as two bids: one by the bidder, another by escrow."""
    other = shares.split(forgeries.OTHER, threshold=2, holders=3)
    plan = replace(forgeries.honest_plan(), escrow_shares=other, wrapped_escrow_shares=other)
    header = forgeries.forge_header(story, plan)
    offered = {i: unwrap_share(header, story.keyset, Role.ESCROW, i, story.escrow_keys[i]) for i in (0, 1)}
    with pytest.raises(BadShare) as failure:
        recover_from_escrow(header, story.keyset, offered)
    assert fields(failure) == ("bidder", "combination")


def test_a_bidder_wrap_with_another_half_blames_the_bidder(story: Story) -> None:
    plan = replace(forgeries.honest_plan(), wrapped_r_bid=forgeries.OTHER)
    with pytest.raises(BadShare) as failure:
        recover_r_bid(forgeries.forge_header(story, plan), story.bidder_keys[0])
    assert fields(failure) == ("bidder", "commitment")


def test_a_gate_wrap_that_is_not_the_committed_share_is_passed_over_and_recorded(story: Story) -> None:
    plan = forgeries.honest_plan()
    plan = replace(plan, wrapped_gate_shares=[bytes(33), *plan.gate_shares[1:]])
    header = forgeries.forge_header(story, plan)
    found = recover_r_gate(header, story.keyset, dict(enumerate(story.gate_keys)))
    assert found.r_gate == plan.r_gate
    assert [(fault.fields["role"], fault.fields["culprit"]) for fault in found.faults] == [("gate/0", "bidder")]
    with pytest.raises(BadShare) as failure:
        recover_r_gate(header, story.keyset, {0: story.gate_keys[0], 1: story.gate_keys[1]})
    assert fields(failure) == ("bidder", "commitment")


def test_a_gate_wrap_that_is_noise_blames_the_bidder(story: Story) -> None:
    header, zeros = story.sealed.header, bytes(story.suite.share_wrap_bytes)
    noise = replace(header, wraps=replace(header.wraps, gate=(zeros, *header.wraps.gate[1:])))
    with pytest.raises(BadShare) as failure:
        unwrap_share(noise, story.keyset, Role.GATE, 0, story.gate_keys[0])
    assert fields(failure) == ("bidder", "wrap")


def test_shares_of_which_only_some_sets_combine_open_whoever_came(story: Story) -> None:
    plan = forgeries.honest_plan()
    stray = bytes(32) + bytes([next(x for x in range(1, 255) if all(x != share[-1] for share in plan.gate_shares))])
    dealt = [stray, *plan.gate_shares[1:]]
    plan = replace(plan, gate_shares=dealt, wrapped_gate_shares=dealt)
    header = forgeries.forge_header(story, plan)
    found = recover_r_gate(header, story.keyset, dict(enumerate(story.gate_keys)))
    assert (found.r_gate, found.faults) == (plan.r_gate, ())
    with pytest.raises(BadShare) as failure:
        recover_r_gate(header, story.keyset, {0: story.gate_keys[0], 2: story.gate_keys[2]})
    assert fields(failure) == ("bidder", "combination")


@pytest.mark.parametrize("place", [0, 77])
def test_shares_at_place_zero_or_at_one_place_combine_to_nothing(story: Story, place: int) -> None:
    """A share at x = 0 is the secret itself; two at one x divide by zero."""
    dealt = [bytes([i]) * 32 + bytes([place]) for i in range(3)]
    plan = replace(forgeries.honest_plan(), gate_shares=dealt, wrapped_gate_shares=dealt)
    with pytest.raises(BadShare) as failure:
        recover_from_gate(forgeries.forge_header(story, plan), story.keyset, dict(enumerate(dealt)))
    assert fields(failure) == ("bidder", "combination")


@pytest.mark.parametrize("change", ["tender", "lot", "stage", "bidder", "rev"])
def test_wraps_copied_under_another_binding_open_for_nobody(story: Story, change: str) -> None:
    moved = {"tender": "T2", "lot": "L2", "stage": "two", "bidder": "bidder-b", "rev": 2}[change]
    extra = {"prev": "0" * 64} if change == "rev" else {}
    binding = make_binding(story.keyset, list(story.contents), **{change: moved}, **extra)
    header = replace(story.sealed.header, binding=binding)
    for i, key in enumerate(story.gate_keys):
        with pytest.raises(BadShare) as failure:
            unwrap_share(header, story.keyset, Role.GATE, i, key)
        assert fields(failure) == ("bidder", "wrap")


def test_a_gate_share_does_not_open_at_another_seat_or_role(story: Story) -> None:
    b, wraps = story.binding.hash, story.sealed.header.wraps
    assert story.suite.unwrap(story.gate_keys[0], b, "gate/0", wraps.gate[0]) is not None
    assert story.suite.unwrap(story.gate_keys[0], b, "gate/1", wraps.gate[0]) is None
    assert story.suite.unwrap(story.gate_keys[0], b, "escrow/0", wraps.gate[0]) is None


def test_a_released_half_that_is_not_the_committed_one_is_refused(story: Story) -> None:
    check_commit(story.sealed.header, "bidder", story.r_bid, culprit="holder")
    for role, secret in (("bidder", story.r_gate), ("gate", story.r_bid), ("bidder", b""), ("gate/9", bytes(33))):
        with pytest.raises(BadShare):
            check_commit(story.sealed.header, role, secret, culprit="holder")
    with pytest.raises(BadShare):
        content_key(story.sealed.header, story.r_gate, story.r_bid)


def test_a_stored_header_that_was_changed_is_the_stores_doing(story: Story) -> None:
    raw = story.sealed.header.raw
    with pytest.raises(BadHeader) as failure:
        open_header(raw.replace(b'"wraps"', b' "wraps"'), story.sealed.manifest)
    assert failure.value.fields["culprit"] == "store"
    assert open_header(raw, story.sealed.manifest).raw == raw


def test_a_manifest_over_another_binding_is_the_bidders_doing(story: Story) -> None:
    lines = story.sealed.manifest.raw.decode().split("\n")
    from foundation.sealing import Manifest

    lines[1] = "0" * 64
    with pytest.raises(BadHeader) as failure:
        open_header(story.sealed.header.raw, Manifest.parse("\n".join(lines).encode()))
    assert failure.value.fields["culprit"] == "bidder"


def _encrypt(story: Story, plaintext: bytes) -> bytes:
    hh = story.sealed.header.hash
    return forgeries.encrypt(_key(story), "price_schedule", hh, plaintext, story.suite)


def _open(story: Story, ciphertext: bytes) -> bytes:
    header = story.sealed.header
    part = forgeries.sealed_part("price_schedule", ciphertext, story.suite)
    key = part_key(content_key(header, story.r_bid, story.r_gate), "price_schedule")
    return open_part_bytes(io.BytesIO(ciphertext), part, key, header, limit_bytes=1 << 20)


def _key(story: Story) -> bytes:
    return part_key(content_key(story.sealed.header, story.r_bid, story.r_gate), "price_schedule")


def _padding_not_zero(content: bytes) -> bytes:
    return forgeries.padded(content)[:-1] + b"\1"


def _length_too_long(content: bytes) -> bytes:
    return (1 << 40).to_bytes(8, "big") + forgeries.padded(content)[8:]


def _padded_too_much(content: bytes) -> bytes:
    return forgeries.padded(content) + bytes(4096)


def _not_padded(content: bytes) -> bytes:
    return len(content).to_bytes(8, "big") + content


@pytest.mark.parametrize(
    "pad", [_padding_not_zero, _length_too_long, _padded_too_much, _not_padded, lambda _content: b"abc"]
)
def test_wrong_padding_is_the_bidders_doing(story: Story, pad: Callable[[bytes], bytes]) -> None:
    good = _encrypt(story, forgeries.padded(SCHEDULE))
    assert _open(story, good) == SCHEDULE
    bad = _encrypt(story, pad(SCHEDULE))
    with pytest.raises(BadPayload) as failure:
        _open(story, bad)
    assert fields(failure) == ("bidder", "padding")


@pytest.mark.parametrize("what", ["key", "part", "header"])
def test_a_part_sealed_for_elsewhere_is_refused_before_its_first_chunk(story: Story, what: str) -> None:
    key = bytes(32) if what == "key" else _key(story)
    part_id = "technical" if what == "part" else "price_schedule"
    hh = bytes(32) if what == "header" else story.sealed.header.hash
    with pytest.raises(BadPayload) as failure:
        _open(story, forgeries.encrypt(key, part_id, hh, forgeries.padded(SCHEDULE), story.suite))
    assert fields(failure) == ("bidder", "key")


def test_chunks_exchanged_before_signing_are_the_bidders_doing(story: Story) -> None:
    content = bytes(40_000)
    good = _encrypt(story, forgeries.padded(content))
    size = 16 * 1024 + 16
    swapped = good[:56] + good[56 + size : 56 + 2 * size] + good[56 : 56 + size] + good[56 + 2 * size :]
    assert _open(story, good) == content
    with pytest.raises(BadPayload) as failure:
        _open(story, swapped)
    assert fields(failure) == ("bidder", "decryption")


def test_bytes_changed_after_signing_are_the_stores_doing(story: Story) -> None:
    ciphertext = bytearray(story.parts["price_schedule"])
    ciphertext[3000] ^= 1
    part = story.sealed.manifest.part("price_schedule")
    with pytest.raises(BadPayload) as failure:
        open_part_bytes(io.BytesIO(ciphertext), part, _key(story), story.sealed.header, limit_bytes=1 << 20)
    assert fields(failure) == ("store", "root")


def test_a_message_with_two_gcm_keys_opens_twice_in_gcm_and_never_here() -> None:
    """Bare AES-GCM does not commit to its key; this is why every share and payload here does."""
    case = json.loads((VECTORS / "sealing_gcm_two_keys.json").read_text())
    one, two, nonce = (bytes.fromhex(case[name]) for name in ("key1", "key2", "nonce"))
    message = bytes.fromhex(case["ciphertext_and_tag"])
    assert AESGCM(one).decrypt(nonce, message, None).startswith(b'{"bid":"A"')
    assert b'{"bid":"B"' in AESGCM(two).decrypt(nonce, message, None)
    story = seal_story("two keys")
    for key in (one, two):
        with pytest.raises(BadPayload) as failure:
            open_part_bytes(
                io.BytesIO(bytes(56) + message),
                forgeries.sealed_part("price_schedule", bytes(56) + message),
                key,
                story.sealed.header,
                limit_bytes=1 << 20,
            )
        assert fields(failure) == ("bidder", "key")


def test_the_padded_size_of_a_price_does_not_show_its_digits() -> None:
    assert len({padded_size(size) for size in range(4000)}) == 1
