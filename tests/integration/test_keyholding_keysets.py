"""Keys are made, proved and rehearsed; who gives a wrong one is named."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from foundation.errors import NotFound
from foundation.events import keyholding as events
from foundation.sealing import S2, Keyset, Role, generate_key, prove_possession, public_hex
from keyholding import facade
from keyholding.errors import HoldersRefused, KeysetInUse, KeysetNotReady, SeatRefused, SeatTaken
from keyholding.facade import NewSeat, Side
from keyholding.models import KeysetMember, Rehearsal, RehearsalShare
from keyholding.services.seats import appoint_seat, retire_seat
from keyholding.tasks import watch_agents
from tests.unit.keyholding.world import LOT, LOT_CODE, TENDER, WORKER, World, build


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = build(tmp_path)
    yield made
    made.close()


def key_body(role: Role = Role.GATE, *, tender: str = TENDER, lot: str = LOT_CODE) -> dict[str, str]:
    key = generate_key()
    proof = prove_possession(key, tender, lot, role)
    return {"public_key": public_hex(key), "proof": base64.b64encode(proof).decode()}


def test_agents_make_keys_and_rehearse_and_the_dummy_is_destroyed(world: World) -> None:
    world.rehearsed()
    card = world.card()
    assert (card.t, card.m, card.k, card.n, card.version) == (2, 3, 2, 3, 1)
    keyset = Keyset.parse(card.json_text.encode())
    keyset.check_proofs()
    assert card.hash == keyset.hash == hashlib.sha256(card.json_text.encode()).hexdigest()
    assert [one.side for one in card.holders if one.role == "gate"] == ["tenderee_side", "regulator", "audit"]
    assert [h.public_key.hex() for h in keyset.gate.holders] == [h.public_key for h in card.holders[:3]]
    completed = world.events(events.KeysetCompleted)
    rehearsed = world.events(events.KeysetRehearsed)
    assert [one.hash for one in completed] == [card.hash]  # type: ignore[attr-defined]
    assert [(one.gate_shares, one.escrow_shares) for one in rehearsed] == [(3, 3)]  # type: ignore[attr-defined]
    with world.units.read() as unit:
        row = unit.session.scalars(select(Rehearsal)).one()
        assert (row.header, row.ciphertext, row.opening_key, row.state) == (None, None, None, "passed")
        assert unit.session.scalars(select(RehearsalShare)).all() == []
        assert facade.is_rehearsed(unit, LOT)


def test_agents_make_sm2_keys_where_the_lot_is_of_suite_s2_and_rehearse(world: World) -> None:
    world.rehearsed(suite="S2")
    card = world.card()
    keyset = Keyset.parse(card.json_text.encode())
    keyset.check_proofs()
    assert (card.suite, keyset.suite, card.hash) == ("S2", S2, S2.digest(card.json_text.encode()).hex())
    assert all(S2.has_point(bytes.fromhex(holder.public_key)) for holder in card.holders)
    with world.units.read() as unit:
        assert facade.is_rehearsed(unit, LOT)


def test_a_key_of_the_other_suite_is_not_taken_into_a_key_set(world: World) -> None:
    world.usual_seats()
    world.create(suite="S2")
    answer = world.post("住建局", f"/agent/keysets/{world.card().id}/key", key_body())
    assert (answer.status_code, answer.json()["code"]) == (422, "keyholding.proof_refused")
    assert [holder.ready for holder in world.card().holders] == [False] * 6


def test_a_lot_without_custodians_is_rehearsed_too(world: World) -> None:
    world.rehearsed(custodians=False)
    assert (world.card().k, world.card().n) == (0, 0)
    assert [one.code for one in world.card().warnings] == ["no_custodians"]


def test_a_side_without_seat_refuses_the_key_set_and_nothing_is_recorded(world: World) -> None:
    world.seat(Side.TENDEREE_SIDE, "建设单位")
    world.seat(Side.REGULATOR, "住建局")
    with pytest.raises(HoldersRefused) as refused:
        world.create()
    assert [one.params["side"] for one in refused.value.objections] == ["audit"]
    with world.units.read() as unit:
        assert facade.keyset_of(unit, LOT) is None
    assert world.events(events.KeysetRequested) == []


@pytest.mark.parametrize(
    "spoil",
    [
        {"lot": "another"},
        {"tender": "another"},
        {"role": Role.ESCROW},
    ],
)
def test_a_proof_for_something_else_is_refused(world: World, spoil: dict[str, object]) -> None:
    world.usual_seats()
    world.create()
    task = world.tasks("住建局")[0]
    wrong = world.post("住建局", f"/agent/keysets/{task['keyset_id']}/key", key_body(**spoil))  # type: ignore[arg-type]
    assert (wrong.status_code, wrong.json()["code"]) == (422, "keyholding.proof_refused")
    assert not any(one.ready for one in world.card().holders)
    right = key_body()
    assert world.post("住建局", f"/agent/keysets/{task['keyset_id']}/key", right).status_code == 200
    # Again the same is the same; another key is refused.
    assert world.post("住建局", f"/agent/keysets/{task['keyset_id']}/key", right).status_code == 200
    other = world.post("住建局", f"/agent/keysets/{task['keyset_id']}/key", key_body())
    assert (other.status_code, other.json()["code"]) == (409, "keyholding.key_already_given")


def test_a_key_serves_one_key_set_only(world: World) -> None:
    world.usual_seats()
    world.create()
    body = key_body()
    keyset_id = world.tasks("住建局")[0]["keyset_id"]
    assert world.post("住建局", f"/agent/keysets/{keyset_id}/key", body).status_code == 200
    again = world.post("审计局", f"/agent/keysets/{keyset_id}/key", body)
    assert again.json()["code"] == "keyholding.key_used_elsewhere"


def test_a_wrong_share_fails_the_rehearsal_and_names_its_holder(world: World) -> None:
    world.usual_seats()
    world.create()
    agents = {org: world.agent(org) for org in world.tokens}
    for agent in agents.values():
        agent.poll()
    task = world.tasks("审计局")[0]
    assert task["kind"] == "rehearse"
    for nothing in ({}, {"share": "11" * 33, "fault": "wrap"}):
        assert world.post("审计局", f"/agent/rehearsals/{task['rehearsal_id']}/share", nothing).status_code == 422
    answer = world.post("审计局", f"/agent/rehearsals/{task['rehearsal_id']}/share", {"share": "11" * 33})
    assert answer.json() == {"state": "failed"}
    (failed,) = world.events(events.RehearsalFailed)
    assert isinstance(failed, events.RehearsalFailed)
    assert (failed.holder, failed.role, failed.index, failed.cause) == ("审计局席位", "gate", 2, "commitment")
    assert world.card().state == "complete"
    assert world.tasks("住建局") == []
    with world.units.begin(WORKER) as unit:
        facade.start_rehearsal(unit, LOT)
        facade.start_rehearsal(unit, LOT)  # one under way is enough
    for agent in agents.values():
        agent.poll()
    assert world.card().state == "rehearsed"
    with world.units.read() as unit:
        assert [row.number for row in unit.session.scalars(select(Rehearsal).order_by(Rehearsal.number))] == [1, 2]


def test_the_rehearsal_needs_every_member(world: World) -> None:
    world.usual_seats()
    world.create()
    agents = [world.agent(org) for org in world.tokens]
    for agent in agents:
        agent.poll()
    for agent in agents[:-1]:
        agent.poll()
    assert world.card().state == "complete"
    agents[-1].poll()
    assert world.card().state == "rehearsed"


def test_a_rehearsal_waits_for_all_keys(world: World) -> None:
    world.usual_seats()
    world.create()
    with world.units.begin(WORKER) as unit, pytest.raises(KeysetNotReady):
        facade.start_rehearsal(unit, LOT)


def test_a_second_key_set_retires_the_first_and_gets_fresh_keys(world: World) -> None:
    agents = world.rehearsed()
    first = world.card()
    world.create()
    for _ in range(2):
        for agent in agents.values():
            agent.poll()
    second = world.card()
    assert (second.version, second.state) == (2, "rehearsed")
    assert not {one.public_key for one in first.holders} & {one.public_key for one in second.holders}
    (retired,) = world.events(events.KeysetRetired)
    assert (retired.version, retired.hash) == (1, first.hash)  # type: ignore[attr-defined]
    world.ask_gate(world.close_window())
    with pytest.raises(KeysetInUse):
        world.create()


def test_one_person_gets_one_seat_and_only_of_its_organisation(world: World) -> None:
    org_id = world.org("住建局", "gate_holder")
    user_id = str(world.who["住建局"].user_id)
    elsewhere = world.org("审计局", "supervisor")
    with world.units.begin(WORKER) as unit:
        first = appoint_seat(unit, NewSeat(Side.REGULATOR, org_id, "住建局席位", "住建局机房", user_id))
    with world.units.begin(WORKER) as unit, pytest.raises(SeatTaken):
        appoint_seat(unit, NewSeat(Side.AUDIT, org_id, "第二席", "机房", user_id))
    with world.units.begin(WORKER) as unit, pytest.raises(SeatRefused) as refused:
        appoint_seat(unit, NewSeat(Side.AUDIT, elsewhere, "席", "机房", user_id))
    assert [one.code for one in refused.value.objections] == ["keyholding.person_not_of_organisation"]
    with world.units.begin(WORKER) as unit, pytest.raises(SeatRefused) as refused:
        appoint_seat(unit, NewSeat(Side.CUSTODIAN, org_id, "席", "机房", user_id))
    assert [one.code for one in refused.value.objections] == ["keyholding.person_lacks_role"]
    with world.units.begin(WORKER) as unit:
        retire_seat(unit, first)
        appoint_seat(unit, NewSeat(Side.AUDIT, org_id, "改任", "机房", user_id))
        with pytest.raises(NotFound):
            facade.enrol_agent(unit, first)


def test_a_replaced_token_and_an_ended_seat_are_unknown(world: World) -> None:
    seat_id = world.seat(Side.REGULATOR, "住建局")
    old = dict(world.tokens)
    with world.units.begin(WORKER) as unit:
        world.tokens["住建局"] = facade.enrol_agent(unit, seat_id)
    assert world.tasks("住建局") == []
    with world.client() as client:
        for headers in ({"Authorization": f"Bearer {old['住建局']}"}, {"Authorization": "Bearer x"}, {}):
            answer = client.get("/agent/tasks", headers={"Accept": "application/json", **headers})
            assert (answer.status_code, answer.json()["code"]) == (401, "keyholding.agent_unknown")
    with world.units.read() as unit:
        from keyholding.models import HolderSeat

        assert world.tokens["住建局"] not in str(vars(unit.session.get_one(HolderSeat, seat_id)))


def test_tasks_say_nothing_about_bids_before_they_are_asked_for(world: World) -> None:
    world.rehearsed()
    for org in world.tokens:
        assert world.tasks(org) == []


def test_a_stranger_to_the_key_set_is_refused(world: World) -> None:
    world.usual_seats()
    world.create()
    keyset_id = world.tasks("住建局")[0]["keyset_id"]
    world.seat(Side.REGULATOR, "水利局")
    answer = world.post("水利局", f"/agent/keysets/{keyset_id}/key", key_body())
    assert (answer.status_code, answer.json()["code"]) == (403, "keyholding.not_your_keyset")
    with world.units.read() as unit:
        assert unit.session.scalars(select(KeysetMember).where(KeysetMember.public_key.is_not(None))).all() == []


def test_a_silent_agent_that_is_wanted_warns_its_holder_once(world: World) -> None:
    from accounts.models import InboxItem

    world.usual_seats(custodians=0)
    world.create(custodians=False)
    world.agent("住建局").poll()
    for _ in range(2):
        watch_agents(world.app.extensions["runtime"])
    with world.units.read() as unit:
        told = unit.session.scalars(select(InboxItem.org_id).where(InboxItem.code == "inbox.agent_silent")).all()
    assert sorted(str(one) for one in told) == sorted([world.orgs["建设单位"], world.orgs["审计局"]])
