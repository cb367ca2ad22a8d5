"""The stored envelopes open. The browser's tests read the same file."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import pytest

from foundation.sealing import (
    BadPayload,
    BadShare,
    Header,
    KeyFile,
    Keyset,
    Manifest,
    Role,
    SealedPart,
    Truncated,
    content_key,
    open_header,
    open_part_bytes,
    padding,
    part_key,
    recover_from_escrow,
    recover_r_bid,
    recover_r_gate,
    root_of_digests,
    suite_named,
    unwrap_share,
)
from foundation.sealing.errors import Malformed
from foundation.sealing.keys import key_of_jwk
from foundation.sealing.suite import S1, PrivateKey, public_hex
from tests.unit.sealing import oracle, oracle_s2
from tests.unit.sealing.test_sealing_parsers import READERS

FOLDER = Path(__file__).resolve().parents[2] / "vectors"
FILES = {"S1": "sealing.json", "S2": "sealing_s2.json"}
VECTORS: dict[str, dict[str, Any]] = {
    name: json.loads((FOLDER / file).read_text(encoding="utf-8")) for name, file in FILES.items()
}
ORACLES = {"S1": oracle.open_part, "S2": oracle_s2.open_part}


def stored(kind: str) -> pytest.MarkDecorator:
    """Every case of a kind in both files, with the name of its suite."""
    pairs = [(name, case) for name, vectors in VECTORS.items() for case in vectors[kind]]
    named = [f"{name} {case.get('kind', '')} {case['name']}" for name, case in pairs]
    return pytest.mark.parametrize(("name", "case"), pairs, ids=named)


def b64(text: str) -> bytes:
    return base64.b64decode(text)


def keys(envelope: dict[str, Any], role: str) -> list[PrivateKey]:
    return [key_of_jwk(jwk) for jwk in envelope["private_keys"][role]]


@stored("envelopes")
def test_a_stored_envelope_opens_to_what_was_sealed(name: str, case: dict[str, Any]) -> None:
    envelope = case
    keyset = Keyset.parse(envelope["keyset"].encode())
    keyset.check_proofs()
    manifest = Manifest.parse(envelope["manifest"].encode())
    header = open_header(b64(envelope["header"]), manifest)
    assert (header.suite.name, manifest.suite.name, keyset.suite.name) == (name, name, name)
    signing = header.suite.load_public(bytes.fromhex(envelope["signing_public_key"]))
    assert header.suite.verifies(signing, b64(envelope["signature"]), manifest.raw)
    assert (keyset.hash, header.binding.keyset) == (envelope["keyset_hash"], envelope["keyset_hash"])
    assert (header.binding.raw, header.binding.hash.hex()) == (b64(envelope["binding"]), envelope["b"])
    assert (header.hash.hex(), manifest.envelope_hash) == (envelope["hh"], envelope["envelope_hash"])
    r_bids = {recover_r_bid(header, key).hex() for key in keys(envelope, "bidder")}
    r_gate = recover_r_gate(header, keyset, dict(enumerate(keys(envelope, "gate"))))
    assert (r_bids, r_gate.r_gate.hex(), r_gate.faults) == ({envelope["r_bid"]}, envelope["r_gate"], ())
    for i, key in enumerate(keys(envelope, "escrow")):
        assert unwrap_share(header, keyset, Role.ESCROW, i, key).hex() == envelope["escrow_shares"][i]
    if envelope["escrow_shares"]:
        offered = {i: bytes.fromhex(share) for i, share in enumerate(envelope["escrow_shares"])}
        assert recover_from_escrow(header, keyset, offered).hex() == envelope["r_bid"]
    halves = bytes.fromhex(envelope["r_bid"]), bytes.fromhex(envelope["r_gate"])
    cek = content_key(header, *halves)
    assert cek.raw.hex() == envelope["cek"]
    for kept, part in zip(envelope["parts"], manifest.parts, strict=True):
        opener, ciphertext = part_key(cek, part.id), b64(kept["ciphertext"])
        assert (opener.hex(), part.root) == (kept["part_key"], kept["root"])
        content = open_part_bytes(io.BytesIO(ciphertext), part, opener, header, limit_bytes=1 << 20)
        assert content == b64(kept["content"])
        assert ORACLES[name](header.raw, *halves, part.id, ciphertext) == content


@stored("bad_parts")
def test_a_stored_bad_part_is_refused_as_stated(name: str, case: dict[str, Any]) -> None:
    envelope = VECTORS[name]["envelopes"][0]
    key, header = bytes.fromhex(envelope["parts"][0]["part_key"]), Header.parse(b64(envelope["header"]))
    part = SealedPart("price_schedule", case["signed_size_bytes"], case["signed_root"])
    with pytest.raises((BadPayload, Truncated)) as failure:
        open_part_bytes(io.BytesIO(b64(case["ciphertext"])), part, key, header, limit_bytes=1 << 20)
    found = failure.value
    assert (found.code, found.fields["culprit"]) == (case["expect"], case["culprit"])
    assert found.fields.get("reason", "") == case["reason"]


@stored("bad_headers")
def test_a_stored_bad_header_is_refused_as_stated(name: str, case: dict[str, Any]) -> None:
    envelope = VECTORS[name]["envelopes"][0]
    keyset, header = Keyset.parse(envelope["keyset"].encode()), Header.parse(b64(case["header"]))

    def attempt() -> None:
        if case["verb"] == "recover_r_bid":
            recover_r_bid(header, keys(envelope, "bidder")[0])
        elif case["verb"] == "recover_r_gate":
            recover_r_gate(header, keyset, {i: keys(envelope, "gate")[i] for i in case["seats"]})
        else:
            custodians = keys(envelope, "escrow")
            offered = {i: unwrap_share(header, keyset, Role.ESCROW, i, custodians[i]) for i in case["seats"]}
            recover_from_escrow(header, keyset, offered)

    if case["expect"] == "ok":
        attempt()
        return
    with pytest.raises(BadShare) as failure:
        attempt()
    fields = failure.value.fields
    assert (failure.value.code, fields["culprit"], fields["reason"]) == (
        case["expect"],
        case["culprit"],
        case["reason"],
    )


@stored("parse")
def test_stored_bytes_are_read_or_refused_as_stated(name: str, case: dict[str, Any]) -> None:
    assert name in FILES
    if case["expect"] == "ok":
        READERS[case["kind"]](b64(case["data"]))
        return
    with pytest.raises(Malformed) as refused:
        READERS[case["kind"]](b64(case["data"]))
    assert (refused.value.code, refused.value.fields["reason"]) == (case["expect"], case["reason"])


@pytest.mark.parametrize("name", FILES)
def test_the_stored_formulas_hold(name: str) -> None:
    formulas, suite = VECTORS[name]["formulas"], suite_named(name)
    for case in formulas["commitments"]:
        found = suite.commitment(bytes.fromhex(case["b"]), case["role"], bytes.fromhex(case["secret"]))
        assert found == case["commit"]
    for case in formulas["wrap_info"]:
        assert suite.wrap_info(bytes.fromhex(case["b"]), case["role"]).hex() == case["info"]
    for case in formulas["padding"]:
        padded = padding.padded_size(case["content_bytes"])
        assert (padded, padding.ciphertext_size(padded)) == (case["padded_bytes"], case["ciphertext_bytes"])
    for case in formulas["roots"]:
        assert root_of_digests([bytes.fromhex(digest) for digest in case["digests"]], suite) == case["root"]
    for case in formulas["signatures"]:
        key = key_of_jwk(case["private_key"])
        message = bytes.fromhex(case["message"])
        assert public_hex(key) == case["public_key"]
        assert suite.verifies(key.public_key(), b64(case["signature"]), message)
        if suite is S1:
            assert suite.sign(key, message) == b64(case["signature"])  # RFC 6979
        else:
            assert oracle_s2.is_signed(bytes.fromhex(case["public_key"]), message, b64(case["signature"]))


@pytest.mark.parametrize("name", FILES)
def test_the_stored_key_file_opens(name: str) -> None:
    case = VECTORS[name]["key_file"]
    file = KeyFile.parse(b64(case["file"]), case["passphrase"])
    assert file.public_key.hex() == case["public_key"]
    assert file.payload().decode() == case["payload"]
