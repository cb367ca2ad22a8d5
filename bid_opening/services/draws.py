"""The draw of coefficients (docs/sealed-bid-format.md §11), a function of what is already fixed, so nobody chooses.

Pool: from the tender document. Freeze line: the frozen list. Contributions: every frozen bid's ``r_gate``, committed
before the deadline and revealed by the gate, so that no bidder can withhold it; a malformed one contributes its
commitment. Where the notice announced a beacon, the value of its round; nothing takes its place.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from bid_opening.ceremony import RoomState
from bid_opening.models import GateHalf
from foundation.draws import FrozenBid, build, contribution_value, rank
from foundation.events import bid_opening as e
from foundation.sealing import Header
from foundation.store.unit import Unit
from tendering import facade as tendering
from tendering.methods import draw_pools


def draw_all(unit: Unit, card: tendering.LotCard, state: RoomState) -> Sequence[e.CoefficientDrawn]:
    """Every coefficient the lot's method draws from the tender document, in the document's order."""
    pools = draw_pools(card.method_id, card.method_params)
    if not pools:
        return ()
    contributions = contributions_of(unit, card.id)
    frozen = [FrozenBid(one.bid, one.rev, one.leaf_index, one.envelope_hash) for one in state.frozen]
    drawn = []
    for name, pool in pools.items():
        transcript = build(
            draw_id=draw_id(card, name),
            first=1,
            pool=pool,
            contributions=contributions,
            beacon=state.beacon_value,
            is_beacon_waived_by_notice=not state.beacon,
            frozen=frozen,
        )
        (value,) = rank(transcript, pool).drawn
        drawn.append(e.CoefficientDrawn(card.id, name, value, pool, transcript.text, transcript.seed))
    return drawn


def draw_id(card: tendering.LotCard, name: str) -> str:
    """``<tender>/<lot>/<coefficient>``: no transcript serves twice."""
    return f"{card.tender_code}/{card.lot_code}/{name}"


def contributions_of(unit: Unit, lot_id: str) -> dict[str, str]:
    """Bid → 64 hex digits."""
    halves = {row.bid: row.r_gate for row in unit.session.scalars(select(GateHalf).where(GateHalf.lot_id == lot_id))}
    return {
        bid.bid: contribution_value(
            bytes.fromhex(halves[bid.bid]) if halves.get(bid.bid) else None, Header.parse(bid.header).commit.gate
        )
        for bid in tendering.live_bids(unit, lot_id)
    }
