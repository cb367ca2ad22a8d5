"""The command line with keys of a CA, and keys of every purpose."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from accounts import facade as accounts
from foundation.errors import CentreError
from foundation.sealing import (
    CertifiedKey,
    KeyFile,
    KeyUse,
    Pkcs12Refused,
    Role,
    WrongKey,
    fingerprint,
    is_possession,
    public_hex,
    recover_r_bid,
)
from foundation.sealing.strict import decode_base64
from tendering import cli
from tendering.cli_envelope import SealedFolder
from tendering.cli_errors import BadArgument
from tendering.cli_keyring import opening_provider
from tendering.cli_keys import keys
from tests.support.certificates import PASSPHRASE, certificate, encryption_p12, p12, signing_p12, usage
from tests.support.tender_world import OpenLot, TenderWorld, make_world
from tests.support_bids import PRICE, Bidder, client_of, make_app

ENVIRONMENT = {"P": PASSPHRASE, "LONG": "九层之台，起于累土 2026"}


@pytest.fixture
def world(tmp_path: Path) -> TenderWorld:
    return make_world(tmp_path)


@pytest.fixture
def lot(world: TenderWorld) -> OpenLot:
    return world.open_lot()


@pytest.fixture
def bidder(world: TenderWorld) -> Bidder:
    return Bidder(world, world.organisation("常州澄岳建设工程有限公司", "bidder"))


@pytest.fixture
def desk(tmp_path: Path, world: TenderWorld, lot: OpenLot, bidder: Bidder) -> Path:
    """The bidder's folder: lot file, three small files, the two PKCS#12 files of a pair."""
    folder = tmp_path / "desk"
    folder.mkdir()
    told = client_of(make_app(world), world, bidder.actor).get(f"/lots/{lot.id}/lot.json").get_data(as_text=True)
    (folder / "lot.json").write_text(told, encoding="utf-8")
    for name, content in (("price.json", PRICE), ("t.pdf", b"%PDF-1.7 t"), ("c.pdf", b"%PDF-1.7 c")):
        (folder / name).write_bytes(content)
    (folder / "sign.p12").write_bytes(signing_p12())
    (folder / "encrypt.p12").write_bytes(encryption_p12())
    return folder


def run(command: Any, *arguments: str) -> tuple[dict[str, Any], str]:
    """The JSON a command says, and what it says beside it; raises what it refuses."""
    result: Result = CliRunner().invoke(command, [*arguments, "--json"], env=ENVIRONMENT)
    if isinstance(result.exception, CentreError):
        raise result.exception
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told, result.stderr


def seal(desk: Path, signing: str, recipient: str, output: str = "bid") -> tuple[dict[str, Any], str]:
    options = ["--lot", str(desk / "lot.json"), "--signing-key", str(desk / signing), "--recipient", recipient]
    parts = [f"{part}={desk / file}" for part, file in PARTS.items()]
    return run(cli.seal, *options, "--passphrase-env", "P", "-o", str(desk / output), *parts)


PARTS = {"price_schedule": "price.json", "technical": "t.pdf", "commercial": "c.pdf"}


def test_a_bid_is_signed_with_the_key_of_a_certificate(
    desk: Path, world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    shown, _ = run(keys, "show", str(desk / "sign.p12"), "--passphrase-env", "P")
    assert (shown["for"], shown["suite"], shown["warnings"]) == ("signing", "S1", [])
    assert "PRIVATE" not in json.dumps(shown)
    told, said = seal(desk, "sign.p12", public_hex(bidder.opening))
    assert (told["warnings"], said) == ([], "")
    inspected, _ = run(cli.inspect, str(desk / "bid"), "--signing-public-key", shown["public_key"])
    assert inspected["signature_valid"] is True
    with world.units.begin(bidder.actor) as unit:
        accounts.register_signing_key(unit, str(bidder.actor.org_id), shown["public_key"], "U盾")
        assert accounts.signing_keys(unit, str(bidder.actor.org_id), "S1") == (shown["public_key"],)


def test_sealing_to_the_encryption_key_of_a_pair_works_and_is_warned_of(desk: Path, bidder: Bidder) -> None:
    shown, said = run(keys, "show", str(desk / "encrypt.p12"), "--passphrase-env", "P")
    assert (shown["for"], shown["warnings"]) == ("sealing", ["ca_key_centre"])
    assert "密钥管理中心" in said
    assert "keeps a copy" in said
    told, said = seal(desk, "sign.p12", str(desk / "encrypt.p12"))
    assert told["warnings"] == ["ca_key_centre"]
    assert "密钥管理中心" in said
    header = SealedFolder.read(desk / "bid").header
    assert len(recover_r_bid(header, CertifiedKey.load(desk / "encrypt.p12", PASSPHRASE))) == 32
    public = desk / "encrypt.pem"
    public.write_text(shown["certificate"], encoding="ascii")
    told, _ = seal(desk, "sign.p12", str(public), output="again")  # the certificate alone is enough
    assert told["warnings"] == ["ca_key_centre"]


def test_each_key_of_a_pair_is_refused_for_the_others_work(desk: Path, bidder: Bidder) -> None:
    for signing, recipient, reason in (
        ("encrypt.p12", public_hex(bidder.opening), "not_for_signing"),
        ("sign.p12", str(desk / "sign.p12"), "not_for_opening"),
    ):
        with pytest.raises(Pkcs12Refused) as refused:
            seal(desk, signing, recipient)
        assert refused.value.fields["reason"] == reason
    assert not (desk / "bid").exists()
    (desk / "other.p12").write_bytes(p12(KEY, certificate(KEY, usage(signs=True, opens=False)), "another passphrase"))
    with pytest.raises(WrongKey):
        seal(desk, "other.p12", public_hex(bidder.opening))
    (desk / "not.pem").write_text("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")
    with pytest.raises(BadArgument):
        seal(desk, "sign.p12", str(desk / "not.pem"))


KEY = ec.generate_private_key(ec.SECP256R1())


def test_a_certificate_past_its_day_signs_and_is_warned_of(desk: Path, bidder: Bidder) -> None:
    past = certificate(KEY, usage(signs=True, opens=False), datetime(2026, 1, 1, tzinfo=UTC))
    (desk / "old.p12").write_bytes(p12(KEY, past))
    told, said = seal(desk, "old.p12", public_hex(bidder.opening))
    assert told["warnings"] == ["certificate_expired"]
    assert "不在有效期内" in said


@pytest.mark.slow
def test_keys_are_made_for_sealing_signing_and_holding(
    desk: Path, lot: OpenLot, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = ("--passphrase-env", "LONG")
    lot_file = ("--lot", str(desk / "lot.json"))
    made, _ = run(keys, "new", "--for", "sealing", *lot_file, *options, "-o", str(desk / "open.age"))
    assert made["for"] == "opening"  # what the file format calls it
    point = bytes.fromhex(made["public_key"])
    assert made["fingerprint"] == fingerprint(lot.tender_code, lot.lot_code, point)
    about = ("--role", "escrow", "--tender", lot.tender_code, "--lot-code", lot.lot_code)
    held, _ = run(keys, "new", "--for", "holding", *about, *options, "-o", str(desk / "hold.age"))
    file = KeyFile.load(desk / "hold.age", ENVIRONMENT["LONG"])
    assert (file.use, file.tender, file.lot) == (KeyUse.ESCROW, lot.tender_code, lot.lot_code)
    proof = decode_base64(held["proof"])
    assert proof is not None
    assert is_possession(proof, lot.tender_code, lot.lot_code, Role.ESCROW, file.public_key)
    for wanted in (("--for", "holding"), ("--for", "sealing")):
        with pytest.raises(BadArgument):
            run(keys, "new", *wanted, *options, "-o", str(desk / "none.age"))
    assert not (desk / "none.age").exists()
    monkeypatch.setenv("LONG", ENVIRONMENT["LONG"])
    with pytest.raises(BadArgument):  # a holder's key opens no bid
        opening_provider(desk / "hold.age", "LONG")


def test_the_private_part_of_a_pkcs12_file_is_in_no_answer_and_no_file(desk: Path, bidder: Bidder) -> None:
    scalar = KEY.private_numbers().private_value.to_bytes(32, "big")
    (desk / "key.p12").write_bytes(p12(KEY, certificate(KEY, usage(signs=True, opens=False))))
    shown, said = run(keys, "show", str(desk / "key.p12"), "--passphrase-env", "P")
    told, more = seal(desk, "key.p12", public_hex(bidder.opening))
    pem = KEY.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    left = [path.read_bytes() for path in (desk / "bid").rglob("*") if path.is_file()]
    for text in (json.dumps(shown).encode(), said.encode(), json.dumps(told).encode(), more.encode(), *left):
        assert scalar.hex().encode() not in text
        assert scalar not in text
        assert pem not in text
