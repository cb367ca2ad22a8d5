"""``centre rehearse``: the key is tried on the bidder's machine; with a server the statement is filed (R3.22)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cheroot.wsgi import Server
from click.testing import CliRunner

from foundation.errors import CentreError
from foundation.sealing import BadHeader, KeyFile, KeyUse, WrongKey, generate_key
from foundation.sealing.suite import PrivateKey
from tendering.cli_envelope import ABOUT, HEADER, MANIFEST, SIGNATURE
from tendering.cli_errors import AnotherBidThere, BadArgument, ServerRefused
from tendering.cli_rehearse import rehearse
from tendering.queries.rehearsals import Rehearsed, own_rehearsal
from tests.support.tender_world import DEADLINE, OpenLot, TenderWorld, make_world
from tests.support_bids import Bidder, SealedFiles, make_app, make_bidder, token_of

PASSPHRASE = "九层之台，起于累土 2026"


@pytest.fixture
def world(tmp_path: Path) -> TenderWorld:
    return make_world(tmp_path)


@pytest.fixture
def lot(world: TenderWorld) -> OpenLot:
    return world.open_lot()


@pytest.fixture
def bidder(world: TenderWorld) -> Bidder:
    return make_bidder(world)


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
def made(bidder: Bidder, lot: OpenLot) -> SealedFiles:
    return bidder.seal(lot)


@pytest.fixture
def folder(tmp_path: Path, lot: OpenLot, made: SealedFiles) -> Path:
    """The sealed folder as ``centre seal`` leaves it."""
    return write_folder(tmp_path / "bid", lot, made)


@pytest.fixture
def plain_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    """Key files without their passphrase, which costs a second and more each time; one test below has the real ones."""
    monkeypatch.setattr(KeyFile, "load", lambda path, _passphrase: KeyFile.parse_payload(path.read_bytes()))


@pytest.fixture
def key(tmp_path: Path, world: TenderWorld, lot: OpenLot, bidder: Bidder, plain_keys: None) -> Path:
    return write_key(tmp_path / "open.age", world, lot, bidder.opening)


def write_folder(path: Path, lot: OpenLot, made: SealedFiles) -> Path:
    path.mkdir()
    (path / HEADER).write_bytes(made.sealed.header.raw)
    (path / MANIFEST).write_bytes(made.sealed.manifest.raw)
    (path / SIGNATURE).write_bytes(made.sealed.signature)
    (path / ABOUT).write_text(json.dumps({"lot_id": lot.id}), encoding="utf-8")
    return path


def write_key(path: Path, world: TenderWorld, lot: OpenLot, private: PrivateKey, use: KeyUse = KeyUse.OPENING) -> Path:
    made_at = world.clock.now()
    path.write_bytes(KeyFile(use, lot.tender_code, lot.lot_code, "", made_at, private).payload())
    return path


def run(folder: Path, key: Path, *options: str) -> dict[str, Any]:
    arguments = [str(folder), "--key", str(key), "--passphrase-env", "KEY_PASS", "--json", *options]
    result = CliRunner().invoke(rehearse, arguments, env={"KEY_PASS": PASSPHRASE})
    if isinstance(result.exception, CentreError):
        raise result.exception
    assert result.exit_code == 0, result.output
    told: dict[str, Any] = json.loads(result.stdout)
    return told


def stands(bidder: Bidder, lot: OpenLot) -> Rehearsed | None:
    with bidder.world.units.read(bidder.actor) as unit:
        card = own_rehearsal(unit, lot.id)
    return card.rehearsed if card else None


def test_without_a_server_the_key_is_only_tried_here(
    tmp_path: Path, world: TenderWorld, lot: OpenLot, bidder: Bidder, folder: Path, made: SealedFiles
) -> None:
    key = tmp_path / "real.age"
    KeyFile(KeyUse.OPENING, lot.tender_code, lot.lot_code, "", world.clock.now(), bidder.opening).save(key, PASSPHRASE)
    told = run(folder, key)
    assert told == {"folder": str(folder), "bid_id": made.bid, "rev": 1, "opens": True}


def test_with_a_server_the_bid_becomes_verified(
    world: TenderWorld, lot: OpenLot, bidder: Bidder, made: SealedFiles, folder: Path, key: Path, server: str
) -> None:
    bidder.hand_in(lot, made)
    options = ("--server", server, "--token", token_of(world, bidder.actor))
    told = run(folder, key, *options)
    assert told["opens"] is True
    assert told["filed_at"].startswith("2026-11-23T07:02:47")
    assert stands(bidder, lot) is Rehearsed.FILED
    bidder.hand_in(lot, bidder.seal(lot, after=made))
    with pytest.raises(AnotherBidThere):  # the folder holds the version before
        run(folder, key, *options)
    assert stands(bidder, lot) is Rehearsed.NEVER


def test_what_cannot_be_filed_is_the_centres_refusal(
    world: TenderWorld, lot: OpenLot, bidder: Bidder, made: SealedFiles, folder: Path, key: Path, server: str
) -> None:
    bidder.hand_in(lot, made)
    token = token_of(world, bidder.actor)
    world.clock.set(DEADLINE)
    with pytest.raises(ServerRefused) as refused:
        run(folder, key, "--server", server, "--token", token)
    assert refused.value.fields["status"] == 409
    with pytest.raises(BadArgument):
        run(folder, key, "--server", server)


def test_another_key_and_a_changed_folder_are_named(
    tmp_path: Path, world: TenderWorld, lot: OpenLot, bidder: Bidder, folder: Path, key: Path
) -> None:
    with pytest.raises(WrongKey) as wrong:
        run(folder, write_key(tmp_path / "other.age", world, lot, generate_key()))
    assert wrong.value.exit_code == 3
    with pytest.raises(BadArgument):
        run(folder, write_key(tmp_path / "sign.age", world, lot, bidder.opening, KeyUse.SIGNING))
    other = bidder.seal(lot)
    (folder / HEADER).write_bytes(other.sealed.header.raw)
    with pytest.raises(BadHeader) as changed:
        run(folder, key)
    assert changed.value.exit_code == 4
