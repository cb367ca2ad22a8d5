"""Which role may open which page of key holding, and what each shows; in both languages."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from accounts.roles import GRANTED
from foundation.actor import Actor
from foundation.events import keyholding as events
from foundation.ids import OrgId, UserId
from foundation.web.access import rule_of
from keyholding.errors import HoldersRefused
from keyholding.models import HolderSeat
from keyholding.states import Side
from tests.unit.keyholding.world import LOT, OTHER_LOT, WORKER, World, build

HOLDERS = {"gate_holder", "custodian"}
DESK = {"centre_staff", "administrator"}
EVERYBODY = None
AGENT = "agent"
MATRIX = {
    "keyholding.my_seats": HOLDERS,
    "keyholding.setup": HOLDERS | DESK,
    "keyholding.show_seats": DESK,
    "keyholding.appoint_seat": DESK,
    "keyholding.enrol_agent": DESK,
    "keyholding.retire_seat": DESK,
    "keyholding.show_keyset": EVERYBODY,
    "keyholding.keyset_file": EVERYBODY,
    "holder_desk.show_desk": HOLDERS,
    "holder_desk.act_by_hand": HOLDERS,
    "holder_desk.show_tasks": HOLDERS,
    "holder_desk.give_key": HOLDERS,
    "holder_desk.give_rehearsal_share": HOLDERS,
    "holder_desk.give_gate_key": HOLDERS,
    "holder_desk.give_escrow_shares": HOLDERS,
    "holder_agents.show_tasks": AGENT,
    "holder_agents.give_key": AGENT,
    "holder_agents.give_rehearsal_share": AGENT,
    "holder_agents.give_gate_key": AGENT,
    "holder_agents.give_escrow_shares": AGENT,
}
JSON = {"Accept": "application/json"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = build(tmp_path)
    for role in GRANTED:
        made.who[role] = Actor(UserId(f"u-{role}"), OrgId(f"o-{role}"), frozenset({role}), role, "某人", "某单位")
    made.app.config["WTF_CSRF_ENABLED"] = False
    yield made
    made.close()


@pytest.fixture
def client(world: World) -> FlaskClient:
    return world.app.test_client()


def get(client: FlaskClient, path: str, who: str = "", lang: str = "zh-CN") -> TestResponse:
    return client.get(path, headers={"X-Who": who, "Accept-Language": lang, "Accept": "text/html"})


def address(world: World, endpoint: str) -> tuple[str, str]:
    rule = next(one for one in world.app.url_map.iter_rules() if one.endpoint == endpoint)
    method = "POST" if "POST" in (rule.methods or ()) else "GET"
    return method, re.sub(r"<[^>]+>", LOT, rule.rule)


def test_every_route_of_the_package_has_a_row(world: World) -> None:
    own = {
        one.endpoint for one in world.app.url_map.iter_rules() if one.endpoint.startswith(("keyholding.", "holder_"))
    }
    assert own == set(MATRIX)
    assert all(rule_of(world.app, endpoint) is not None for endpoint in own)


@pytest.mark.parametrize("endpoint", sorted(MATRIX))
def test_role_by_route(world: World, client: FlaskClient, endpoint: str) -> None:
    method, path = address(world, endpoint)
    wanted = MATRIX[endpoint]
    for role in ("", *GRANTED):
        body = {"json": {}} if method == "POST" else {}
        answer = client.open(path, method=method, headers={"X-Who": role, **JSON}, **body)
        if wanted == AGENT:  # a person's session is never an agent's
            assert (answer.status_code, answer.json["code"]) == (401, "keyholding.agent_unknown"), role  # type: ignore[index]
        elif wanted is EVERYBODY or role in wanted:
            assert answer.status_code in {200, 404, 422}, (role, answer.status_code)
        else:
            assert answer.status_code == (401 if not role else 403), role


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_the_key_set_is_public_once_complete(world: World, client: FlaskClient, lang: str) -> None:
    assert get(client, f"/lots/{LOT}/keyset").status_code == 404
    world.usual_seats()
    world.create()
    assert get(client, f"/lots/{LOT}/keyset").status_code == 404
    agents = [world.agent(org) for org in world.tokens]
    for _ in range(2):
        for agent in agents:
            agent.poll()
    shown = get(client, f"/lots/{LOT}/keyset", lang=lang)
    text = shown.get_data(as_text=True)
    assert shown.status_code == 200
    assert ("Rehearsed" if lang == "en" else "演练通过") in text
    assert "住建局席位" in text
    fingerprint = hashlib.sha256(bytes.fromhex(world.card().holders[1].public_key)).hexdigest()
    assert f"{fingerprint[:4]} {fingerprint[4:8]}" in text
    file = client.get(f"/lots/{LOT}/keyset.json")
    assert hashlib.sha256(file.data).hexdigest() == world.card().hash
    assert client.get(f"/lots/{OTHER_LOT}/keyset.json", headers=JSON).status_code == 404
    assert not any(world.tokens[org] in text for org in world.tokens)


def test_published_gate_keys_show_and_others_do_not(world: World, client: FlaskClient) -> None:
    agents = world.rehearsed()
    world.ask_gate(world.close_window())
    agents["住建局"].poll()
    model = client.get(f"/lots/{LOT}/keyset", headers=JSON).json
    assert model is not None
    private = [one["private_key"] for one in model["keyset"]["holders"]]
    assert private == ["", world.gate_keys()[1], "", "", "", ""]


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_a_holder_sees_its_own_seat_and_nobody_elses(world: World, client: FlaskClient, lang: str) -> None:
    world.rehearsed()
    text = get(client, "/keyholding", "住建局", lang).get_data(as_text=True)
    assert "住建局席位" in text
    assert "审计局席位" not in text
    assert ("Present" if lang == "en" else "在线") in text
    assert ("Took part in the rehearsal" if lang == "en" else "完成演练") in text
    nobody = get(client, "/keyholding", "gate_holder", lang).get_data(as_text=True)
    assert ("You have no seat yet" if lang == "en" else "您还没有席位") in nobody
    setup = get(client, "/keyholding/setup", "住建局", lang)
    assert "--once" in setup.get_data(as_text=True)


def test_the_desk_appoints_enrols_and_ends_a_seat(world: World, client: FlaskClient) -> None:
    org_id = world.org("住建局", "gate_holder")
    form = {"side": "regulator", "org_id": org_id, "holder_name": "住建局监督科", "operator": "政务云"}
    made = client.post("/keyholding/seats", data=form, headers={"X-Who": "centre_staff", "Accept": "text/html"})
    assert made.status_code == 303
    with world.units.read() as unit:
        seat_id = unit.session.query(HolderSeat.id).scalar()
    enrolled = client.post(f"/keyholding/seats/{seat_id}/enrol", headers={"X-Who": "centre_staff", **JSON})
    assert enrolled.status_code == 201
    assert enrolled.headers["Cache-Control"] == "no-store"
    token = enrolled.json["token"]  # type: ignore[index]
    shown = client.post(f"/keyholding/seats/{seat_id}/enrol", headers={"X-Who": "centre_staff", "Accept": "text/html"})
    assert re.search(r"[0-9a-f]{64}", shown.get_data(as_text=True))
    answer = client.get("/agent/tasks", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401  # replaced by the second one
    assert token not in get(client, "/keyholding/seats", "administrator").get_data(as_text=True)
    ended = client.post(
        f"/keyholding/seats/{seat_id}/retire", data={"reason": "调任"}, headers={"X-Who": "centre_staff"}
    )
    assert ended.status_code == 303
    assert len(world.events(events.SeatRetired)) == 1


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_a_refused_appointment_says_why_and_keeps_what_was_entered(
    world: World, client: FlaskClient, lang: str
) -> None:
    org_id = world.org("投标单位", "bidder")
    form = {"side": "audit", "org_id": org_id, "holder_name": "某科室", "operator": "某机房"}
    headers = {"X-Who": "centre_staff", "Accept": "text/html", "Accept-Language": lang}
    refused = client.post("/keyholding/seats", data=form, headers=headers)
    text = refused.get_data(as_text=True)
    assert refused.status_code == 422
    assert ("cannot be regulator" if lang == "en" else "不得担任监督") in text
    assert "某科室" in text
    with world.units.read() as unit:
        assert unit.session.query(HolderSeat).count() == 0


def test_the_desk_sees_overlaps(world: World, client: FlaskClient) -> None:
    world.usual_seats(custodians=0)
    world.seat(Side.CUSTODIAN, "公证处", operator="审计局机房")
    text = get(client, "/keyholding/seats", "administrator").get_data(as_text=True)
    assert "审计局机房一方运行 2 个席位的机器：审计局席位、公证处席位" in text


def test_ending_a_seat_asks_for_a_reason_first(world: World, client: FlaskClient) -> None:
    world.seat(Side.REGULATOR, "住建局")
    with world.units.read() as unit:
        seat_id = unit.session.query(HolderSeat.id).scalar()
    desk = get(client, "/keyholding/seats", "administrator").get_data(as_text=True)
    assert f'data-opens="end-{seat_id}"' in desk
    headers = {"X-Who": "administrator", "Accept": "text/html"}
    refused = client.post(f"/keyholding/seats/{seat_id}/retire", data={"reason": " "}, headers=headers)
    assert refused.status_code == 422
    assert 'id="f-reason"' in refused.get_data(as_text=True)
    assert world.events(events.SeatRetired) == []


def test_the_desk_offers_people_in_a_holders_role_and_nobody_else(world: World, client: FlaskClient) -> None:
    world.org("住建局", "gate_holder")
    world.org("公证处", "custodian")
    world.org("投标单位", "bidder")
    holders = client.get("/keyholding/seats", headers={"X-Who": "administrator", **JSON}).get_json()["holders"]
    assert sorted(name for _, name in holders) == ["住建局 · 住建局的人", "公证处 · 公证处的人"]


def test_malformed_agent_bodies_are_refused_at_their_fields(world: World) -> None:
    world.usual_seats()
    world.create()
    keyset_id = world.tasks("住建局")[0]["keyset_id"]
    for body in ({}, {"public_key": "04zz", "proof": "x"}, {"public_key": "04" + "0" * 128, "proof": "AAAA"}):
        answer = world.post("住建局", f"/agent/keysets/{keyset_id}/key", body)
        assert answer.status_code == 422, body
    many = {"shares": [{"bid": "a" * 32, "share": "1" * 66}] * 51}
    assert world.post("公证处0", f"/agent/lots/{LOT}/escrow-shares", many).status_code == 422


def test_a_holder_acts_by_hand_for_its_own_seat_only(world: World, client: FlaskClient) -> None:
    world.usual_seats(custodians=0)
    with world.units.read() as unit:
        seats = {row.org_name: row.id for row in unit.session.query(HolderSeat)}
    own, other = seats["住建局"], seats["审计局"]
    as_holder = {"X-Who": "住建局", **JSON}
    for path in ("", "/tasks"):
        assert client.get(f"/keyholding/seats/{other}{path}", headers=as_holder).status_code == 404
    acts = (
        "by-hand",
        f"keysets/{LOT}/key",
        f"rehearsals/{LOT}/share",
        f"lots/{LOT}/gate-key",
        f"lots/{LOT}/escrow-shares",
    )
    for act in acts:
        answer = client.post(f"/keyholding/seats/{other}/{act}", json={"private_key": "11" * 32}, headers=as_holder)
        assert answer.status_code == 404, act
    for _ in range(2):
        assert client.post(f"/keyholding/seats/{own}/by-hand", headers=as_holder).status_code == 200
    assert [one.seat for one in world.events(events.SeatActsByHand)] == [own]  # type: ignore[attr-defined]


def test_a_seat_without_agent_counts_once_its_holder_acts_by_hand(world: World, client: FlaskClient) -> None:
    world.usual_seats(custodians=0)
    with world.units.begin(WORKER) as unit:
        unit.session.query(HolderSeat).filter(HolderSeat.org_name == "住建局").update({"agent_token_hash": None})
        seat_id = unit.session.query(HolderSeat.id).filter(HolderSeat.org_name == "住建局").scalar()
    with pytest.raises(HoldersRefused):
        world.create(custodians=False)
    client.post(f"/keyholding/seats/{seat_id}/by-hand", headers={"X-Who": "住建局", **JSON})
    world.create(custodians=False)
    told = client.get(f"/keyholding/seats/{seat_id}/tasks", headers={"X-Who": "住建局", **JSON}).get_json()
    assert [task["kind"] for task in told["tasks"]] == ["make_key"]
    assert [(place["lot_id"], place["public_key"]) for place in told["places"]] == [(LOT, "")]
    early = client.post(
        f"/keyholding/seats/{seat_id}/lots/{LOT}/gate-key",
        json={"private_key": "11" * 32},
        headers={"X-Who": "住建局", **JSON},
    )
    assert (early.status_code, early.get_json()["code"]) == (409, "keyholding.gate_not_asked")


@pytest.mark.parametrize("lang", ["zh-CN", "en"])
def test_the_holders_page_speaks_both_languages(world: World, client: FlaskClient, lang: str) -> None:
    world.usual_seats(custodians=0)
    with world.units.read() as unit:
        seat_id = unit.session.query(HolderSeat.id).filter(HolderSeat.org_name == "住建局").scalar()
    before = get(client, f"/keyholding/seats/{seat_id}", "住建局", lang).get_data(as_text=True)
    assert ("Set up an agent instead" if lang == "en" else "改装代理程序") in before
    client.post(f"/keyholding/seats/{seat_id}/by-hand", headers={"X-Who": "住建局", **JSON})
    after = get(client, f"/keyholding/seats/{seat_id}", "住建局", lang).get_data(as_text=True)
    assert ("Whose signatures you believe" if lang == "en" else "您相信谁的签名") in after
    words = client.get(
        f"/keyholding/seats/{seat_id}", headers={"X-Who": "住建局", "Accept-Language": lang, **JSON}
    ).json["words"]
    assert ("Escrow is on request" if lang == "en" else "按请求启封") in words["evidence_reason.not_requested"]
