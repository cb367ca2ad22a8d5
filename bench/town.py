"""A world with bidders for measuring: databases that sync, bids sealed and uploaded beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy.engine import make_url

from foundation.clock import machine_now
from tendering.services.seals import Acknowledged, SealCommand
from tests.support import postgres, services
from tests.support.tender_world import OpenLot, TenderWorld, make_world
from tests.support_bids import Bidder, make_bidder

TINY = {
    "price_schedule": (
        b'{"v":1,"currency":"CNY","total":"11402318.00","duration_days":178,'
        b'"quality":"\xe5\x90\x88\xe6\xa0\xbc","project_manager":"A"}'
    ),
    "technical": b"%PDF-1.7 t",
    "commercial": b"%PDF-1.7 c",
}


@contextmanager
def durable_postgres() -> Iterator[str]:
    """The address of a database on a PostgreSQL server of our own whose commits reach the disk."""
    run = services.open_run()
    try:
        folder = run / "durable"
        folder.mkdir()
        server = make_url(postgres.start(folder, durable=True)).set(drivername="postgresql+psycopg")
        with postgres.database(server, "bench") as url:
            yield url
    finally:
        services.close_run(run)


@dataclass(frozen=True)
class Prepared:
    """A bid whose ciphertext is held already: all that is left is to seal it."""

    bidder: Bidder
    command: SealCommand

    def hand_in(self) -> Acknowledged:
        """Commit the seal and get its signed receipt. Raises AssertionError for a refusal."""
        outcome = self.bidder.submit(self.command)
        assert isinstance(outcome, Acknowledged), outcome
        assert outcome.is_new
        assert outcome.receipt
        return outcome


class Town:
    """One world, its bidders, and lots that are open for long."""

    def __init__(self, folder: Path, *, url: str = "", bidders: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.world: TenderWorld = make_world(folder, url=url, at=machine_now().replace(microsecond=0))
        self.tenderee = self.world.organisation("Tenderee", "tenderee")
        self.bidders: Sequence[Bidder] = [make_bidder(self.world, f"Bidder {number}") for number in range(bidders)]

    def open_lot(self) -> OpenLot:
        return self.world.open_lot(deadline_at=self.world.clock.now() + timedelta(days=1), tenderee=self.tenderee)

    def prepare(self, lot: OpenLot) -> list[Prepared]:
        """One bid of every bidder, sealed and uploaded, not handed in."""
        prepared = []
        for bidder in self.bidders:
            made = bidder.seal(lot, files=TINY)
            prepared.append(Prepared(bidder, bidder.command(lot, made, bidder.upload(lot, made))))
        return prepared

    def close(self) -> None:
        self.world.engine.dispose()
