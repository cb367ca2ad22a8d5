"""Gate keys and reserve shares leave their holders on evidence, one of three may be silent, and liars are named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation.events import bid_opening as opening
from foundation.events import keyholding as events
from foundation.sealing import SUITES, Keyset, public_hex, recover_from_escrow, recover_r_gate
from keyholding import facade
from keyholding.errors import EvidenceMissing
from tests.unit.keyholding.world import (
    LOT,
    OTHER_LOT,
    WORKER,
    World,
    ask_escrow,
    build,
    open_and_end,
    publish_lot,
    seal_bid,
)

GATE = ("建设单位", "住建局", "审计局")
CUSTODIANS = ("公证处0", "公证处1", "公证处2")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = build(tmp_path)
    yield made
    made.close()


def shares_of(world: World) -> dict[str, dict[int, str]]:
    with world.units.read() as unit:
        return {bid: dict(found) for bid, found in facade.escrow_shares(unit, LOT).items()}


@pytest.mark.parametrize("suite", SUITES)
def test_two_of_three_gate_keys_open_a_bid_while_one_holder_is_silent(world: World, suite: str) -> None:
    agents = world.rehearsed(suite=suite)
    card = world.card()
    bid = seal_bid(card, "one")
    world.ask_gate(world.close_window())
    for org in GATE[:2]:
        assert agents[org].poll().done == 1
        assert agents[org].poll().done == 0
    keys = world.gate_keys()
    assert sorted(keys) == [0, 1]
    keyset = Keyset.parse(card.json_text.encode())
    private = {index: facade.private_key_of(digits, SUITES[suite]) for index, digits in keys.items()}
    assert [public_hex(key) for key in private.values()] == [h.public_key.hex() for h in keyset.gate.holders[:2]]
    found = recover_r_gate(bid.sealed.header, keyset, private)
    assert len(found.r_gate) == 32
    released = world.events(events.GateKeyReleased)
    assert [one.index for one in released] == [0, 1]  # type: ignore[attr-defined]


def test_a_gate_key_before_the_request_is_refused_by_the_server(world: World) -> None:
    world.rehearsed()
    answer = world.post("住建局", f"/agent/lots/{LOT}/gate-key", {"private_key": "11" * 32})
    assert (answer.status_code, answer.json()["code"]) == (409, "keyholding.gate_not_asked")
    assert world.gate_keys() == {}


def test_a_request_needs_the_closed_window_of_this_lot(world: World) -> None:
    world.rehearsed()
    others = [
        world.append(opening.CheckInOpened(LOT)),
        world.close_window(lot=OTHER_LOT),
        world.close_window(lot_code="X"),
        OTHER_LOT,
    ]
    for entry_id in others:
        with pytest.raises(EvidenceMissing):
            world.ask_gate(entry_id)
    assert world.tasks("住建局") == []


def test_a_key_that_is_not_the_seats_is_refused_and_a_second_time_changes_nothing(world: World) -> None:
    agents = world.rehearsed()
    world.ask_gate(world.close_window())
    for digits in ("11" * 32, "00" * 32, "ff" * 32):
        answer = world.post("住建局", f"/agent/lots/{LOT}/gate-key", {"private_key": digits})
        assert (answer.status_code, answer.json()["code"]) == (422, "keyholding.gate_key_wrong")
    agents["住建局"].poll()
    assert world.post("住建局", f"/agent/lots/{LOT}/gate-key", {"private_key": world.gate_keys()[1]}).is_success
    assert len(world.events(events.GateKeyReleased)) == 1
    custodian = world.post("公证处0", f"/agent/lots/{LOT}/gate-key", {"private_key": "11" * 32})
    assert custodian.status_code == 403


def lie(world: World, agent_org: str, entry_id: str) -> tuple[str, ...]:
    """The server asks for the gate key on the strength of ``entry_id`` whatever that is; the agent's refusals."""
    from keyholding.models import GateRequest

    with world.units.begin(WORKER) as unit:
        unit.session.query(GateRequest).delete()
        unit.session.add(GateRequest(lot_id=LOT, keyset_id=world.card().id, entry_id=entry_id, requested_at=unit.at))
    agent = world.opened[[*world.tokens].index(agent_org)]
    agent._patience.not_before.clear()
    return agent.poll().refused


def test_a_lying_server_gets_no_gate_key(world: World) -> None:
    world.rehearsed()
    others = world.close_window(lot=OTHER_LOT)
    assert lie(world, "住建局", others) == ("keyholding.evidence_refused:other_lot",)
    early = world.append(opening.WindowEnded(LOT, 3, (), None))
    assert lie(world, "住建局", early) == ("keyholding.evidence_refused:other_event",)
    true = world.close_window()
    index, leaf = world.leaves[others]
    world.leaves[true] = (index, world.leaves[true][1])  # a proof of something else
    assert lie(world, "住建局", true) == ("keyholding.evidence_refused:transparency.bad_proof",)
    world.leaves[true] = (index + 2, leaf)  # something else under the true proof
    assert lie(world, "住建局", true) == ("keyholding.evidence_refused:transparency.bad_proof",)
    world.leaves.pop(true)
    agent = world.opened[1]
    agent._patience.not_before.clear()
    assert (agent.poll().waiting, world.gate_keys()) == (1, {})  # nothing shown at all


def test_without_a_cosignature_the_agent_waits_and_with_it_opens(world: World) -> None:
    world.rehearsed()
    entry_id = world.close_window()
    world.cosigners = ()
    assert lie(world, "住建局", entry_id) == ("keyholding.evidence_refused:transparency.quorum_not_met",)
    world.cosigners = ("b",)
    assert lie(world, "住建局", entry_id) == ("keyholding.evidence_refused:transparency.quorum_not_met",)
    world.cosigners = ("a",)
    assert lie(world, "住建局", entry_id) == ()
    assert list(world.gate_keys()) == [1]


def test_a_real_bid_passed_off_as_a_dummy_opens_nothing(world: World) -> None:
    """Otherwise the server could have every share of a bid before the deadline, under the name of a rehearsal."""
    from keyholding.models import LotKeyset, Rehearsal

    world.rehearsed()
    bid = seal_bid(world.card(), "real")
    with world.units.begin(WORKER) as unit:
        unit.session.query(LotKeyset).update({"state": "complete"})
        row = unit.session.query(Rehearsal).one()
        row.state, row.header = "running", bid.sealed.header.raw  # type: ignore[assignment]
    for agent in world.opened:
        assert agent.poll().refused == ("keyholding.evidence_refused:not_a_dummy",)


def test_custodians_open_a_missing_bid_and_a_lying_one_is_named(world: World) -> None:
    agents = world.rehearsed()
    card = world.card()
    bids = [seal_bid(card, word) for word in ("one", "two", "three")]
    frozen = open_and_end(world, bids, missing=(2,))
    ask_escrow(world, frozen, [bids[1]])
    ask_escrow(world, frozen, [bids[1]])
    lying = {"shares": [{"bid": bids[1].bid, "share": "11" * 33}]}
    answer = world.post("公证处0", f"/agent/lots/{LOT}/escrow-shares", lying)
    assert answer.json() == {"accepted": [], "rejected": [bids[1].bid]}
    world.post("公证处0", f"/agent/lots/{LOT}/escrow-shares", lying)
    (named,) = world.events(events.EscrowShareRejected)
    assert isinstance(named, events.EscrowShareRejected)
    assert (named.index, named.holder, named.cause) == (0, "公证处0席位", "commitment")
    assert agents["公证处1"].poll().done == 1
    assert agents["公证处2"].poll().done == 1
    found = shares_of(world)
    assert sorted(found[bids[1].bid]) == [1, 2]
    keyset = Keyset.parse(card.json_text.encode())
    offered = {index: bytes.fromhex(share) for index, share in found[bids[1].bid].items()}
    assert recover_from_escrow(bids[1].sealed.header, keyset, offered) == bids[1].r_bid
    assert len(world.events(events.EscrowSharesRequested)) == 1
    journal = str(world.events(events.EscrowSharesReleased))
    assert not any(share in journal for share in found[bids[1].bid].values())


def test_the_right_share_may_follow_a_wrong_one(world: World) -> None:
    agents = world.rehearsed()
    bids = [seal_bid(world.card(), word) for word in ("one", "two", "three")]
    ask_escrow(world, open_and_end(world, bids, missing=(1,)), [bids[0]])
    right: list[dict[str, str]] = []
    agent = agents["公证处0"]
    ask = agent._ask

    def keep(method: str, path: str, body: object = None) -> dict[str, object]:
        if method == "POST":
            right.extend(body["shares"])  # type: ignore[index]
            return {}
        return ask(method, path)

    agent._ask = keep  # type: ignore[method-assign, assignment]
    agent.poll()
    world.post("公证处0", f"/agent/lots/{LOT}/escrow-shares", {"shares": [{"bid": bids[0].bid, "share": "11" * 33}]})
    answer = world.post("公证处0", f"/agent/lots/{LOT}/escrow-shares", {"shares": right})
    assert answer.json() == {"accepted": [bids[0].bid], "rejected": []}
    assert list(shares_of(world)[bids[0].bid]) == [0]


def test_a_custodian_refuses_a_bid_that_is_not_missing_and_an_envelope_that_is_not_frozen(world: World) -> None:
    agents = world.rehearsed()
    card = world.card()
    bids = [seal_bid(card, word) for word in ("one", "two", "three")]
    frozen = open_and_end(world, bids, missing=(2,))
    ask_escrow(world, frozen, [bids[0]])  # released by its bidder: the server wants its secret all the same
    assert agents["公证处0"].poll().refused == ("keyholding.evidence_refused:bid_not_missing",)
    assert shares_of(world) == {}


def test_a_custodian_refuses_another_envelope_of_the_frozen_bid(world: World) -> None:
    agents = world.rehearsed()
    card = world.card()
    bids = [seal_bid(card, word) for word in ("one", "two", "three")]
    frozen = open_and_end(world, bids, missing=(2,))
    ask_escrow(world, frozen, [seal_bid(card, "two")])  # same bid number, same revision, another envelope
    assert agents["公证处0"].poll().refused == ("keyholding.evidence_refused:other_envelope",)


def test_a_second_freeze_list_gets_no_shares(world: World) -> None:
    from keyholding.models import EscrowBid, EscrowRequest, EscrowShare

    agents = world.rehearsed()
    bids = [seal_bid(world.card(), word) for word in ("one", "two", "three", "four")]
    ask_escrow(world, open_and_end(world, bids[:3], missing=(1,)), [bids[0]])
    assert agents["公证处0"].poll().done == 1
    with world.units.begin(WORKER) as unit:
        for table in (EscrowShare, EscrowBid, EscrowRequest):
            unit.session.query(table).delete()
    ask_escrow(world, open_and_end(world, bids[1:], missing=(3,)), [bids[3]])
    agents["公证处0"]._patience.not_before.clear()
    assert agents["公证处0"].poll().refused == ("keyholding.evidence_refused:second_freeze",)


def test_a_custodian_says_when_its_wrap_does_not_open(world: World) -> None:
    agents = world.rehearsed()
    bids = [seal_bid(world.card(), word) for word in ("one", "two", "three")]
    ask_escrow(world, open_and_end(world, bids, missing=(1,)), [bids[0]])
    answer = world.post(
        "公证处2", f"/agent/lots/{LOT}/escrow-shares", {"shares": [{"bid": bids[0].bid, "fault": "wrap"}]}
    )
    assert answer.json() == {"accepted": [], "rejected": [bids[0].bid]}
    assert [one.index for one in world.events(events.EscrowWrapUnreadable)] == [2]  # type: ignore[attr-defined]
    assert world.tasks("公证处2") == []
    for org in CUSTODIANS[:2]:
        agents[org].poll()
    assert sorted(shares_of(world)[bids[0].bid]) == [0, 1]


def test_escrow_needs_its_entries_and_a_share_nobody_asked_for_is_refused(world: World) -> None:
    world.rehearsed()
    bid = seal_bid(world.card(), "one")
    alone = world.append(opening.BidsFrozen(LOT, (bid.frozen(),), 3))
    with pytest.raises(EvidenceMissing):
        ask_escrow(world, alone, [bid])
    body = {"shares": [{"bid": bid.bid, "share": "11" * 33}]}
    answer = world.post("公证处0", f"/agent/lots/{LOT}/escrow-shares", body)
    assert (answer.status_code, answer.json()["code"]) == (409, "keyholding.escrow_not_asked")


def test_a_gate_holder_gives_no_reserve_share(world: World) -> None:
    world.rehearsed()
    bids = [seal_bid(world.card(), word) for word in ("one", "two", "three")]
    ask_escrow(world, open_and_end(world, bids, missing=(1,)), [bids[0]])
    assert world.tasks("住建局") == []
    body = {"shares": [{"bid": bids[0].bid, "share": "11" * 33}]}
    assert world.post("住建局", f"/agent/lots/{LOT}/escrow-shares", body).status_code == 403


def test_the_journal_of_the_key_set_is_whole(world: World) -> None:
    from foundation.journal import verify_stream

    agents = world.rehearsed()
    world.ask_gate(world.close_window())
    for org in GATE:
        agents[org].poll()
    with world.units.read() as unit:
        assert verify_stream(unit.session, f"keyset:{world.card().id}") > 12


def confirm_request(world: World, bid: str, seat: int, *, published: bool = True) -> str:
    confirmed = opening.EscrowRequestConfirmed(LOT, seat, "o", bid, "duty officer")
    return world.append(confirmed, published=published)


def test_on_request_a_custodian_opens_what_was_asked_for_and_confirmed_and_nothing_else(world: World) -> None:
    agents = world.rehearsed()
    bids = [seal_bid(world.card(), word) for word in ("one", "two", "three")]
    frozen = open_and_end(world, bids, missing=(1, 2), escrow_rule="on_request")
    confirm_request(world, bids[0].bid, 1)
    ask_escrow(world, frozen, [bids[0]])
    assert agents["公证处0"].poll().done == 1
    ask_escrow(world, frozen, [bids[1]])  # missing too, but its bidder never asked
    assert agents["公证处0"].poll().refused == ("keyholding.evidence_refused:not_requested",)
    assert set(shares_of(world)) == {bids[0].bid}


def test_a_confirmation_that_is_not_in_the_log_yet_is_waited_for(world: World) -> None:
    agents = world.rehearsed()
    bids = [seal_bid(world.card(), word) for word in ("one", "two", "three")]
    frozen = open_and_end(world, bids, missing=(1,), escrow_rule="on_request")
    confirm_request(world, bids[0].bid, 1, published=False)
    ask_escrow(world, frozen, [bids[0]])
    assert agents["公证处0"].poll().waiting == 1
    assert shares_of(world) == {}


def test_a_dishonest_server_cannot_pass_another_entry_off_as_the_request_or_the_rule(world: World) -> None:
    from keyholding.models import EscrowBid, EscrowRequest

    agents = world.rehearsed()
    bids = [seal_bid(world.card(), word) for word in ("one", "two", "three")]
    frozen = open_and_end(world, bids, missing=(1,), escrow_rule="on_request")
    ask_escrow(world, frozen, [bids[0]])
    bidder_only = world.append(opening.EscrowRequested(LOT, 1, "o", bids[0].bid, "p", "坏了"))
    compulsory = publish_lot(world, "compulsory")
    for change, why in (
        ((EscrowBid, "request_entry_id", bidder_only), "other_event"),
        ((EscrowRequest, "published_entry_id", compulsory), "order"),
    ):
        with world.units.begin(WORKER) as unit:
            unit.session.query(change[0]).update({change[1]: change[2]})
        agents["公证处0"]._patience.not_before.clear()
        assert agents["公证处0"].poll().refused == (f"keyholding.evidence_refused:{why}",)
        with world.units.begin(WORKER) as unit:
            unit.session.query(EscrowBid).update({"request_entry_id": None})
    assert shares_of(world) == {}
