"""A small log with its cosigners, as the tests of this folder and of ``tests/property`` need one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from foundation.entropy import SeededEntropy
from foundation.transparency.checkpoint import Checkpoint
from foundation.transparency.keys import Algorithm, SigningKey
from foundation.transparency.notes import Note, cosign
from foundation.transparency.policy import Policy
from foundation.transparency.proof import TlogProof
from foundation.transparency.storage import MemoryStore, put_all
from foundation.transparency.tiles import Edge, TileReader, extend

ROOT = Path(__file__).resolve().parents[3]
VECTORS = ROOT / "tests" / "vectors"
ORIGIN = "log.example/centre"
NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


def log_key(seed: str = "log", origin: str = ORIGIN) -> SigningKey:
    return SigningKey.generate(origin, Algorithm.ED25519, SeededEntropy(seed))


def cosigner_key(name: str = "a") -> SigningKey:
    return SigningKey.generate(f"cosigner.example/{name}", Algorithm.COSIGNATURE, SeededEntropy(f"cosigner {name}"))


def policy_of(*names: str, threshold: str = "all") -> Policy:
    """A policy over the log and the named cosigners."""
    lines = [f"log {log_key().verifier}", *(f"witness {name} {cosigner_key(name).verifier}" for name in names)]
    return Policy.parse("\n".join([*lines, f"group them {threshold} {' '.join(names)}", "quorum them", ""]))


class Logbook:
    """Appends entries to tiles in memory and hands out signed checkpoints and proof files."""

    def __init__(self, entries: Sequence[bytes] = ()) -> None:
        self.key = log_key()
        self.store = MemoryStore()
        self.edge = Edge()
        self.append(entries)

    def append(self, entries: Sequence[bytes]) -> None:
        extension = extend(self.edge, entries)
        put_all(self.store, extension.files)
        self.edge = extension.edge

    def reader(self) -> TileReader:
        return TileReader(self.store.get, self.edge.size)

    def checkpoint(self) -> str:
        return Checkpoint(ORIGIN, self.edge.size, self.edge.root()).signed(self.key)

    def cosigned(self, *names: str, at: datetime = NOON) -> str:
        note = Note.parse(self.checkpoint())
        return str(note.with_signatures(cosign(note.text, cosigner_key(name), at) for name in names))

    def proof(self, index: int, *names: str, extra: bytes | None = None) -> TlogProof:
        return TlogProof(index, tuple(self.reader().inclusion_proof(index)), self.cosigned(*names), extra)
