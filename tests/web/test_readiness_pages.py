"""Pages of a bidder getting ready: verified or not on the workbench, the self-check with its trial upload."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from foundation.events.tendering import SelfCheckFiled
from foundation.journal.models import JournalEntry
from foundation.sealing import recover_r_bid
from foundation.web.access import rule_of
from tendering import facade
from tendering.models import Lot, Segment, Upload
from tendering.self_check import LINES, TRIAL_MAX_BYTES
from tendering.states import LotState
from tendering.views import self_check as views
from tests.support.tender_world import DEADLINE, TESTS, OpenLot, TenderWorld, make_world
from tests.support_bids import Bidder, client_of, make_app, make_bidder
from tests.support_rehearsals import ask, file, statement_of

HTML = {"Accept": "text/html", "Accept-Language": "zh-CN"}
TRIAL = "/self-check/uploads/parts/trial/segments/0"


@pytest.fixture
def world(tmp_path: Path) -> TenderWorld:
    return make_world(tmp_path)


@pytest.fixture
def lot(world: TenderWorld) -> OpenLot:
    return world.open_lot()


@pytest.fixture
def bidder(world: TenderWorld) -> Bidder:
    return make_bidder(world)


@pytest.fixture
def app(world: TenderWorld) -> Flask:
    return make_app(world, room_port=8001)


@pytest.fixture
def client(app: Flask, world: TenderWorld, bidder: Bidder) -> FlaskClient:
    return client_of(app, world, bidder.actor)


def bench(client: FlaskClient, lot: OpenLot) -> str:
    return client.get(f"/lots/{lot.id}/bid", headers=HTML).get_data(as_text=True)


def lines(**states: str) -> dict[str, object]:
    return {"lines": [{"id": name, "state": states.get(name, "ok"), "measured": "1.0 s"} for name in LINES]}


# --- rehearsal --------------------------------------------------------------------------------------------------------


def test_only_bidders_rehearse_and_check(app: Flask) -> None:
    routes = {"rehearsals.ask_challenge", "rehearsals.file_statement", "self_check.show", "self_check.held"}
    for endpoint in routes | {"self_check.take", "self_check.file_result", "self_check.result_text"}:
        access = rule_of(app, endpoint)
        assert access is not None
        assert access.roles == {"bidder"}, endpoint


def test_the_workbench_says_unverified_verified_and_unverified_again(
    client: FlaskClient, world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    first = bidder.seal(lot)
    bidder.hand_in(lot, first)
    assert "未验证" in bench(client, lot)
    assert "投标已经有效，不验证也参加开标" in bench(client, lot)
    asked = client.post(f"/lots/{lot.id}/bid/rehearsal/challenge", json={})
    assert asked.status_code == 201
    challenge = asked.get_json()["challenge"]
    waiting = ask(bidder, lot)  # the answer above is void from here on
    late = client.post(
        f"/lots/{lot.id}/bid/rehearsal", json={"bid": first.bid, "rev": 1, "challenge": challenge, "tag": "0" * 64}
    )
    assert (late.status_code, late.get_json()["code"]) == (409, "tendering.rehearsal_of_another_bid")
    statement = statement_of(bidder, first, waiting)
    body = {"bid": statement.bid, "rev": statement.rev, "challenge": statement.challenge, "tag": statement.tag}
    answer = client.post(f"/lots/{lot.id}/bid/rehearsal", json=body)
    assert answer.status_code == 201
    assert answer.get_json()["rehearsal"]["rehearsed"] == "filed"
    assert "已验证" in (shown := bench(client, lot))
    assert "未验证" not in shown
    bidder.hand_in(lot, bidder.seal(lot, after=first))
    assert "未验证" in bench(client, lot)


def test_after_the_deadline_nothing_is_recorded_and_the_page_says_so(
    client: FlaskClient, world: TenderWorld, lot: OpenLot, bidder: Bidder
) -> None:
    bidder.hand_in(lot, bidder.seal(lot))
    world.clock.set(DEADLINE)
    assert "data-challenge" not in (shown := bench(client, lot))
    assert "这不影响投标的效力" in shown
    refused = client.post(f"/lots/{lot.id}/bid/rehearsal/challenge", json={})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "tendering.rehearsal_late")


@pytest.mark.parametrize(("is_right", "said"), [(True, "已核对相符"), (False, "核对不符")])
def test_after_the_release_the_workbench_says_what_the_check_gave(
    client: FlaskClient, world: TenderWorld, lot: OpenLot, bidder: Bidder, is_right: bool, said: str
) -> None:
    made = bidder.seal(lot)
    bidder.hand_in(lot, made)
    file(bidder, lot, statement_of(bidder, made, ask(bidder, lot)))
    world.clock.set(DEADLINE)
    r_bid = recover_r_bid(made.sealed.header, bidder.opening) if is_right else bytes(32)
    with world.units.begin(TESTS) as unit:
        unit.session.execute(update(Lot).where(Lot.id == lot.id).values(state=LotState.FROZEN))
        facade.check_rehearsals(unit, lot.id, made.bid, r_bid)
    assert said in bench(client, lot)


# --- self-check -------------------------------------------------------------------------------------------------------


def test_trial_bytes_are_compared_and_thrown_away(client: FlaskClient, world: TenderWorld) -> None:
    assert client.get("/self-check/uploads").get_json() == {"held": {}}
    content = bytes(range(256)) * 300
    announced = {"X-Content-SHA256": hashlib.sha256(content).hexdigest()}
    assert client.put(TRIAL, data=content, headers=announced).get_json() == {"stored": {"part": "trial", "index": 0}}
    damaged = client.put(TRIAL, data=b"x" + content[1:], headers=announced)
    assert (damaged.status_code, damaged.get_json()["code"]) == (422, "tendering.digest_mismatch")
    with world.units.read() as unit:
        assert unit.session.scalars(select(Upload)).all() == unit.session.scalars(select(Segment)).all() == []
    assert not list((world.folder / "objects").rglob("*trial*"))


@pytest.mark.parametrize("place", ["/self-check/uploads/parts/technical/segments/0", TRIAL.replace("/0", "/1")])
def test_what_is_no_trial_is_refused(client: FlaskClient, place: str) -> None:
    announced = {"X-Content-SHA256": hashlib.sha256(b"x").hexdigest()}
    assert client.put(place, data=b"x", headers=announced).get_json()["code"] == "tendering.trial_refused"
    assert client.put(TRIAL, data=b"x").get_json()["code"] == "tendering.trial_refused"
    large = bytes(TRIAL_MAX_BYTES + 1)
    too_large = client.put(TRIAL, data=large, headers={"X-Content-SHA256": hashlib.sha256(large).hexdigest()})
    assert too_large.status_code in {413, 422}


def test_trials_have_places_of_their_own(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "_places", threading.BoundedSemaphore(1))
    with views._places:
        busy = client.put(TRIAL, data=b"x", headers={"X-Content-SHA256": hashlib.sha256(b"x").hexdigest()})
    assert busy.status_code == 503


def test_a_result_is_kept_for_the_own_organisation_alone(
    app: Flask, client: FlaskClient, world: TenderWorld, bidder: Bidder
) -> None:
    told = client.post("/self-check/results", json=lines(socket="warn")).get_json()
    assert told["check"]["is_ready"] is True
    text = client.get(told["text_url"], headers={"Accept-Language": "zh-CN"})
    assert text.mimetype == "text/plain"
    assert "[留意] 快速上传通道 · 1.0 s" in text.get_data(as_text=True)
    assert "结论：可以投标" in text.get_data(as_text=True)
    rival = client_of(app, world, make_bidder(world, "无锡栖云建筑有限公司").actor)
    assert rival.get(told["text_url"]).status_code == 404
    assert rival.get("/self-check").get_json()["checks"] == []
    assert [one["id"] for one in client.get("/self-check").get_json()["checks"]] == [told["check"]["id"]]
    with world.units.read() as unit:
        entry = unit.session.scalars(select(JournalEntry).where(JournalEntry.type == SelfCheckFiled.TYPE)).one()
    assert entry.stream == f"org:{bidder.actor.org_id}"


def test_whether_a_device_is_ready_is_decided_by_the_lines(client: FlaskClient) -> None:
    told = client.post("/self-check/results", json=lines(round="bad")).get_json()
    assert told["check"]["is_ready"] is False
    missing = {"lines": lines()["lines"][:-1]}  # type: ignore[index]
    assert client.post("/self-check/results", json=missing).status_code == 422
    twice = {"lines": [*missing["lines"], missing["lines"][0]]}
    assert client.post("/self-check/results", json=twice).get_json()["code"] == "tendering.self_check_malformed"
    broken = lines()
    broken["lines"][0]["measured"] = "line\nbreak"  # type: ignore[index]
    assert client.post("/self-check/results", json=broken).get_json()["code"] == "tendering.self_check_malformed"


@pytest.mark.parametrize(("language", "said"), [("zh-CN", "设备自检"), ("en", "Check this device")])
def test_the_page_names_every_line_and_what_to_do(client: FlaskClient, language: str, said: str) -> None:
    shown = client.get("/self-check", headers={"Accept": "text/html", "Accept-Language": language}).get_data(
        as_text=True
    )
    assert said in shown
    assert all(f'data-line="{name}"' in shown for name in LINES)
    assert "self_check." not in shown  # every term has its sentence
