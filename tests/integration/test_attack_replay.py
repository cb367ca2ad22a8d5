"""A sealed bid that is true somewhere else, handed in here: another lot, stage, revision, bidder, or part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from foundation.sealing import Header
from foundation.sealing.header import write_header
from foundation.sealing.manifest import write_manifest
from foundation.sealing.suite import sign
from tendering.models import SealedBid
from tendering.services import seals
from tendering.states import BidState
from tests.support.tender_world import OpenLot, TenderWorld, make_world
from tests.support_bids import FILES, Bidder, SealedFiles, codes_of, make_bidder


@pytest.fixture
def world(tmp_path: Path) -> TenderWorld:
    return make_world(tmp_path)


@pytest.fixture
def lot(world: TenderWorld) -> OpenLot:
    return world.open_lot()


@pytest.fixture
def bidder(world: TenderWorld) -> Bidder:
    return make_bidder(world)


def refused(bidder: Bidder, lot: OpenLot, made: SealedFiles) -> set[str]:
    """Why it is not received here."""
    return codes_of(bidder.submit(bidder.command(lot, made, bidder.upload(lot, made))))


def test_the_bid_of_another_lot_is_not_received(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    other = world.open_lot()
    made = bidder.seal(other)
    bidder.hand_in(other, made)
    codes = refused(bidder, lot, made)
    assert {"sealing.tender_mismatch", "sealing.lot_mismatch", "sealing.keyset_mismatch"} <= codes


def test_the_bid_of_another_stage_is_not_received(lot: OpenLot, bidder: Bidder) -> None:
    assert "sealing.stage_mismatch" in refused(bidder, lot, bidder.seal(lot, stage="2"))


def test_an_older_revision_does_not_come_back(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    first = bidder.seal(lot)
    bidder.hand_in(lot, first)
    second = bidder.seal(lot, after=first)
    bidder.hand_in(lot, second)
    again = bidder.submit(bidder.command(lot, first, bidder.upload(lot, first)))
    assert isinstance(again, seals.Acknowledged)  # the receipt it was given already; nothing is put back
    assert again.envelope_hash == first.envelope_hash
    assert live(world, lot) == [second.envelope_hash]
    forked = bidder.seal(lot, after=first, files={**FILES, "technical": b"another second revision"})
    assert {"sealing.rev_mismatch", "sealing.prev_mismatch"} <= refused(bidder, lot, forked)
    assert live(world, lot) == [second.envelope_hash]


def live(world: TenderWorld, lot: OpenLot) -> list[str]:
    with world.units.read() as unit:
        rows = select(SealedBid.envelope_hash).where(SealedBid.lot_id == lot.id, SealedBid.state == BidState.SEALED)
        return list(unit.session.scalars(rows))


def test_a_ballot_cannot_be_copied(world: TenderWorld, lot: OpenLot, bidder: Bidder) -> None:
    """As it is, signed anew, and under the copyist's own binding."""
    made = bidder.seal(lot)
    bidder.hand_in(lot, made)
    copyist = make_bidder(world, "江苏恒筑建工集团有限公司")
    assert {"sealing.bidder_mismatch", "sealing.bad_signature"} <= refused(copyist, lot, made)
    own = replace(made.sealed, signature=sign(copyist.signing, made.sealed.manifest.raw))
    assert "sealing.bidder_mismatch" in refused(copyist, lot, replace(made, sealed=own))
    copied = under(copyist, made, copyist.seal(lot).sealed.header)
    assert refused(copyist, lot, copied) == {"tendering.seal_copied"}


def under(copyist: Bidder, made: SealedFiles, own: Header) -> SealedFiles:
    """Commitments, wraps and ciphertext of ``made`` under a binding of the copyist's own."""
    theirs = made.sealed.header
    header = write_header(own.binding, theirs.commit, theirs.wraps)
    manifest = write_manifest(
        binding_hash=own.binding.hash, header_hash=header.hash, rev=1, prev="-", parts=made.sealed.manifest.parts
    )
    signature = sign(copyist.signing, manifest.raw)
    sealed = replace(made.sealed, header=header, manifest=manifest, signature=signature)
    return SealedFiles(sealed, own.binding.bid, 1, made.parts)


def test_parts_that_changed_places_are_not_received(lot: OpenLot, bidder: Bidder) -> None:
    made = bidder.seal(lot)
    names = list(made.parts)
    turned = dict(zip(names, [made.parts[name] for name in (*names[1:], names[0])], strict=True))
    swapped = replace(made, parts=turned)
    assert refused(bidder, lot, swapped) & {"tendering.seal_bytes_missing", "tendering.seal_bytes_differ"}
    with bidder.world.units.read() as unit:
        assert list(unit.session.scalars(select(SealedBid.id))) == []
