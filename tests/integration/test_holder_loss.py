"""A key holder lost before the deadline: two persons, a new key set, void bids, and nobody learns who had sealed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from accounts.models import InboxItem
from foundation.actor import Actor
from foundation.events import Event
from foundation.events import keyholding as keys
from foundation.events.tendering import BidVoided
from foundation.journal import JournalEntry
from foundation.journal.read import entry_of
from foundation.sealing import Header, Keyset, generate_key, prove_possession, unwrap_share
from foundation.sealing.suite import PrivateKey, public_bytes
from keyholding import access, facade
from keyholding.errors import HoldersRefused, KeysetInUse, SecondPersonNeeded
from keyholding.models import GateRequest, HolderSeat, LotKeyset, Rehearsal
from keyholding.services import keysets, rehearsals
from keyholding.states import Side
from tendering import facade as tendering
from tendering.bid_errors import KeysetBeingReplaced, NothingToWithdraw
from tendering.errors import ResealTimeShort
from tendering.models import Lot, SealedBid
from tendering.queries import bids as bid_queries
from tendering.queries import holders as holder_queries
from tendering.rulebook import RULEBOOKS
from tendering.services import holder_loss, publication, seals
from tendering.states import BidState, LotState
from tests.support.tender_world import NOW, TESTS, OpenLot, TenderWorld, make_world
from tests.support_bids import Bidder, codes_of, make_bidder

REASON = "硬盘损坏，备份口令遗失"
TOLD = ("inbox.bid_voided", "inbox.seal_again")
FAR = NOW + timedelta(days=30)


class Office:
    """A published lot whose key set has true seats; the holders' keys lie here, by key set and seat."""

    def __init__(self, folder: Path) -> None:
        self.world: TenderWorld = make_world(folder)
        self.tenderee = self.world.organisation("武进区教育局", "tenderee")
        self.duty = self.world.organisation("交易中心", "centre_staff")
        self.keys: dict[tuple[str, str], PrivateKey] = {}
        self.lot: OpenLot = self.world.open_lot(tenderee=self.tenderee, deadline_at=FAR)
        self.seat(Side.TENDEREE_SIDE, self.tenderee)
        for side, names in ((Side.REGULATOR, ("住建局", "发改委")), (Side.AUDIT, ("审计局",))):
            for name in names:
                self.seat(side, self.world.organisation(name, "gate_holder"))
        for number in range(3):
            self.seat(Side.CUSTODIAN, self.world.organisation(f"公证处{number}", "custodian"))
        with self.world.units.begin(TESTS) as unit:
            unit.session.query(LotKeyset).delete()
            unit.session.get_one(Lot, self.lot.id).rulebook_id = next(iter(RULEBOOKS))
            about = (self.lot.id, self.lot.tender_code, self.lot.lot_code, str(self.tenderee.org_id), None)
            facade.create_keyset(unit, *about, custodians=True)
        self.collect()

    def seat(self, side: Side, actor: Actor) -> None:
        self.world.clock.step(timedelta(seconds=1))
        with self.world.units.begin(TESTS) as unit:
            new = facade.NewSeat(side, str(actor.org_id), actor.org_name, f"{actor.org_name}机房")
            facade.enrol_agent(unit, facade.appoint_seat(unit, new))

    def collect(self) -> None:
        """Every holder gives its key and takes its part in the rehearsal."""
        with self.world.units.begin(TESTS) as unit:
            row = access.current_keyset(unit, self.lot.id)
            assert row is not None
            for one in access.members(unit, row.id):
                key = self.keys[row.id, one.seat_id] = generate_key()
                proof = prove_possession(key, row.tender, row.lot_code, one.role)
                seat = unit.session.get_one(HolderSeat, one.seat_id)
                keysets.give_key(unit, seat, row.id, public_bytes(key.public_key()), proof)
            dummy = unit.session.scalars(select(Rehearsal).where(Rehearsal.keyset_id == row.id)).one()
            header, keyset = Header.parse(dummy.header or b""), Keyset.parse(row.json_text.encode())
            for one in access.members(unit, row.id):
                share = unwrap_share(header, keyset, one.role, one.index, self.keys[row.id, one.seat_id])
                seat = unit.session.get_one(HolderSeat, one.seat_id)
                rehearsals.give_rehearsal_share(unit, seat, dummy.id, share)
        with self.world.units.begin(TESTS) as unit:
            publication.pass_rehearsal(unit, self.lot.id)
            holder_loss.tell_to_reseal(unit, self.lot.id)

    @property
    def card(self) -> facade.KeysetCard:
        with self.world.units.read() as unit:
            found = facade.keyset_of(unit, self.lot.id)
        assert found is not None
        return found

    @property
    def sealing_lot(self) -> OpenLot:
        """The lot with the key set that counts now, as a bidder's client reads it."""
        return replace(self.lot, keyset=Keyset.parse(self.card.json_text.encode()))

    def holder(self, name: str) -> str:
        return next(one.id for one in self.card.holders if one.org_name == name)

    def declare(self, name: str = "住建局", by: Actor | None = None) -> str:
        with self.world.units.begin(by or self.tenderee) as unit:
            return holder_loss.declare(unit, self.lot.id, self.holder(name), REASON)

    def confirm(self, loss_id: str, by: Actor | None = None) -> None:
        with self.world.units.begin(by or self.duty) as unit:
            holder_loss.confirm(unit, self.lot.id, loss_id)

    def events(self, kind: type[Event]) -> list[Event]:
        with self.world.units.read() as unit:
            rows = unit.session.scalars(select(JournalEntry).where(JournalEntry.type == kind.TYPE))
            return [entry_of(row).event for row in rows]

    def told(self, actor: Actor) -> list[str]:
        with self.world.units.read() as unit:
            rows = unit.session.scalars(select(InboxItem).where(InboxItem.org_id == actor.org_id))
            return [row.code for row in rows if row.code in TOLD]

    def state_of(self, bidder: Bidder) -> list[BidState]:
        with self.world.units.read() as unit:
            rows = unit.session.scalars(
                select(SealedBid).where(SealedBid.org_id == bidder.actor.org_id).order_by(SealedBid.rev)
            )
            return [row.state for row in rows]


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def test_a_lost_holder_is_replaced_and_the_sealed_bidder_seals_again(office: Office) -> None:
    sealed, watching = make_bidder(office.world), make_bidder(office.world)
    first = sealed.seal(office.sealing_lot)
    sealed.hand_in(office.lot, first)
    old = office.card
    loss = office.declare()
    assert office.card.version == 1
    office.confirm(loss)
    assert (office.card.version, office.card.state) == (2, "collecting")
    assert office.state_of(sealed) == [BidState.VOIDED]
    assert (office.told(sealed.actor), office.told(watching.actor)) == (["inbox.bid_voided"], [])
    with office.world.units.read(sealed.actor) as unit, pytest.raises(KeysetBeingReplaced):
        bid_queries.sealing_facts(unit, office.lot.id)
    command = sealed.command(office.lot, first, sealed.upload(office.lot, first))
    assert isinstance(sealed.submit(command), seals.Acknowledged)  # the receipt of the void bid stands
    late = watching.seal(replace(office.lot, keyset=Keyset.parse(old.json_text.encode())))
    refused = watching.submit(watching.command(office.lot, late, watching.upload(office.lot, late)))
    assert codes_of(refused) == {"tendering.keyset_being_replaced"}
    office.collect()
    assert {one.org_name for one in office.card.holders if one.role == "gate"} == {"武进区教育局", "发改委", "审计局"}
    assert office.told(sealed.actor) == ["inbox.bid_voided", "inbox.seal_again"]
    stale = watching.submit(watching.command(office.lot, late, watching.upload(office.lot, late)))
    assert "sealing.keyset_mismatch" in codes_of(stale)
    sealed.hand_in(office.lot, sealed.seal(office.sealing_lot, after=first))
    assert office.state_of(sealed) == [BidState.VOIDED, BidState.SEALED]
    with office.world.units.begin(TESTS) as unit:
        holder_loss.tell_to_reseal(unit, office.lot.id)
    assert office.told(sealed.actor) == ["inbox.bid_voided", "inbox.seal_again"]
    assert office.told(watching.actor) == []


def test_a_bid_that_is_not_sealed_again_is_not_frozen(office: Office) -> None:
    idle, active = make_bidder(office.world), make_bidder(office.world)
    idle.hand_in(office.lot, idle.seal(office.sealing_lot))
    first = active.seal(office.sealing_lot)
    active.hand_in(office.lot, first)
    office.confirm(office.declare())
    office.collect()
    active.hand_in(office.lot, active.seal(office.sealing_lot, after=first))
    with office.world.units.begin(TESTS) as unit:
        unit.session.get_one(Lot, office.lot.id).state = LotState.CLOSED
        assert [bid.org_id for bid in tendering.live_bids(unit, office.lot.id)] == [active.actor.org_id]
    with office.world.units.begin(idle.actor) as unit, pytest.raises(NothingToWithdraw):
        seals.withdraw_bid(unit, office.lot.id, unit.at)


def test_nobody_but_the_bidder_learns_that_its_bid_became_void(office: Office) -> None:
    sealed = make_bidder(office.world)
    sealed.hand_in(office.lot, sealed.seal(office.sealing_lot))
    office.confirm(office.declare())
    (voided,) = office.events(BidVoided)
    assert isinstance(voided, BidVoided)
    assert voided.keyset == office.events(keys.KeysetRetired)[0].hash  # type: ignore[attr-defined]
    with office.world.units.read() as unit:
        row = unit.session.scalars(select(JournalEntry).where(JournalEntry.type == BidVoided.TYPE)).one()
        assert row.stream == f"bid:{office.lot.id}:{sealed.actor.org_id}"
        inbox = unit.session.scalars(select(InboxItem.org_id).where(InboxItem.code.in_(TOLD))).all()
    assert set(inbox) == {sealed.actor.org_id}
    with office.world.units.read(office.tenderee) as unit:
        assert str(sealed.actor.org_id) not in repr(holder_queries.holders_page(unit, office.lot.id))


def test_it_takes_two_persons(office: Office) -> None:
    loss = office.declare(by=office.duty)
    with pytest.raises(SecondPersonNeeded):
        office.confirm(loss, by=office.duty)
    assert office.declare(by=office.duty) == loss  # again: the same declaration
    assert office.card.version == 1
    office.confirm(loss, by=office.tenderee)
    office.confirm(loss, by=office.tenderee)
    assert office.card.version == 2
    assert len(office.events(keys.HolderLost)) == 1


def test_too_little_time_to_seal_again_names_the_earliest_lawful_deadline(office: Office) -> None:
    loss = office.declare()
    office.world.clock.set(FAR - timedelta(days=14))
    with pytest.raises(ResealTimeShort) as refused:
        office.confirm(loss)
    earliest = refused.value.fields["earliest"]
    assert earliest > FAR  # type: ignore[operator]
    assert office.card.version == 1
    with office.world.units.read(office.tenderee) as unit:
        assert holder_queries.holders_page(unit, office.lot.id).earliest == earliest
    with office.world.units.begin(TESTS) as unit:
        unit.session.get_one(Lot, office.lot.id).deadline_at = earliest  # type: ignore[assignment]
    office.confirm(loss)
    assert office.card.version == 2


def test_without_another_seat_of_the_side_nothing_is_replaced(office: Office) -> None:
    with pytest.raises(HoldersRefused) as refused:
        office.confirm(office.declare("审计局"))
    assert [one.code for one in refused.value.objections] == ["keyholding.side_without_seat"]
    assert office.card.version == 1
    assert not office.events(keys.HolderLost)


def test_once_the_keys_are_asked_for_the_set_stays(office: Office) -> None:
    with office.world.units.begin(TESTS) as unit:
        unit.session.add(
            GateRequest(lot_id=office.lot.id, keyset_id=office.card.id, entry_id="e" * 36, requested_at=unit.at)
        )
    with pytest.raises(KeysetInUse):
        office.declare()


def test_a_seat_that_ended_stops_the_publication(office: Office) -> None:
    from keyholding.services.seats import retire_seat

    with office.world.units.begin(TESTS) as unit:
        assert facade.objections_to_publication(unit, office.lot.id) == ()
        retire_seat(unit, office.holder("住建局"), reason="调任")
        found = facade.objections_to_publication(unit, office.lot.id)
    assert [(one.code, one.params["holder"]) for one in found] == [("keyholding.holder_gone", "住建局")]
