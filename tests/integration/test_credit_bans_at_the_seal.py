"""A lawful ban stops a bid to the instant of its receipt: not the upload, not the opening (invariant 19, R7.09)."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest

from credit import services
from credit.facade import Level, standing_of
from credit.services import NewBan
from tendering import facade
from tendering.bid_errors import SealRefused
from tendering.services import seals
from tests import support_opening
from tests.support.tender_world import DEADLINE, OpenLot, TenderWorld, make_world
from tests.support_bids import Bidder, codes_of, make_bidder

TICK = timedelta(microseconds=1)
BANNED = {"tendering.seal_banned"}


class Lot:
    """A published lot, a bidder whose files are uploaded, and a supervisor."""

    def __init__(self, folder: Path) -> None:
        self.world: TenderWorld = make_world(folder)
        self.lot: OpenLot = self.world.open_lot()
        self.bidder: Bidder = make_bidder(self.world)
        self.supervisor = self.world.organisation("武进区住房和城乡建设局", "supervisor")
        self.uploaded_at = self.world.clock.now()
        made = self.bidder.seal(self.lot)
        self.command = self.bidder.command(self.lot, made, self.bidder.upload(self.lot, made))

    def ban(self, starts_at: datetime, ends_at: datetime) -> str:
        new = NewBan(
            uscc=self.bidder.uscc,
            name="x",
            authority="常州市住房和城乡建设局",
            decision_no="常住建罚〔2026〕7 号",
            clause="招标投标法第五十三条",
            starts_at=starts_at,
            ends_at=ends_at,
            document_reference="https://example.invalid/7",
        )
        with self.world.units.begin(self.supervisor) as unit:
            return services.enter_ban(unit, new)

    def seal(self, received_at: datetime) -> seals.Acknowledged | SealRefused:
        return self.bidder.submit(self.command, received_at)

    def level(self, at: datetime) -> Level:
        with self.world.units.read() as unit:
            return standing_of(unit, str(self.bidder.actor.org_id), at).level


@pytest.fixture
def here(tmp_path: Path) -> Lot:
    return Lot(tmp_path)


def test_a_ban_that_starts_between_upload_and_seal_stops_the_seal(here: Lot) -> None:
    starts = here.uploaded_at + timedelta(minutes=5)
    here.ban(starts, DEADLINE + timedelta(days=365))
    refused = here.seal(starts)
    assert isinstance(refused, SealRefused)
    assert codes_of(refused) == BANNED
    assert refused.objections[0].clause == "招标投标法第五十三条"


def test_one_instant_before_its_start_the_bid_is_received(here: Lot) -> None:
    starts = here.uploaded_at + timedelta(minutes=5)
    here.ban(starts, DEADLINE + timedelta(days=365))
    assert isinstance(here.seal(starts - TICK), seals.Acknowledged)


def test_it_stops_up_to_the_instant_before_its_end_and_lifts_by_itself(here: Lot) -> None:
    ends = DEADLINE - timedelta(hours=1)
    here.ban(here.uploaded_at - timedelta(days=365), ends)
    assert codes_of(here.seal(here.uploaded_at)) == BANNED
    assert codes_of(here.seal(ends - TICK)) == BANNED
    assert isinstance(here.seal(ends), seals.Acknowledged)


def test_an_annulled_ban_stops_nothing_from_the_annulment_on(here: Lot) -> None:
    ban_id = here.ban(here.uploaded_at - timedelta(days=1), DEADLINE + timedelta(days=365))
    annulled = here.uploaded_at + timedelta(hours=2)
    assert codes_of(here.seal(annulled - TICK)) == BANNED
    here.world.clock.set(annulled)
    with here.world.units.begin(here.supervisor) as unit:
        services.annul_ban(unit, ban_id, "行政复议撤销")
    assert codes_of(here.seal(annulled - TICK)) == BANNED
    assert isinstance(here.seal(annulled), seals.Acknowledged)


def test_a_ban_that_starts_after_the_seal_leaves_the_bid_and_shows_in_the_standing(tmp_path: Path) -> None:
    """What it means for the award, committee and tenderee decide by the documents (REG 56)."""
    opening = support_opening.make_opening(tmp_path)
    bidder = opening.bidders[0]
    supervisor, starts = opening.supervisor, opening.lot.deadline_at
    with opening.world.units.begin(supervisor) as unit:
        services.enter_ban(
            unit,
            NewBan(
                uscc=bidder.uscc,
                name="x",
                authority="常州市住房和城乡建设局",
                decision_no="常住建罚〔2026〕8 号",
                clause="招标投标法第五十四条",
                starts_at=starts,
                ends_at=starts + timedelta(days=365),
                document_reference="https://example.invalid/8",
            ),
        )
    opening.to_list()
    with opening.world.units.read() as unit:
        received = [bid.org_id for bid in facade.live_bids(unit, opening.lot.id)]
        before, after = (standing_of(unit, str(bidder.actor.org_id), at) for at in (starts - TICK, starts))
    assert str(bidder.actor.org_id) in [str(one) for one in received]
    assert (before.level, after.level) == (Level.GOOD, Level.BANNED)
    assert after.reasons[0].decision_no == "常住建罚〔2026〕8 号"
