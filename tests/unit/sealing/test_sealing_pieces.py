"""Notes, padding, segments, shares, signatures, receipts and key files, each by itself."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import stat
import subprocess
import zlib
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pyrage
import pyshamir
import pytest
from cryptography.cobblestone import Cobblestone256Decryptor, Cobblestone256Encryptor
from cryptography.exceptions import InvalidTag

from foundation.errors import Unavailable
from foundation.sealing import (
    CannotSeal,
    KeyFile,
    KeyUse,
    PricedItem,
    PriceSchedule,
    Role,
    RootBuilder,
    WrongKey,
    h,
    instant_text,
    is_possession,
    keys,
    note,
    padding,
    parse_instant,
    parse_receipt,
    prove_possession,
    receipt_text,
    root_of_digests,
    shares,
    suite,
)
from foundation.sealing.errors import KeyFileMalformed, PriceScheduleMalformed, ReceiptMalformed
from tests.unit.sealing import oracle
from tests.unit.sealing.story import SCHEDULE, fixed_key

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
AT = datetime(2026, 11, 25, 1, 30, 0, 999_999, tzinfo=UTC)


def test_a_note_can_be_redone_with_printf_and_sha256sum() -> None:
    shell = "printf 'etender-wrap/v1\\nabc\\n投标\\n' | sha256sum"
    found = subprocess.run(["sh", "-c", shell], capture_output=True, text=True, check=True).stdout.split()[0]
    assert h("etender-wrap/v1", "abc", "投标") == found
    assert note("a", "") == b"a\n\n"


@pytest.mark.parametrize("line", ["a\nb", "a\r", "\0"])
def test_a_line_that_could_be_two_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="line break"):
        note("x", line)


def test_instants_are_utc_milliseconds_never_rounded_up() -> None:
    assert instant_text(AT) == "2026-11-25T01:30:00.999Z"
    beijing = AT.astimezone(timezone(timedelta(hours=8)))
    assert instant_text(beijing) == instant_text(AT)
    assert parse_instant(instant_text(AT)) == AT.replace(microsecond=999_000)
    with pytest.raises(ValueError, match="time zone"):
        instant_text(AT.replace(tzinfo=None))


def test_padme_adds_at_most_twelve_per_cent_and_is_stable() -> None:
    for length in [*range(1, 5000), 10**6 + 7, 2**20, 2**30 - 1, 2**30]:
        padded = padding.padme(length)
        assert length <= padded <= length * 1.12
        assert padding.padme(padded) == padded
    assert [padding.padme(n) for n in (8, 9, 17, 1000, 1025)] == [8, 10, 18, 1024, 1088]


@pytest.mark.parametrize("size", [4096, 16 * 1024 - 1, 16 * 1024, 16 * 1024 + 1, 64 * 1024])
def test_ciphertext_lengths_are_foretold(size: int) -> None:
    encryptor = Cobblestone256Encryptor(bytes(32), b"")
    made = len(encryptor.update(bytes(size)) + encryptor.finalize())
    assert padding.ciphertext_size(size) == made
    assert padding.is_ciphertext_size(made) == (padding.padme(size) == size)


@pytest.mark.parametrize("size", [0, 71, 72, 56 + 16 * 1024 + 16, padding.ciphertext_size(4095), 1 << 40])
def test_lengths_that_no_honest_client_makes_are_known(size: int) -> None:
    assert not padding.is_ciphertext_size(size)


def test_overhead_stays_within_its_bound() -> None:
    size = 1 << 30
    framed = padding.ciphertext_size(size)
    assert framed - size <= size * 0.0011 + 4096


def _rfc6962(leaves: list[bytes]) -> bytes:
    """The definition of RFC 6962 §2.1, word for word."""
    if len(leaves) == 1:
        return hashlib.sha256(b"\0" + leaves[0]).digest()
    k = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\1" + _rfc6962(leaves[:k]) + _rfc6962(leaves[k:])).digest()


@pytest.mark.parametrize("count", [*range(1, 18), 31, 32, 33, 128, 129])
def test_the_segment_root_is_an_rfc_6962_tree(count: int) -> None:
    digests = [hashlib.sha256(bytes([i])).digest() for i in range(count)]
    assert root_of_digests(digests) == _rfc6962(digests).hex()


def test_the_root_does_not_depend_on_how_the_bytes_arrive() -> None:
    data = bytes(range(256)) * (80 * 1024)
    whole, pieces = RootBuilder(), RootBuilder()
    whole.update(data)
    for start in range(0, len(data), 999_983):
        pieces.update(data[start : start + 999_983])
    segments = [data[i : i + 8 * 1024 * 1024] for i in range(0, len(data), 8 * 1024 * 1024)]
    assert len(segments) == 3
    assert whole.digests() == pieces.digests() == tuple(hashlib.sha256(segment).digest() for segment in segments)
    assert whole.root() == pieces.root()
    assert whole.size_bytes == len(data)


def test_shares_combine_as_the_splitting_library_combines_them() -> None:
    for threshold, count in ((2, 2), (2, 3), (3, 5), (5, 5), (8, 16)):
        secret = hashlib.sha256(bytes([threshold, count])).digest()
        dealt = shares.split(secret, threshold=threshold, holders=count)
        for subset in itertools.islice(itertools.combinations(dealt, threshold), 3):
            assert shares.combine(subset) == secret
            assert bytes(pyshamir.combine([bytearray(share) for share in subset])) == secret
        assert shares.combine(dealt) == secret
        if threshold > 2:
            assert shares.combine(dealt[: threshold - 1]) != secret


@pytest.mark.parametrize("bad", [[], [bytes(33)], [b"\1" * 33, b"\1" * 33], [b"\1" * 33, bytes(33)], [b"\1" * 32] * 2])
def test_shares_that_cannot_be_shares_are_refused(bad: list[bytes]) -> None:
    with pytest.raises(ValueError, match="shares"):
        shares.combine(bad)


def test_signatures_have_the_form_that_webcrypto_wants() -> None:
    key = fixed_key("signer")
    signature = suite.sign(key, b"message")
    assert len(signature) == 64
    assert suite.verifies(key.public_key(), signature, b"message")
    assert not suite.verifies(key.public_key(), signature, b"messagf")
    assert not suite.verifies(fixed_key("other").public_key(), signature, b"message")
    for bad in (b"", bytes(64), b"\xff" * 64, signature[:-1], signature + b"\0"):
        assert not suite.verifies(key.public_key(), bad, b"message")
    assert suite.sign(key, b"message") == signature, "no nonce is drawn that a weak generator could repeat"


def test_a_proof_of_possession_holds_for_one_lot_and_role_only() -> None:
    key = fixed_key("holder")
    public = suite.public_bytes(key.public_key())
    proof = prove_possession(key, "T1", "L1", Role.GATE)
    assert is_possession(proof, "T1", "L1", Role.GATE, public)
    assert not is_possession(proof, "T1", "L1", Role.ESCROW, public)
    assert not is_possession(proof, "T1", "L2", Role.GATE, public)
    assert not is_possession(proof, "T1", "L1", Role.GATE, suite.public_bytes(fixed_key("thief").public_key()))
    assert not is_possession(proof, "T1", "L1", Role.GATE, b"\4" * 65)


def test_a_receipt_reads_back_as_it_was_given() -> None:
    text = receipt_text("T1", "T1.L1", "ab" * 16, 2, "cd" * 32, 123_456, AT, AT + timedelta(seconds=60))
    assert text.endswith("\n2026-11-25T01:30:00.999Z\n2026-11-25T01:31:00.999Z\n")
    receipt = parse_receipt(text)
    assert (receipt.rev, receipt.size_bytes, receipt.is_demo_clock) == (2, 123_456, False)
    demo = receipt_text("T1", "L1", "ab" * 16, 1, "cd" * 32, 1, AT, AT, is_demo_clock=True)
    assert demo.endswith("clock demo\n")
    assert parse_receipt(demo).is_demo_clock
    with pytest.raises(ReceiptMalformed):
        receipt_text("T 1", "L1", "ab" * 16, 1, "cd" * 32, 1, AT, AT)


def test_a_price_schedule_reads_back_as_it_was_written() -> None:
    item = PricedItem("1-1", "土方开挖", "m³", Decimal("12.5"), Decimal("8.20"), Decimal("102.50"))
    schedule = PriceSchedule("CNY", Decimal("102.50"), 30, "", "李四", (item,))
    assert PriceSchedule.parse(schedule.to_bytes()) == schedule
    assert PriceSchedule.parse(SCHEDULE).total == Decimal(91_500_000)
    assert schedule.total_fen == 10_250
    with pytest.raises(PriceScheduleMalformed):
        PriceSchedule("CNY", Decimal("1.005"), 30, "", "", ()).to_bytes()


class TestKeyFiles:
    PASSPHRASE = "correct horse 电池"

    def make(self) -> KeyFile:
        return KeyFile(KeyUse.OPENING, "T1", "L1", "bidder-a", AT.replace(microsecond=0), fixed_key("kept"))

    @pytest.mark.slow
    def test_a_key_comes_back_from_its_file_and_only_with_its_passphrase(self, tmp_path: Path) -> None:
        path = tmp_path / "key.age"
        self.make().save(path, self.PASSPHRASE)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert b"AGE" not in path.read_bytes()
        again = KeyFile.load(path, self.PASSPHRASE)
        assert again.public_key == self.make().public_key
        assert (again.use, again.tender, again.lot, again.owner) == (KeyUse.OPENING, "T1", "L1", "bidder-a")
        with pytest.raises(FileExistsError):
            again.save(path, self.PASSPHRASE)
        with pytest.raises(WrongKey):
            KeyFile.load(path, self.PASSPHRASE + "x")
        with pytest.raises(WrongKey):
            KeyFile.parse(path.read_bytes()[:-1], self.PASSPHRASE)

    @pytest.mark.parametrize("refusals", [2, keys.DECRYPT_TRIES])
    def test_a_busy_machine_is_asked_again_and_never_called_a_wrong_passphrase(
        self, monkeypatch: pytest.MonkeyPatch, refusals: int
    ) -> None:
        answers = iter([pyrage.DecryptError("Excessive work parameter for passphrase.")] * refusals)

        def decrypt(_data: bytes, _passphrase: str) -> bytes:
            if (refusal := next(answers, None)) is not None:
                raise refusal
            return b"payload"

        monkeypatch.setattr(keys.pyrage.passphrase, "decrypt", decrypt)
        monkeypatch.setattr(keys, "pause", lambda _seconds: None)
        if refusals < keys.DECRYPT_TRIES:
            assert keys.decrypted(b"", "") == b"payload"
        else:
            with pytest.raises(Unavailable):
                keys.decrypted(b"", "")

    def test_any_age_tool_opens_the_file_and_finds_a_jwk(self) -> None:
        payload = json.loads(keys.decrypted(self.make().to_bytes(self.PASSPHRASE), self.PASSPHRASE))
        assert payload["for"] == "opening"
        assert sorted(payload["private_key"]) == ["crv", "d", "kty", "x", "y"]
        assert payload["public_key"] == self.make().public_key.hex()

    def test_a_short_passphrase_is_refused(self) -> None:
        with pytest.raises(CannotSeal):
            self.make().to_bytes("elevenchars")

    def test_a_composed_and_a_decomposed_passphrase_are_one(self) -> None:
        data = self.make().to_bytes("caf\u00e9 caf\u00e9 caf\u00e9")
        assert KeyFile.parse(data, "cafe\u0301 cafe\u0301 cafe\u0301").public_key == self.make().public_key

    @pytest.mark.parametrize("data", [b"", b"-----BEGIN AGE ENCRYPTED FILE-----", b"x" * 20_000])
    def test_what_is_no_key_file_is_refused(self, data: bytes) -> None:
        with pytest.raises(KeyFileMalformed):
            KeyFile.parse(data, self.PASSPHRASE)

    @pytest.mark.parametrize("change", ["public", "curve", "off_curve", "use", "extra", "padding"])
    def test_a_file_that_contradicts_itself_is_refused(self, change: str) -> None:
        payload = json.loads(self.make().payload())
        assert KeyFile.parse_payload(self.make().payload()).public_key == self.make().public_key
        jwk = payload["private_key"]
        if change == "public":
            payload["public_key"] = suite.public_hex(fixed_key("other"))
        elif change == "curve":
            jwk["crv"] = "P-384"
        elif change == "off_curve":
            jwk["x"], jwk["y"] = jwk["y"], jwk["x"]
        elif change == "use":
            payload["for"] = "anything"
        elif change == "extra":
            jwk["key_ops"] = ["deriveBits"]
        else:
            jwk["d"] += "="
        with pytest.raises(KeyFileMalformed):
            KeyFile.parse_payload(json.dumps(payload).encode())


def _wycheproof() -> list[dict[str, object]]:
    data = json.loads((VECTORS / "sealing_wycheproof_cobblestone_256.json").read_text())
    return [case for group in data["testGroups"] for case in group["tests"]]


@pytest.mark.parametrize("case", _wycheproof(), ids=lambda case: f"{case['tcId']} {case['comment']}")
def test_the_payload_cipher_and_our_second_opener_pass_wycheproof(case: dict[str, str]) -> None:
    key, context = bytes.fromhex(case["key"]), bytes.fromhex(case["ctx"])
    ciphertext = zlib.decompress(bytes.fromhex(case["ct"]))

    def library() -> bytes:
        decryptor = Cobblestone256Decryptor(key, context)
        return decryptor.update(ciphertext) + decryptor.finalize()

    def by_hand() -> bytes:
        return oracle.decrypt_chunked(key, context, ciphertext)

    for opener in (library, by_hand):
        if case["result"] == "valid":
            assert hashlib.sha512(opener()).hexdigest() == case["msgSha512"]
        else:
            with pytest.raises((InvalidTag, ValueError)):
                opener()


def test_canonical_base64_has_one_text_for_one_byte_string() -> None:
    from foundation.sealing.strict import decode_base64

    assert decode_base64(base64.b64encode(b"abcd").decode()) == b"abcd"
    assert [decode_base64(text) for text in ("YWJjZA", "YWJjZB==", "YWJjZA==\n", "YWJj ZA==", "YW-_", "é")] == [
        None
    ] * 6
