"""``centre unseal`` through the command line: what it opens and refuses, its exit codes, the memory it takes."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from foundation.clock import machine_now
from foundation.entropy import SystemEntropy
from foundation.sealing import (
    S1,
    S2,
    SUITES,
    KeyFile,
    KeyUse,
    Role,
    Suite,
    generate_key,
    public_hex,
    recover_r_bid,
    unwrap_share,
)
from foundation.sealing.keyset import NO_ESCROW, Group, Holder, Keyset, prove_possession
from foundation.sealing.suite import PrivateKey, public_bytes, scalar_of
from tendering.cli import inspect
from tendering.cli_envelope import LotFile, PartRule, SealedFolder, seal_folder
from tendering.cli_progress import Meter
from tests.support_bids import PRICE

ROOT = Path(__file__).resolve().parents[2]
PASSPHRASE = "九层之台，起于累土 2026"
TECHNICAL = b"%PDF-1.7" + bytes(range(256)) * 9000


@dataclass
class Desk:
    """A sealed folder with everything that opens it."""

    folder: Path
    lot: LotFile
    gate: list[PrivateKey]
    opening: PrivateKey
    signing: PrivateKey

    @property
    def out(self) -> Path:
        return self.folder / "opened"

    @property
    def bid(self) -> SealedFolder:
        return SealedFolder.read(self.folder / "bid")

    def gate_file(self, seat: int) -> str:
        path = self.folder / f"{seat}.key"
        path.write_text(f"{scalar_of(self.gate[seat]).hex()}\n", encoding="ascii")
        return str(path)

    @property
    def r_bid(self) -> str:
        return recover_r_bid(self.bid.header, self.opening).hex()

    def unseal(self, *arguments: str, gate: tuple[str, ...] | None = None) -> tuple[int, dict[str, Any]]:
        """Exit code and what was said on standard output, by the real command line in a process of its own."""
        shares = [self.gate_file(0), self.gate_file(2)] if gate is None else list(gate)
        options = [part for share in shares for part in ("--gate-share", share)]
        return centre("unseal", str(self.folder / "bid"), *options, "-o", str(self.out), *arguments)


def centre(*arguments: str) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "centre", *arguments, "--json"]
    environment = {**os.environ, "KEY_PASS": PASSPHRASE}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout.strip() else {}


def lot_of(suite: Suite) -> tuple[LotFile, list[PrivateKey]]:
    keys = [generate_key(suite) for _ in range(3)]
    holders = tuple(
        Holder(f"holder-{at}", "side", public_bytes(key.public_key()), prove_possession(key, "T1", "L1", Role.GATE))
        for at, key in enumerate(keys)
    )
    keyset = Keyset("T1", "L1", 1, Group(2, holders), NO_ESCROW, suite)
    rules = tuple(
        PartRule(name, name, required, 1 << 30) for name, required in (("price_schedule", True), ("technical", True))
    )
    return LotFile("019aa0", "T1", "L1", "1", "91320412MA00000000", keyset, rules, None, "vkey"), keys


def desk_of(folder: Path, suite: Suite = S1) -> Desk:
    lot, gate = lot_of(suite)
    files = {"price_schedule": folder / "price.json", "technical": folder / "技术标.pdf"}
    files["price_schedule"].write_bytes(PRICE)
    files["technical"].write_bytes(TECHNICAL)
    opening, signing = generate_key(suite), generate_key(suite)
    recipients = [public_bytes(generate_key(suite).public_key()), public_bytes(opening.public_key())]
    seal_folder(lot, files, recipients, signing, folder / "bid", SystemEntropy(), lambda _bytes: None)
    return Desk(folder, lot, gate, opening, signing)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return desk_of(tmp_path)


@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
def test_an_own_bid_opens_without_the_centre(tmp_path: Path, suite: Suite) -> None:
    desk = desk_of(tmp_path, suite)
    code, told = desk.unseal("--r-bid", desk.r_bid)
    assert code == 0
    assert (desk.out / "price_schedule.json").read_bytes() == PRICE
    assert (desk.out / "technical.pdf").read_bytes() == TECHNICAL
    assert told["gate_seats"] == [0, 2]
    assert told["envelope_hash"] == desk.bid.manifest.envelope_hash
    assert [one["size_bytes"] for one in told["files"]] == [len(PRICE), len(TECHNICAL)]
    assert desk.out.stat().st_mode & 0o777 == 0o700


def test_the_opening_key_file_recovers_the_half_and_another_key_does_not(desk: Desk) -> None:
    for name, key in (("own", desk.opening), ("other", generate_key())):
        about = {"tender": "T1", "lot": "L1", "owner": "", "created": machine_now()}
        KeyFile(KeyUse.OPENING, private_key=key, **about).save(desk.folder / f"{name}.age", PASSPHRASE)  # type: ignore[arg-type]
    code, told = desk.unseal("--key", str(desk.folder / "other.age"), "--passphrase-env", "KEY_PASS")
    assert (code, told["error"]) == (3, "sealing.wrong_key")
    assert not desk.out.exists()
    assert desk.unseal("--key", str(desk.folder / "own.age"), "--passphrase-env", "KEY_PASS")[0] == 0
    assert (desk.out / "technical.pdf").read_bytes() == TECHNICAL


def test_a_share_serves_as_well_as_the_key_it_came_from(desk: Desk) -> None:
    share = unwrap_share(desk.bid.header, desk.lot.keyset, Role.GATE, 1, desk.gate[1])
    (desk.folder / "1.share").write_text(share.hex(), encoding="ascii")
    code, told = desk.unseal("--r-bid", desk.r_bid, gate=(str(desk.folder / "1.share"), desk.gate_file(2)))
    assert (code, told["gate_seats"]) == (0, [1, 2])


def test_a_false_share_and_a_strangers_gate_key_are_named(desk: Desk) -> None:
    false = desk.folder / "false.share"
    false.write_text("ab" * 33, encoding="ascii")
    code, told = desk.unseal("--r-bid", desk.r_bid, gate=(desk.gate_file(0), str(false)))
    assert (code, told["error"]) == (4, "sealing.bad_share")
    assert str(false) in told["detail"]
    stranger = desk.folder / "stranger.key"
    stranger.write_text(scalar_of(generate_key()).hex(), encoding="ascii")
    code, told = desk.unseal("--r-bid", desk.r_bid, gate=(desk.gate_file(0), str(stranger)))
    assert (code, told["error"]) == (3, "sealing.wrong_key")
    assert str(stranger) in told["detail"]
    assert not desk.out.exists()


def test_too_few_gate_keys_and_a_false_half_open_nothing(desk: Desk) -> None:
    twice = (desk.gate_file(0), desk.gate_file(0))
    assert desk.unseal("--r-bid", desk.r_bid, gate=twice)[1]["error"] == "sealing.bad_share"
    code, told = desk.unseal("--r-bid", "00" * 32)
    assert (code, told["error"]) == (4, "sealing.bad_share")
    assert not desk.out.exists()


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ((), 2),
        (("--r-bid", "00" * 32, "--key", __file__), 2),
        (("--r-bid", "not hex"), 3),
        (("--r-bid", "00" * 32, "--lot", __file__), 3),
    ],
)
def test_bad_arguments_are_refused(desk: Desk, arguments: tuple[str, ...], code: int) -> None:
    assert desk.unseal(*arguments)[0] == code
    assert not desk.out.exists()


def test_a_file_that_is_no_gate_key_and_an_existing_folder_are_refused(desk: Desk) -> None:
    code, told = desk.unseal("--r-bid", desk.r_bid, gate=(desk.gate_file(0), str(desk.folder / "price.json")))
    assert (code, told["error"]) == (3, "tendering.bad_argument")
    desk.out.mkdir()
    (desk.out / "mine.txt").write_text("kept", encoding="utf-8")
    assert desk.unseal("--r-bid", desk.r_bid)[0] == 3
    assert (desk.out / "mine.txt").read_text(encoding="utf-8") == "kept"


def test_a_truncated_or_changed_folder_leaves_no_plaintext_behind(desk: Desk) -> None:
    part = desk.folder / "bid" / "parts" / "technical.cob"
    whole = part.read_bytes()
    r_bid = desk.r_bid
    part.write_bytes(whole[:-1])
    assert desk.unseal("--r-bid", r_bid)[1]["error"] == "sealing.truncated"
    part.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    code, told = desk.unseal("--r-bid", r_bid)
    assert (code, told["error"]) == (4, "sealing.bad_payload")
    part.unlink()
    code, told = desk.unseal("--r-bid", r_bid)
    assert (code, told["error"]) == (3, "tendering.sealed_folder_malformed")
    assert not desk.out.exists()
    assert centre("inspect", str(desk.folder / "bid"))[0] == 3


def test_a_folder_without_its_key_set_opens_with_the_lot_file(desk: Desk) -> None:
    (desk.folder / "bid" / "keyset.json").unlink()
    assert desk.unseal("--r-bid", desk.r_bid)[1]["error"] == "tendering.sealed_folder_malformed"
    for name, lot in (("own", desk.lot), ("other", lot_of(S1)[0])):
        keyset = lot.keyset
        told = {
            "lot_id": lot.lot_id, "tender": "T1", "lot": "L1", "stage": "1", "bidder": lot.bidder, "parts": [],
            "keyset": keyset.to_bytes().decode(), "keyset_hash": keyset.hash, "receipt_vkey": "vkey",
        }  # fmt: skip
        (desk.folder / f"{name}.json").write_text(json.dumps(told), encoding="utf-8")
    assert desk.unseal("--r-bid", desk.r_bid, "--lot", str(desk.folder / "other.json"))[0] == 3
    assert desk.unseal("--r-bid", desk.r_bid, "--lot", str(desk.folder / "own.json"))[0] == 0


def test_inspect_tells_whose_signature_it_is_not(desk: Desk) -> None:
    code, told = centre("inspect", str(desk.folder / "bid"), "--signing-public-key", public_hex(generate_key()))
    assert (code, told["error"]) == (4, "tendering.signature_false")
    code, told = centre("inspect", str(desk.folder / "bid"), "--signing-public-key", public_hex(desk.signing))
    assert (code, told["signature_valid"]) == (0, True)


# --- the archive ------------------------------------------------------------------------------------------------------


def archive_of(desk: Desk, path: Path, *, extra: tuple[tarfile.TarInfo, bytes] | None = None) -> None:
    with tarfile.open(path, "w") as archive:
        for file in sorted((desk.folder / "bid").rglob("*")):
            if file.is_file():
                archive.add(file, file.relative_to(desk.folder / "bid").as_posix())
        if extra:
            archive.addfile(extra[0], io.BytesIO(extra[1]))


def test_an_archive_is_taken_where_a_folder_is(desk: Desk) -> None:
    path = desk.folder / "sent.tar"
    archive_of(desk, path)
    code, told = centre("inspect", str(path))
    assert (code, told["envelope_hash"]) == (0, desk.bid.manifest.envelope_hash)
    assert told["folder"] == str(desk.folder / "sent")
    assert centre("inspect", str(path))[0] == 0  # unpacked already
    other = desk_of(desk.folder / "sent" / "parts")
    archive_of(other, path)
    assert CliRunner().invoke(inspect, [str(path)]).exception.fields["reason"] == "another_bid"  # type: ignore[union-attr]


def member(name: str, size: int = 1, kind: bytes = tarfile.REGTYPE) -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.size, made.type, made.linkname = size, kind, "/etc/passwd"
    return made


@pytest.mark.parametrize(
    "extra",
    [
        member("../outside.txt"),
        member("parts/../../outside.cob"),
        member("parts/x.txt"),
        member("header.json", 0, tarfile.SYMTYPE),
    ],
    ids=["up", "up from parts", "another file", "a link"],
)
def test_an_archive_with_anything_else_is_refused_and_nothing_is_written(desk: Desk, extra: tarfile.TarInfo) -> None:
    path = desk.folder / "sent.tar"
    archive_of(desk, path, extra=(extra, b"x" * extra.size))
    before = set(desk.folder.parent.rglob("*"))
    code, told = centre("inspect", str(path))
    assert (code, told["error"]) == (3, "tendering.sealed_folder_malformed")
    assert set(desk.folder.parent.rglob("*")) == before
    path.write_bytes(b"no archive")
    assert centre("inspect", str(path))[0] == 3


# --- memory and progress ----------------------------------------------------------------------------------------------

PEAK = """
import resource, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from foundation.entropy import SystemEntropy
from foundation.sealing import S1, recover_r_bid
from foundation.sealing.suite import public_bytes
from tendering.cli_envelope import SealedFolder, seal_folder
from tests.integration.test_unseal_cli import Desk, lot_of
from foundation.sealing import generate_key
from tendering.cli_unseal import gate_shares, open_folder
from foundation.sealing import recover_from_gate
folder, size = Path(sys.argv[2]), int(sys.argv[3])
lot, gate = lot_of(S1)
source = folder / "big.pdf"
with source.open("wb") as out:
    out.truncate(size)
price = folder / "price.json"
price.write_bytes(b"{}")
own = generate_key()
files = {"price_schedule": price, "technical": source}
openers = [public_bytes(own.public_key())]
seal_folder(lot, files, openers, generate_key(), folder / "bid", SystemEntropy(), lambda n: None)
desk = Desk(folder, lot, gate, own, own)
bid = desk.bid
shares = gate_shares(bid.header, lot.keyset, [Path(desk.gate_file(0)), Path(desk.gate_file(1))])
r_gate = recover_from_gate(bid.header, lot.keyset, {at: one.share for at, one in shares.items()})
bid.check_parts(lambda n: None)
open_folder(bid, recover_r_bid(bid.header, own), r_gate, desk.out, lambda n: None)
assert (desk.out / "technical.pdf").stat().st_size == size
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""


@pytest.mark.slow
def test_memory_of_sealing_and_opening_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks = []
    for size_mib in (8, 256):
        folder = tmp_path / str(size_mib)
        folder.mkdir()
        command = [sys.executable, "-c", PEAK, str(ROOT), str(folder), str(size_mib * 2**20)]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, done.stderr
        peaks.append(int(done.stdout))
    assert peaks[1] < 1.1 * peaks[0], peaks


def test_progress_tells_bytes_percent_and_time_left() -> None:
    told: list[str] = []
    clock = [0.0]
    meter = Meter("seal", 4_000_000, told.append, is_terminal=True, now=lambda: clock[0])
    meter.advance(500_000)
    assert told == []  # nobody wonders yet
    clock[0] = 10.0
    meter.advance(500_000)
    assert told[-1].endswith("seal  1.0 MB / 4.0 MB  25 %  00:30")
    meter.advance(3_000_000)
    meter.finish()
    assert told[-1].endswith("seal  4.0 MB / 4.0 MB  100 %  00:00\n")


def test_short_work_writes_no_progress_into_a_file() -> None:
    told: list[str] = []
    meter = Meter("seal", 100, told.append, is_terminal=False, now=lambda: 0.0)
    meter.advance(100)
    meter.finish()
    assert told == []


def test_no_seal_is_made_with_a_share_of_another_suite(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, S2)
    stranger = desk.folder / "p256.key"
    stranger.write_text(scalar_of(generate_key(S1)).hex(), encoding="ascii")
    assert desk.unseal("--r-bid", desk.r_bid, gate=(desk.gate_file(0), str(stranger)))[0] == 3
