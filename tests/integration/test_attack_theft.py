"""A thief of database and disks: before the opening it reads nothing, and of what was never opened nothing later."""

from __future__ import annotations

from pathlib import Path

import pytest

from bid_opening.services import acts
from foundation.sealing import S1, S2, Suite
from foundation.sealing.suite import scalar_of
from tests.support.thief import loot_of, rob
from tests.support_opening import make_opening


def test_with_database_disks_and_server_keys_no_bid_opens_before_the_gate_does(tmp_path: Path) -> None:
    opening = make_opening(tmp_path)
    made, runtime = opening.sealed[0], opening.world.runtime
    header, parts = made.sealed.header, made.parts
    servers = {runtime.log_key.seed, runtime.receipt_key.seed}
    opening.to_list()
    loot = loot_of(tmp_path)
    assert len(loot) > 100
    assert not rob(header, parts, loot | servers)
    opening.publish()
    opening.act(opening.host, acts.start_decryption)
    assert opening.release(0).is_accepted
    found = rob(header, parts, loot_of(tmp_path) | servers)
    assert (found.r_bids, found.r_gates, found.shares, found.parts) == ({opening.r_bid(0)}, set(), set(), set())


@pytest.mark.parametrize("suite", [S1, S2], ids=lambda suite: suite.name)
def test_a_released_half_with_one_gate_holder_opens_nothing_and_with_two_everything(
    tmp_path: Path, suite: Suite
) -> None:
    """What the operator can do with holders in its plot, and what it can not do without them."""
    opening = make_opening(tmp_path, suite=suite)
    header, parts = opening.sealed[0].sealed.header, opening.sealed[0].parts
    one, two = (scalar_of(key) for key in opening.lot.gate[:2])
    custodians = {scalar_of(key) for key in opening.lot.escrow}
    assert rob(header, parts, {opening.r_bid(0), one}).parts == set()
    with_custodians = rob(header, parts, custodians | {one})
    assert (with_custodians.r_bids, with_custodians.parts) == ({opening.r_bid(0)}, set())
    assert rob(header, parts, {one, two}).parts == set()
    assert rob(header, parts, {opening.r_bid(0), one, two}).parts == set(parts)


def test_what_was_withdrawn_replaced_or_never_opened_stays_shut_when_every_gate_key_is_public(tmp_path: Path) -> None:
    opening = make_opening(tmp_path, bids=4, escrow_rule="none")
    replaced = opening.sealed[0]
    again = opening.bidders[0].seal(opening.lot, after=replaced)
    opening.bidders[0].hand_in(opening.lot, again)
    opening.sealed[0] = again
    opening.to_window_closed(released=[0, 1, 2])
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    assert opening.run_jobs() == []
    gate = [scalar_of(key) for key in opening.lot.gate]
    loot = loot_of(opening.world.folder) | set(gate)
    for made in (replaced, opening.sealed[3]):
        found = rob(made.sealed.header, made.parts, loot)
        assert found.r_gates  # the gate is open to everybody …
        assert (found.r_bids, found.parts) == (set(), set())  # … and the bidder's half is nowhere
    assert rob(again.sealed.header, again.parts, loot).parts == set(again.parts)
