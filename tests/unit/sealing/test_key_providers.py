"""Keys by what they can do: key files, PKCS#12 files of a CA, and a token that keeps its key to itself."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from foundation.entropy import SeededEntropy
from foundation.sealing import (
    S1,
    S2,
    CannotSeal,
    CertifiedKey,
    HeldKey,
    KeyProvider,
    PartSource,
    Pkcs12Refused,
    Sealed,
    Suite,
    WrongKey,
    fingerprint,
    generate_key,
    is_pkcs12,
    provider_of,
    recover_r_bid,
    seal,
)
from foundation.sealing.suite import public_bytes
from tests.support.certificates import PASSPHRASE, certificate, encryption_p12, p12, signing_p12, usage
from tests.unit.sealing.story import SCHEDULE, Store, fixed_key, make_binding, make_keyset

B = bytes(range(32))
SECRET = bytes(reversed(range(32)))


@dataclass
class Token:
    """A device: it signs and unwraps, and has no way to give its key away."""

    suite: Suite = S1
    acts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.__key = generate_key(self.suite)

    @property
    def public_key(self) -> bytes:
        return public_bytes(self.__key.public_key())

    def sign(self, message: bytes) -> bytes:
        self.acts.append("sign")
        return self.suite.sign(self.__key, message)

    def unwrap(self, b: bytes, role: str, wrapped: bytes) -> bytes | None:
        self.acts.append("unwrap")
        return self.suite.unwrap(self.__key, b, role, wrapped)


def seal_with(signer: KeyProvider, recipient: bytes) -> Sealed:
    keyset = make_keyset([fixed_key(f"gate {i}") for i in range(3)], [])
    source = PartSource("price_schedule", io.BytesIO(SCHEDULE), len(SCHEDULE))
    binding = make_binding(keyset, ["price_schedule"])
    return seal(binding, keyset, [recipient], [source], Store().sink, signer, SeededEntropy("token"))


def test_a_token_signs_a_bid_and_opens_it_without_showing_its_key() -> None:
    signer, opener = Token(), Token()
    story = seal_with(signer, opener.public_key)
    assert S1.verifies(S1.load_public(signer.public_key), story.signature, story.manifest.raw)
    assert len(recover_r_bid(story.header, opener)) == 32
    assert (signer.acts, opener.acts) == (["sign"], ["unwrap"])
    with pytest.raises(WrongKey):
        recover_r_bid(story.header, signer)
    assert isinstance(opener, KeyProvider)


def test_a_token_of_another_suite_is_refused_before_anything_is_encrypted() -> None:
    with pytest.raises(CannotSeal) as refused:
        seal_with(Token(S2), Token().public_key)
    assert refused.value.fields["reason"] == "signing_key"
    sealed = seal_with(Token(), Token().public_key)
    foreign = Token(S2)
    with pytest.raises(WrongKey):
        recover_r_bid(sealed.header, foreign)
    assert foreign.acts == []  # it is not even asked


def test_a_private_key_is_a_provider_by_being_held() -> None:
    key = generate_key()
    held = provider_of(key)
    assert held == HeldKey(key)
    assert provider_of(held) is held
    assert "private_key" not in repr(held)


def test_the_key_of_a_signing_certificate_signs_and_does_not_open() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    read = CertifiedKey.parse(signing_p12(key), PASSPHRASE)
    assert read.suite is S1
    assert S1.verifies(S1.load_public(read.public_key), read.sign(b"manifest"), b"manifest")
    wrapped = S1.wrap(key.public_key(), B, "bidder", SECRET)
    with pytest.raises(Pkcs12Refused) as refused:
        read.unwrap(B, "bidder", wrapped)
    assert refused.value.fields["reason"] == "not_for_opening"
    assert "BEGIN CERTIFICATE" in read.pem
    assert "PRIVATE" not in read.pem


def test_the_key_of_an_encryption_certificate_opens_and_does_not_sign() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    read = CertifiedKey.parse(encryption_p12(key), PASSPHRASE)
    assert read.unwrap(B, "bidder", S1.wrap(key.public_key(), B, "bidder", SECRET)) == SECRET
    with pytest.raises(Pkcs12Refused) as refused:
        read.sign(b"manifest")
    assert refused.value.fields["reason"] == "not_for_signing"


def test_a_certificate_that_says_no_usage_is_good_for_nothing() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    read = CertifiedKey.parse(p12(key, certificate(key, None)), PASSPHRASE)
    assert (read.is_for_signing, read.is_for_opening) == (False, False)


def test_what_is_no_use_here_is_refused_by_name() -> None:
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
    both = usage(signs=True, opens=True)
    rsa_key = rsa.generate_private_key(65537, 2048)
    cases = {
        "key_kind": [p12(other, certificate(other, both)), p12(rsa_key, certificate(rsa_key, both))],
        "no_key": [p12(key, None)],
        "too_large": [b"\x30" + bytes(300_000)],
    }
    for reason, files in cases.items():
        for data in files:
            with pytest.raises(Pkcs12Refused) as refused:
                CertifiedKey.parse(data, PASSPHRASE)
            assert refused.value.fields["reason"] == reason
    for data, passphrase in ((signing_p12(key), "another"), (b"\x30\x82nonsense", PASSPHRASE), (b"", PASSPHRASE)):
        with pytest.raises(WrongKey):
            CertifiedKey.parse(data, passphrase)


def test_a_pkcs12_file_is_told_from_an_age_file_and_knows_its_days() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    assert is_pkcs12(signing_p12(key))
    assert not is_pkcs12(b"age-encryption.org/v1\n")
    until = datetime(2026, 11, 24, tzinfo=UTC)
    read = CertifiedKey.parse(p12(key, certificate(key, usage(signs=True, opens=False), until)), PASSPHRASE)
    assert read.is_valid_at(until)
    assert not read.is_valid_at(until + timedelta(seconds=1))


def test_a_fingerprint_is_sixteen_characters_bound_to_the_lot() -> None:
    point = bytes.fromhex("04" + "11" * 64)
    shown = fingerprint("T1", "L1", point)
    assert shown == "ZMMV-B3QB-DG2Y-SVZ1"
    assert len({shown, fingerprint("T1", "L2", point), fingerprint("T2", "L1", point)}) == 3
