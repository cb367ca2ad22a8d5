"""A whole tender in suite S2 (国密): sealed, received, opened by bidders, custodians and gate, read out."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from sqlalchemy import select

from bid_opening import facade
from bid_opening.confirming import note_for
from bid_opening.errors import SignatureDoesNotVerify
from bid_opening.models import ReleasedShare
from bid_opening.services import acts
from foundation.money import Money
from foundation.sealing import S1, S2, Header, Manifest, generate_key, recover_from_gate
from foundation.sealing.price_schedule import PART_ID
from foundation.sealing.suite import scalar_of, sign
from tendering import receiver
from tendering.bid_errors import SealRefused
from tendering.bid_rules import HeldSegment
from tendering.models import SealedBid, Segment
from tendering.services import uploads
from tendering.states import LotState
from tests.support_bids import Bidder, codes_of, make_bidder
from tests.support_opening import NAMES, TOTALS, Opening, make_opening
from tests.unit.sealing import oracle_s2


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return make_opening(tmp_path, suite=S2)


def test_a_whole_tender_in_s2_is_read_out(opening: Opening) -> None:
    opening.to_closed()
    assert opening.run_jobs() == []
    opening.assert_story_holds()
    assert opening.world.lot_state(opening.lot) is LotState.OPENED
    with opening.world.units.read() as unit:
        result = facade.result_of(unit, opening.lot.id)
        stored = unit.session.scalars(select(SealedBid).order_by(SealedBid.received_at, SealedBid.id)).all()
    assert {bid.name: bid.total for bid in result.bids} == {
        name: Money.yuan(total) for name, total in zip(NAMES[:3], TOTALS, strict=False)
    }
    for row in stored:
        assert (Header.parse(row.header).suite, Manifest.parse(row.manifest).suite) == (S2, S2)
        assert row.envelope_hash == oracle_s2.sm3(row.manifest).hex()


def test_a_stranger_reads_the_same_prices_with_nothing_but_the_format_page(opening: Opening) -> None:
    opening.to_closed()
    assert opening.run_jobs() == []
    for index, made in enumerate(opening.sealed):
        header = made.sealed.header
        r_bid = opening.r_bid(index)
        shares = {
            seat: oracle_s2.open_wrap(scalar_of(key), header.raw, f"gate/{seat}", header.wraps.gate[seat])
            for seat, key in enumerate(opening.lot.gate)
        }
        r_gate = recover_from_gate(header, opening.lot.keyset, shares)
        content = oracle_s2.open_part(header.raw, r_bid, r_gate, PART_ID, made.parts[PART_ID])
        assert json.loads(content)["total"] == TOTALS[index]


def test_custodians_open_a_missing_bid_in_s2(opening: Opening) -> None:
    opening.to_window()
    opening.release(0)
    opening.release(2)
    opening.pass_window()
    opening.give_escrow_shares(1, 2)
    opening.look()
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    assert opening.run_jobs() == []
    assert opening.seat(1).total == TOTALS[1]
    with opening.world.units.read() as unit:
        share = unit.session.get_one(ReleasedShare, (opening.lot.id, opening.sealed[1].bid))
    assert (share.source, share.r_bid) == ("escrow", opening.r_bid(1).hex())


def test_a_confirmation_is_signed_with_sm2(opening: Opening) -> None:
    opening.to_reading()
    opening.act(opening.host, acts.open_query)
    for bidder in opening.bidders:
        opening.act(bidder.actor, acts.no_objection)
    opening.look(times=1)
    message = note_for(opening.lot.lot_code, opening.state, opening.seat(0))
    with pytest.raises(SignatureDoesNotVerify):
        opening.act(opening.bidders[0].actor, acts.confirm, sign(generate_key(S2), message).hex())
    opening.confirm(0)
    assert opening.seat(0).confirmed_at is not None


def test_received_segments_are_kept_with_their_sm3_and_the_signed_root_stands_over_it(opening: Opening) -> None:
    bidder = make_bidder(opening.world, "苏州东吴营造有限公司", S2)
    made = bidder.seal(opening.lot)
    with opening.world.units.begin(bidder.actor) as unit:
        upload_id = uploads.start_upload(unit, opening.lot.id, made.announced())
    for name, segment, block in made.segments():
        announced = HeldSegment(segment.number, segment.size_bytes, segment.sha256)
        receiver.take(opening.world.runtime, bidder.actor, upload_id, name, announced, io.BytesIO(block).read)
    with opening.world.units.read() as unit:
        for part in made.sealed.manifest.parts:
            row = unit.session.get_one(Segment, (upload_id, part.id, 0))
            assert row.leaf == oracle_s2.sm3(made.parts[part.id]).hex() != row.sha256
            # One segment: the root is the digest of its leaf.
            assert part.root == oracle_s2.sm3(b"\0" + bytes.fromhex(row.leaf)).hex()
    assert not isinstance(bidder.submit(bidder.command(opening.lot, made, upload_id)), SealRefused)


def test_an_s1_bidder_is_told_that_it_has_no_key_of_this_suite(opening: Opening) -> None:
    bidder = make_bidder(opening.world, "苏州东吴营造有限公司", S1)
    sm2_keys = Bidder(opening.world, bidder.actor, generate_key(S2), generate_key(S2))
    made = sm2_keys.seal(opening.lot)
    command = sm2_keys.command(opening.lot, made, sm2_keys.upload(opening.lot, made))
    assert codes_of(sm2_keys.submit(command)) == {"tendering.seal_no_signing_key"}
    sm2_keys.register_keys()
    assert not isinstance(sm2_keys.submit(command), SealRefused)
