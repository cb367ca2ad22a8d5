"""Sealing and opening against AES-GCM ``encrypt_into`` at 1 MiB plus SHA-256 of the output (goal: ≥ 0.8 ×)."""

from __future__ import annotations

import contextlib
import hashlib
import io
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bench.paired import Line, cpu_seconds, paired
from foundation.entropy import SystemEntropy
from foundation.sealing import keyset as keysets
from foundation.sealing.binding import Part, write_binding
from foundation.sealing.keys import generate_key
from foundation.sealing.opening import content_key, open_part, recover_r_bid, recover_r_gate
from foundation.sealing.seal import PartSource, Sealed, seal
from foundation.sealing.suite import part_key, public_bytes

MIB = 1024 * 1024
NAME = "sealing"
GOAL = "seal and open >= 0.8 x (AESGCM encrypt_into at 1 MiB + SHA-256 of the output), CPU"


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


def make_keyset() -> tuple[keysets.Keyset, dict[int, ec.EllipticCurvePrivateKey]]:
    keys = [generate_key() for _ in range(6)]

    def group(role: keysets.Role, own: list[ec.EllipticCurvePrivateKey]) -> keysets.Group:
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


def run(size_mib: int = 256, rounds: int = 5) -> list[Line]:
    """One figure a line: MiB per CPU second."""
    entropy = SystemEntropy()
    keyset, gate = make_keyset()
    bidder, signing = generate_key(), generate_key()
    folder = Path(tempfile.mkdtemp(prefix="bench-"))
    plain = folder / "plain"
    plain.write_bytes(entropy.token(MIB) * size_mib)
    size = size_mib * MIB

    def sealed_to(sink: object) -> Sealed:
        binding = write_binding(
            tender="T", lot="L", stage="1", bidder="91320412MA1WJ0T064", bid=entropy.token(16).hex(), rev=1, prev="-",
            keyset=keyset.hash, parts=(Part("technical", "technical.pdf"),), created=datetime(2026, 1, 1, tzinfo=UTC),
        )  # fmt: skip
        with plain.open("rb") as stream:
            parts = [PartSource("technical", stream, size)]
            return seal(binding, keyset, [public_bytes(bidder.public_key())], parts, sink, signing, entropy)  # type: ignore[arg-type]

    sealed = sealed_to(Folder(folder))
    secret = recover_r_bid(sealed.header, bidder)
    cek = content_key(sealed.header, secret, recover_r_gate(sealed.header, keyset, gate).r_gate)

    def opened() -> None:
        with (folder / "technical").open("rb") as source:
            part = sealed.manifest.part("technical")
            open_part(source, part, part_key(cek, part.id), sealed.header.hash, folder / "out")
        (folder / "out").unlink()

    gcm, nonce = AESGCM(entropy.token(32)), bytes(12)
    out = bytearray(MIB + 16)

    def bare() -> None:
        digest = hashlib.sha256()
        with plain.open("rb") as stream:
            while block := stream.read(MIB):
                gcm.encrypt_into(nonce, block, None, memoryview(out)[: len(block) + 16])
                digest.update(out)

    try:
        return paired(
            {
                "bare: AESGCM encrypt_into 1 MiB + SHA-256": lambda: size_mib / cpu_seconds(bare),
                "centre: seal": lambda: size_mib / cpu_seconds(lambda: sealed_to(nowhere)),
                "centre: open to disk": lambda: size_mib / cpu_seconds(opened),
            },
            unit="MiB/CPU s",
            rounds=rounds,
        )
    finally:
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()


def judge(lines: list[Line]) -> list[str]:
    """Each of ours against 0.8."""
    return [f"- {line.name}: {'met' if line.ratio >= 0.8 else 'MISSED'} ({line.ratio:.2f})" for line in lines[1:]]
