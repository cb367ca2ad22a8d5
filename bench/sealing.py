"""Sealing and opening against AES-GCM ``encrypt_into`` at 1 MiB plus SHA-256 of the output (goal: ≥ 0.8 ×).

What is opened to disk is compared with the same bare work written to disk: the page cache is nobody's cryptography.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.paired import Table, cpu_seconds, paired, verdict
from foundation.entropy import SystemEntropy
from foundation.sealing import keyset as keysets
from foundation.sealing.binding import Part, write_binding
from foundation.sealing.keys import generate_key
from foundation.sealing.opening import _decrypt as decrypt
from foundation.sealing.opening import content_key, open_part, part_key, recover_r_bid, recover_r_gate
from foundation.sealing.seal import PartSource, Sealed, seal
from foundation.sealing.suite import PrivateKey, public_bytes

MIB = 1024 * 1024
PIECE = MIB // 4
"""What the bare line writes at once: whole MiBs were measured to cost the kernel four times as much, now and then."""
GOAL = "seal and open >= 0.8 x (AESGCM encrypt_into at 1 MiB + SHA-256 of the output), CPU"
BARE = "bare: AESGCM encrypt_into 1 MiB + SHA-256"
BARE_DISK = "bare: the same written to disk with fsync"
GPG, AGE = "gpg --symmetric AES256", "age -r"
SEAL, OPEN, OPEN_DISK = "centre: seal", "centre: open", "centre: open to disk"


class Null:
    """A place that takes bytes and keeps none."""

    def write(self, data: object, /) -> int:
        return len(memoryview(data))  # type: ignore[arg-type]


@contextlib.contextmanager
def nowhere(_part: str) -> Iterator[Null]:
    yield Null()


class Folder:
    """Keeps each part's ciphertext in a file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, part: str) -> io.BufferedWriter:
        return (self.folder / part).open("wb")


def make_keyset() -> tuple[keysets.Keyset, dict[int, PrivateKey]]:
    keys = [generate_key() for _ in range(6)]

    def group(role: keysets.Role, own: list[PrivateKey]) -> keysets.Group:
        holders = tuple(
            keysets.Holder(
                f"{role.value}-{n}",
                f"side{n}",
                public_bytes(key.public_key()),
                keysets.prove_possession(key, "T", "L", role),
            )
            for n, key in enumerate(own)
        )
        return keysets.Group(2, holders)

    made = keysets.Keyset("T", "L", 1, group(keysets.Role.GATE, keys[:3]), group(keysets.Role.ESCROW, keys[3:]))
    return made, dict(enumerate(keys[:3]))


def run(size_mib: int = 256, rounds: int = 5) -> list[Table]:
    """One figure a line: MiB per CPU second."""
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        work = Work(Path(name), size_mib)
        figures: dict[str, Callable[[], object]] = {
            BARE: work.bare,
            SEAL: work.seal_to_nowhere,
            OPEN: work.open_to_nowhere,
            BARE_DISK: work.bare_to_disk,
            OPEN_DISK: work.open_to_disk,
        }
        peers = work.peers()
        figures |= peers
        taken = paired({name: partial(rate, size_mib, act) for name, act in figures.items()}, rounds=rounds)
    missing = [name for name in ("age", "gpg") if shutil.which(name) is None]
    note = f"Not installed here: {', '.join(missing)}." if missing else ""
    return [
        taken.table(f"{size_mib} MiB, without disk", "MiB/CPU s", (BARE, SEAL, OPEN)),
        taken.table(f"{size_mib} MiB, to disk with fsync", "MiB/CPU s", (BARE_DISK, OPEN_DISK)),
        taken.table(
            "Opening to disk against the bare line without disk",
            "MiB/CPU s",
            (BARE, OPEN_DISK),
            note="What the page cache and fsync cost is in this ratio too; no goal is set on it.",
        ),
        taken.table("Other programs, to /dev/null", "MiB/CPU s", (BARE, SEAL, *peers), note=note),
    ]


def rate(size_mib: int, act: Callable[[], object]) -> float:
    """MiB by second of processor time, that of programs it starts included."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    own = cpu_seconds(act)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return size_mib / (own + after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime)


class Work:
    """One bid of one part, sealed, and the ways to handle it."""

    def __init__(self, folder: Path, size_mib: int, *, is_sparse: bool = False) -> None:
        self.entropy = SystemEntropy()
        self.folder, self.size = folder, size_mib * MIB
        self.keyset, gate = make_keyset()
        self.bidder, self.signing = generate_key(), generate_key()
        self.plain = folder / "plain"
        with self.plain.open("wb") as out:
            if is_sparse:
                out.truncate(self.size)
            else:
                out.writelines([self.entropy.token(MIB)] * size_mib)
        self.sealed = self._seal(Folder(folder))
        secret = recover_r_bid(self.sealed.header, self.bidder)
        cek = content_key(self.sealed.header, secret, recover_r_gate(self.sealed.header, self.keyset, gate).r_gate)
        self.part = self.sealed.manifest.part("technical")
        self.key = part_key(cek, self.part.id)
        self.gcm, self.nonce, self.block = AESGCM(self.entropy.token(32)), bytes(12), bytearray(MIB + 16)

    def _seal(self, sink: object) -> Sealed:
        binding = write_binding(
            tender="T",
            lot="L",
            stage="1",
            bidder="91320412MA1WJ0T064",
            bid=self.entropy.token(16).hex(),
            rev=1,
            prev="-",
            keyset=self.keyset.hash,
            parts=(Part("technical", "technical.pdf"),),
            created=datetime(2026, 1, 1, tzinfo=UTC),
        )
        with self.plain.open("rb") as stream:
            parts = [PartSource("technical", stream, self.size)]
            recipients = [public_bytes(self.bidder.public_key())]
            return seal(binding, self.keyset, recipients, parts, sink, self.signing, self.entropy)  # type: ignore[arg-type]

    def seal_to_nowhere(self) -> None:
        self._seal(nowhere)

    def open_to_nowhere(self) -> None:
        with (self.folder / "technical").open("rb") as source:
            # What open_part does between making its temporary file and syncing it.
            decrypt(source, self.part, self.key, self.sealed.header, Null().write)

    def open_to_disk(self) -> None:
        with (self.folder / "technical").open("rb") as source:
            open_part(source, self.part, self.key, self.sealed.header, self.folder / "out")
        (self.folder / "out").unlink()

    def peers(self) -> dict[str, Callable[[], object]]:
        """Programs that people seal files with, where they are installed."""
        found: dict[str, Callable[[], object]] = {}
        if gpg := shutil.which("gpg"):
            home = self.folder / "gnupg"
            home.mkdir(mode=0o700)
            quiet = ("--homedir", str(home), "--batch", "--yes", "--pinentry-mode", "loopback", "--passphrase", "x")
            cipher = ("--symmetric", "--cipher-algo", "AES256", "--compress-algo", "none", "-o", "/dev/null")
            found[GPG] = partial(subprocess.run, (gpg, *quiet, *cipher, str(self.plain)), check=True)
        if age := shutil.which("age"):
            recipient = subprocess.run(("age-keygen",), check=True, capture_output=True, text=True)
            to = recipient.stderr.split()[-1]
            found[AGE] = partial(subprocess.run, (age, "-r", to, "-o", "/dev/null", str(self.plain)), check=True)
        return found

    def bare(self) -> None:
        self._bare(Null())

    def bare_to_disk(self) -> None:
        with (self.folder / "out").open("wb", buffering=0) as out:
            self._bare(out)
            os.fsync(out.fileno())
        (self.folder / "out").unlink()

    def _bare(self, out: Null | io.RawIOBase) -> None:
        digest = hashlib.sha256()
        with self.plain.open("rb") as stream:
            while block := stream.read(MIB):
                self.gcm.encrypt_into(self.nonce, block, None, memoryview(self.block)[: len(block) + 16])
                digest.update(self.block)
                for at in range(0, len(block), PIECE):
                    out.write(memoryview(self.block)[at : at + PIECE])


def judge(tables: list[Table]) -> list[str]:
    """Each of ours against 0.8 of the bare line that does the same with the disk."""
    goals = [(tables[0], SEAL), (tables[0], OPEN), (tables[1], OPEN_DISK)]
    found = [(name, table.line(name).ratio) for table, name in goals]
    return [verdict(f"{name} >= 0.8", is_met=ratio >= 0.8, found=f"{ratio:.2f}") for name, ratio in found]
