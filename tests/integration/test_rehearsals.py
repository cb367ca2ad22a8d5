"""Rehearsed seal: what is filed before the deadline, what it says to whom, and how the opening checks it (R3.22)."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from foundation.errors import NotPermitted
from foundation.events.tendering import BidRehearsed, RehearsalChecked
from foundation.journal.models import JournalEntry
from foundation.sealing import SUITES, matches_commit, matches_rehearsal, recover_r_bid, rehearsal_tag
from foundation.store.base import Base
from tendering import facade
from tendering.bid_errors import NotSealedYet
from tendering.models import Lot
from tendering.queries.rehearsals import Rehearsed, own_rehearsal
from tendering.readiness_errors import RehearsalLate, RehearsalMalformed, RehearsalOfAnotherBid, TooManyRehearsals
from tendering.readiness_models import BidRehearsal
from tendering.services import rehearsals
from tendering.services.seals import withdraw_bid
from tendering.states import LotState
from tests.support.tender_world import DEADLINE, TESTS, OpenLot, TenderWorld, make_world
from tests.support_bids import Bidder, SealedFiles, make_bidder
from tests.support_rehearsals import ask, file, statement_of


@pytest.fixture
def world(tmp_path: Path) -> TenderWorld:
    return make_world(tmp_path)


@pytest.fixture
def lot(world: TenderWorld) -> OpenLot:
    return world.open_lot()


@pytest.fixture
def bidder(world: TenderWorld) -> Bidder:
    return make_bidder(world)


def stands(bidder: Bidder, lot: OpenLot) -> Rehearsed:
    with bidder.world.units.read(bidder.actor) as unit:
        card = own_rehearsal(unit, lot.id)
    assert card is not None
    return card.rehearsed


def events(world: TenderWorld, event_type: str) -> list[JournalEntry]:
    with world.units.read() as unit:
        return list(unit.session.scalars(select(JournalEntry).where(JournalEntry.type == event_type)))


def outcome_of(entry: JournalEntry) -> str:
    return str(json.loads(entry.data)["outcome"])


def freeze(world: TenderWorld, lot: OpenLot) -> None:
    world.clock.set(DEADLINE)
    with world.units.begin(TESTS) as unit:
        unit.session.execute(update(Lot).where(Lot.id == lot.id).values(state=LotState.FROZEN))


def release(world: TenderWorld, lot: OpenLot, made: SealedFiles, r_bid: bytes) -> None:
    with world.units.begin(TESTS) as unit:
        facade.check_rehearsals(unit, lot.id, made.bid, r_bid)


@pytest.mark.parametrize("suite", SUITES.values(), ids=SUITES)
def test_a_bid_is_verified_by_its_own_client_and_checked_when_its_secret_is_released(
    world: TenderWorld, suite: object
) -> None:
    lot = world.open_lot(suite=suite)  # type: ignore[arg-type]
    bidder = make_bidder(world, suite=suite)  # type: ignore[arg-type]
    made = bidder.seal(lot)
    bidder.hand_in(lot, made)
    assert stands(bidder, lot) is Rehearsed.NEVER
    statement = statement_of(bidder, made, ask(bidder, lot))
    file(bidder, lot, statement)
    file(bidder, lot, statement)  # a lost answer is asked for again
    assert stands(bidder, lot) is Rehearsed.FILED
    assert len(events(world, BidRehearsed.TYPE)) == 1
    freeze(world, lot)
    r_bid = recover_r_bid(made.sealed.header, bidder.opening)
    release(world, lot, made, r_bid)
    release(world, lot, made, r_bid)
    assert stands(bidder, lot) is Rehearsed.RIGHT
    (checked,) = events(world, RehearsalChecked.TYPE)
    assert (checked.stream, outcome_of(checked)) == (f"bid:{lot.id}:{bidder.actor.org_id}", "right")


def test_a_wrong_statement_is_believed_before_the_opening_and_found_out_after_the_release(
    world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    made = bidder.seal(lot)
    bidder.hand_in(lot, made)
    asked = ask(bidder, lot)
    lie = rehearsal_tag(made.sealed.header, asked.challenge, bytes(32))
    file(bidder, lot, rehearsals.Statement(asked.bid, asked.rev, asked.challenge, lie))
    assert stands(bidder, lot) is Rehearsed.FILED
    freeze(world, lot)
    release(world, lot, made, recover_r_bid(made.sealed.header, bidder.opening))
    assert stands(bidder, lot) is Rehearsed.WRONG
    with world.units.read() as unit:
        evidence = facade.rehearsal_evidence(unit, lot.id)[made.bid]
    assert evidence.card.rehearsed is Rehearsed.WRONG
    assert [outcome_of(one) for one in events(world, RehearsalChecked.TYPE)] == ["wrong"]


def test_the_tag_gives_nobody_anything_to_use(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    """It is one digest over 32 random bytes that only the bidder holds: no part of it opens, releases or commits."""
    made = bidder.seal(lot)
    bidder.hand_in(lot, made)
    statement = statement_of(bidder, made, ask(bidder, lot))
    file(bidder, lot, statement)
    header, r_bid = made.sealed.header, recover_r_bid(made.sealed.header, bidder.opening)
    assert statement.tag != header.commit.bidder
    assert not matches_commit(header, "bidder", bytes.fromhex(statement.tag))  # handed in at the opening: refused
    # Everything the centre knows, tried as the secret, does not explain the tag.
    known = [made.sealed.manifest.envelope_hash, header.commit.bidder, header.commit.gate, statement.challenge]
    known += [*header.commit.gate_shares, *header.commit.escrow_shares, header.hash.hex(), statement.tag]
    assert not any(matches_rehearsal(header, statement.challenge, statement.tag, bytes.fromhex(one)) for one in known)
    # Bound to this challenge, so that two statements of one secret have nothing in common.
    assert rehearsal_tag(header, "0" * 64, r_bid) != statement.tag
    # And the secret itself is nowhere in the database.
    with world.units.read() as unit:
        for table in Base.metadata.sorted_tables:
            for row in unit.session.execute(text(f'SELECT * FROM "{table.name}"')):  # noqa: S608 - our own tables
                told = " ".join(value.hex() if isinstance(value, bytes) else str(value) for value in row)
                assert r_bid.hex() not in told, table.name


def test_a_replaced_bid_is_unverified_again_and_takes_no_old_statement(
    world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    first = bidder.seal(lot)
    bidder.hand_in(lot, first)
    waiting = ask(bidder, lot)
    statement = statement_of(bidder, first, waiting)
    file(bidder, lot, statement)
    second = bidder.seal(lot, after=first)
    bidder.hand_in(lot, second)
    assert stands(bidder, lot) is Rehearsed.NEVER
    with pytest.raises(RehearsalOfAnotherBid):
        file(bidder, lot, statement)
    asked = ask(bidder, lot)
    assert asked.rev == 2
    file(bidder, lot, statement_of(bidder, second, asked))
    assert stands(bidder, lot) is Rehearsed.FILED


def test_a_statement_answers_the_waiting_challenge_only(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    made = bidder.seal(lot)
    bidder.hand_in(lot, made)
    old = ask(bidder, lot)
    asked = ask(bidder, lot)
    assert old.challenge != asked.challenge
    with pytest.raises(RehearsalOfAnotherBid):
        file(bidder, lot, statement_of(bidder, made, old))
    right = statement_of(bidder, made, asked)
    file(bidder, lot, right)
    other = rehearsals.Statement(right.bid, right.rev, right.challenge, "0" * 64)
    with pytest.raises(RehearsalOfAnotherBid):  # what was filed is never exchanged
        file(bidder, lot, other)
    with pytest.raises(RehearsalMalformed):
        file(bidder, lot, rehearsals.Statement(right.bid, right.rev, right.challenge, right.tag.upper()))
    with world.units.read() as unit:
        assert unit.session.scalars(select(BidRehearsal.tag)).all() == [right.tag]


def test_only_the_own_live_bid_is_rehearsed_and_only_in_time(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    with pytest.raises(NotSealedYet):
        ask(bidder, lot)
    made = bidder.seal(lot)
    bidder.hand_in(lot, made)
    statement = statement_of(bidder, made, ask(bidder, lot))
    rival = make_bidder(world, "无锡栖云建筑有限公司")
    with pytest.raises(NotSealedYet):
        ask(rival, lot)
    rival.hand_in(lot, rival.seal(lot))
    with pytest.raises(RehearsalOfAnotherBid):
        file(rival, lot, statement)
    world.clock.set(DEADLINE)
    with pytest.raises(RehearsalLate):
        file(bidder, lot, statement)
    with pytest.raises(RehearsalLate):
        ask(bidder, lot)
    world.clock.set(DEADLINE - timedelta(minutes=5))
    with world.units.begin(bidder.actor) as unit:
        withdraw_bid(unit, lot.id, unit.at)
    with pytest.raises(NotSealedYet):
        ask(bidder, lot)


def test_as_many_statements_as_anyone_needs_and_no_more(
    world: TenderWorld, lot: OpenLot, bidder: Bidder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rehearsals, "FILED_MAX", 2)
    made = bidder.seal(lot)
    bidder.hand_in(lot, made)
    for _ in range(2):
        world.clock.step(timedelta(minutes=1))
        file(bidder, lot, statement_of(bidder, made, ask(bidder, lot)))
    with pytest.raises(TooManyRehearsals):
        ask(bidder, lot)


def test_before_the_freeze_nobody_else_learns_of_a_rehearsal(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    made = bidder.seal(lot)
    bidder.hand_in(lot, made)
    file(bidder, lot, statement_of(bidder, made, ask(bidder, lot)))
    for state in (LotState.OPEN, LotState.CLOSED):
        with world.units.begin(TESTS) as unit:
            unit.session.execute(update(Lot).where(Lot.id == lot.id).values(state=state))
        with world.units.read() as unit, pytest.raises(NotPermitted):
            facade.rehearsal_evidence(unit, lot.id)
    freeze(world, lot)
    with world.units.read() as unit:
        evidence = facade.rehearsal_evidence(unit, lot.id)
    assert {bid: one.card.rehearsed for bid, one in evidence.items()} == {made.bid: Rehearsed.FILED}
    assert {entry.stream for entry in events(world, BidRehearsed.TYPE)} == {f"bid:{lot.id}:{bidder.actor.org_id}"}
