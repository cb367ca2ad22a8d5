"""A centre with a journal, a publisher and, where asked for, a cosigner: what the tests of publication work with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from foundation.actor import system
from foundation.clock import SteppingClock, machine_now
from foundation.entropy import SystemEntropy
from foundation.events import Event
from foundation.events.tendering import DocumentDownloaded, LotCancelled
from foundation.publication import models  # noqa: F401 - the tables
from foundation.publication.policy import log_policy
from foundation.publication.proofs import PublishedProof
from foundation.publication.publisher import Publisher
from foundation.runtime import Runtime
from foundation.settings import Settings
from foundation.storage import open_store
from foundation.store.base import Base
from foundation.store.engine import open_engine
from foundation.store.unit import Units
from foundation.transparency.cosigner import CosignerServer, running
from foundation.transparency.keys import Algorithm, SigningKey, load_or_create_key
from foundation.transparency.policy import Policy
from foundation.transparency.verify import VerifiedEntry, verify_blinded, verify_entry

NOON = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
ORIGIN = "centre.test/log"
ENTROPY = SystemEntropy()
SYSTEM = system("tests")


def make_runtime(folder: Path, database_url: str = "", cosigner_url: str = "") -> Runtime:
    """The ports of one process on ``folder``; two calls share the keys and the data."""
    settings = Settings(data_dir=folder, DATABASE_URL=database_url, cosigner_url=cosigner_url, log_origin=ORIGIN)
    clock = SteppingClock(NOON)
    engine = open_engine(settings.database)
    Base.metadata.create_all(engine)
    return Runtime(
        settings=settings,
        units=Units(engine, clock, ENTROPY),
        clock=clock,
        objects=open_store(settings.storage),
        log_key=_key(folder, "log", ORIGIN),
        receipt_key=_key(folder, "receipt", f"{ORIGIN}/receipt"),
        scratch_dir=folder,
    )


def _key(folder: Path, name: str, origin: str) -> SigningKey:
    return load_or_create_key(folder / "secrets" / f"{name}.key", origin, Algorithm.ED25519, ENTROPY)


class MachineClock:
    """A machine clock the test moves."""

    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now

    def step(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


class Centre:
    """One publisher over one runtime."""

    def __init__(self, runtime: Runtime, machine: Callable[[], datetime]) -> None:
        self.runtime = runtime
        self.publisher = Publisher(runtime, machine=machine)

    def append(self, stream: str, event: Event) -> str:
        with self.runtime.units.begin(SYSTEM) as unit:
            return unit.append(stream, event).id

    def public(self, stream: str = "lot:1", why: str = "无") -> str:
        return self.append(stream, LotCancelled(lot="1", why=why))

    def private(self, stream: str = "bid:1:1", document: str = "d") -> str:
        return self.append(stream, DocumentDownloaded(lot="1", org_id="1", document=document))

    def policy(self) -> Policy:
        return Policy.parse(log_policy(self.runtime))

    def verify(self, proof: PublishedProof) -> VerifiedEntry:
        """As a holder does it, with nothing but the proof and the policy."""
        check = verify_blinded if proof.entry_text.startswith("{") else verify_entry
        return check(proof.tlog_proof, proof.entry_text.encode(), self.policy(), now=None)


@contextmanager
def cosigner(folder: Path, log_key: SigningKey, port: int = 0) -> Iterator[CosignerServer]:
    """A cosigner in a thread; its memory is in ``folder/cosigner`` and outlives it."""
    state = folder / "cosigner"
    state.mkdir(parents=True, exist_ok=True)
    key = load_or_create_key(state / "cosigner.key", "cosigner.test/one", Algorithm.COSIGNATURE, ENTROPY)
    (state / "cosigner.vkey").write_text(f"{key.verifier}\n", encoding="utf-8")
    with running("127.0.0.1", port, state, key, [str(log_key.verifier)], now=machine_now) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
