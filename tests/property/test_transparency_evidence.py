"""Proof files under any change of a character, and the cosigner under any sequence of honest and forked submissions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from foundation.entropy import SeededEntropy
from foundation.errors import CentreError
from foundation.transparency.blinding import Unblinding, blinded_digest, tick, tick_entry
from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.cosigning import AddCheckpoint, Cosigner, CosignerRecord
from foundation.transparency.errors import QuorumNotMet
from foundation.transparency.notes import CLOCK_TOLERANCE, Note, cosign
from foundation.transparency.proof import TlogProof
from foundation.transparency.verify import VerifiedEntry, verify_blinded, verify_entry
from tests.unit.transparency.logbook import NOON, ORIGIN, Logbook, cosigner_key, log_key, policy_of

NONCE = b"n" * 32
RECORD = b'{"type":"bid"}'
DIGEST = blinded_digest(NONCE, RECORD)
TICK = tick([DIGEST], SeededEntropy("tick"))
BOOK = Logbook([b"0", b"1", TICK.entry, b"3", b"4"])
POLICY = policy_of("a", "b")
PLAIN = str(BOOK.proof(1, "a", "b"))
BLINDED = str(BOOK.proof(2, "a", "b", extra=bytes(Unblinding(NONCE, TICK.placements[DIGEST]))))


def _plain(text: str) -> VerifiedEntry:
    return verify_entry(text, b"1", POLICY, now=NOON)


def _blinded(text: str) -> VerifiedEntry:
    return verify_blinded(text, RECORD, POLICY, now=NOON)


@settings(max_examples=300)
@given(st.sampled_from([(PLAIN, _plain), (BLINDED, _blinded)]), st.data())
def test_a_proof_file_with_one_character_changed_never_verifies(
    case: tuple[str, Callable[[str], VerifiedEntry]], data: st.DataObject
) -> None:
    text, verify = case
    place = data.draw(st.integers(0, len(text) - 1))
    change = data.draw(st.sampled_from(["", *"Aa0+/= \n—x"]))
    mutated = text[:place] + change + text[place + 1 :]
    # Another cosigner's or stranger's line may be anything; here every line is by a key of the policy, so none may.
    assume(mutated != text)
    assert verify(text).size == 5
    with pytest.raises(CentreError):
        verify(mutated)


@given(st.text(max_size=400))
def test_any_text_is_refused_in_order(text: str) -> None:
    for candidate in (text, f"c2sp.org/tlog-proof@v1\nindex 1\n{text}", PLAIN[:150] + text):
        with pytest.raises(CentreError):
            _plain(candidate)
        with pytest.raises(CentreError):
            _blinded(candidate)


@given(st.lists(st.binary(min_size=32, max_size=32), unique=True, max_size=40), st.text(max_size=20))
def test_every_record_of_a_tick_leads_to_its_leaf(records: list[bytes], seed: str) -> None:
    made = tick(records, SeededEntropy(seed))
    assert set(made.placements) == set(records)
    assert len({placement.slot for placement in made.placements.values()}) == len(records)
    for record, placement in made.placements.items():
        assert tick_entry(record, placement) == made.entry
        assert tick_entry(record[:-1] + bytes([record[-1] ^ 1]), placement) != made.entry


@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=6), st.integers(-120, 120))
def test_only_distinct_present_cosigners_make_a_quorum(names: list[str], seconds: int) -> None:
    note = Note.parse(BOOK.checkpoint())
    at = NOON + timedelta(seconds=seconds)
    lines = [cosign(note.text, cosigner_key(name), at + timedelta(seconds=i)) for i, name in enumerate(names)]
    text = str(note.with_signatures(lines))
    first = {name: at + timedelta(seconds=names.index(name)) for name in names}
    if set(first) == {"a", "b"} and max(first.values()) <= NOON + CLOCK_TOLERANCE:
        assert POLICY.verify(text, now=NOON).cosigned_at == max(first.values())
    else:
        with pytest.raises(QuorumNotMet):
            POLICY.verify(text, now=NOON)


@settings(max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 12), st.booleans(), st.integers(0, 12)), max_size=12))
def test_whatever_is_submitted_all_that_is_cosigned_is_one_growing_log(steps: list[tuple[int, bool, int]]) -> None:
    true = [str(i).encode() for i in range(12)]
    forked = [true[0], *(b"forged" for _ in true[1:])]
    signed: list[tuple[int, bytes]] = []
    with TemporaryDirectory() as folder, CosignerRecord(Path(folder)) as record:
        for size, is_fork, old in steps:
            # Restarted at each step, so that only what is on the disk counts.
            cosigner = Cosigner(cosigner_key(), [log_key().verifier], record)
            book = Logbook((forked if is_fork else true)[:size])
            proof = book.reader().consistency_proof(min(old, size))
            body = str(AddCheckpoint(old, tuple(proof), book.checkpoint())).encode()
            reply = cosigner.add_checkpoint(body, NOON)
            if reply.status == HTTPStatus.OK:
                signed.append((size, book.edge.root()))
        kept = record.latest(ORIGIN)
    assert [size for size, _ in signed] == sorted(size for size, _ in signed)
    for branch in (true, forked):
        if signed and signed[-1] == (signed[-1][0], Logbook(branch[: signed[-1][0]]).edge.root()):
            assert all(root == Logbook(branch[:size]).edge.root() for size, root in signed)
            break
    else:
        assert not signed
    if signed:
        assert kept is not None
        assert Checkpoint.parse(Note.parse(kept).text) == Checkpoint(ORIGIN, *signed[-1])


def test_the_proof_files_used_here_are_whole() -> None:
    assert _plain(PLAIN).index == 1
    assert _blinded(BLINDED).index == 2
    assert str(TlogProof.parse(BLINDED)) == BLINDED
