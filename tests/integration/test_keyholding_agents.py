"""Agents of a whole demonstration in one process, and agents that come at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from foundation.sealing import Role, generate_key, prove_possession, suite
from keyholding import facade
from keyholding.agent import HolderAgent
from keyholding.agents import RosterEntry, read_roster, run_roster
from keyholding.errors import ServerOutOfReach
from keyholding.models import HolderSeat, KeysetMember
from keyholding.services import keysets
from tests.unit.keyholding.world import (
    LATER,
    LOT,
    LOT_CODE,
    POLICY,
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


def test_a_roster_makes_keys_and_rehearses_by_itself(world: World, tmp_path: Path) -> None:
    world.usual_seats()
    world.create()
    names = {f"holder{i}": org for i, org in enumerate(world.tokens)}
    path = tmp_path / "agents.json"
    rows = ",".join(f'{{"name":"{name}","token":"{world.tokens[org]}"}}' for name, org in names.items())
    path.write_text(f"[{rows}]", encoding="utf-8")
    asked: list[int] = []

    def policy() -> str:
        asked.append(1)
        if len(asked) == 1:
            raise ServerOutOfReach(reason="not yet")
        return POLICY

    def make(entry: RosterEntry, state: Path, text: str) -> HolderAgent:
        return HolderAgent("", entry.token, state, text, client=world.client(), now=lambda: LATER)

    stop, ready = threading.Event(), threading.Event()
    runner = threading.Thread(target=run_roster, args=(read_roster(path), tmp_path, make, policy, stop, ready.set))
    runner.start()
    assert ready.wait(20)
    for _ in range(600):
        if world.card().state == "rehearsed":
            break
        stop.wait(0.05)
    stop.set()
    runner.join(timeout=20)
    assert world.card().state == "rehearsed"
    assert (tmp_path / "holder0" / "policy.txt").read_text(encoding="utf-8") == POLICY


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
