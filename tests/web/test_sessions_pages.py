"""The pages of a session over HTTP: what each reader gets of several lots, and what acts on several lots answer."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from accounts.sessions import COOKIE
from bid_opening.models import OpeningRoom
from bid_opening.services import acts, rooms
from bid_opening.states import Phase
from foundation.actor import Actor
from foundation.hints import UnixHints
from tendering import facade as tendering
from tests.rooms.room_world import RoomWorld
from tests.support_opening import Opening
from tests.support_session import make_session, people_of, to_check_in, to_lists, to_windows
from tests.web.test_rooms_pages import HTML, JSON, Web, web_of


@pytest.fixture
def lots(tmp_path: Path) -> tuple[Opening, Opening]:
    return make_session(tmp_path)


@pytest.fixture
def web(lots: tuple[Opening, Opening]) -> Iterator[Web]:
    one, _ = lots
    hints = UnixHints(one.world.runtime.settings.run_dir)
    people = tuple(bidder.actor for bidder in one.bidders)
    yield from web_of(RoomWorld(one.world, one.lot, one.host, one.supervisor, people, hints))


def session_of(one: Opening, part: str = "") -> str:
    return f"/sessions/{one.lot.id}{part}"


def text_of(web: Web, path: str, who: Actor | None = None, **headers: str) -> str:
    answer = web.get(path, who, **HTML, **headers)
    assert answer.status_code == 200, (path, who)
    text: str = answer.get_data(as_text=True)
    return text


def test_before_the_lists_no_page_of_the_session_tells_who_or_how_many(web: Web, lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    to_check_in(one, two)
    assert web.post(session_of(one, "/check-in"), one.bidders[0].actor).status_code == 200
    for lot in lots:
        lot.close_bids()
    for who in (None, *people_of(one)):
        for headers in (HTML, JSON):
            for path in (session_of(one), session_of(two), session_of(one, "/cover"), "/rooms"):
                text = web.get(path, who, **headers).get_data(as_text=True)
                names = [b.actor.org_name for b in one.bidders if b.actor is not who]
                assert not any(name in text for name in names), (path, who)
                assert not any(made.bid in text for lot in lots for made in lot.sealed)


def test_nobody_gets_more_of_a_lot_than_its_room_gives(web: Web, lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    to_windows(one, two)
    assert not one.release(0, bytes(32)).is_accepted
    for who in (None, *people_of(one)):
        session = web.get(session_of(two), who, **JSON).get_json()
        assert [lot["room"]["lot_id"] for lot in session["lots"]] == [one.lot.id, two.lot.id]
        for lot in session["lots"]:
            room = web.get(f"/rooms/{lot['room']['lot_id']}", who, **JSON).get_json()
            assert lot["room"]["heads"] == room["heads"]
            assert lot["room"]["seats"] == room["seats"]
            assert lot["room"]["offers"] == room["offers"]
        is_host = who is one.host
        assert session["is_host"] is is_host
        assert bool(session["joint"]) is False  # nothing can be done while both windows run


def test_the_host_opens_both_windows_with_one_form(web: Web, lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    to_lists(one, two)
    page = text_of(web, session_of(one), one.host)
    assert "开始解密：标段 1、2" in page
    assert "开始解密：标段" not in text_of(web, session_of(one), one.supervisor)
    both = [one.lot.id, two.lot.id]
    answer = web.post(session_of(one, "/act"), one.host, act="start-decryption", lots=both)
    assert answer.status_code == 200
    assert [told["state"] for told in answer.get_json()["lots"]] == ["DECRYPTING", "DECRYPTING"]
    assert web.post(session_of(one, "/act"), one.host, act="start-decryption", lots=[]).status_code == 422
    assert web.post(session_of(one, "/act"), one.host, act="suspend", lots=both).status_code == 422
    other = one.world.open_lot(agency=one.host)
    refused = web.post(session_of(one, "/act"), one.host, act="close", lots=[other.id])
    assert refused.get_json()["code"] == "bid_opening.not_of_session"


def test_what_one_lot_refuses_is_named_and_the_other_is_done(web: Web, lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    to_windows(one)
    with two.world.units.begin(two.host) as unit:
        rooms.add_room(unit, two.lot.id)
    join_session(two, one)
    web.client.set_cookie(COOKIE, web.found.token(one.host))
    page = web.client.get(session_of(one), headers=HTML).get_data(as_text=True)
    token = page.split('name="csrf-token" content="')[1].split('"')[0]
    form = {"csrf_token": token, "act": "start-decryption", "lots": [one.lot.id, two.lot.id]}
    answer = web.client.post(session_of(one, "/act"), headers=HTML, data=form)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "已办理 1 个标段，1 个没有办理" in text
    assert 'href="#f-lot-2"' in text
    assert 'id="f-lot-2"' in text
    assert "标段 2：现在是“" in text
    back = web.client.get(session_of(one, "/act"), headers=HTML)
    assert (back.status_code, back.headers["Location"]) == (303, session_of(one))


def join_session(late: Opening, first: Opening) -> None:
    """The room of a lot whose intake was not closed with the others: it is of the session, but behind."""
    with late.world.units.begin(late.host) as unit:
        values = {"opens_at": first.lot.deadline_at}
        unit.session.execute(update(OpeningRoom).where(OpeningRoom.id == late.lot.id).values(**values))


def test_a_bidder_sees_its_seats_of_all_lots_and_what_waits_for_it(web: Web, lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    to_windows(one, two)
    who = one.bidders[0].actor
    page = text_of(web, session_of(one), who)
    assert page.count("data-release=") == 2
    assert "解密我的 2 个标段" in page
    assert one.release(0).is_accepted
    page = text_of(web, session_of(two), who)
    assert "轮到您：交出标段 2 的开标密钥" in page
    assert "data-release-all>" not in page
    assert two.release(0).is_accepted
    assert "data-release=" not in text_of(web, session_of(one), who)
    for other in (None, one.host, one.supervisor):
        assert "data-release=" not in text_of(web, session_of(one), other)


def test_prices_are_shown_lot_by_lot_and_only_once_read(web: Web, lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    to_windows(one, two)
    for lot in lots:
        for index in range(3):
            assert lot.release(index).is_accepted
        lot.look()
        lot.to_gate()
    answer = web.post(session_of(one, "/act"), one.host, act="draw", lots=[one.lot.id, two.lot.id])
    assert answer.status_code == 200
    assert one.run_jobs() == []
    text = text_of(web, session_of(one))
    assert "11,402,318.00" not in text
    assert "21,402,318.00" not in text
    assert "唱标：标段 1" in text_of(web, session_of(one), one.host)
    assert web.post(session_of(one, "/act"), one.host, act="start-reading", lots=[one.lot.id]).status_code == 200
    text = text_of(web, session_of(one))
    assert "11,402,318.00" in text
    assert "21,402,318.00" not in text
    assert "正在唱标段 1" in text_of(web, session_of(one), one.host)
    assert two.state.phase is Phase.PARAM_DRAWN


def test_the_cover_is_public_and_says_what_is_not_there_yet(web: Web, lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    to_windows(one, two)
    text = text_of(web, session_of(one, "/cover"))
    assert "封面还不完整" in text
    assert web.get(session_of(one, "/cover"), **JSON).get_json()["sha256"] == ""
    assert web.get("/sessions/nowhere/cover", **JSON).status_code == 404
    assert web.get("/sessions/nowhere", **JSON).status_code == 404


def test_a_host_finds_its_days_and_is_told_of_overlaps(web: Web, lots: tuple[Opening, Opening]) -> None:
    one, two = lots
    to_check_in(one, two)
    one.world.open_lot(agency=one.host, deadline_at=one.lot.deadline_at + timedelta(minutes=30))
    page = text_of(web, "/sessions", one.host)
    assert page.count("时间重叠") == 2
    assert "2 个标段" in page
    assert session_of(one) in page
    other = one.world.organisation("另一家招标代理", "agency")
    assert "没有要主持的开标" in text_of(web, "/sessions", other)
    assert web.get("/sessions", one.bidders[0].actor, **JSON).status_code == 403
    assert web.get("/sessions", **JSON).status_code == 401


def test_the_preparation_of_a_lot_points_an_overlap_out_to_its_host_only(
    web: Web, lots: tuple[Opening, Opening]
) -> None:
    one, two = lots
    to_check_in(one, two)
    tenderee = one.world.organisation("武进区水利局", "tenderee")
    late = one.world.open_lot(
        agency=one.host, tenderee=tenderee, deadline_at=one.lot.deadline_at + timedelta(minutes=30)
    )
    path = f"/lots/{late.id}/preparation"
    assert "同一主持单位此时还有别的开标" in text_of(web, path, one.host)
    assert "同一主持单位此时还有别的开标" not in text_of(web, path, tenderee)
    assert "同一主持单位此时还有别的开标" in text_of(web, f"/lots/{late.id}/timetable", one.host)
    assert "同一主持单位此时还有别的开标" not in text_of(web, f"/lots/{one.lot.id}/preparation", tenderee_of(one))


def tenderee_of(one: Opening) -> Actor:
    """Somebody of the tenderee of the session's lots."""
    with one.world.units.read() as unit:
        card = tendering.lot_card(unit, one.lot.id)
    return one.world.person(card.tenderee_org_id, card.tenderee_name, ("tenderee",), login="session-tenderee")


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_session_is_shown_in_every_state_in_both_languages(
    web: Web, lots: tuple[Opening, Opening], lang: str
) -> None:
    one, two = lots
    asked: list[Any] = [None, one.host, one.supervisor, one.bidders[0].actor]

    def show() -> str:
        shown = ""
        for who in asked:
            for part in ("", "/cover"):
                shown = text_of(web, session_of(one, part), who, **{"Accept-Language": lang})
                assert "room_next." not in shown.split("data-words")[0]
                assert "…，" not in shown
        text_of(web, "/sessions", one.host, **{"Accept-Language": lang})
        return shown

    to_check_in(one, two)
    show()
    for lot in lots:
        lot.close_bids()
    for _ in range(2):
        one.publish()
        for lot in lots:
            lot.look()
    show()
    one.act(one.host, acts.start_decryption)
    one.act(one.host, acts.propose_halt, "suspend", "网络中断")
    one.act(one.supervisor, acts.confirm_halt)
    two.act(two.host, acts.start_decryption)
    show()
    two.pass_window()
    two.look()
    assert two.state.phase in {Phase.FAILED, Phase.DECRYPTING, Phase.WINDOW_CLOSED}
    show()


def test_the_hall_puts_lots_of_one_session_under_its_name_and_rooms_lead_to_it(
    web: Web, lots: tuple[Opening, Opening]
) -> None:
    one, two = lots
    to_check_in(one, two)
    page = text_of(web, "/rooms")
    head, first, second = (
        page.index(f'href="{path}"') for path in (session_of(one), f"/rooms/{one.lot.id}", f"/rooms/{two.lot.id}")
    )
    assert head < first < second
    assert page.count("同场开标 2 个标段") == 1
    desks = [("", None), ("/host", one.host), ("/seat", one.bidders[0].actor), ("/supervise", one.supervisor)]
    for desk, who in desks:
        assert f'href="{session_of(two)}"' in text_of(web, f"/rooms/{two.lot.id}{desk}", who), desk


def test_the_log_of_a_session_is_newest_first_lot_by_lot_within_an_instant(
    web: Web, lots: tuple[Opening, Opening]
) -> None:
    one, two = lots
    to_lists(one, two)
    log = text_of(web, session_of(one)).split("data-feed ")[1]
    numbers = [int(part.split("<")[0]) for part in log.split("标段 1：")[1:] for part in [part.split("#")[1]]]
    assert numbers == sorted(numbers, reverse=True)
    assert numbers[-1] == 1


def test_a_lot_that_opens_alone_is_not_put_into_a_session_on_any_page(web: Web, lots: tuple[Opening, Opening]) -> None:
    one, _ = lots
    one.to_check_in()
    assert "同场开标" not in text_of(web, "/rooms")
    assert "同场开标" not in text_of(web, f"/rooms/{one.lot.id}")
    assert "标段 1" in text_of(web, session_of(one))


def test_the_tenderees_representative_has_a_desk_is_on_record_and_answers(
    web: Web, lots: tuple[Opening, Opening]
) -> None:
    one, two = lots
    to_windows(one, two)
    who, other = tenderee_of(one), one.world.organisation("武进区水利局", "tenderee")
    path = f"/rooms/{one.lot.id}/represent"
    assert web.get(path, other, **JSON).status_code == 404
    assert path in text_of(web, "/desk", who)
    assert path not in text_of(web, "/desk", other)
    assert web.get(path, one.host, **JSON).status_code == 403
    page = text_of(web, path, who)
    assert "您已记为到场" in page
    assert "您现在不用做任何事" in page
    assert "start-decryption" not in page
    assert [x.role for x in one.state.attendants] == ["tenderee"]
    assert two.state.attendants == ()
    for index in range(3):
        assert one.release(index).is_accepted
    one.look()
    one.to_gate()
    one.act(one.host, acts.draw)
    assert one.run_jobs() == []
    one.act(one.host, acts.start_reading)
    one.act(one.host, acts.open_query)
    one.act(one.bidders[0].actor, acts.raise_objection, "请核对工期")
    assert "有 1 条异议等待答复" in text_of(web, path, who)
    objection = one.state.objections[0].id
    answer = web.post(f"/rooms/{one.lot.id}/answer", who, objection_id=objection, text="与投标文件一致")
    assert answer.get_json()["location"] == path
    assert "与投标文件一致" in text_of(web, path, who)
