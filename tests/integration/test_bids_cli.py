"""The bidder's command line, from the first key to the verified receipt, against the real pages."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cheroot.wsgi import Server
from click.testing import CliRunner, Result

from accounts import facade as accounts
from foundation.errors import CentreError, InvalidInput, Tampering
from foundation.sealing import S2, CannotSeal, KeyFile, generate_key, parse_receipt, public_hex
from foundation.sealing.errors import WrongKey
from foundation.transparency.keys import Algorithm, SigningKey
from foundation.transparency.notes import Note
from tendering import bid_access, cli, cli_client
from tendering.cli_client import Centre, check_receipt
from tendering.cli_envelope import SealedFolder
from tendering.cli_errors import BadArgument, FolderMalformed, ReceiptUnproved, ServerRefused, ServerUnreachable
from tests.support.tender_world import DEADLINE, OpenLot, TenderWorld, make_world
from tests.support_bids import PRICE, Bidder, client_of, make_app, token_of

PASSPHRASE = "九层之台，起于累土 2026"
ENVIRONMENT = {"KEY_PASS": PASSPHRASE, "OTHER_PASS": "another passphrase of mine"}


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
def server(world: TenderWorld) -> Iterator[str]:
    served = Server(("127.0.0.1", 0), make_app(world), numthreads=4)
    served.prepare()
    thread = threading.Thread(target=served.serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{served.bind_addr[1]}"
    served.stop()
    thread.join(10)


@pytest.fixture
def desk(tmp_path: Path, world: TenderWorld, lot: OpenLot, bidder: Bidder, signing_file: Path) -> Path:
    """The bidder's folder: lot file, a registered signing key, three files to seal."""
    folder = tmp_path / "desk"
    folder.mkdir()
    told = client_of(make_app(world), world, bidder.actor).get(f"/lots/{lot.id}/lot.json").get_data(as_text=True)
    (folder / "lot.json").write_text(told, encoding="utf-8")
    (folder / "price.json").write_bytes(PRICE)
    (folder / "t.pdf").write_bytes(b"%PDF-1.7" + bytes(9_000_000))
    (folder / "c.pdf").write_bytes(b"%PDF-1.7")
    shutil.copy(signing_file, folder / "sign.age")
    bidder.signing = KeyFile.load(signing_file, PASSPHRASE).private_key
    bidder.register_keys()
    return folder


def run(command: Any, *arguments: str, env: dict[str, str] | None = None) -> dict[str, Any]:
    """The JSON a command says; raises what it refuses."""
    result: Result = CliRunner().invoke(command, [*arguments, "--json"], env={**ENVIRONMENT, **(env or {})})
    if isinstance(result.exception, CentreError):
        raise result.exception
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


@pytest.fixture(scope="module")
def signing_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once: a passphrase costs a second each time, on purpose."""
    path = tmp_path_factory.mktemp("keys") / "sign.age"
    run(cli.keys, "new", "--for", "signing", "--passphrase-env", "KEY_PASS", "-o", str(path))
    return path


def seal(desk: Path, *files: str, output: str = "bid", recipient: str = "") -> dict[str, Any]:
    wanted = files or ("price_schedule=price.json", "technical=t.pdf", "commercial=c.pdf")
    pairs = [pair.replace("=", f"={desk}/", 1) for pair in wanted]
    options = ["--lot", str(desk / "lot.json"), "--signing-key", str(desk / "sign.age")]
    options += ["--recipient", recipient or public_hex(generate_key())]
    return run(cli.seal, *options, "--passphrase-env", "KEY_PASS", "-o", str(desk / output), *pairs)


def hand_in(desk: Path, server: str, token: str) -> dict[str, Any]:
    options = ("--server", server, "--token", token, "--lot", str(desk / "lot.json"))
    return run(cli.submit, str(desk / "bid"), *options)


def test_a_bid_is_sealed_and_handed_in_without_a_browser(
    world: TenderWorld, lot: OpenLot, bidder: Bidder, desk: Path, server: str
) -> None:
    lot_file = ("--lot", str(desk / "lot.json"), "--passphrase-env", "KEY_PASS")
    run(cli.keys, "new", "--for", "opening", *lot_file, "-o", str(desk / "open.age"))
    sealed = seal(desk, recipient=str(desk / "open.age"))
    shown = run(cli.inspect, str(desk / "bid"))
    assert shown["envelope_hash"] == sealed["envelope_hash"]
    assert {part["id"] for part in shown["parts"]} == {"price_schedule", "technical", "commercial"}
    token = token_of(world, bidder.actor)
    answer = hand_in(desk, server, token)
    receipt = parse_receipt(Note.parse((desk / "bid" / "receipt.note").read_text(encoding="utf-8")).text)
    assert (receipt.envelope_hash, receipt.lot) == (sealed["envelope_hash"], lot.lot_code)
    assert hand_in(desk, server, token)["receipt"] == answer["receipt"]  # the same command again
    with world.units.read(bidder.actor) as unit:
        assert bid_access.own_revision(unit, lot.id).envelope_hash == sealed["envelope_hash"]


def test_a_bid_of_suite_s2_is_sealed_and_handed_in_without_a_browser(
    world: TenderWorld, bidder: Bidder, desk: Path, server: str
) -> None:
    lot = world.open_lot(suite=S2)
    told = client_of(make_app(world), world, bidder.actor).get(f"/lots/{lot.id}/lot.json").get_data(as_text=True)
    assert json.loads(told)["suite"] == "S2"
    assert json.loads(told)["signing_keys"] == []  # the P-256 key of the desk is none for this lot
    (desk / "lot.json").write_text(told, encoding="utf-8")
    with pytest.raises(CannotSeal) as refused:
        seal(desk, recipient=public_hex(generate_key(S2)))
    assert refused.value.fields["reason"] == "signing_key"
    shutil.rmtree(desk / "bid")
    (desk / "sign.age").unlink()
    options = ("--lot", str(desk / "lot.json"), "--passphrase-env", "KEY_PASS")
    made = run(cli.keys, "new", "--for", "signing", *options, "-o", str(desk / "sign.age"))
    opener = run(cli.keys, "new", "--for", "opening", *options, "-o", str(desk / "open.age"))
    assert (made["suite"], opener["suite"]) == ("S2", "S2")
    with world.units.begin(bidder.actor) as unit:
        accounts.register_signing_key(unit, str(bidder.actor.org_id), made["public_key"], "test")
    with pytest.raises(CannotSeal) as mixed:
        seal(desk)
    assert mixed.value.fields["reason"] == "bidder_keys"
    shutil.rmtree(desk / "bid")
    sealed = seal(desk, recipient=str(desk / "open.age"))
    shown = run(cli.inspect, str(desk / "bid"), "--signing-public-key", made["public_key"])
    assert (shown["envelope_hash"], shown["signature_valid"]) == (sealed["envelope_hash"], True)
    answer = hand_in(desk, server, token_of(world, bidder.actor))
    assert parse_receipt(Note.parse(answer["receipt"]).text).envelope_hash == sealed["envelope_hash"]


def test_a_late_bid_is_refused_with_the_centres_own_reasons(
    world: TenderWorld, bidder: Bidder, desk: Path, server: str, lot: OpenLot
) -> None:
    seal(desk)
    token = token_of(world, bidder.actor)
    with Centre(server, token) as centre:
        cli_client._upload_id(centre, SealedFolder.read(desk / "bid"))
    world.clock.set(DEADLINE)
    with pytest.raises(ServerRefused) as refused:
        hand_in(desk, server, token)
    codes = {objection.params["code"] for objection in refused.value.objections}
    assert codes == {"tendering.seal_late"}
    assert refused.value.exit_code == 3


def test_a_receipt_of_another_signer_or_another_bid_is_not_believed(
    world: TenderWorld, bidder: Bidder, desk: Path, lot: OpenLot, server: str
) -> None:
    seal(desk)
    answer = hand_in(desk, server, token_of(world, bidder.actor))
    folder = SealedFolder.read(desk / "bid")
    stranger = SigningKey.generate("centre.localhost/log/receipt", Algorithm.ED25519, world.units.entropy)
    with pytest.raises(ReceiptUnproved) as unproved:
        check_receipt(answer["receipt"], str(stranger.verifier), folder)
    assert unproved.value.exit_code == 4
    (desk / "price.json").write_bytes(PRICE.replace(b"11402318", b"11402319"))
    seal(desk, output="other")
    vkey, other = str(world.runtime.receipt_key.verifier), SealedFolder.read(desk / "other")
    with pytest.raises(ReceiptUnproved):
        check_receipt(answer["receipt"], vkey, other)


def test_a_flipped_byte_in_the_folder_is_found_before_anything_is_sent(
    world: TenderWorld, bidder: Bidder, desk: Path
) -> None:
    seal(desk)
    path = desk / "bid" / "parts" / "technical.cob"
    content = bytearray(path.read_bytes())
    content[8_500_000] ^= 1
    path.write_bytes(content)
    with pytest.raises(Tampering):
        run(cli.inspect, str(desk / "bid"))
    path.write_bytes(content[:-1])
    with pytest.raises(Tampering):
        run(cli.inspect, str(desk / "bid"))


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        (("price_schedule=price.json", "technical=t.pdf"), "missing"),
        (("price_schedule=price.json", "technical=t.pdf", "commercial=c.pdf", "cover=c.pdf"), "part"),
        (("price_schedule=price.json", "technical=t.pdf", "commercial=nothing.pdf"), "file"),
    ],
)
def test_files_that_do_not_fit_the_lot_are_refused(
    world: TenderWorld, bidder: Bidder, desk: Path, files: tuple[str, ...], reason: str
) -> None:
    with pytest.raises(BadArgument) as refused:
        seal(desk, *files)
    assert refused.value.fields["reason"] == reason
    (desk / "price.json").write_text('{"total": 1.5}', encoding="utf-8")
    with pytest.raises(InvalidInput):
        seal(desk)


@pytest.mark.slow
def test_keys_are_copied_and_read_back_and_never_replaced(desk: Path, bidder: Bidder) -> None:
    key, copy, back = (str(desk / name) for name in ("sign.age", "copy.age", "back.age"))
    passes = ("--passphrase-env", "KEY_PASS", "--new-passphrase-env", "OTHER_PASS")
    first = run(cli.keys, "backup", key, "-o", copy, *passes)
    assert first["public_key"] == public_hex(bidder.signing)
    assert "private_key" not in first
    again = ("--passphrase-env", "OTHER_PASS", "--new-passphrase-env", "KEY_PASS")
    assert run(cli.keys, "restore", copy, "-o", back, *again)["public_key"] == first["public_key"]
    with pytest.raises(BadArgument):
        run(cli.keys, "backup", key, "-o", copy, *passes)
    with pytest.raises(WrongKey):
        run(cli.keys, "show", copy, "--passphrase-env", "KEY_PASS")
    with pytest.raises(BadArgument):
        run(cli.keys, "show", copy, "--passphrase-env", "NOT_SET")


def test_a_centre_that_does_not_answer_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cli_client, "PAUSES", (0.0,))
    with Centre("http://127.0.0.1:9", "token") as centre, pytest.raises(ServerUnreachable) as unreachable:
        centre.held("x")
    assert unreachable.value.exit_code == 5


def test_a_folder_of_something_else_is_named(tmp_path: Path) -> None:
    with pytest.raises(FolderMalformed):
        run(cli.inspect, str(tmp_path))
