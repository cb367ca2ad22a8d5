"""An opened lot with real technical bids and deposits of a real bank, for tests of oversight."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from PIL import Image

import oversight.tasks
from foundation.codes import synthetic_uscc
from foundation.documents import forms
from foundation.events import tendering as e
from foundation.store.unit import Unit
from oversight.models import Alert, BidReading, CollusionScan
from sandbox import cast, samples
from tendering.models import Document
from tests.support.tender_world import DEPOSIT, TESTS, OpenLot, TenderWorld
from tests.support_bids import FILES
from tests.support_opening import TOTALS, Opening, make_opening, price_schedule
from tests.unit.deposits.world import DepositWorld
from tests.unit.documents import examples

AT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)
COPYIST, OTHER_COPYIST = samples.COPYISTS
HONEST = 1


@cache
def technical(variant: int) -> bytes:
    """The sample technical bid of one of the invented bidders."""
    bidder = cast.BIDDERS[variant - 1]
    offer = samples.Offer(
        project_name=cast.PROJECT_NAME,
        lot_name=cast.LOT_NAME,
        lot_code="E3204122611240001001001",
        tenderee=cast.TENDEREES[0].zh,
        bidder=bidder.company.zh,
        uscc=synthetic_uscc(200 + variant),
        total=bidder.price,
        duration_days=bidder.duration_days,
        manager=bidder.manager,
        variant=variant,
    )
    return samples.technical_bid(offer, AT)


@cache
def tender_document() -> bytes:
    return forms.render_tender_document(examples.tender_document(), at=examples.AT)


def passage() -> str:
    """What the two copyists share."""
    return (Path(samples.__file__).parent / "copied_passage.txt").read_text(encoding="utf-8")


def picture() -> bytes:
    """A PDF page that is one picture, without any text."""
    out = io.BytesIO()
    Image.new("RGB", (120, 160), "grey").save(out, "PDF")
    return out.getvalue()


@dataclass
class OversightWorld:
    opening: Opening
    bank: DepositWorld

    @property
    def world(self) -> TenderWorld:
        return self.opening.world

    @property
    def lot_id(self) -> str:
        return self.opening.lot.id

    def pay(self, payers: Mapping[int, str]) -> None:
        """Every bidder pays its deposit, those in ``payers`` from the account of another holder."""
        lot = self.opening.lot
        for index, bidder in enumerate(self.opening.bidders):
            self.bank.open(lot, bidder.actor)
            self.bank.pay(lot, bidder.actor, DEPOSIT, payer=payers.get(index, ""))

    def open(self) -> None:
        self.opening.to_closed()
        assert self.opening.run_jobs() == []

    def alerts(self) -> list[Alert]:
        with self.world.units.read() as unit:
            return list(unit.session.query(Alert).filter_by(lot_id=self.lot_id).order_by(Alert.number))

    def readings(self) -> dict[str, BidReading]:
        """By bid, in the order of ``opening.bidders``."""
        with self.world.units.read() as unit:
            rows = {row.bid: row for row in unit.session.query(BidReading).filter_by(lot_id=self.lot_id)}
        return {one.bid: rows[one.bid] for one in self.opening.sealed if one.bid in rows}

    def scans(self) -> dict[str, CollusionScan]:
        with self.world.units.read() as unit:
            return {row.detector: row for row in unit.session.query(CollusionScan).filter_by(lot_id=self.lot_id)}


def make_oversight(
    folder: Path, technicals: Sequence[bytes], *, payers: Mapping[int, str] | None = None, with_document: bool = True
) -> OversightWorld:
    """A lot with these technical bids, sealed; deposits are paid when ``payers`` is given."""
    assert oversight.tasks.LOOK_SECONDS > 0  # the jobs are registered
    files = {
        index: {**FILES, "price_schedule": price_schedule(TOTALS[index]), "technical": content}
        for index, content in enumerate(technicals)
    }
    opening = make_opening(folder, bids=len(technicals), files=files)
    made = OversightWorld(opening, DepositWorld(opening.world))
    publish(made, with_document=with_document)
    if payers is not None:
        made.pay(payers)
    return made


def publish(made: OversightWorld, *, with_document: bool) -> None:
    """What publication leaves: the fact in the lot's stream and the tender document in the store."""
    lot, world = made.opening.lot, made.world
    with world.units.begin(TESTS) as unit:
        unit.append(f"lot:{lot.id}", _published(lot))
        if with_document:
            add_document(unit, world, lot, tender_document())


def _published(lot: OpenLot) -> e.LotPublished:
    return e.LotPublished(
        lot=lot.id,
        tender=lot.tender_code,
        lot_code=lot.lot_code,
        unified_deal_code="A01",
        name=cast.LOT_NAME,
        deadline_at=lot.deadline_at,
        ceiling="12860000.00",
        deposit=DEPOSIT.text(),
        rulebook="works-2026",
        method="jiangsu-1",
        escrow_rule="compulsory",
        keyset="0" * 64,
        documents=(),
    )


def add_document(unit: Unit, world: TenderWorld, lot: OpenLot, content: bytes, version: int = 1) -> None:
    digest = hashlib.sha256(content).hexdigest()
    stored = world.runtime.objects.put_once(f"documents/{lot.id}/{digest}.pdf", content)
    document = Document(
        id=unit.new_id(),
        lot_id=lot.id,
        kind="document",
        version=version,
        title="招标文件",
        object_name=stored.name,
        media_type="application/pdf",
        sha256=digest,
        size_bytes=stored.size_bytes,
        issued_at=unit.at,
    )
    unit.session.add(document)


__all__ = ["COPYIST", "HONEST", "OTHER_COPYIST", "OversightWorld", "make_oversight", "passage", "picture", "technical"]
