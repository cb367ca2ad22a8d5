from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest

from foundation.entropy import SeededEntropy
from foundation.transparency.blinding import (
    SLOTS,
    BlindedEntry,
    PublicEntry,
    Unblinding,
    blinded_digest,
    blinded_entry,
    parse_entry,
    public_entry,
    tick,
    tick_entry,
)
from foundation.transparency.errors import BadProof, BadSignature, MalformedText, QuorumNotMet
from foundation.transparency.merkle import leaf_hash, root_of
from foundation.transparency.proof import TlogProof
from foundation.transparency.text import b64
from foundation.transparency.verify import verify_blinded, verify_entry
from tests.unit.transparency.logbook import NOON, Logbook, policy_of

ENTRY = public_entry(b'{"type":"freeze"}')
NONCE = bytes(range(32))


def test_an_entry_is_verified_against_the_readers_own_policy() -> None:
    book = Logbook([b"x", ENTRY, b"y"])
    text = str(book.proof(1, "a", "b"))
    accepted = verify_entry(text, ENTRY, policy_of("a", "b"), now=NOON)
    assert (accepted.index, accepted.size, accepted.time, accepted.cosigners) == (1, 3, NOON, ("a", "b"))
    with pytest.raises(BadProof):
        verify_entry(text, ENTRY + b" ", policy_of("a", "b"), now=NOON)
    with pytest.raises(QuorumNotMet):
        verify_entry(text, ENTRY, policy_of("a", "c"), now=NOON)
    with pytest.raises(QuorumNotMet):
        verify_entry(text, ENTRY, policy_of("a", "b"), now=NOON - timedelta(hours=1))


def test_a_proof_for_another_place_is_refused() -> None:
    proof = Logbook([b"x", ENTRY, b"y"]).proof(1, "a")
    for index in (0, 2, 3):
        with pytest.raises(BadProof):
            verify_entry(str(replace(proof, index=index)), ENTRY, policy_of("a"), now=NOON)


def test_a_proof_under_another_checkpoint_of_the_same_log_is_refused() -> None:
    book = Logbook([b"x", ENTRY])
    proof = book.proof(1, "a")
    book.append([b"z"])
    with pytest.raises(BadProof):
        verify_entry(str(replace(proof, checkpoint=book.cosigned("a"))), ENTRY, policy_of("a"), now=NOON)


def test_a_proof_file_has_the_published_form() -> None:
    hashes = tuple(hashlib.sha256(data).digest() for data in (b"hash1", b"hash2"))
    plain = TlogProof(5, hashes, "test checkpoint\n")
    assert str(plain) == f"c2sp.org/tlog-proof@v1\nindex 5\n{b64(hashes[0])}\n{b64(hashes[1])}\n\ntest checkpoint\n"
    extra = TlogProof(10, hashes[:1], "checkpoint data\n", b"extra information")
    assert str(extra) == (
        "c2sp.org/tlog-proof@v1\nextra ZXh0cmEgaW5mb3JtYXRpb24=\nindex 10\n" + b64(hashes[0]) + "\n\ncheckpoint data\n"
    )
    bare = TlogProof(0, (), "checkpoint\n")
    assert str(bare) == "c2sp.org/tlog-proof@v1\nindex 0\n\ncheckpoint\n"
    for proof in (plain, extra, bare):
        assert TlogProof.parse(str(proof)) == proof


@pytest.mark.parametrize(
    "text",
    [
        "wrong-header\nindex 0\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nextra !!notbase64!!\nindex 0\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\n\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex notanumber\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex -5\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 05\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n!!notbase64!!\n\ncheckpoint\n",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{b64(bytes(64))}\n\ncheckpoint\n",
        f"c2sp.org/tlog-proof@v1\nindex 0\n{(b64(bytes(32)) + chr(10)) * 64}\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 0\nextra AAAA\n\ncheckpoint\n",
        "c2sp.org/tlog-proof@v1\nindex 0\n",
        "c2sp.org/tlog-proof@v1\n" + "x" * 2_000_001,
    ],
)
def test_what_is_not_a_proof_file_is_refused(text: str) -> None:
    with pytest.raises(MalformedText):
        TlogProof.parse(text)


def test_entries_are_public_or_blinded_and_nothing_else() -> None:
    assert ENTRY == b'etender/v1 p {"type":"freeze"}'
    assert parse_entry(ENTRY) == PublicEntry(b'{"type":"freeze"}')
    assert parse_entry(blinded_entry(NONCE)) == BlindedEntry(NONCE)
    for entry in (b"etender/v1 p ", b"etender/v1 x 00", b"etender/v1 c 00", blinded_entry(NONCE).upper(), b"\xff" * 70):
        with pytest.raises(MalformedText):
            parse_entry(entry)
    with pytest.raises(MalformedText):
        public_entry(b"")
    with pytest.raises(MalformedText):
        public_entry(b"x" * 65_523)
    assert len(public_entry(b"x" * 65_522)) == 65_535


def test_a_blinded_digest_can_be_redone_by_hand() -> None:
    by_hand = hashlib.sha256(b"etender-leaf/v1\n" + NONCE.hex().encode() + b"\n" + b64(ENTRY).encode() + b"\n").digest()
    assert blinded_digest(NONCE, ENTRY) == by_hand
    assert blinded_digest(bytes(32), ENTRY) != by_hand
    with pytest.raises(ValueError, match="32"):
        blinded_digest(b"short", ENTRY)


def test_ticks_with_nothing_and_with_everything_look_the_same() -> None:
    quiet = tick([], SeededEntropy("quiet"))
    records = [blinded_digest(NONCE, str(i).encode()) for i in range(SLOTS)]
    busy = tick(records, SeededEntropy("busy"))
    assert len(quiet.entry) == len(busy.entry) == 77
    assert quiet.placements == {}
    assert {placement.slot for placement in busy.placements.values()} == set(range(SLOTS))
    in_order = sorted(records, key=lambda record: busy.placements[record].slot)
    assert blinded_entry(root_of([leaf_hash(record) for record in in_order])) == busy.entry


def test_slots_do_not_tell_how_many_records_there_are() -> None:
    records = [blinded_digest(NONCE, bytes([i])) for i in range(3)]
    placements = [tick(records, SeededEntropy(f"tick {i}")).placements for i in range(200)]
    slots = [placed[records[0]].slot for placed in placements]
    assert min(slots) < 100
    assert max(slots) > 900
    assert len(set(slots)) > 150


def test_a_tick_refuses_overflow_and_repetition() -> None:
    records = [blinded_digest(NONCE, str(i).encode()) for i in range(SLOTS + 1)]
    with pytest.raises(ValueError, match="1,024"):
        tick(records, SeededEntropy("x"))
    with pytest.raises(ValueError, match="once"):
        tick(records[:1] * 2, SeededEntropy("x"))
    with pytest.raises(ValueError, match="32"):
        tick([b"short"], SeededEntropy("x"))


def test_a_private_record_is_verified_through_its_tick() -> None:
    record = b'{"type":"bid"}'
    digest = blinded_digest(NONCE, record)
    ticked = tick([digest, blinded_digest(NONCE, b"another")], SeededEntropy("tick"))
    book = Logbook([b"x", b"y", ticked.entry])
    unblinding = Unblinding(NONCE, ticked.placements[digest])
    assert Unblinding.parse(bytes(unblinding)) == unblinding
    assert tick_entry(digest, unblinding.placement) == ticked.entry
    text = str(book.proof(2, "a", extra=bytes(unblinding)))
    accepted = verify_blinded(text, record, policy_of("a"), now=NOON)
    assert (accepted.index, accepted.size, accepted.time) == (2, 3, NOON)
    with pytest.raises(BadProof):
        verify_blinded(text, record + b" ", policy_of("a"), now=NOON)
    with pytest.raises(BadProof):
        verify_entry(text, record, policy_of("a"), now=NOON)
    moved = replace(unblinding, placement=replace(unblinding.placement, slot=unblinding.placement.slot ^ 1))
    with pytest.raises(BadProof):
        verify_blinded(str(book.proof(2, "a", extra=bytes(moved))), record, policy_of("a"), now=NOON)
    with pytest.raises(MalformedText):
        verify_blinded(str(book.proof(2, "a")), record, policy_of("a"), now=NOON)


def test_a_proof_file_of_a_stranger_log_proves_nothing() -> None:
    book = Logbook([ENTRY])
    text = str(book.proof(0, "a")).replace("log.example", "lag.example")
    with pytest.raises(BadSignature):
        verify_entry(text, ENTRY, policy_of("a"), now=NOON)


@pytest.mark.parametrize(
    "change",
    [
        (b"etender-unblinding/v1", b"etender-unblinding/v2"),
        (b"nonce 00", b"nonce 0"),
        (b"nonce 00", b"nonsense 00"),
        (b"slot 7", b"slot 07"),
        (b"slot 7", b"slot 1024"),
        (b"slot 7", b"slut 7"),
        (b"AAAA=\n", b"AAAA\n"),
        (b"slot 7\n", b"slot 7\n\n"),
        (b"slot", b"\xff"),
    ],
)
def test_what_is_not_an_unblinding_is_refused(change: tuple[bytes, bytes]) -> None:
    lines = [b"etender-unblinding/v1", b"nonce " + NONCE.hex().encode(), b"slot 7", *[b64(bytes(32)).encode()] * 10]
    good = b"\n".join([*lines, b""])
    assert Unblinding.parse(good).placement.slot == 7
    with pytest.raises(MalformedText):
        Unblinding.parse(good.replace(*change, 1))
