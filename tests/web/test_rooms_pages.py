"""The room's pages and addresses over HTTP: what each reader gets, what stays hidden, what an act answers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from accounts.sessions import COOKIE
from bid_opening.models import RoomFrame
from bid_opening.services import acts
from bid_opening.states import Phase
from foundation.actor import Actor
from foundation.hints import UnixHints
from tests.rooms.room_world import NAMES, RoomWorld, make_app, make_room_world
from tests.support_opening import Opening, make_opening

HTML = {"Accept": "text/html"}
JSON = {"Accept": "application/json"}


@dataclass
class Web:
    """A client for each person of one world."""

    found: RoomWorld
    client: FlaskClient

    def get(self, path: str, who: Actor | None = None, **headers: str) -> Any:
        return self.client.get(path, headers={**self._bearer(who), **headers})

    def post(self, path: str, who: Actor | None = None, **body: Any) -> Any:
        return self.client.post(path, headers={**self._bearer(who), **JSON}, json=body)

    def _bearer(self, who: Actor | None) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.found.token(who)}"} if who else {}

    def room(self, part: str = "") -> str:
        return f"/rooms/{self.found.lot.id}{part}"


def web_of(found: RoomWorld) -> Iterator[Web]:
    yield Web(found, make_app(found).test_client())
    found.hints._socket.close()
    found.world.engine.dispose()


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    yield from web_of(make_room_world(tmp_path))


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return make_opening(tmp_path)


@pytest.fixture
def real(opening: Opening) -> Iterator[Web]:
    """The web over an opening with real seals."""
    hints = UnixHints(opening.world.runtime.settings.run_dir)
    people = tuple(bidder.actor for bidder in opening.bidders)
    yield from web_of(RoomWorld(opening.world, opening.lot, opening.host, opening.supervisor, people, hints))


# --- what stays hidden ------------------------------------------------------------------------------------------------


def test_before_the_list_no_page_tells_who_or_how_many(real: Web, opening: Opening) -> None:
    opening.to_check_in()
    opening.act(opening.bidders[0].actor, acts.check_in)
    opening.close_bids()
    asked = [
        ("", None),
        ("/host", opening.host),
        ("/supervise", opening.supervisor),
        ("/supervise", opening.staff),
        ("/seat", opening.bidders[1].actor),
        ("/events", opening.host),
        ("/events", opening.supervisor),
    ]
    for part, who in asked:
        for headers in (HTML, JSON):
            answer = real.get(real.room(part), who, **headers)
            assert answer.status_code == 200, (part, who)
            text = answer.get_data(as_text=True)
            for bidder in opening.bidders:
                if bidder.actor is not who:
                    assert bidder.actor.org_name not in text, part
                    assert str(bidder.actor.org_id) not in text, part
            assert all(made.bid not in text for made in opening.sealed)


def test_a_bidder_sees_its_own_sign_in_and_nobody_elses(real: Web, opening: Opening) -> None:
    opening.to_check_in()
    first, second = (bidder.actor for bidder in opening.bidders[:2])
    assert real.post(real.room("/check-in"), first).status_code == 200
    assert "已签到" in real.get(real.room("/seat"), first, **HTML).get_data(as_text=True)
    assert "请签到" in real.get(real.room("/seat"), second, **HTML).get_data(as_text=True)
    frames = real.get(real.room("/events"), second, **JSON).get_json()["frames"]
    assert not [frame for frame in frames if frame["type"] == "checked_in"]


def test_the_32_bytes_and_prices_before_their_reading_are_in_no_answer(real: Web, opening: Opening) -> None:
    opening.to_window_closed()
    opening.to_gate()
    opening.act(opening.host, acts.draw)
    assert opening.run_jobs() == []
    assert opening.state.phase is Phase.PARAM_DRAWN
    secrets_ = [opening.r_bid(index).hex() for index in range(3)]
    for part, who in (("", None), ("/host", opening.host), ("/supervise", opening.supervisor), ("/events", None)):
        for headers in (HTML, JSON):
            text = real.get(real.room(part), who, **headers).get_data(as_text=True)
            assert not any(secret in text for secret in secrets_)
            assert "11402318" not in text.replace(",", "")


@pytest.mark.parametrize("part", ["/host", "/supervise", "/seat"])
def test_desks_are_for_their_people_only(web: Web, part: str) -> None:
    found = web.found
    allowed = {"/host": found.host, "/supervise": found.supervisor, "/seat": found.bidders[0]}
    for desk, who in allowed.items():
        answer = web.get(web.room(part), who, **JSON)
        assert answer.status_code == (200 if desk == part else 403), (desk, part)
    assert web.get(web.room(part), **JSON).status_code == 401


def test_another_agency_does_not_find_the_host_desk(web: Web) -> None:
    other = web.found.world.organisation("另一家招标代理", "agency")
    assert web.get(web.room("/host"), other, **JSON).status_code == 404
    assert web.post(web.room("/start-decryption"), other).status_code == 403


def test_events_of_another_audience_are_refused(web: Web) -> None:
    found = web.found
    other = f"bidder:{found.bidders[0].org_id}"
    for who, after in ((None, "staff:0"), (found.bidders[1], f"{other}:0"), (found.host, f"{other}:0")):
        assert web.get(web.room(f"/events?after={after}"), who, **JSON).status_code == 403
    assert web.get(web.room("/events?after=public:x"), **JSON).status_code == 422
    assert web.get("/rooms/nowhere/events", **JSON).status_code == 404


# --- what is the same -------------------------------------------------------------------------------------------------


def test_polling_gives_the_very_bytes_of_the_frames_and_only_the_missing_ones(web: Web) -> None:
    found = web.found
    found.publish_list()
    found.open_window()
    found.release(1, 2)
    with found.units.read() as unit:
        stored = list(
            unit.session.scalars(select(RoomFrame.frame).where(RoomFrame.audience == "public").order_by(RoomFrame.seq))
        )
    answer = web.get(web.room("/events?after=public:0"), **JSON)
    assert ",".join(stored) in answer.get_data(as_text=True)
    body = answer.get_json()
    assert body["heads"] == {"public": len(stored)}
    later = web.get(web.room(f"/events?after=public:{len(stored) - 2}"), **JSON).get_json()["frames"]
    assert later == [json.loads(text) for text in stored[-2:]]
    assert web.get(web.room(f"/events?after=public:{len(stored)}"), **JSON).get_json()["frames"] == []


def test_the_snapshot_and_the_frames_after_its_heads_meet(web: Web) -> None:
    found = web.found
    found.publish_list()
    found.open_window()
    snapshot = web.get(web.room(), found.host, **JSON).get_json()
    assert set(snapshot["heads"]) == {"public", "staff"}
    found.release(3)
    after = ",".join(f"{audience}:{head}" for audience, head in snapshot["heads"].items())
    frames = web.get(web.room(f"/events?after={after}"), found.host, **JSON).get_json()["frames"]
    assert sorted(frame["type"] for frame in frames) == ["seal_checked", "share_released"]


# --- hall -------------------------------------------------------------------------------------------------------------


def test_the_hall_lists_searches_and_fills_the_wall(web: Web) -> None:
    found = web.found
    page = web.get("/rooms", **HTML).get_data(as_text=True)
    assert "武进高级中学新校区修缮工程（施工）" in page
    assert "12 家" not in page  # how many, only once the list is published
    assert "武进高级中学" in web.get("/rooms?q=修缮 教育局", **HTML).get_data(as_text=True)
    assert "武进高级中学" not in web.get("/rooms?q=隧道", **HTML).get_data(as_text=True)
    found.publish_list()
    found.open_window()
    assert "12 家投标" in web.get("/rooms", **HTML).get_data(as_text=True)
    wall = web.get("/rooms?screen=1", **HTML).get_data(as_text=True)
    assert 'class="hall"' in wall
    assert "解密窗口还剩" in wall
    assert not any(bidder.display_name in wall for bidder in found.bidders)


# --- acts -------------------------------------------------------------------------------------------------------------


def test_a_whole_opening_by_posts_alone(real: Web, opening: Opening) -> None:
    host, bidders = opening.host, [bidder.actor for bidder in opening.bidders]
    opening.to_list()
    opening.publish()
    assert real.post(real.room("/start-decryption"), host).get_json()["state"] == "DECRYPTING"
    for index, actor in enumerate(bidders):
        assert real.post(real.room("/seal-check"), actor, ok=True).status_code == 200
        assert real.post(real.room("/release"), actor, r_bid=opening.r_bid(index).hex()).status_code == 200
    opening.look()
    opening.to_gate()
    assert real.post(real.room("/draw"), host).get_json()["state"] == "PARAM_DRAWN"
    assert real.post(real.room("/draw"), host).status_code == 409  # nobody draws twice
    assert real.get(real.room("/draws"), **JSON).get_json()["draws"]
    assert opening.run_jobs() == []
    assert real.post(real.room("/start-reading"), host).get_json()["state"] == "READING"
    assert real.post(real.room("/start-query"), host).get_json()["state"] == "QUERY"
    assert real.post(real.room("/object"), bidders[0], text="请核对工期").status_code == 200
    assert real.post(real.room("/start-confirming"), host).status_code == 409
    snapshot = real.get(real.room(), host, **JSON).get_json()
    objection = snapshot["objections"][0]
    assert objection["org_id"] == ""
    assert real.post(real.room("/answer"), host, objection_id=objection["id"], text="无误").status_code == 200
    for actor in bidders[1:]:
        assert real.post(real.room("/no-objection"), actor).status_code == 200
    opening.look(times=1)
    assert real.get(real.room("/record.pdf"), **JSON).status_code == 404
    for actor in bidders:
        assert real.post(real.room("/confirm"), actor).status_code == 200
    opening.look()
    assert opening.run_jobs() == []
    record = real.get(real.room("/record.pdf"))
    assert record.mimetype == "application/pdf"
    assert record.data.startswith(b"%PDF")
    assert "11,402,318.00" in real.get(real.room(), **HTML).get_data(as_text=True)


def test_wrong_bytes_are_refused_with_the_count_and_recorded(real: Web, opening: Opening) -> None:
    opening.to_window()
    actor = opening.bidders[0].actor
    answer = real.post(real.room("/release"), actor, r_bid="00" * 32)
    assert answer.status_code == 422
    assert answer.get_json()["code"] == "bid_opening.share_does_not_match"
    assert answer.get_json()["fields"]["tries"] == 1
    assert real.post(real.room("/release"), actor, r_bid="zz").status_code == 422
    assert "已试 1 次" in real.get(real.room("/seat"), actor, **HTML).get_data(as_text=True)
    assert "已试 1 次" in real.get(real.room("/host"), opening.host, **HTML).get_data(as_text=True)
    assert "已试" not in real.get(real.room(), **HTML).get_data(as_text=True)
    assert real.post(real.room("/release"), actor, r_bid=opening.r_bid(0).hex()).status_code == 200


def test_two_people_suspend_and_reconvene(web: Web) -> None:
    found = web.found
    found.publish_list()
    found.open_window()
    second = found.world.organisation("武进区公共资源交易中心", "centre_staff")
    assert web.post(web.room("/suspend"), found.host, why="").status_code == 422
    assert web.post(web.room("/suspend"), found.host, why="网络中断").status_code == 200
    assert web.post(web.room("/confirm-halt"), found.host).status_code == 403
    assert "已提议暂停" in web.get(web.room("/supervise"), found.supervisor, **HTML).get_data(as_text=True)
    assert "网络中断" not in web.get(web.room(), **HTML).get_data(as_text=True)  # a proposal is not public
    assert web.post(web.room("/confirm-halt"), found.supervisor).get_json()["state"] == "SUSPENDED"
    page = web.get(web.room(), **HTML).get_data(as_text=True)
    assert "开标已暂停，时钟停住" in page
    assert web.post(web.room("/resume"), found.supervisor, why="已恢复").get_json()["state"] == "SUSPENDED"
    assert web.post(web.room("/confirm-halt"), found.supervisor).status_code == 403  # not the same person
    assert web.post(web.room("/resume"), second, why="同意").get_json()["state"] == "DECRYPTING"


def test_a_form_goes_back_to_its_desk_and_a_refusal_is_shown_there(web: Web) -> None:
    found = web.found
    found.publish_list()
    web.client.set_cookie(COOKIE, found.token(found.host))
    page = web.client.get(web.room("/host"), headers=HTML).get_data(as_text=True)
    token = page.split('name="csrf-token" content="')[1].split('"')[0]
    assert web.client.post(web.room("/draw"), headers=HTML).status_code == 400  # no token
    refused = web.client.post(web.room("/draw"), headers=HTML, data={"csrf_token": token})
    assert refused.status_code == 409
    assert "不能做这件事" in refused.get_data(as_text=True)
    assert "下一步" in refused.get_data(as_text=True)
    again = web.client.get(web.room("/draw"), headers=HTML)
    assert (again.status_code, again.headers["Location"]) == (303, web.room("/host"))
    found.open_window()
    done = web.client.post(web.room("/extend"), headers=HTML, data={"csrf_token": token})
    assert (done.status_code, done.headers["Location"]) == (303, web.room("/host"))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_desk_shows_every_phase_in_both_languages(web: Web, lang: str) -> None:
    found = web.found
    desks = {"": None, "/host": found.host, "/seat": found.bidders[0], "/supervise": found.supervisor}
    phases = [
        ("check_in", lambda: None),
        ("list", found.publish_list),
        ("window", found.open_window),
        ("released", lambda: found.release(*found.seats)),
        ("gate", found.close_window),
        ("drawn", found.draw),
        ("read", found.read_out),
        ("query", found.open_query),
        ("confirm", found.open_confirmation),
    ]
    for name, act in phases:
        act()
        for part, who in desks.items():
            answer = web.get(web.room(part), who, **HTML, **{"Accept-Language": lang})
            text = answer.get_data(as_text=True)
            assert answer.status_code == 200, (name, part)
            assert "room_next." not in text.split("data-words")[0]
            assert "…，" not in text
    assert NAMES[0] in text
