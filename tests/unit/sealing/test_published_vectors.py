"""Vectors that others published, for the parts everything rests on: product and stand-alone verifier alike."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import foundation.sealing.keys as key_files
from foundation.errors import CentreError
from foundation.sealing import S1, suite_s1
from foundation.transparency.keys import Algorithm, VerifierKey
from foundation.verifier import suites

VECTORS: dict[str, Any] = json.loads(
    (Path(__file__).resolve().parents[2] / "vectors" / "published.json").read_text(encoding="utf-8")
)
VERIFIER = suites.Suite1()


def raw(text: str) -> bytes:
    return bytes.fromhex(text)


def test_the_vectors_are_all_there() -> None:
    counts = {name: len(cases) for name, cases in VECTORS.items() if isinstance(cases, list)}
    assert counts == {"ecdsa_p256": 262, "ed25519": 151, "hkdf_sha512": 76}
    assert len(VECTORS["age_scrypt"]) == 24


def test_rfc_9180s_key_schedule_opens_a_wrap_in_product_and_verifier(monkeypatch: pytest.MonkeyPatch) -> None:
    """The published exchange with the published keys; our wraps have no associated data, so the last step is redone."""
    case = VECTORS["hpke"]
    message, private = b"32 bytes of somebody's half ....", S1.private_key(raw(case["skRm"]))
    assert isinstance(private, ec.EllipticCurvePrivateKey)
    sealed = AESGCM(raw(case["key"])).encrypt(raw(case["base_nonce"]), message, b"")
    wrapped = raw(case["enc"]) + sealed
    assert suite_s1._HPKE.decrypt(wrapped, private, raw(case["info"])) == message
    monkeypatch.setattr(suites, "lines_of", lambda *_: raw(case["info"]))
    assert VERIFIER.unwrap(private, "", "", wrapped) == message
    for one, nonce in zip(case["encryptions"], (0, 1), strict=True):
        counted = (int.from_bytes(raw(case["base_nonce"]), "big") ^ nonce).to_bytes(12, "big")
        assert AESGCM(raw(case["key"])).decrypt(counted, raw(one["ct"]), raw(one["aad"])) == raw(one["pt"])


def test_signatures_of_bidders_and_holders_get_the_published_verdicts() -> None:
    differing = []
    for number, point, message, signature, result in VECTORS["ecdsa_p256"]:
        try:
            found = S1.verifies(S1.load_public(raw(point)), raw(signature), raw(message))
        except ValueError:
            found = False
        read = VERIFIER.signature_holds(raw(point), raw(signature), raw(message))
        if {found, read} != {result == "valid"}:
            differing.append((number, found, read, result))
    assert differing == []


def test_signatures_of_the_log_get_the_published_verdicts() -> None:
    differing = []
    for number, key, message, signature, result in VECTORS["ed25519"]:
        verifier = VerifierKey("vectors.test", Algorithm.ED25519, raw(key))
        if verifier.is_signature(raw(signature), raw(message)) != (result == "valid"):
            differing.append(number)
    assert differing == []


def test_the_key_derivation_gives_the_published_bytes() -> None:
    for number, material, salt, info, size, output, _ in VECTORS["hkdf_sha512"]:
        extracted = VERIFIER.mac(raw(salt) or bytes(64), raw(material))
        assert VERIFIER.expand(extracted, raw(info), size) == raw(output), number


@pytest.mark.parametrize("name", VECTORS["age_scrypt"])
def test_key_files_under_a_passphrase_open_or_not_as_published(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key_files, "pause", lambda _: None)
    case = VECTORS["age_scrypt"][name]
    data = base64.b64decode(case["file"])
    for passphrase in case["passphrases"]:
        if case["expect"] == "success":
            opened = key_files.decrypted(data, passphrase)
            assert hashlib.sha256(opened).hexdigest() == case["payload"]
        else:
            with pytest.raises(CentreError):
                key_files.decrypted(data, passphrase)
