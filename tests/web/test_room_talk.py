"""Talk in a room over HTTP: who is heard, what stays hidden before the list, the help line, papers, the duty desk."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from bid_opening import duty_worklist
from bid_opening.models import RoomFrame
from bid_opening.services import acts
from bid_opening.services import talk as talking
from bid_opening.talk_models import HelpTicket, RoomMessage
from foundation.actor import Actor
from foundation.hints import UnixHints
from foundation.journal import JournalEntry, verify_stream
from foundation.publication.entries import public_leaf
from tendering.models import Document
from tests.rooms.room_world import RoomWorld
from tests.support_opening import Opening, make_opening
from tests.unit.documents.test_reading import HELLO, encrypted, one_page
from tests.web.test_rooms_pages import HTML, JSON, Web, web_of

SECRET = "我方电脑蓝屏请帮忙"


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return make_opening(tmp_path)


@pytest.fixture
def web(opening: Opening) -> Iterator[Web]:
    hints = UnixHints(opening.world.runtime.settings.run_dir)
    people = tuple(bidder.actor for bidder in opening.bidders)
    yield from web_of(RoomWorld(opening.world, opening.lot, opening.host, opening.supervisor, people, hints))


def say(web: Web, who: Actor, text: str) -> Any:
    return web.post(web.room("/talk"), who, message=text)


def text_of(web: Web, path: str, who: Actor | None = None, headers: dict[str, str] = HTML) -> str:
    answer = web.get(path, who, **headers)
    assert answer.status_code == 200, (path, answer.status_code)
    found: str = answer.get_data(as_text=True)
    return found


def wall(web: Web) -> Actor:
    return web.found.world.organisation("无关建设有限公司", "bidder")


# --- before the list --------------------------------------------------------------------------------------------------


def test_before_the_list_nobody_is_heard_and_nothing_tells_who_is_there(web: Web, opening: Opening) -> None:
    """A bidder, a firm that does not bid, the host and the duty desk get the same answer, and nothing is written."""
    opening.to_check_in()
    first, stranger = opening.bidders[0].actor, wall(web)
    opening.act(first, acts.check_in)
    for close in (False, True):
        if close:
            opening.close_bids()
        before = web.get(web.room("/events"), opening.staff, **JSON).get_json()["heads"]
        answers = [say(web, who, SECRET) for who in (first, stranger, opening.host, opening.staff, opening.supervisor)]
        answers += [web.post(web.room("/help"), who, help_topic="line", help_text=SECRET) for who in (first, stranger)]
        told = [{k: v for k, v in one.get_json().items() if k != "request_id"} for one in answers]
        assert [one.status_code for one in answers] == [409] * 7
        assert {one["code"] for one in told} == {"bid_opening.talk_is_closed"}
        assert all(one == told[0] for one in told)
        with opening.world.units.read() as unit:
            assert unit.session.scalars(select(RoomMessage)).all() == []
            assert unit.session.scalars(select(HelpTicket)).all() == []
            assert all(SECRET not in row.frame for row in unit.session.scalars(select(RoomFrame)))
        after = web.get(web.room("/events"), opening.staff, **JSON).get_json()["heads"]
        assert after == before
        pages = [
            *(("/rooms/duty", opening.staff), (web.room("/supervise"), opening.staff)),
            *((web.room("/talk"), who) for who in (None, opening.host, opening.staff, stranger)),
        ]
        for path, who in pages:
            for headers in (HTML, JSON):
                if path.endswith("/talk") and headers is HTML:
                    continue
                text = text_of(web, path, who, headers)
                assert SECRET not in text
                for bidder in opening.bidders:
                    assert bidder.actor.org_name not in text, path
                    assert str(bidder.actor.org_id) not in text, path
        rows = web.get("/rooms/duty", opening.staff, **JSON).get_json()["desk"]["rooms"]
        assert [(one["row"]["bidders"], one["waiting"], one["open_tickets"]) for one in rows] == [(None, None, 0)]
        assert web.get(web.room("/talk"), first, **JSON).get_json()["messages"] == []


def test_the_seat_says_how_to_get_help_before_the_list(web: Web, opening: Opening) -> None:
    opening.to_check_in()
    page = text_of(web, web.room("/seat"), opening.bidders[0].actor)
    assert "不必说明单位" in page
    assert 'name="help_text"' not in page
    assert 'name="message"' not in page
    opening.close_bids()
    opening.publish()
    opening.look()
    page = text_of(web, web.room("/seat"), opening.bidders[0].actor)
    assert 'name="help_text"' in page
    assert 'name="message"' in page


# --- talk -------------------------------------------------------------------------------------------------------------


def test_seats_host_and_officials_are_heard_and_lookers_on_are_not(web: Web, opening: Opening) -> None:
    opening.to_list()
    state = opening.state
    speakers = [opening.bidders[0].actor, opening.host, opening.supervisor, opening.staff]
    assert [say(web, who, f"第 {n} 句").status_code for n, who in enumerate(speakers)] == [200] * 4
    witness = opening.world.organisation("常州市公证处", "witness")
    other_host = opening.world.organisation("另一家代理", "agency")
    refused = [say(web, who, "听得到吗") for who in (wall(web), witness, other_host)]
    assert [one.status_code for one in refused] == [403] * 3
    assert web.post(web.room("/talk"), None, message="听得到吗").status_code == 401
    said = [one["data"] for one in opening.frames("public") if one["type"] == "message_said"]
    assert [(one["role"], one["seat"], one["text"]) for one in said] == [
        ("bidder", opening.seat(0).number, "第 0 句"),
        ("host", 0, "第 1 句"),
        ("supervisor", 0, "第 2 句"),
        ("duty", 0, "第 3 句"),
    ]
    gallery = text_of(web, web.room())
    assert "第 3 句" in gallery
    assert opening.state == state  # nothing that is said moves the room
    opening.assert_story_holds()
    with opening.world.units.read() as unit:
        verify_stream(unit.session, talking.stream_of(opening.lot.id))


def test_talk_pushes_no_fact_off_the_page_and_stands_in_no_log_line(web: Web, opening: Opening) -> None:
    opening.to_list()
    before = web.get(web.room(), **JSON).get_json()["announcements"]
    for number in range(5):
        assert say(web, opening.host, f"请各位稍候 {number}").status_code == 200
    assert web.get(web.room(), **JSON).get_json()["announcements"] == before


def test_the_pace_of_one_voice_is_limited(web: Web, opening: Opening) -> None:
    opening.to_list()
    who = opening.bidders[1].actor
    assert [say(web, who, f"{n}").status_code for n in range(7)] == [200] * 6 + [429]
    assert say(web, opening.host, "请慢一些").status_code == 200
    opening.world.clock.step(timedelta(minutes=1))
    assert say(web, who, "好的").status_code == 200


def test_a_hidden_message_leaves_a_mark_and_its_words_reach_supervisors_only(web: Web, opening: Opening) -> None:
    opening.to_list()
    bidder = opening.bidders[0].actor
    assert say(web, bidder, "我们报一千万").status_code == 200
    hide = {"hide_number": 1, "hide_reason": "collusion"}
    assert web.post(web.room("/hide-message"), opening.host, hide_number=2, hide_reason="abuse").status_code == 404
    assert web.post(web.room("/hide-message"), bidder, **hide).status_code == 403
    assert web.post(web.room("/hide-message"), opening.supervisor, **hide).status_code == 200
    assert web.post(web.room("/hide-message"), opening.host, **hide).status_code == 409
    for path in (web.room(), web.room("/seat"), web.room("/events"), web.room("/talk")):
        who = bidder if path.endswith("/seat") else None
        text = text_of(web, path, who, HTML if path.endswith(("seat", opening.lot.id)) else JSON)
        assert "我们报一千万" not in text, path
    assert "已隐藏：涉嫌串通或透露报价" in text_of(web, web.room())
    assert "我们报一千万" in text_of(web, web.room("/supervise"), opening.supervisor)
    frames = [one for one in opening.frames("public") if one["type"].startswith("message_")]
    assert [(one["type"], one["data"]["number"]) for one in frames] == [("message_said", 1), ("message_hidden", 1)]
    assert frames[0]["data"]["text"] == ""
    with opening.world.units.read() as unit:
        entry = unit.session.scalars(
            select(JournalEntry).where(JournalEntry.stream == talking.stream_of(opening.lot.id))
        ).first()
        assert entry is not None
        assert "我们报一千万" in json.loads(entry.data)["text"]
        assert "我们报一千万" not in public_leaf(entry).decode()
        verify_stream(unit.session, talking.stream_of(opening.lot.id))
    opening.assert_story_holds()


def test_a_refused_line_stands_in_its_form_again(web: Web, opening: Opening) -> None:
    opening.to_list()
    client, token = web.client, web.found.token(opening.bidders[0].actor)
    headers = {"Authorization": f"Bearer {token}", **HTML}
    long = "长" * 301
    answer = client.post(web.room("/talk"), headers=headers, data={"message": long})
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert long in page
    assert "最多 300 个字" in page
    assert client.get(web.room("/talk"), headers=headers).location.endswith("/seat")


# --- the help line ----------------------------------------------------------------------------------------------------


def test_help_is_asked_answered_and_closed_between_seat_and_duty_desk(web: Web, opening: Opening) -> None:
    opening.to_window()
    bidder, other = opening.bidders[0].actor, opening.bidders[1].actor
    asked = web.post(web.room("/help"), bidder, help_topic="device", help_text=SECRET)
    assert (asked.status_code, asked.get_json()["ticket"]) == (200, 1)
    opening.world.clock.step(timedelta(seconds=75))
    duty = text_of(web, "/rooms/duty", opening.staff)
    assert SECRET in duty
    assert "已等 01:15" in duty
    with opening.world.units.read(opening.staff) as unit:
        assert [item.rule_id for item in duty_worklist.work(unit, opening.staff)] == ["R3.35"]
        assert list(duty_worklist.work(unit, opening.supervisor)) == []
    for path, who in ((web.room(), None), (web.room("/seat"), other), (web.room("/host"), opening.host)):
        assert SECRET not in text_of(web, path, who)
    assert SECRET in text_of(web, web.room("/supervise"), opening.supervisor)
    assert all(SECRET not in json.dumps(one, ensure_ascii=False) for one in opening.frames())
    assert web.post(web.room("/help/1/answer"), opening.supervisor, help_answer="x").status_code == 403
    assert web.post(web.room("/help/9/answer"), opening.staff, help_answer="x").status_code == 404
    assert web.post(web.room("/help/1/answer"), opening.staff, help_answer="请换备用设备导入备份").status_code == 200
    assert "请换备用设备导入备份" in text_of(web, web.room("/seat"), bidder)
    rows = web.get("/rooms/duty", opening.staff, **JSON).get_json()["desk"]["rooms"]
    assert [one["open_tickets"] for one in rows] == [0]
    again = web.post(web.room("/help"), bidder, help_topic="other", help_text="可以了")
    assert again.get_json()["ticket"] == 1  # the same ticket goes on
    assert web.post(web.room("/help/1/close"), other).status_code == 404
    assert web.post(web.room("/help/1/close"), bidder).status_code == 200
    assert web.post(web.room("/help/1/answer"), opening.staff, help_answer="再见").status_code == 409
    assert web.post(web.room("/help"), bidder, help_topic="line", help_text="又来").get_json()["ticket"] == 2
    told = {one["type"] for one in opening.frames("staff")} & {"help_asked", "help_answered", "help_closed"}
    assert told == {"help_asked", "help_answered", "help_closed"}
    assert not [one for one in opening.frames("public") if one["type"].startswith("help_")]
    opening.assert_story_holds()


# --- papers -----------------------------------------------------------------------------------------------------------


def upload(web: Web, who: Actor, content: bytes, title: str = "图纸答疑") -> Any:
    return web.client.post(
        web.room("/documents"),
        headers={"Authorization": f"Bearer {web.found.token(who)}", **JSON},
        data={"document_title": title, "document_file": (io.BytesIO(content), "a.pdf")},
        content_type="multipart/form-data",
    )


def test_the_host_shows_a_pdf_and_everybody_opens_the_same_bytes(web: Web, opening: Opening) -> None:
    opening.to_check_in()
    assert upload(web, opening.host, one_page(HELLO)).status_code == 409  # not before the list
    opening.close_bids()
    opening.publish()
    opening.look()
    content = one_page(HELLO)
    assert upload(web, opening.bidders[0].actor, content).status_code == 403
    assert upload(web, opening.staff, content).status_code == 403
    for bad in (b"", b"hello", encrypted()):
        assert upload(web, opening.host, bad).status_code == 422
    assert upload(web, opening.host, content, title=" ").status_code == 422
    assert upload(web, opening.host, content).status_code == 200
    assert upload(web, opening.host, content).status_code == 409
    assert "图纸答疑" in text_of(web, web.room())
    got = web.get(web.room("/documents/1"))
    assert got.data == content
    assert got.headers["Content-Disposition"].startswith("attachment")
    assert web.get(web.room("/documents/2")).status_code == 404
    (shown,) = [one["data"] for one in opening.frames("public") if one["type"] == "document_shown"]
    assert (shown["source"], shown["size_bytes"]) == ("upload", len(content))


def test_the_host_shows_a_published_paper_of_this_lot_only(web: Web, opening: Opening) -> None:
    opening.to_list()
    with opening.world.units.begin(opening.host) as unit:
        unit.session.add(
            Document(
                id="d1",
                lot_id=opening.lot.id,
                kind="document",
                version=1,
                title="招标文件",
                object_name="papers/x",
                media_type="application/pdf",
                sha256="cd" * 32,
                size_bytes=9,
                issued_at=unit.at,
            )
        )
    assert web.post(web.room("/documents"), opening.host, document="ef" * 32).status_code == 404
    assert web.post(web.room("/documents"), opening.host, document="cd" * 32).status_code == 200
    assert web.get(web.room("/documents/1")).location.endswith(f"/lots/{opening.lot.id}/document.pdf")
    assert web.get(web.room("/talk"), opening.host, **JSON).get_json()["choices"] == []


# --- desks ------------------------------------------------------------------------------------------------------------


def test_the_duty_desk_shows_what_waits_in_every_room(web: Web, opening: Opening) -> None:
    opening.to_window()
    opening.release(0)
    opening.act(opening.host, acts.propose_halt, "suspend", "设备故障")
    page = text_of(web, "/rooms/duty", opening.staff)
    assert "2 家未交密钥" in page
    assert "待第二人" in page
    assert web.room("/supervise") in page
    for who in (opening.host, opening.supervisor, opening.bidders[0].actor):
        assert web.get("/rooms/duty", who).status_code == 403
    (row,) = web.get("/rooms/duty", opening.staff, **JSON).get_json()["desk"]["rooms"]
    assert (row["waiting"], row["halt"], row["is_sealed"]) == (2, "suspend", True)


def test_a_witness_finds_its_desk_from_the_gallery_and_is_recorded_as_there(web: Web, opening: Opening) -> None:
    opening.to_list()
    witness = opening.world.organisation("常州市公证处", "witness")
    assert web.room("/supervise") in text_of(web, web.room(), witness)
    text_of(web, web.room("/supervise"), witness)
    assert [(one.role, one.organisation) for one in opening.state.attendants] == [("witness", "常州市公证处")]
    assert "登录" in text_of(web, web.room())  # the gallery itself needs none
