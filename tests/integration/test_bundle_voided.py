"""A void bid in the bundle of the regulator: accepted where its key set was retired in public, else a dropped bid."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select

from centre.bundles.gather import Tier
from foundation.events.keyholding import KeysetRetired
from foundation.events.tendering import BidVoided
from keyholding import facade as keyholding
from tendering.bid_access import bid_stream
from tendering.models import SealedBid
from tendering.states import BidTrigger
from tests.support.tender_world import TESTS
from tests.support_bundle import bundled_opening, codes_of, files_of, policy_of, verified

OLD = "ab" * 32


def test_a_bid_is_void_only_with_the_key_set_it_was_sealed_to(tmp_path: Path) -> None:
    with bundled_opening(tmp_path, bids=4) as (opening, _):
        org_id, lot_id = str(opening.bidders[3].actor.org_id), opening.lot.id
        with opening.world.units.begin(TESTS) as unit:
            row = unit.session.scalars(select(SealedBid).where(SealedBid.org_id == org_id)).one()
            event = BidVoided(lot_id, org_id, row.bid, row.rev, OLD, unit.at)
            unit.transition(row, BidTrigger.VOID, bid_stream(lot_id, org_id), event)
            keyset = keyholding.keyset_of(unit, lot_id)
            assert keyset is not None
        del opening.bidders[3], opening.sealed[3]
        opening.to_closed()
        assert opening.run_jobs() == []
        opening.publish()
        assert codes_of(verified(files_of(opening, Tier.REGULATOR), policy_of(opening))) == {"bid.chain"}
        assert codes_of(verified(files_of(opening), policy_of(opening))) == set()
        with opening.world.units.begin(TESTS) as unit:
            unit.append(f"keyset:{keyset.id}", KeysetRetired(lot_id, "k", 0, OLD))
        opening.publish()
        assert codes_of(verified(files_of(opening, Tier.REGULATOR), policy_of(opening))) == set()
