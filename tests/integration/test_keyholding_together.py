"""Agents that come at the same moment, and the whole way on PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from foundation.sealing import Role, generate_key, prove_possession, suite
from keyholding import facade
from keyholding.models import HolderSeat, KeysetMember
from keyholding.services import keysets
from tests.unit.keyholding.world import (
    LOT,
    LOT_CODE,
    TENDER,
    WORKER,
    World,
    ask_escrow,
    build,
    open_and_end,
    seal_bid,
)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = build(tmp_path)
    yield made
    made.close()


def all_at_once(world: World) -> None:
    world.usual_seats()
    world.create()
    with world.units.read() as unit:
        members = unit.session.query(KeysetMember).all()
        seats = {seat.id: seat for seat in unit.session.query(HolderSeat).all()}
    gate = threading.Barrier(len(members))

    def give(member: KeysetMember) -> None:
        key = generate_key()
        proof = prove_possession(key, TENDER, LOT_CODE, Role(member.role))
        gate.wait(20)
        with world.units.begin(WORKER) as unit:
            public = suite.public_bytes(key.public_key())
            keysets.give_key(unit, seats[member.seat_id], member.keyset_id, public, proof)

    with ThreadPoolExecutor(len(members)) as pool:
        list(pool.map(give, members))
    assert world.card().state == "complete"
    assert all(one.ready for one in world.card().holders)


def test_the_last_keys_may_come_together(world: World) -> None:
    all_at_once(world)


@pytest.fixture
def postgres_world(tmp_path: Path, postgres_url: str) -> Iterator[World]:
    made = build(tmp_path, postgres_url)
    yield made
    made.close()


def test_the_last_keys_may_come_together_on_postgresql(postgres_world: World) -> None:
    all_at_once(postgres_world)


def test_keys_and_shares_are_released_on_postgresql(postgres_world: World) -> None:
    world = postgres_world
    agents = world.rehearsed()
    bids = [seal_bid(world.card(), word) for word in ("one", "two", "three")]
    ask_escrow(world, open_and_end(world, bids, missing=(3,)), [bids[2]])
    world.ask_gate(world.close_window())
    assert [agent.poll().done for agent in agents.values()] == [1] * 6
    with world.units.read() as unit:
        assert sorted(facade.escrow_shares(unit, LOT)[bids[2].bid]) == [0, 1, 2]
    assert sorted(world.gate_keys()) == [0, 1, 2]
