"""Seal, inspect, recover, open: the honest way, and every honest mistake."""

from __future__ import annotations

import io
import os
import stat
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

from foundation.entropy import SeededEntropy
from foundation.sealing import (
    SUITES,
    BadPayload,
    BadShare,
    CannotSeal,
    Header,
    KeyFile,
    LastSealed,
    Part,
    PartSource,
    PriceSchedule,
    Role,
    Truncated,
    WrongKey,
    content_key,
    inspect,
    open_header,
    open_part,
    open_part_bytes,
    part_key,
    recover_from_escrow,
    recover_r_bid,
    recover_r_gate,
    seal,
    suite,
    sweep_temporary,
    unwrap_share,
)
from foundation.sealing.errors import EnvelopeRefused, KeysetMalformed
from foundation.sealing.padding import padded_size
from tests.unit.sealing import forgeries, oracle, oracle_s2
from tests.unit.sealing.story import SCHEDULE, Store, Story, fixed_key, make_binding, seal_story

ORACLES = {"S1": oracle.open_part, "S2": oracle_s2.open_part}


@pytest.fixture(scope="module", params=list(SUITES))
def story(request: pytest.FixtureRequest) -> Story:
    """Every story is told in every suite."""
    return seal_story(suite=SUITES[request.param])


def codes(refused: pytest.ExceptionInfo[EnvelopeRefused]) -> list[str]:
    return [objection.code for objection in refused.value.objections]


def gate_half(story: Story, *seats: int) -> bytes:
    keys = {i: story.gate_keys[i] for i in seats}
    return recover_r_gate(story.sealed.header, story.keyset, keys).r_gate


def test_a_sealed_bid_opens_with_the_bidders_key_and_any_two_gate_keys(story: Story, tmp_path: Path) -> None:
    header = open_header(story.sealed.header.raw, story.sealed.manifest)
    for bidder_key in story.bidder_keys:
        for seats in ((0, 1), (0, 2), (1, 2), (0, 1, 2)):
            cek = content_key(header, recover_r_bid(header, bidder_key), gate_half(story, *seats))
            for part in story.sealed.manifest.parts:
                target = tmp_path / part.id
                size = open_part(story.stream(part.id), part, part_key(cek, part.id), header, target)
                assert target.read_bytes() == story.contents[part.id]
                assert size == len(story.contents[part.id])
                assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert {path.name for path in tmp_path.iterdir()} == set(story.contents), "no temporary file is left"


def test_a_second_opener_written_from_the_format_page_agrees(story: Story) -> None:
    for part_id, content in story.contents.items():
        header, ciphertext = story.sealed.header.raw, story.parts[part_id]
        found = ORACLES[story.suite.name](header, story.r_bid, story.r_gate, part_id, ciphertext)
        assert found == content


def test_custodians_recover_the_same_half_that_the_bidder_would_have_given(story: Story) -> None:
    header = story.sealed.header
    shares = {i: unwrap_share(header, story.keyset, Role.ESCROW, i, story.escrow_keys[i]) for i in range(3)}
    for pair in ((0, 1), (0, 2), (1, 2)):
        offered = {i: shares[i] for i in pair}
        assert recover_from_escrow(header, story.keyset, offered) == recover_r_bid(header, story.bidder_keys[0])


def test_one_custodian_alone_recovers_nothing(story: Story) -> None:
    share = unwrap_share(story.sealed.header, story.keyset, Role.ESCROW, 0, story.escrow_keys[0])
    with pytest.raises(BadShare) as failure:
        recover_from_escrow(story.sealed.header, story.keyset, {0: share})
    assert failure.value.fields["reason"] == "too_few"


def test_one_gate_key_alone_recovers_nothing(story: Story) -> None:
    with pytest.raises(BadShare) as failure:
        gate_half(story, 1)
    assert failure.value.fields["reason"] == "too_few"


def test_a_lot_without_custodians_has_no_escrow_at_all() -> None:
    story = seal_story("no escrow", has_escrow=False)
    assert story.sealed.header.commit.escrow_shares == ()
    assert inspect(story.sealed.header.raw, story.sealed.manifest.raw, story.sealed.signature, story.expected)
    with pytest.raises(BadShare):
        recover_from_escrow(story.sealed.header, story.keyset, {})


def test_a_lying_custodian_is_named(story: Story) -> None:
    header = story.sealed.header
    true = unwrap_share(header, story.keyset, Role.ESCROW, 0, story.escrow_keys[0])
    with pytest.raises(BadShare) as failure:
        recover_from_escrow(header, story.keyset, {0: true, 2: bytes(33)})
    assert failure.value.fields["culprit"] == "holder"
    assert failure.value.fields["holder"] == "escrow-holder-2"
    assert failure.value.fields["role"] == "escrow/2"


def test_a_share_offered_for_another_seat_is_refused(story: Story) -> None:
    header = story.sealed.header
    share = unwrap_share(header, story.keyset, Role.ESCROW, 0, story.escrow_keys[0])
    with pytest.raises(BadShare):
        recover_from_escrow(header, story.keyset, {0: share, 1: share})
    with pytest.raises(BadShare) as failure:
        recover_from_escrow(header, story.keyset, {0: share, 7: share})
    assert failure.value.fields["reason"] == "no_such_seat"


def test_a_strange_key_opens_no_wrap_and_blames_nobody_else(story: Story) -> None:
    strange = fixed_key("a stranger", story.suite)
    with pytest.raises(WrongKey):
        recover_r_bid(story.sealed.header, strange)
    with pytest.raises(WrongKey) as failure:
        unwrap_share(story.sealed.header, story.keyset, Role.GATE, 1, strange)
    assert failure.value.fields["holder"] == "gate-holder-1"


def test_one_gate_holder_with_a_wrong_key_is_noted_and_the_others_suffice(story: Story) -> None:
    keys = {0: story.gate_keys[0], 1: fixed_key("a stranger", story.suite), 2: story.gate_keys[2]}
    found = recover_r_gate(story.sealed.header, story.keyset, keys)
    assert found.r_gate == story.r_gate
    assert [fault.code for fault in found.faults] == ["sealing.wrong_key"]
    with pytest.raises(WrongKey):
        recover_r_gate(
            story.sealed.header, story.keyset, {0: story.gate_keys[0], 1: fixed_key("a stranger", story.suite)}
        )


def test_a_published_part_key_opens_its_part_and_no_other(story: Story) -> None:
    header, manifest = story.sealed.header, story.sealed.manifest
    key = part_key(content_key(header, story.r_bid, story.r_gate), "price_schedule")
    schedule = manifest.part("price_schedule")
    data = open_part_bytes(story.stream("price_schedule"), schedule, key, header, limit_bytes=100_000)
    assert PriceSchedule.parse(data).total_fen == 9_150_000_000
    with pytest.raises(BadPayload) as failure:
        open_part_bytes(story.stream("technical"), manifest.part("technical"), key, header, limit_bytes=100_000)
    assert failure.value.fields["reason"] == "key"


def test_a_part_beyond_the_limit_is_not_read_into_memory(story: Story) -> None:
    part = story.sealed.manifest.part("technical")
    with pytest.raises(BadPayload) as failure:
        open_part_bytes(story.stream("technical"), part, bytes(32), story.sealed.header, limit_bytes=1000)
    assert failure.value.fields["reason"] == "too_large"


@pytest.mark.parametrize("kept", [0, 1, 55, 56, 57, 5000, -1])
def test_a_truncated_ciphertext_leaves_no_file(story: Story, tmp_path: Path, kept: int) -> None:
    part = story.sealed.manifest.part("technical")
    key = part_key(content_key(story.sealed.header, story.r_bid, story.r_gate), part.id)
    cut = io.BytesIO(story.parts[part.id][:kept])
    with pytest.raises(Truncated) as failure:
        open_part(cut, part, key, story.sealed.header, tmp_path / "out")
    assert failure.value.fields["expected_bytes"] == part.size_bytes
    assert list(tmp_path.iterdir()) == []


def test_a_ciphertext_with_something_behind_it_is_the_stores_doing(story: Story, tmp_path: Path) -> None:
    part = story.sealed.manifest.part("technical")
    longer = io.BytesIO(story.parts[part.id] + b"x")
    with pytest.raises(BadPayload) as failure:
        open_part(longer, part, bytes(32), story.sealed.header, tmp_path / "out")
    assert failure.value.fields == {"part": "technical", "culprit": "store", "reason": "longer"}
    assert list(tmp_path.iterdir()) == []


def test_what_a_crash_left_half_opened_is_swept(tmp_path: Path) -> None:
    (tmp_path / ".unsealing-abc").write_bytes(b"half a bid")
    (tmp_path / "technical").write_bytes(b"a whole bid")
    assert sweep_temporary(tmp_path) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["technical"]


@pytest.mark.parametrize("size", [0, 1, 4088, 4089, 16384 - 8, 16384, 1024 * 1024 - 8, 1024 * 1024, 9 * 1024 * 1024])
def test_contents_of_every_awkward_size_come_back(size: int) -> None:
    content = (b"0123456789abcdef" * (size // 16 + 1))[:size]
    story = seal_story(contents={"price_schedule": content})
    part = story.sealed.manifest.parts[0]
    key = part_key(content_key(story.sealed.header, story.r_bid, story.r_gate), part.id)
    found = open_part_bytes(story.stream(part.id), part, key, story.sealed.header, limit_bytes=1 << 30)
    assert found == content
    assert (
        oracle.open_part(story.sealed.header.raw, story.r_bid, story.r_gate, part.id, story.parts[part.id]) == content
    )
    assert inspect(story.sealed.header.raw, story.sealed.manifest.raw, story.sealed.signature, story.expected)


def test_sealing_the_same_content_twice_shares_no_salt_and_no_wrap() -> None:
    one, two = seal_story(), seal_story()
    assert one.parts["technical"][:24] != two.parts["technical"][:24]
    assert one.parts["price_schedule"][:24] != one.parts["technical"][:24]
    assert not set(one.sealed.header.wraps.gate) & set(two.sealed.header.wraps.gate)


class Endless(io.RawIOBase):
    """A file of zeros that exists only as a size."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int = -1, /) -> bytes:
        taken = min(size, self.left)
        self.left -= taken
        return bytes(taken)


def test_memory_does_not_grow_with_the_file(story: Story) -> None:
    binding = make_binding(story.keyset, ["technical"])
    size = 64 * 1024 * 1024
    tracemalloc.start()
    with Path(os.devnull).open("wb") as sink:
        sealed = seal(
            binding,
            story.keyset,
            [suite.public_bytes(story.bidder_keys[0].public_key())],
            [PartSource("technical", Endless(size), size)],
            lambda _part: sink,
            story.signing_key,
            SeededEntropy("memory"),
        )
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert sealed.manifest.size_bytes > padded_size(size)
    assert peak < 8 * 1024 * 1024


class TestWhatCannotBeSealed:
    def attempt(self, story: Story, **changes: object) -> None:
        arguments: dict[str, object] = {
            "binding": story.binding,
            "keyset": story.keyset,
            "bidder_public_keys": [suite.public_bytes(story.bidder_keys[0].public_key())],
            "parts": [PartSource(name, io.BytesIO(data), len(data)) for name, data in story.contents.items()],
            "sink": Store().sink,
            "signing_key": story.signing_key,
            "entropy": SeededEntropy("attempt"),
        }
        seal(**(arguments | changes))  # type: ignore[arg-type]

    def test_the_unchanged_attempt_succeeds(self, story: Story) -> None:
        self.attempt(story)

    @pytest.mark.parametrize("keys", [[], [b"\x04" * 65], [bytes(65)]])
    def test_keys_that_are_none(self, story: Story, keys: list[bytes]) -> None:
        with pytest.raises(CannotSeal) as failure:
            self.attempt(story, bidder_public_keys=keys)
        assert failure.value.fields["reason"] == "bidder_keys"

    def test_the_same_recipient_twice(self, story: Story) -> None:
        key = suite.public_bytes(story.bidder_keys[0].public_key())
        with pytest.raises(CannotSeal):
            self.attempt(story, bidder_public_keys=[key, key])

    @pytest.mark.parametrize(("stated", "reason"), [(len(SCHEDULE) + 1, "source_shorter"), (3, "source_longer")])
    def test_a_file_that_changes_while_it_is_read(self, story: Story, stated: int, reason: str) -> None:
        binding = make_binding(story.keyset, ["price_schedule"])
        store = Store()
        with pytest.raises(CannotSeal) as failure:
            self.attempt(
                story,
                binding=binding,
                parts=[PartSource("price_schedule", io.BytesIO(SCHEDULE), stated)],
                sink=store.sink,
            )
        assert failure.value.fields["reason"] == reason
        assert store.parts == {}

    def test_parts_other_than_the_bindings(self, story: Story) -> None:
        with pytest.raises(CannotSeal):
            self.attempt(story, parts=[PartSource("price_schedule", io.BytesIO(SCHEDULE), len(SCHEDULE))])

    def test_a_part_beyond_one_gibibyte(self, story: Story) -> None:
        parts = [PartSource(part.id, io.BytesIO(), (1 << 30) + 1) for part in story.binding.parts]
        with pytest.raises(CannotSeal) as failure:
            self.attempt(story, parts=parts)
        assert failure.value.fields["reason"] == "too_large"

    def test_a_key_set_other_than_the_bindings(self, story: Story) -> None:
        with pytest.raises(CannotSeal):
            self.attempt(story, keyset=replace(story.keyset, number=2))

    def test_a_holder_without_a_proof_of_possession(self, story: Story) -> None:
        first, *others = story.keyset.gate.holders
        forged = replace(first, proof=others[0].proof)
        keyset = replace(story.keyset, gate=replace(story.keyset.gate, holders=(forged, *others)))
        with pytest.raises(KeysetMalformed) as failure:
            self.attempt(story, keyset=keyset, binding=make_binding(keyset, list(story.contents)))
        assert failure.value.fields["holder"] == "gate-holder-0"


class TestInspection:
    def look(self, story: Story, **changes: object) -> list[str]:
        expected = replace(story.expected, **changes)  # type: ignore[arg-type]
        sealed = story.sealed
        with pytest.raises(EnvelopeRefused) as refused:
            inspect(sealed.header.raw, sealed.manifest.raw, sealed.signature, expected)
        return codes(refused)

    def test_a_good_envelope_passes_without_any_private_key(self, story: Story) -> None:
        sealed = story.sealed
        found = inspect(sealed.header.raw, sealed.manifest.raw, sealed.signature, story.expected)
        assert found.envelope_hash == sealed.manifest.envelope_hash
        assert found.commit_bidder == sealed.header.commit.bidder

    @pytest.mark.parametrize("name", ["tender", "lot", "stage", "bidder"])
    def test_an_envelope_for_elsewhere_is_refused(self, story: Story, name: str) -> None:
        assert self.look(story, **{name: "another"}) == [f"sealing.{name}_mismatch"]

    def test_every_reason_is_listed_at_once(self, story: Story) -> None:
        found = self.look(story, tender="another", stage="another", max_bytes=1)
        assert found == ["sealing.tender_mismatch", "sealing.stage_mismatch", "sealing.too_large"]

    def test_an_envelope_for_an_older_key_set_is_refused(self, story: Story) -> None:
        assert self.look(story, keyset=replace(story.keyset, number=2)) == ["sealing.keyset_mismatch"]

    def test_a_signature_by_someone_else_is_refused(self, story: Story) -> None:
        other = suite.public_bytes(fixed_key("someone", story.suite).public_key())
        assert self.look(story, signing_key=other) == ["sealing.bad_signature"]

    def test_a_missing_part_is_named(self, story: Story) -> None:
        assert self.look(story, required_parts=frozenset({"price_schedule", "commercial"})) == ["sealing.part_missing"]

    def test_a_part_nobody_asked_for_is_refused(self, story: Story) -> None:
        assert self.look(story, optional_parts=frozenset()) == ["sealing.parts_mismatch"]

    def test_a_header_exchanged_after_signing_is_refused(self, story: Story) -> None:
        other = forgeries.forge_header(story, forgeries.honest_plan())
        with pytest.raises(EnvelopeRefused) as refused:
            inspect(other.raw, story.sealed.manifest.raw, story.sealed.signature, story.expected)
        assert codes(refused) == ["sealing.header_hash_mismatch"]

    def test_a_key_set_of_another_shape_is_seen_in_the_lists(self, story: Story) -> None:
        smaller = replace(story.keyset, escrow=seal_story("x", has_escrow=False, suite=story.suite).keyset.escrow)
        assert self.look(story, keyset=smaller) == [
            "sealing.keyset_mismatch",
            "sealing.commit_shape",
            "sealing.wrap_size",
        ]

    def test_a_replacement_continues_the_bid_it_replaces(self, story: Story) -> None:
        first = story.sealed.manifest.envelope_hash
        second = seal_story(rev=2, prev=first, suite=story.suite)
        last = LastSealed(story.binding.bid, 1, first)
        sealed = second.sealed
        expected = replace(second.expected, last=last)
        assert inspect(sealed.header.raw, sealed.manifest.raw, sealed.signature, expected).manifest.rev == 2
        assert self.look(second) == ["sealing.rev_mismatch"]
        assert self.look(second, last=replace(last, rev=2)) == ["sealing.rev_mismatch"]
        assert self.look(second, last=replace(last, bid="0" * 32)) == ["sealing.bid_mismatch"]
        assert self.look(second, last=replace(last, envelope_hash="0" * 64)) == ["sealing.prev_mismatch"]

    def test_the_first_revision_cannot_be_sent_again_over_itself(self, story: Story) -> None:
        last = LastSealed(story.binding.bid, 1, story.sealed.manifest.envelope_hash)
        assert self.look(story, last=last) == ["sealing.rev_mismatch", "sealing.prev_mismatch"]

    def test_a_copied_envelope_shows_the_copied_commitment(self, story: Story) -> None:
        """A copier must put its own id into the binding; the copied wraps then open for nobody."""
        copied = make_binding(story.keyset, list(story.contents), bidder="bidder-b")
        header = Header.parse(story.sealed.header.raw)
        moved = replace(header, binding=copied)
        assert moved.commit.bidder == header.commit.bidder, "the server looks this value up"
        with pytest.raises(WrongKey):
            recover_r_bid(moved, story.bidder_keys[0])


def test_a_part_list_too_long_is_refused() -> None:
    story = seal_story()
    from foundation.sealing.errors import BindingMalformed

    many = tuple(Part(f"part-{i}", "x") for i in range(17))
    with pytest.raises(BindingMalformed):
        make_binding(story.keyset, [], parts=many)


def test_no_secret_shows_when_a_key_file_is_printed() -> None:
    from datetime import UTC, datetime

    from foundation.sealing import KeyUse

    file = KeyFile(KeyUse.GATE, "t", "l", "o", datetime(2026, 1, 1, tzinfo=UTC), fixed_key("printed"))
    assert "private_key" not in repr(file)
