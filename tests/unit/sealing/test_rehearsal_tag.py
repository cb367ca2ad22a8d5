"""The tag of a rehearsal, redone by hand in both suites, and what it is not (docs/sealed-bid-format.md §14)."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.hashes import SM3, Hash

from foundation.sealing import SUITES, matches_commit, matches_rehearsal, rehearsal_tag
from tests.unit.sealing.story import Story, seal_story

CHALLENGE = "cd" * 32


@pytest.fixture(scope="module", params=list(SUITES))
def story(request: pytest.FixtureRequest) -> Story:
    return seal_story(suite=SUITES[request.param], rev=3, prev="ab" * 32)


def by_hand(story: Story, data: bytes) -> str:
    if story.suite.name == "S1":
        return hashlib.sha256(data).hexdigest()
    digest = Hash(SM3())
    digest.update(data)
    return digest.finalize().hex()


def test_the_tag_is_six_lines_that_anybody_can_hash(story: Story) -> None:
    binding = story.sealed.header.binding
    b = by_hand(story, binding.raw)
    lines = f"etender-rehearsal/v1\n{b}\n{binding.bid}\n3\n{CHALLENGE}\n{story.r_bid.hex()}\n"
    tag = rehearsal_tag(story.sealed.header, CHALLENGE, story.r_bid)
    assert tag == by_hand(story, lines.encode())
    assert matches_rehearsal(story.sealed.header, CHALLENGE, tag, story.r_bid)


def test_another_secret_challenge_or_bid_gives_another_tag(story: Story) -> None:
    header = story.sealed.header
    tag = rehearsal_tag(header, CHALLENGE, story.r_bid)
    flipped = bytes([story.r_bid[0] ^ 1]) + story.r_bid[1:]
    assert not matches_rehearsal(header, CHALLENGE, tag, flipped)
    assert not matches_rehearsal(header, "ce" * 32, tag, story.r_bid)
    for change in ({"bid": "0" * 32}, {"rev": 4}):
        other = replace(header, binding=replace(header.binding, **change))
        assert not matches_rehearsal(other, CHALLENGE, tag, story.r_bid)


def test_the_tag_releases_nothing(story: Story) -> None:
    header = story.sealed.header
    tag = bytes.fromhex(rehearsal_tag(header, CHALLENGE, story.r_bid))
    assert tag not in {story.r_bid, story.r_gate, bytes.fromhex(header.commit.bidder)}
    assert not any(matches_commit(header, role, tag) for role in ("bidder", "gate", "gate/0", "escrow/0"))


def test_a_challenge_cannot_smuggle_in_lines(story: Story) -> None:
    with pytest.raises(ValueError, match="line break"):
        rehearsal_tag(story.sealed.header, f"{CHALLENGE}\n{'00' * 32}", story.r_bid)
