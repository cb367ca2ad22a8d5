"""Agents against the true publisher, the true cosigner and the true pages of the log."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask

import keyholding.web
from foundation.clock import machine_now
from foundation.events import bid_opening as opening
from foundation.publication import web as publication_web
from foundation.publication.policy import log_policy
from foundation.web.kit import WebSettings, create_web
from keyholding import facade
from keyholding.agent import HolderAgent
from tests.integration.publication_centre import Centre, cosigner, make_runtime
from tests.support.services import free_port
from tests.unit.keyholding.world import LOT, LOT_CODE, TENDER, World, ask_escrow, publish_lot, seal_bid
from tests.unit.transparency.logbook import Logbook


@dataclass
class RealWorld(World):
    """Like ``World``, but entries reach the log by the publisher and get their cosignature from a server."""

    centre: Centre | None = None

    def agent(self, org: str, **more: object) -> HolderAgent:
        assert self.centre is not None
        given = {"policy_text": log_policy(self.centre.runtime), "now": machine_now}
        return super().agent(org, **(given | more))

    def publish(self, row: object) -> None:
        """The publisher finds it by itself."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RealWorld]:
    port = free_port()
    runtime = make_runtime(tmp_path / "centre", "", f"http://127.0.0.1:{port}")
    centre = Centre(runtime, machine_now)
    app: Flask = create_web("centre", WebSettings(secret_key="k" * 32, rates_on=False))
    app.extensions["runtime"] = runtime
    app.extensions["civil_now"] = runtime.clock.now
    keyholding.web.register(app)
    publication_web.register(app)
    made = RealWorld(tmp_path, runtime.units, runtime.clock, app, Logbook([b"unused"]), centre=centre)  # type: ignore[arg-type]
    with cosigner(tmp_path / "centre", runtime.log_key, port):
        yield made
        centre.publisher.close()
    made.close()


def test_the_whole_way_under_the_true_log(world: RealWorld) -> None:
    assert world.centre is not None
    agents = world.rehearsed()
    bids = [seal_bid(world.card(), word) for word in ("one", "two", "three")]
    publish_lot(world)
    frozen = world.append(opening.BidsFrozen(LOT, tuple(one.frozen() for one in bids), 9))
    seats = tuple(opening.ListedBidder(n, "o", "n", "u", one.bid, is_checked_in=True) for n, one in enumerate(bids))
    world.append(opening.ListPublished(LOT, seats))
    world.append(opening.WindowEnded(LOT, 2, (0,), None))
    ask_escrow(world, frozen, [bids[0]])
    assert [agents[f"公证处{i}"].poll().waiting for i in range(3)] == [1, 1, 1]
    world.centre.publisher.round()
    assert [agents[f"公证处{i}"].poll().done for i in range(3)] == [1, 1, 1]
    closed = world.append(opening.WindowClosed(LOT, TENDER, LOT_CODE, (bids[1].bid,), (bids[0].bid,), ()))
    world.ask_gate(closed)
    assert agents["住建局"].poll().waiting == 1
    assert world.gate_keys() == {}
    world.centre.publisher.round()
    assert agents["住建局"].poll().done == 1
    assert agents["审计局"].poll().done == 1
    assert sorted(world.gate_keys()) == [1, 2]
    with world.units.read() as unit:
        assert len(facade.escrow_shares(unit, LOT)[bids[0].bid]) == 3


def test_a_list_too_long_for_a_leaf_is_believed_by_its_hash(world: RealWorld) -> None:
    assert world.centre is not None
    agents = world.rehearsed()
    bid = seal_bid(world.card(), "one")
    publish_lot(world)
    others = tuple(opening.FrozenBid(f"{n:032x}", 1, n, "ab" * 32) for n in range(600))
    frozen = world.append(opening.BidsFrozen(LOT, (bid.frozen(), *others), 9))
    listed = (opening.ListedBidder(0, "o", "n", "u", bid.bid, is_checked_in=True),)
    world.append(opening.ListPublished(LOT, listed))
    world.append(opening.WindowEnded(LOT, 600, (0,), None))
    ask_escrow(world, frozen, [bid])
    for _ in range(3):
        world.centre.publisher.round()
    assert agents["公证处0"].poll().refused == ()
    with world.units.read() as unit:
        assert list(facade.escrow_shares(unit, LOT)[bid.bid]) == [0]
