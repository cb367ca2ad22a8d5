"""A bidder that waits for the others' prices: at no moment does it know one and still have a choice."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from bid_opening.services import acts
from bid_opening.states import Phase
from foundation.draws import replay
from foundation.errors import CentreError
from foundation.sealing import Role, unwrap_share
from foundation.sealing.suite import scalar_of
from keyholding.errors import EscrowNotAsked, GateNotAsked
from keyholding.services.escrow import GivenShare, release_shares
from keyholding.services.gate import release_gate_key
from tendering.services.seals import withdraw_bid
from tests.support.tender_world import TESTS
from tests.support.thief import loot_of, rob
from tests.support_bids import codes_of
from tests.support_opening import TOTALS, Opening, make_opening

WAITING = 3


def open_without(folder: Path, rule: str) -> Opening:
    """Four bids; the last bidder keeps its half back until the window is over."""
    opening = make_opening(folder, bids=4, escrow_rule=rule)
    opening.to_window()
    for index in range(WAITING):
        assert opening.release(index).is_accepted
    return opening


def phase(opening: Opening) -> Phase:
    return opening.state.phase


def everything_said(opening: Opening) -> str:
    return json.dumps(opening.frames(), ensure_ascii=False)


def knows_a_price(opening: Opening) -> bool:
    """By what anybody was told; and by all that lies in the centre, as if the operator were its friend."""
    loot = loot_of(opening.world.folder)
    rivals = opening.sealed[:WAITING]
    is_read = any(rob(made.sealed.header, made.parts, loot).parts for made in rivals)
    return is_read or any(total in everything_said(opening) for total in TOTALS)


def attempts(opening: Opening) -> dict[str, Callable[[], object]]:
    """Every way to decide late: give the half after all, ask for escrow, withdraw, replace."""
    bidder, kept, lot = opening.bidders[WAITING], opening.sealed[WAITING], opening.lot

    def withdraw() -> None:
        with opening.world.units.begin(bidder.actor) as unit:
            withdraw_bid(unit, lot.id, unit.at)

    return {
        "the half": lambda: opening.release(WAITING),
        "escrow": lambda: opening.act(bidder.actor, acts.request_escrow, "设备损坏，请代为启封"),
        "withdrawal": withdraw,
        "a replacement": lambda: bidder.upload(lot, bidder.seal(lot, after=kept)),
        "another try in the room": lambda: opening.act(bidder.actor, acts.check_in),
    }


def assert_nothing_helps(opening: Opening) -> None:
    """Each is refused, and what is known of its bid stays as it was."""
    before = opening.seat(WAITING)
    for what, attempt in attempts(opening).items():
        refused = False
        try:
            attempt()
        except CentreError:
            refused = True
        assert refused, what
    assert opening.seat(WAITING) == before


@pytest.mark.parametrize("rule", ["none", "on_request", "compulsory"])
def test_while_it_can_choose_it_knows_no_price_and_when_it_knows_it_can_not_choose(tmp_path: Path, rule: str) -> None:
    opening = open_without(tmp_path, rule)
    assert phase(opening) is Phase.DECRYPTING
    assert not knows_a_price(opening)
    for index in (0, 1):  # no gate key is taken while a bidder can still choose
        with pytest.raises(GateNotAsked), opening.world.units.begin(TESTS) as unit:
            release_gate_key(unit, opening.seats[f"gate/{index}"], opening.lot.id, scalar_of(opening.lot.gate[0]).hex())
    opening.pass_window()
    opening.look()
    assert_nothing_helps(opening)
    assert not knows_a_price(opening)  # the window is over, and the gate is shut still
    if rule == "compulsory":
        opening.give_escrow_shares(0, 1)
        opening.look()
    assert phase(opening) is Phase.WINDOW_CLOSED
    opening.to_gate()
    assert knows_a_price(opening)  # with the gate open and halves released, whoever has the disks reads them
    assert_nothing_helps(opening)
    opening.act(opening.host, acts.draw)
    assert opening.run_jobs() == []
    assert_nothing_helps(opening)
    told = {seat.bid: seat.total for seat in opening.state.seats}
    assert [told[made.bid] for made in opening.sealed[:WAITING]] == list(TOTALS[:WAITING])
    # Opened by custodians whatever its bidder would like by now, or not opened at all.
    assert told[opening.sealed[WAITING].bid] == (TOTALS[WAITING] if rule == "compulsory" else None)
    (drawn,) = opening.state.draws
    contributions = replay(drawn.transcript, drawn.pool).transcript.contributions
    assert {one.id for one in contributions} == {
        made.bid for made in opening.sealed
    }  # what it held back took no part away
    opening.assert_story_holds()


def test_custodians_do_not_open_it_at_the_bidders_choice(tmp_path: Path) -> None:
    opening = open_without(tmp_path, "on_request")
    opening.pass_window()
    opening.look()
    made = opening.sealed[WAITING]
    for index in (0, 1):
        share = unwrap_share(made.sealed.header, opening.lot.keyset, Role.ESCROW, index, opening.lot.escrow[index])
        with pytest.raises(EscrowNotAsked), opening.world.units.begin(TESTS) as unit:
            release_shares(unit, opening.seats[f"escrow/{index}"], opening.lot.id, [GivenShare(made.bid, share)])
    assert not opening.seat(WAITING).is_recoverable


def test_a_bid_with_an_earlier_stamp_does_not_come_in_after_the_list(tmp_path: Path) -> None:
    opening = open_without(tmp_path, "compulsory")
    bidder, lot = opening.bidders[WAITING], opening.lot
    made = bidder.seal(lot, after=opening.sealed[WAITING])
    at = lot.deadline_at - timedelta(seconds=1)  # as an operator would stamp it for a friend
    outcome = bidder.submit(bidder.command(lot, made, "019a0000-0000-7000-8000-000000000000"), at)
    assert "tendering.seal_undecided_in_time" in codes_of(outcome)
