"""The verifier's own cryptography against published cases, and its parts against the product's."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

from foundation.entropy import SystemEntropy
from foundation.sealing.sm2 import Sm2PrivateKey
from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.keys import Algorithm, SigningKey
from foundation.transparency.notes import Note, cosign, signed_note
from foundation.verifier import beacons, envelope, export, papers, reading, signed, stamps
from foundation.verifier.merkle import ProvenTree, check_consistency
from foundation.verifier.problems import Check, Missing, Problem
from foundation.verifier.suites import KNOWN_SUITES
from tests.support.tsa import TestAuthority, integer, sequence
from tests.unit.sealing import oracle

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
ENTROPY = SystemEntropy()


def unb64(text: str | None) -> bytes:
    return base64.b64decode(text or "")


def code_of(act: Callable[[], object]) -> str:
    """The code of the problem an act finds, "" for none."""
    try:
        act()
    except Problem as problem:
        return problem.code
    return ""


def test_the_published_inclusion_cases_give_their_published_verdicts() -> None:
    cases = json.loads((VECTORS / "rfc6962" / "inclusion.json").read_text(encoding="utf-8"))
    for name, case in cases.items():
        path = [unb64(one) for one in case["proof"] or ()]
        tree = ProvenTree(case["treeSize"], unb64(case["root"]))
        prove = partial(tree.prove, case["leafIdx"], unb64(case["leafHash"]), path, name)
        # Twice: the second time from what is known.
        assert [code_of(prove), code_of(prove)] == ["log.inclusion" if case["wantErr"] else ""] * 2, name


def test_the_published_consistency_cases_give_their_published_verdicts() -> None:
    """Trees of one size and trees of none prove nothing here, whatever others say of them."""
    cases = json.loads((VECTORS / "rfc6962" / "consistency.json").read_text(encoding="utf-8"))
    accepted = 0
    for name, case in cases.items():
        proof = [unb64(one) for one in case["proof"] or ()]
        sizes, roots = (case["size1"], case["size2"]), (unb64(case["root1"]), unb64(case["root2"]))
        is_good = 0 < sizes[0] < sizes[1] and not case["wantErr"]
        code = code_of(partial(check_consistency, *sizes, *roots, proof, name))
        assert code == ("" if is_good else "log.consistency"), name
        accepted += is_good
    assert accepted >= 3


def test_a_known_node_does_not_excuse_a_wrong_path() -> None:
    hashes = [hashlib.sha256(bytes([number])).digest() for number in range(7)]
    from foundation.transparency.merkle import inclusion_proof, node_hash, root_of

    def read(level: int, index: int) -> bytes:
        return hashes[index] if not level else node_hash(read(level - 1, 2 * index), read(level - 1, 2 * index + 1))

    tree = ProvenTree(7, root_of(hashes))
    for index in range(7):
        path = inclusion_proof(read, index, 7)
        tree.prove(index, hashes[index], path, "")
        for step in range(len(path)):
            wrong = [*path]
            wrong[step] = bytes(32)
            with pytest.raises(Problem):
                tree.prove(index, hashes[index], wrong, "")
        for wrong in (path[:-1], [*path, bytes(32)]):
            with pytest.raises(Problem):
                tree.prove(index, hashes[index], wrong, "")


def head(sizes: list[SigningKey], at: datetime, log: SigningKey) -> bytes:
    text = str(Checkpoint(log.name, 5, bytes(range(32))))
    return str(Note.parse(signed_note(text, log)).with_signatures([cosign(text, key, at) for key in sizes])).encode()


def test_a_quorum_counts_keys_and_not_lines_and_not_the_future() -> None:
    log = SigningKey.generate("log.test", Algorithm.ED25519, ENTROPY)
    one, two = (SigningKey.generate(f"c{n}.test", Algorithm.COSIGNATURE, ENTROPY) for n in (1, 2))
    policy = f"log {log.verifier}\nwitness a {one.verifier}\nwitness b {two.verifier}\ngroup g 2 a b\nquorum g\n"
    trust = signed.read_trust(policy.encode(), "policy.txt")
    at = datetime(2026, 11, 24, 1, 30, tzinfo=UTC)
    assert signed.read_head(head([one, two], at, log), trust, at, "").at == at
    text = head([one, one], at, log) + head([one], at + timedelta(seconds=1), log).split(b"\n")[-2] + b"\n"
    for note, now in ((text, at), (head([one], at, log), at), (head([one, two], at, log), at - timedelta(minutes=1))):
        with pytest.raises(Problem, match=r"log\.quorum"):
            signed.read_head(note, trust, now, "")
    with pytest.raises(Problem, match=r"policy\.key_twice"):
        signed.read_trust(policy.replace(str(two.verifier), str(one.verifier)).encode(), "policy.txt")
    grouped = policy.replace("quorum g", "group h 1 a\nquorum g")
    with pytest.raises(Problem, match=r"format\.policy"):
        signed.read_trust(grouped.encode(), "policy.txt")


def test_the_public_checkpoint_of_four_cosigners_is_accepted() -> None:
    case = json.loads((VECTORS / "tlog" / "cosigned-checkpoint.json").read_text(encoding="utf-8"))
    names = [f"witness w{n} {vkey}" for n, vkey in enumerate(case["cosigner_vkeys"].values())]
    members = " ".join(f"w{n}" for n in range(len(names)))
    text = "\n".join([f"log {case['log_vkey']}", *names, f"group all all {members}", "quorum all", ""])
    found = signed.read_head(case["note"].encode(), signed.read_trust(text.encode(), ""), None, "")
    assert (found.size, len(found.cosigners)) == (1432088532, 4)


def test_wraps_and_shares_are_read_as_the_product_made_them() -> None:
    from foundation.sealing import shares
    from foundation.sealing.suite import SUITES

    b = hashlib.sha256(b"binding").digest()
    for name, made in SUITES.items():
        suite, key, other = KNOWN_SUITES[name], made.generate_key(), made.generate_key()
        scalar = (
            key.scalar if isinstance(key, Sm2PrivateKey) else key.private_numbers().private_value.to_bytes(32, "big")
        )
        read = suite.private_key(scalar.hex(), "")
        wrapped = made.wrap(key.public_key(), b, "gate/1", bytes(33))
        assert suite.unwrap(read, b.hex(), "gate/1", wrapped) == bytes(33)
        assert suite.unwrap(read, b.hex(), "gate/2", wrapped) is None
        assert suite.unwrap(read, b.hex(), "gate/1", made.wrap(other.public_key(), b, "gate/1", bytes(33))) is None
        assert suite.unwrap(read, b.hex(), "gate/1", bytes(len(wrapped))) is None
        signature = made.sign(key, b"message")
        assert suite.signature_holds(suite.point_of(read), signature, b"message")
        assert not suite.signature_holds(suite.point_of(read), signature, b"another")
        assert not suite.signature_holds(bytes(65), signature, b"message")
        assert suite.commitment(b.hex(), "gate", bytes(32)) == made.commitment(b, "gate", bytes(32))
        cek = made.content_key(bytes(32), bytes(range(32)), b)
        assert envelope.part_key_of(suite, bytes(32), bytes(range(32)), b, "p") == made.part_key(cek, "p")
    secret = ENTROPY.token(32)
    dealt = shares.split(secret, threshold=3, holders=5)
    assert envelope.combine(dealt[1:4]) == secret == shares.combine(dealt[2:])
    assert envelope.combine([dealt[0], dealt[0], dealt[1]]) is None
    assert envelope.combine([bytes(33), dealt[0]]) is None


@pytest.mark.parametrize("file", ["sealing.json", "sealing_s2.json"])
def test_stored_envelopes_open_by_the_verifier_alone(file: str) -> None:
    """Envelopes made long ago by the rules of the format page: signature, hashes, shares, keys and content."""
    stored = json.loads((VECTORS / file).read_text(encoding="utf-8"))
    for case in stored["envelopes"]:
        header = papers.read_header(unb64(case["header"]), "header")
        manifest = papers.read_manifest(case["manifest"].encode(), "manifest")
        suite, b = header.suite, header.b.hex()
        assert (manifest.header_hash, manifest.binding_hash) == (header.hh.hex(), b)
        assert manifest.envelope_hash == case["envelope_hash"]
        assert papers.read_holders(case["keyset"].encode(), "keyset").hash == header.binding["keyset"]
        signer = bytes.fromhex(case["signing_public_key"])
        assert suite.signature_holds(signer, unb64(case["signature"]), case["manifest"].encode())
        shares = {seat: bytes.fromhex(share) for seat, share in enumerate(case["gate_shares"])}
        for seat, share in shares.items():
            assert suite.commitment(b, f"gate/{seat}", share) == header.commit_gate_shares[seat]
        found = envelope.recombine(suite, shares, 2, b, "gate", header.commit_gate)
        assert found == bytes.fromhex(case["r_gate"])
        for part in case["parts"]:
            key = envelope.part_key_of(suite, bytes.fromhex(case["r_bid"]), found, header.b, part["id"])
            assert key.hex() == part["part_key"]
            sealed = unb64(part["ciphertext"])
            root = envelope.part_root(suite, list(envelope.segment_digests(suite, iter((sealed,)))))
            assert (len(sealed), root.hex()) == manifest.parts[part["id"]]
            pieces = envelope.decrypted(suite, key, part["id"], header.hh, iter((sealed,)), "part")
            assert envelope.content_of(pieces, "part", 1 << 22) == unb64(part["content"])


def test_a_chunked_payload_that_was_cut_or_extended_is_refused() -> None:
    from cryptography.cobblestone import Cobblestone256Encryptor

    key, hh = ENTROPY.token(32), bytes(32)
    for size in (4096, 16384, 40000, 65536):
        plain = bytes(range(256)) * (size // 256) + bytes(size % 256)
        made = Cobblestone256Encryptor(key, b"etender-part/v1\0part\0" + hh)
        sealed = made.update(plain) + made.finalize()

        def opened(raw: bytes, given: bytes = key) -> bytes:
            blocks = iter([raw[at : at + 7000] for at in range(0, len(raw), 7000)])
            return b"".join(envelope.decrypted(KNOWN_SUITES["S1"], given, "part", hh, blocks, ""))

        assert opened(sealed) == plain == oracle.decrypt_chunked(key, b"etender-part/v1\0part\0" + hh, sealed)
        for wrong in (sealed[:-1], sealed[:-17], sealed + b"\0", sealed[:40], sealed[: 56 + 16400], b""):
            if wrong != sealed:
                with pytest.raises(Problem):
                    opened(wrong)
        with pytest.raises(Problem, match=r"part\.key"):
            opened(sealed, bytes(32))


def test_the_published_beacons_give_their_published_verdicts() -> None:
    cases = json.loads((VECTORS / "drand_beacons.json").read_text(encoding="utf-8"))["beacons"]
    short = [one for one in cases if one["scheme"] == "bls-unchained-g1-rfc9380"]
    assert len(short) >= 3
    for case in short:
        assert beacons.is_beacon(case["round"], case["signature"], case["public_key"]) == case["valid"], case["name"]
    quicknet = next(one for one in short if one["name"] == "quicknet" and one["valid"])
    assert quicknet["public_key"] == beacons.QUICKNET_KEY
    deadline = datetime.fromtimestamp(beacons.GENESIS + 3 * (quicknet["round"] - 1) - beacons.DELAY, UTC)
    beacon = (quicknet["chain_hash"], quicknet["round"], quicknet["signature"])
    beacons.check_beacon(beacon, deadline, "")
    with pytest.raises(Problem, match=r"draw\.beacon"):
        beacons.check_beacon(beacon, deadline + timedelta(seconds=3), "")


def test_a_time_stamp_is_believed_only_under_roots_the_reader_chose(monkeypatch: pytest.MonkeyPatch) -> None:
    authority, stranger = TestAuthority(), TestAuthority()
    note = b"a checkpoint"
    imprint = hashlib.sha512(note).digest()
    from tests.support.tsa import SHA512, der, oid

    question = sequence(integer(1), sequence(sequence(oid(SHA512), der(0x05)), der(0x04, imprint)), integer(9))
    response = authority.respond(question)
    pem = [one.root.public_bytes(serialization.Encoding.PEM) for one in (authority, stranger)]
    assert abs(stamps.stamped_at(response, note, pem[0], "") - datetime.now(UTC)) < timedelta(minutes=5)  # noqa: TID251
    for raw, text, roots in ((response, note, pem[1]), (response, b"another", pem[0]), (response[:-1], note, pem[0])):
        with pytest.raises(Problem, match=r"stamp\.false"):
            stamps.stamped_at(raw, text, roots, "")
    monkeypatch.setitem(__import__("sys").modules, "rfc3161_client", None)
    with pytest.raises(Missing):
        stamps.stamped_at(response, note, pem[0], "")


@pytest.mark.parametrize(
    "text",
    [
        '{"a":1,"a":1}',
        '{"a":1.5}',
        '{"a":1e3}',
        '{"a":-0}',
        '{"a":9007199254740993}',
        '{"a":NaN}',
        '{"a":"\\ud800"}',
        "[1]",
        "",
        "{",
        '{"a":' * 20 + "1" + "}" * 20,
    ],
)
def test_json_that_two_readers_could_read_differently_is_refused(text: str) -> None:
    with pytest.raises(Problem):
        reading.read_canonical(text.encode(), "x")


@pytest.mark.parametrize("text", ["2026-02-30T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T00:00:00.1Z", "now"])
def test_an_impossible_instant_is_refused(text: str) -> None:
    with pytest.raises(Problem):
        reading.instant_of(text, "x")


def test_a_check_shows_twenty_problems_and_counts_the_rest() -> None:
    check = Check("V3")
    for number in range(25):
        check.add(Problem("leaf.twice", str(number)))
    assert (len(check.problems), check.more_problems, check.status) == (20, 5, "failed")


def test_the_modules_fit_into_one_file_and_the_file_is_always_the_same() -> None:
    text = export.single_file()
    assert text == export.single_file()
    assert "foundation." not in text.replace("# ", "")
    compile(text, "verify-bundle.py", "exec")
    present = {path.stem for path in Path(export.__file__).parent.glob("*.py")} - {"__init__", "export"}
    assert set(export.MODULES) == present


def test_every_code_has_words_in_both_languages() -> None:
    """Codes are found in the source; a code without words of its own has those of its group."""
    import re

    from foundation.verifier.wording import GROUPS, PROBLEMS

    source = "".join(path.read_text(encoding="utf-8") for path in Path(export.__file__).parent.glob("*.py"))
    codes: set[str] = set(re.findall(r'"([a-z]+\.[a-z0-9_]+)"', source)) - {"policy.txt"}
    named = {code for code in codes if code.partition(".")[0] in GROUPS}
    assert len(named) > 60
    words: dict[str, Any] = {**GROUPS, **PROBLEMS}
    for zh, en in words.values():
        assert re.search(r"[\u4e00-\u9fff]", zh)
        assert not re.search(r"[\u4e00-\u9fff]", en)
    assert set(PROBLEMS) <= codes
