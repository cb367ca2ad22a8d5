"""Asking for custodians and attending, over HTTP: the button, the desks, both languages, and who gets what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bid_opening.services import acts
from foundation.actor import Actor
from foundation.hints import UnixHints
from tendering import facade as tendering
from tests.rooms.room_world import RoomWorld
from tests.support_opening import Opening, make_opening
from tests.web.test_rooms_pages import HTML, JSON, Web, web_of

REASON = "主板烧毁，备份在同一台机器上"
BUTTON = {"zh": "我的设备坏了，请求备份启封", "en": "My device is dead: ask for the custodians"}


def opened(folder: Path, rule: str) -> Opening:
    made = make_opening(folder, bids=4, escrow_rule=rule)
    made.to_window()
    return made


def web_over(opening: Opening) -> Iterator[Web]:
    hints = UnixHints(opening.world.runtime.settings.run_dir)
    people = tuple(bidder.actor for bidder in opening.bidders)
    yield from web_of(RoomWorld(opening.world, opening.lot, opening.host, opening.supervisor, people, hints))


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return opened(tmp_path, "on_request")


@pytest.fixture
def web(opening: Opening) -> Iterator[Web]:
    yield from web_over(opening)


def page(web: Web, part: str, who: Actor | None, lang: str = "zh") -> str:
    languages = {"zh": "zh-CN", "en": "en"}
    answer = web.get(web.room(part), who, **HTML, **{"Accept-Language": languages[lang]})
    assert answer.status_code == 200
    text: str = answer.get_data(as_text=True)
    return text


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_seat_has_the_button_until_the_bidder_asked(web: Web, opening: Opening, lang: str) -> None:
    bidder = opening.bidders[3].actor
    assert BUTTON[lang] in page(web, "/seat", bidder, lang)
    assert web.post(web.room("/request-escrow"), bidder, reason=REASON).status_code == 200
    text = page(web, "/seat", bidder, lang)
    assert BUTTON[lang] not in text
    assert {"zh": "已申请备份启封，等待值守人员确认", "en": "the duty officer has to confirm"}[lang] in text


@pytest.mark.parametrize(("rule", "says"), [("none", "不设备份启封"), ("compulsory", "由备份保管人代为启封")])
def test_elsewhere_there_is_no_button_but_what_the_document_says(tmp_path: Path, rule: str, says: str) -> None:
    opening = opened(tmp_path, rule)
    for web in web_over(opening):
        text = page(web, "/seat", opening.bidders[3].actor)
        assert BUTTON["zh"] not in text
        assert says in text
        answer = web.post(web.room("/request-escrow"), opening.bidders[3].actor, reason=REASON)
        assert (answer.status_code, answer.get_json()["code"]) == (409, "bid_opening.escrow_not_on_request")
        assert says in answer.get_data(as_text=True)


def test_the_duty_officer_reads_the_reason_and_confirms_and_others_only_read_it(web: Web, opening: Opening) -> None:
    seat = opening.seat(3).number
    web.post(web.room("/request-escrow"), opening.bidders[3].actor, reason=REASON)
    for part, who in (("/host", opening.host), ("/supervise", opening.supervisor)):
        text = page(web, part, who)
        assert REASON in text
        assert "等待中心值守人员确认" in text
        assert "/confirm-escrow" not in text
    duty = page(web, "/supervise", opening.staff)
    assert REASON in duty
    assert "/confirm-escrow" in duty
    for who in (opening.supervisor, opening.host, opening.bidders[3].actor):
        assert web.post(web.room("/confirm-escrow"), who, seat=seat).status_code == 403
    assert web.post(web.room("/confirm-escrow"), opening.staff, seat=seat).status_code == 200
    assert web.post(web.room("/confirm-escrow"), opening.staff, seat=seat + 1).status_code == 409
    assert "值守人员已确认您的申请" in page(web, "/seat", opening.bidders[3].actor)


def test_the_public_and_competitors_learn_that_it_asks_and_not_why(web: Web, opening: Opening) -> None:
    web.post(web.room("/request-escrow"), opening.bidders[3].actor, reason=REASON)
    for part, who in (("", None), ("/seat", opening.bidders[0].actor), ("/events", None)):
        for headers in (HTML, JSON):
            answer = web.get(web.room(part), who, **headers).get_data(as_text=True)
            assert REASON not in answer
    text = page(web, "", None)
    assert "请求备份启封，待确认" in text
    assert f"{opening.seat(3).number:02d} 号投标人请求备份启封" in text


def test_a_form_with_an_unreadable_seat_or_no_reason_is_refused(web: Web, opening: Opening) -> None:
    assert web.post(web.room("/request-escrow"), opening.bidders[3].actor, reason=" ").status_code == 422
    assert web.post(web.room("/request-escrow"), opening.bidders[3].actor).status_code == 422
    for seat in ("x", 0, None):
        assert web.post(web.room("/confirm-escrow"), opening.staff, seat=seat).status_code == 422


# --- attending --------------------------------------------------------------------------------------------------------


def test_opening_a_desk_is_attending_and_looking_on_is_not(web: Web, opening: Opening) -> None:
    with opening.world.units.read() as unit:
        card = tendering.lot_card(unit, opening.lot.id)
    tenderee = opening.world.person(card.tenderee_org_id, card.tenderee_name, ["tenderee"], login="own-tenderee")
    page(web, "", opening.supervisor)
    assert opening.state.attendants == ()
    for _ in range(2):
        page(web, "/supervise", opening.supervisor)
        page(web, "/host", tenderee)
        page(web, "/host", opening.host)
        page(web, "/supervise", opening.staff)
    came: list[tuple[Any, str]] = [(one.user_id, one.role) for one in opening.state.attendants]
    assert came == [(opening.supervisor.user_id, "supervisor"), (tenderee.user_id, "tenderee")]
    other = opening.world.organisation("别的招标人", "tenderee")
    assert web.get(web.room("/host"), other, **HTML).status_code == 404
    assert len(opening.state.attendants) == 2
    assert f"监督人到场：{opening.supervisor.org_name}" in page(web, "", None)


def test_the_record_of_a_failure_is_public_and_linked(tmp_path: Path) -> None:
    opening = make_opening(tmp_path, bids=2)
    opening.to_list()
    assert opening.run_jobs() == []
    for web in web_over(opening):
        assert "流标记录（PDF）" in page(web, "", None)
        assert "Record of the failure (PDF)" in page(web, "", None, "en")
        answer = web.get(web.room("/record.pdf"))
        assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
        for part in ("", "/events"):
            text = web.get(web.room(part), **JSON).get_data(as_text=True)
            assert not any(bidder.actor.org_name in text for bidder in opening.bidders)


def test_there_is_no_record_while_the_room_is_live(web: Web, opening: Opening) -> None:
    opening.act(opening.supervisor, acts.join)
    assert web.get(web.room("/record.pdf"), opening.supervisor, **JSON).status_code == 404
