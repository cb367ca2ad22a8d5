from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from foundation.entropy import SeededEntropy
from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.errors import BadSignature, KeyFileExposed, MalformedText
from foundation.transparency.keys import Algorithm, SigningKey, VerifierKey, load_key, load_or_create_key
from foundation.transparency.merkle import EMPTY_ROOT
from foundation.transparency.notes import Note, SignatureLine, cosign, is_future, sign_note, signed_note, verified
from tests.unit.transparency.logbook import NOON, ORIGIN, VECTORS, Logbook, cosigner_key, log_key


def test_the_example_of_the_note_specification_verifies() -> None:
    case = json.loads((VECTORS / "tlog" / "signed-note-example.json").read_text(encoding="utf-8"))
    key = VerifierKey.parse(case["vkey"])
    assert str(key) == case["vkey"]
    note = Note.parse(case["note"])
    assert str(note) == case["note"]
    assert [signer.key for signer in verified(note, [key])] == [key]
    with pytest.raises(BadSignature):
        verified(Note("This is another message.\n", note.signatures), [key])


@pytest.mark.parametrize(
    "vkey",
    [
        "remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2",
        "TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6",
    ],
)
def test_keys_of_other_implementations_are_read(vkey: str) -> None:
    assert str(VerifierKey.parse(vkey)) == vkey


@pytest.mark.parametrize(
    ("vkey", "reason"),
    [
        ("example.com+12344556", "parts"),
        ("example.com+12345678+THIS_IS_NOT_BASE64!", "base64"),
        ("example.com+12345678+AwEB", "algorithm"),
        ("example.com+NOTAHEXX+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6", "hex"),
        ("TEST+7997405d+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6", "key_id"),
        ("TEST+7997405c+AQcC", "key_length"),
        (" +7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6", "characters"),
    ],
)
def test_a_broken_key_text_is_refused(vkey: str, reason: str) -> None:
    with pytest.raises(MalformedText) as caught:
        VerifierKey.parse(vkey)
    assert caught.value.fields["reason"] == reason


def test_a_note_is_the_word_of_its_signer_and_of_nobody_else() -> None:
    note = Note.parse(signed_note("hello\n", log_key()))
    assert [signer.key for signer in verified(note, [log_key().verifier])] == [log_key().verifier]
    with pytest.raises(BadSignature) as caught:
        verified(note, [log_key("another").verifier])
    assert caught.value.fields["reason"] == "no_trusted_signature"


def test_lines_of_unknown_keys_are_ignored() -> None:
    stranger = SignatureLine("stranger.example", b"\0\0\0\1", b"x" * 3000)
    namesake = SignatureLine(ORIGIN, b"\0\0\0\1", b"x" * 64)
    note = Note.parse(signed_note("hello\n", log_key())).with_signatures([stranger, namesake])
    assert len(verified(Note.parse(str(note)), [log_key().verifier])) == 1


def test_a_wrong_line_of_a_known_key_condemns_the_note() -> None:
    good = Note.parse(signed_note("hello\n", log_key(), log_key("other", "other.example")))
    forged = SignatureLine(ORIGIN, log_key().verifier.key_id, b"\0" * 64)
    note = Note(good.text, (good.signatures[1], forged))
    assert verified(note, [log_key("other", "other.example").verifier])
    with pytest.raises(BadSignature):
        verified(note, [log_key("other", "other.example").verifier, log_key().verifier])


def test_two_cosignatures_by_one_key_count_once_with_the_earlier_time() -> None:
    key = cosigner_key()
    lines = (cosign("hello\n", key, NOON + timedelta(minutes=1)), cosign("hello\n", key, NOON))
    signers = verified(Note("hello\n", lines), [key.verifier])
    assert [(signer.key, signer.at) for signer in signers] == [(key.verifier, NOON)]


def test_one_key_under_two_names_counts_once() -> None:
    first = cosigner_key()
    second = SigningKey("cosigner.example/alias", Algorithm.COSIGNATURE, first.seed)
    note = Note("hello\n", (cosign("hello\n", first, NOON), cosign("hello\n", second, NOON)))
    assert len(verified(note, [first.verifier, second.verifier])) == 1


def test_a_cosignature_is_bound_to_its_time() -> None:
    line = cosign("hello\n", cosigner_key(), NOON)
    moved = (int(NOON.timestamp()) - 1).to_bytes(8, "big") + line.signature[8:]
    with pytest.raises(BadSignature):
        verified(Note("hello\n", (SignatureLine(line.name, line.key_id, moved),)), [cosigner_key().verifier])


def test_a_note_signature_cannot_pass_for_a_cosignature_of_the_same_key() -> None:
    seed = cosigner_key().seed
    as_note_key = SigningKey("cosigner.example/a", Algorithm.ED25519, seed)
    line = sign_note("hello\n", as_note_key)
    disguised = SignatureLine(line.name, cosigner_key().verifier.key_id, bytes(8) + line.signature)
    with pytest.raises(BadSignature):
        verified(Note("hello\n", (disguised,)), [cosigner_key().verifier])


def test_a_key_signs_only_in_its_own_way() -> None:
    with pytest.raises(ValueError, match="cosign"):
        sign_note("hello\n", cosigner_key())
    with pytest.raises(ValueError, match="sign_note"):
        cosign("hello\n", log_key(), NOON)
    with pytest.raises(ValueError, match="aware"):
        cosign("hello\n", cosigner_key(), datetime(2026, 11, 25))  # noqa: DTZ001 - the point of the test


def test_future_is_what_no_honest_clock_explains() -> None:
    assert not is_future(NOON + timedelta(seconds=30), NOON)
    assert is_future(NOON + timedelta(seconds=31), NOON)
    assert not is_future(NOON + timedelta(days=1), None)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no signatures\n", "no_blank_line"),
        ("text\n\n", "no_signature"),
        ("text\n\n— name AAAAAAA=", "no_signature"),
        ("te\txt\n\n— name AAAAAAA=\n", "control_character"),
        ("text\n\n- name AAAAAAA=\n", "parts"),
        ("text\n\n— name\n", "parts"),
        ("text\n\n— na+me AAAAAAA=\n", "characters"),
        ("text\n\n— name AAAAAA==\n", "length"),
        ("text\n\n— name AAAAAAB=\n", "base64"),
        ("text\n\n— name AAAAAAA=\n" + "— name AAAAAAA=\n" * 100, "too_many_signatures"),
        ("\ud800\n\n— name AAAAAAA=\n", "utf8"),
        ("x" * 1_000_001, "too_large"),
    ],
)
def test_what_is_not_a_note_is_refused(text: str, reason: str) -> None:
    with pytest.raises(MalformedText) as caught:
        Note.parse(text)
    assert caught.value.fields["reason"] == reason


def test_text_may_hold_blank_lines() -> None:
    text = "one\n\ntwo\n"
    assert Note.parse(signed_note(text, log_key())).text == text


def test_a_checkpoint_survives_writing_and_reading() -> None:
    checkpoint = Checkpoint(ORIGIN, 0, EMPTY_ROOT, ("extension",))
    assert Checkpoint.parse(str(checkpoint)) == checkpoint
    assert checkpoint.is_plausible
    assert not Checkpoint(ORIGIN, 0, bytes(32)).is_plausible
    with pytest.raises(ValueError, match="origin"):
        checkpoint.signed(log_key(origin="elsewhere.example"))


@pytest.mark.parametrize(
    "text",
    [
        "origin\n1\n",
        "\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n01\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n-1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n１\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n9223372036854775808\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n",
        "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=\n",
        "origin\n1\nAAAA\n",
        "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\nx\n",
        "origin\n1\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
    ],
)
def test_what_is_not_a_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(MalformedText):
        Checkpoint.parse(text)


def test_a_key_file_is_made_once_and_for_its_owner_alone(tmp_path) -> None:
    path = tmp_path / "keys" / "cosigner.key"
    key = load_or_create_key(path, "cosigner.example/a", Algorithm.COSIGNATURE, SeededEntropy("first"))
    assert path.stat().st_mode & 0o777 == 0o600
    again = load_or_create_key(path, "cosigner.example/a", Algorithm.COSIGNATURE, SeededEntropy("second"))
    assert again == key == load_key(path)
    assert [child.name for child in path.parent.iterdir()] == ["cosigner.key"]
    assert key.seed.hex() not in repr(key)
    with pytest.raises(MalformedText):
        load_or_create_key(path, "cosigner.example/b", Algorithm.COSIGNATURE, SeededEntropy("second"))


def test_a_key_file_others_can_read_is_refused(tmp_path) -> None:
    path = tmp_path / "log.key"
    load_or_create_key(path, ORIGIN, Algorithm.ED25519, SeededEntropy("first"))
    path.chmod(0o640)
    with pytest.raises(KeyFileExposed) as caught:
        load_key(path)
    assert caught.value.fields["mode"] == "0640"


@pytest.mark.parametrize("change", [("PRIVATE", "PUBLIC"), ("+KEY+", "+KEY+x"), ("+AXNz", "+AXNy"), ("+AXNz", "+CXNz")])
def test_a_broken_key_file_is_refused(change: tuple[str, str]) -> None:
    text = SigningKey(ORIGIN, Algorithm.ED25519, b"s" * 32).private_text()
    with pytest.raises(MalformedText):
        SigningKey.parse(text.replace(*change, 1))


def test_the_logbook_signs_what_it_holds() -> None:
    book = Logbook([b"one", b"two"])
    note = Note.parse(book.checkpoint())
    assert Checkpoint.parse(note.text) == Checkpoint(ORIGIN, 2, book.edge.root())
