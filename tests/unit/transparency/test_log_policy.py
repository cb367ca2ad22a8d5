from __future__ import annotations

import json
from datetime import timedelta

import pytest

from foundation.transparency.errors import BadSignature, MalformedText, QuorumNotMet
from foundation.transparency.keys import Algorithm, SigningKey
from foundation.transparency.notes import Note, SignatureLine, cosign
from foundation.transparency.policy import Policy
from tests.unit.transparency.logbook import NOON, ORIGIN, VECTORS, Logbook, cosigner_key, log_key, policy_of

LOG = f"log {log_key().verifier}\n"
A, B, C = (f"witness {name} {cosigner_key(name).verifier}\n" for name in "abc")
BOOK = Logbook([b"one"])


def _cosigned(**times: int) -> str:
    note = Note.parse(BOOK.checkpoint())
    lines = [cosign(note.text, cosigner_key(name), NOON + timedelta(seconds=s)) for name, s in times.items()]
    return str(note.with_signatures(lines))


def test_a_checkpoint_of_a_public_log_is_accepted_under_its_four_public_witnesses() -> None:
    case = json.loads((VECTORS / "tlog" / "cosigned-checkpoint.json").read_text(encoding="utf-8"))
    names = case["cosigner_vkeys"]
    witnesses = "".join(f"witness {name} {vkey}\n" for name, vkey in names.items())
    policy = Policy.parse(f"log {case['log_vkey']}\n{witnesses}group all4 all {' '.join(names)}\nquorum all4\n")
    accepted = policy.verify(case["note"], now=None)
    assert accepted.checkpoint.size == 1_432_088_532
    assert accepted.cosigners == tuple(sorted(names))
    with pytest.raises(BadSignature):
        policy.verify(case["note"].replace("1432088532", "1432088533"), now=None)


def test_a_quorum_is_counted_and_timed_by_its_kth_cosignature() -> None:
    policy = Policy.parse(LOG + A + B + C + "group g 2 a b c\nquorum g\n")
    accepted = policy.verify(_cosigned(a=9, b=5, c=7), now=NOON)
    assert accepted.cosigners == ("a", "b", "c")
    assert accepted.cosigned_at == NOON + timedelta(seconds=7)
    assert accepted.log_key == log_key().verifier
    with pytest.raises(QuorumNotMet) as caught:
        policy.verify(_cosigned(b=5), now=NOON)
    assert caught.value.fields == {"quorum": "g", "cosigned": ["b"], "future": []}


def test_groups_of_groups_are_counted_from_the_inside() -> None:
    policy = Policy.parse(LOG + A + B + C + "group inner any a b\ngroup outer all inner c\nquorum outer\n")
    assert policy.verify(_cosigned(b=1, c=3), now=NOON).cosigned_at == NOON + timedelta(seconds=3)
    with pytest.raises(QuorumNotMet):
        policy.verify(_cosigned(a=1, b=1), now=NOON)


def test_two_cosignatures_by_one_key_are_not_two_cosigners() -> None:
    policy = Policy.parse(LOG + A + B + "group g all a b\nquorum g\n")
    note = Note.parse(_cosigned(a=0)).with_signatures(
        [cosign(Note.parse(_cosigned()).text, cosigner_key("a"), NOON + timedelta(1))]
    )
    assert len(note.signatures) == 3
    with pytest.raises(QuorumNotMet):
        policy.verify(str(note), now=None)
    assert policy.verify(_cosigned(a=0, b=0), now=NOON)


def test_a_cosignature_from_the_future_does_not_count() -> None:
    policy = policy_of("a", "b")
    with pytest.raises(QuorumNotMet) as caught:
        policy.verify(_cosigned(a=0, b=3600), now=NOON)
    assert caught.value.fields["future"] == ["b"]
    assert policy.verify(_cosigned(a=0, b=3600), now=NOON + timedelta(hours=1)).cosigners == ("a", "b")
    assert policy.verify(_cosigned(a=0, b=3600), now=None).cosigners == ("a", "b")


def test_without_a_quorum_the_log_alone_is_believed_and_no_time_is_stated() -> None:
    accepted = Policy.parse(LOG + A + "quorum none\n").verify(_cosigned(), now=NOON)
    assert (accepted.cosigners, accepted.cosigned_at) == ((), None)


def test_a_checkpoint_the_log_did_not_sign_is_refused_whoever_cosigned_it() -> None:
    note = Note.parse(_cosigned(a=0))
    with pytest.raises(BadSignature):
        policy_of("a").verify(str(Note(note.text, note.signatures[1:])), now=NOON)


def test_a_key_for_another_origin_does_not_vouch_for_this_log() -> None:
    other = SigningKey("other.example", Algorithm.ED25519, log_key().seed)
    policy = Policy.parse(f"log {other.verifier}\n{A}quorum a\n")
    with pytest.raises(BadSignature):
        policy.verify(_cosigned(a=0), now=NOON)


def test_a_forged_cosignature_condemns_the_checkpoint() -> None:
    forged = SignatureLine("cosigner.example/b", cosigner_key("b").verifier.key_id, bytes(72))
    note = Note.parse(_cosigned(a=0)).with_signatures([forged])
    with pytest.raises(BadSignature):
        Policy.parse(LOG + A + B + "group g any a b\nquorum g\n").verify(str(note), now=NOON)


def test_a_policy_survives_writing_and_reading_and_ignores_comments() -> None:
    log = f" \t log\t{log_key().verifier}   https://log.example/ \n"
    text = f"# 信任谁\n\n{log}{A}{B}  # both\ngroup g all a b\nquorum g\n"
    policy = Policy.parse(text)
    assert Policy.parse(str(policy)) == policy
    assert policy.logs[0].url == "https://log.example/"
    assert policy.groups[0].threshold == 2


def test_a_cosigner_with_the_logs_own_key_is_reported() -> None:
    own = SigningKey("cosigner.example/own", Algorithm.COSIGNATURE, log_key().seed)
    assert Policy.parse(f"{LOG}{A}witness own {own.verifier}\nquorum a\n").overlaps() == ("own",)
    assert policy_of("a").overlaps() == ()


_ALIAS = SigningKey("alias.example", Algorithm.COSIGNATURE, cosigner_key("a").seed).verifier


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (LOG + A, "no_quorum"),
        (LOG + A + "quorum a\nquorum a\n", "line_quorum"),
        (LOG + A + "quorum b\n", "line_quorum"),
        ("quorum a\n" + A, "line_quorum"),
        (LOG + A + A + "quorum a\n", "key_repeated"),
        (LOG + LOG + "quorum none\n", "key_repeated"),
        (LOG + A + f"witness alias {_ALIAS}\nquorum a\n", "key_repeated"),
        (LOG + A + f"witness a {cosigner_key('b').verifier}\nquorum a\n", "name_taken"),
        (LOG + f"witness none {cosigner_key('b').verifier}\nquorum none\n", "name_taken"),
        (LOG + A + "group a any a\nquorum a\n", "name_taken"),
        (LOG + A + B + "group g 3 a b\nquorum g\n", "threshold"),
        (LOG + A + B + "group g 0 a b\nquorum g\n", "threshold"),
        (LOG + A + B + "group g 01 a b\nquorum g\n", "threshold"),
        (LOG + A + B + "group g some a b\nquorum g\n", "threshold"),
        (LOG + A + "group g any\nquorum g\n", "line_group"),
        (LOG + A + "group g any none\nquorum g\n", "member"),
        (LOG + A + "group g any g\nquorum g\n", "member"),
        (LOG + A + B + "group g 2 a a\nquorum g\n", "member"),
        (LOG + A + B + "group g any a\ngroup h any a b\nquorum h\n", "member"),
        (f"log {cosigner_key().verifier}\nquorum none\n", "algorithm"),
        (LOG + f"witness l {log_key().verifier}\nquorum l\n", "algorithm"),
        (LOG + "quorum\x0bnone\n", "characters"),
        (LOG + "quorum none", "no_final_newline"),
        (LOG + "trust me\nquorum none\n", "line_trust"),
        (f"log {log_key().verifier} url more\nquorum none\n", "line_log"),
    ],
)
def test_a_policy_that_says_less_or_more_than_one_thing_is_refused(text: str, reason: str) -> None:
    with pytest.raises(MalformedText) as caught:
        Policy.parse(text)
    assert caught.value.fields["reason"] == reason


def test_the_limits_the_specification_asks_for_are_kept() -> None:
    names = [f"w{i}" for i in range(32)]
    text = "".join(f"witness {name} {cosigner_key(name).verifier}\n" for name in names)
    text += "".join(f"log {log_key(name, f'{ORIGIN}/{name}').verifier}\n" for name in names)
    text += "".join(f"group g{i} any w{i}\n" for i in range(31)) + "group g31 all w31\nquorum g31\n"
    assert len(Policy.parse(text).groups) == 32
