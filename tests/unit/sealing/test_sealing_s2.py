"""Suite S2 (国密): published examples of its algorithms, and the edges of SM2 and of the payload."""

from __future__ import annotations

import hashlib
import io

import pytest
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from foundation.entropy import SeededEntropy
from foundation.sealing import (
    S2,
    BadPayload,
    Role,
    open_part_bytes,
    padding,
    sm2,
    unwrap_share,
)
from foundation.sealing.sm4_chunks import Sm4Decryptor, Sm4Encryptor
from foundation.sealing.suite import public_bytes
from tests.unit.sealing import forgeries, oracle_s2, two_keys
from tests.unit.sealing.published import EXAMPLE, nist, wycheproof
from tests.unit.sealing.story import Story, fixed_key, seal_story


@pytest.fixture(scope="module")
def story() -> Story:
    return seal_story("s2", suite=S2)


class Fixed:
    """Gives the nonce of the standard's example."""

    def token(self, size_bytes: int) -> bytes:
        return bytes.fromhex(EXAMPLE["k"])[:size_bytes]


# --- published examples -----------------------------------------------------------------------------------------------


def test_the_standards_signature_verifies_and_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    key = sm2.private_key(bytes.fromhex(EXAMPLE["private_key"]))
    assert key.point.hex().upper() == EXAMPLE["public_key"]
    message, wanted = EXAMPLE["sign"]["message"].encode(), bytes.fromhex(EXAMPLE["sign"]["r"] + EXAMPLE["sign"]["s"])
    assert sm2.verifies(key.public_key(), wanted, message)
    assert not sm2.verifies(key.public_key(), wanted, message + b"!")
    assert EXAMPLE["sign"]["id"].encode() == sm2.USER_ID
    monkeypatch.setattr(sm2, "_hedged", lambda _scalar, _message, entropy: sm2._plain(entropy))
    assert sm2.sign(key, message, Fixed()) == wanted


def test_the_standards_ciphertext_opens_and_is_made_again() -> None:
    key = sm2.private_key(bytes.fromhex(EXAMPLE["private_key"]))
    message, ciphertext = EXAMPLE["encrypt"]["message"].encode(), bytes.fromhex(EXAMPLE["encrypt"]["C1C3C2"])
    assert sm2.decrypt(key, ciphertext) == message
    assert sm2.encrypt(key.public_key(), message, Fixed()) == ciphertext


def test_the_published_sm3_digests() -> None:
    cases = nist("sm3-oscca.txt")
    assert len(cases) > 5
    for case in cases:
        message = bytes.fromhex(case["Msg"])[: int(case["Len"]) // 8]
        assert S2.digest(message).hex() == case["MD"]
        hasher = S2.hasher()
        for byte in message:
            hasher.update(bytes([byte]))
        assert (hasher.digest().hex(), hasher.digest().hex()) == (case["MD"], case["MD"])


def test_the_published_hmac_sm3_cases_give_their_verdicts() -> None:
    cases = wycheproof("hmac_sm3_test.json")
    assert len(cases) == 174
    for group, case in cases:
        size = group["tagSize"] // 8
        key, message, tag = (bytes.fromhex(case[name]) for name in ("key", "msg", "tag"))
        made = hmac.HMAC(key, hashes.SM3())
        made.update(message)
        assert (made.finalize()[:size] == tag) is (case["result"] == "valid"), case["comment"]
        assert (oracle_s2.mac(key, message)[:size] == tag) is (case["result"] == "valid")
        if size == 32:
            whole = hmac.HMAC(key, hashes.SM3())
            whole.update(message)
            try:
                whole.verify(tag)
            except InvalidSignature:
                assert case["result"] == "invalid"
            else:
                assert case["result"] == "valid"


def test_the_published_sm4_gcm_cases_give_their_verdicts() -> None:
    cases = [case for group, case in wycheproof("sm4_gcm_test.json") if group["ivSize"] == 96]
    assert {case["result"] for case in cases} == {"valid", "invalid"}
    for case in cases:
        key, nonce, aad, plain, sealed, tag = (
            bytes.fromhex(case[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")
        )
        opener = Cipher(algorithms.SM4(key), modes.GCM(nonce)).decryptor()
        opener.authenticate_additional_data(aad)
        try:
            opened = opener.update(sealed) + opener.finalize_with_tag(tag)
        except InvalidTag:
            assert case["result"] == "invalid", case["comment"]
        else:
            assert (case["result"], opened) == ("valid", plain), case["comment"]


def test_the_sm4_gcm_example_of_rfc_8998() -> None:
    (case,) = (
        one for one in nist("sm4-gcm-rfc8998.txt") if "GCM" in str(one) or ("TAG" in one and len(one["TAG"]) == 32)
    )
    sealer = Cipher(algorithms.SM4(bytes.fromhex(case["KEY"])), modes.GCM(bytes.fromhex(case["IV"]))).encryptor()
    sealer.authenticate_additional_data(bytes.fromhex(case["AAD"]))
    sealed = sealer.update(bytes.fromhex(case["PLAINTEXT"])) + sealer.finalize()
    assert (sealed.hex(), sealer.tag.hex()) == (case["CIPHERTEXT"], case["TAG"])


# --- SM2's edges ------------------------------------------------------------------------------------------------------


def test_a_nonce_depends_on_the_message_even_where_the_generator_repeats_itself() -> None:
    """A repeated nonce over two messages gives the private key away; a constant generator must not cause one."""
    key = fixed_key("s2 nonce", S2)
    assert isinstance(key, sm2.Sm2PrivateKey)
    one, again, two = (sm2.sign(key, message, Fixed()) for message in (b"one", b"one", b"two"))
    assert one == again
    # r - e is the x coordinate of the nonce's point: equal ones would mean an equal nonce.
    x = [
        (int.from_bytes(made[:32], "big") - _digest_of(key, m)) % sm2.ORDER
        for made, m in ((one, b"one"), (two, b"two"))
    ]
    assert x[0] != x[1]
    assert sm2.sign(key, b"one", SeededEntropy("another")) != one


def _digest_of(key: sm2.Sm2PrivateKey, message: bytes) -> int:
    head = len(sm2.USER_ID * 8).to_bytes(2, "big") + sm2.USER_ID
    generator = sm2.private_key((1).to_bytes(32, "big")).point[1:]
    curve = sm2.A.to_bytes(32, "big") + sm2.B.to_bytes(32, "big") + generator
    return int.from_bytes(S2.digest(S2.digest(head + curve + key.point[1:]) + message), "big")


def test_one_point_has_one_form() -> None:
    point = fixed_key("s2 point", S2).public_key().point  # type: ignore[union-attr]
    assert sm2.load_public(point).point == point
    x, y = int.from_bytes(point[1:33], "big"), int.from_bytes(point[33:], "big")
    bad = [
        point[:33],
        b"\6" + point[1:],
        b"\2" + point[1:33],
        b"\0",
        point + b"\0",
        point[:-1] + bytes([point[-1] ^ 1]),
        b"\4" + x.to_bytes(32, "big") + (sm2.P - y).to_bytes(32, "big")[:-1],
        b"\4" + bytes(64),
    ]
    if x + sm2.P < 1 << 256:
        bad.append(b"\4" + (x + sm2.P).to_bytes(32, "big") + point[33:])
    for other in bad:
        with pytest.raises(ValueError, match="SM2"):
            sm2.load_public(other)


@pytest.mark.parametrize("number", [0, sm2.ORDER - 1, sm2.ORDER, (1 << 256) - 1])
def test_a_private_key_out_of_range_is_none(number: int) -> None:
    with pytest.raises(ValueError, match="private key"):
        S2.private_key(number.to_bytes(32, "big"))
    with pytest.raises(ValueError, match="private key"):
        S2.private_key(b"\1")


@pytest.mark.parametrize("half", [bytes(32), sm2.ORDER.to_bytes(32, "big"), b"\xff" * 32])
def test_a_signature_out_of_range_is_none(half: bytes) -> None:
    key = fixed_key("s2 range", S2)
    good = S2.sign(key, b"message")
    assert len(good) == 64
    assert S2.verifies(key.public_key(), good, b"message")
    for bad in (half + good[32:], good[:32] + half, half + half, good[:-1], b"", good + b"\0"):
        assert not S2.verifies(key.public_key(), bad, b"message")


def test_a_signature_whose_point_is_at_infinity_signs_nothing() -> None:
    """The owner of a key can choose r and s so that s·G + t·P is no point; no message is signed by that."""
    key = fixed_key("s2 infinity", S2)
    assert isinstance(key, sm2.Sm2PrivateKey)
    secret = int.from_bytes(key.scalar, "big")
    s = 5
    t = -s * pow(secret, -1, sm2.ORDER) % sm2.ORDER
    r = (t - s) % sm2.ORDER
    assert not sm2.verifies(key.public_key(), r.to_bytes(32, "big") + s.to_bytes(32, "big"), b"message")


@pytest.mark.parametrize("at", [0, 1, 40, 64, 65, 96, 97, 120, 160])
def test_a_wrap_changed_anywhere_opens_for_nobody(story: Story, at: int) -> None:
    wrapped = bytearray(story.sealed.header.wraps.bidder[0])
    assert (len(wrapped), wrapped[0]) == (S2.secret_wrap_bytes, 4)
    b, key = story.binding.hash, story.bidder_keys[0]
    assert S2.unwrap(key, b, "bidder", bytes(wrapped)) == story.r_bid
    wrapped[at] ^= 1
    assert S2.unwrap(key, b, "bidder", bytes(wrapped)) is None


def test_a_wrap_of_another_length_opens_for_nobody(story: Story) -> None:
    wrapped, b, key = story.sealed.header.wraps.bidder[0], story.binding.hash, story.bidder_keys[0]
    for bad in (b"", wrapped[:65], wrapped[:97], wrapped[:98], wrapped[:-1], wrapped + b"\0", wrapped[1:]):
        assert S2.unwrap(key, b, "bidder", bad) is None


def test_a_secret_shorter_than_its_binding_digest_opens_for_nobody() -> None:
    key = fixed_key("s2 short", S2)
    assert isinstance(key, sm2.Sm2PrivateKey)
    short = sm2.encrypt(key.public_key(), b"short", SeededEntropy("short"))
    assert sm2.decrypt(key, short) == b"short"
    assert S2.unwrap(key, bytes(32), "bidder", short) is None


def test_every_wrap_opens_with_nothing_but_the_standards_algorithms(story: Story) -> None:
    header = story.sealed.header
    for role, keys, wraps in (
        ("gate", story.gate_keys, header.wraps.gate),
        ("escrow", story.escrow_keys, header.wraps.escrow),
    ):
        for i, (key, wrapped) in enumerate(zip(keys, wraps, strict=True)):
            share = oracle_s2.open_wrap(key.scalar, header.raw, f"{role}/{i}", wrapped)  # type: ignore[union-attr]
            assert share == unwrap_share(header, story.keyset, Role(role), i, key)
    point = public_bytes(story.signing_key.public_key())
    assert oracle_s2.is_signed(point, story.sealed.manifest.raw, story.sealed.signature)


# --- the payload ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 16383, 16384, 16385, 3 * 16384, 100_001])
@pytest.mark.parametrize("step", [1000, 16384, 16400, 1 << 20])
def test_a_payload_fed_in_any_pieces_opens_in_any_pieces(size: int, step: int) -> None:
    key, context, plain = b"k" * 32, b"context", hashlib.shake_128(b"p").digest(size)
    encryptor = Sm4Encryptor(key, context, b"s" * 24)
    sealed = _through(encryptor, plain, step)
    assert len(sealed) == padding.ciphertext_size(size)
    assert oracle_s2.decrypt_chunked(key, context, sealed) == plain
    assert _through(Sm4Decryptor(key, context), sealed, step) == plain
    assert _through(Sm4Decryptor(key, context), sealed, 77) == plain if size < 20_000 else True
    for cut in (10, 56, 60, len(sealed) - 1, len(sealed) - 16):
        if cut < len(sealed):
            with pytest.raises(InvalidTag):
                _through(Sm4Decryptor(key, context), sealed[:cut], step)
    with pytest.raises(InvalidTag):
        _through(Sm4Decryptor(key, context), sealed + b"\0", step)
    for wrong in (Sm4Decryptor(b"K" * 32, context), Sm4Decryptor(key, b"Context")):
        with pytest.raises(InvalidTag):
            wrong.update_into(sealed[:56], bytearray(100_000))


def _through(cipher: Sm4Encryptor | Sm4Decryptor, data: bytes, step: int) -> bytes:
    out, buf = bytearray(), bytearray(step + 64 * 1024)
    for at in range(0, len(data), step):
        out += memoryview(buf)[: cipher.update_into(data[at : at + step], buf)]
    return bytes(out + cipher.finalize())


def test_a_message_with_two_sm4_keys_opens_twice_in_gcm_and_never_here(story: Story) -> None:
    one, two, nonce = b"1" * 16, b"2" * 16, bytes(12)
    message = two_keys.ambiguous(one, two, nonce, b"B" * 16)
    opened = set()
    for key in (one, two):
        opener = Cipher(algorithms.SM4(key), modes.GCM(nonce)).decryptor()
        opened.add(opener.update(message[:-16]) + opener.finalize_with_tag(message[-16:]))
    assert len(opened) == 2
    for key in (one, two):
        sealed = bytes(56) + message
        part = forgeries.sealed_part("price_schedule", sealed, S2)
        with pytest.raises(BadPayload) as failure:
            open_part_bytes(io.BytesIO(sealed), part, key * 2, story.sealed.header, limit_bytes=1 << 20)
        assert (failure.value.fields["culprit"], failure.value.fields["reason"]) == ("bidder", "key")
