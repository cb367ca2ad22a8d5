"""The announced beacon over HTTP: what every desk is told while the draw waits, and the duty desk's two steps."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bid_opening import worklist
from bid_opening.services import acts
from bid_opening.states import Phase
from foundation.actor import Actor
from tests.support.beacon_relay import DEADLINE, GIVEN, QUICKNET, ROUND, answer
from tests.support_opening import Opening, make_opening
from tests.web.test_rooms_escrow_pages import web_over
from tests.web.test_rooms_pages import HTML, Web

WAITS = {"zh": "等待公告约定的公共随机数", "en": "Waiting for the announced public beacon"}


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    made = make_opening(tmp_path, now=DEADLINE - timedelta(hours=18), deadline_at=DEADLINE, beacon="quicknet")
    made.to_window_closed()
    made.to_gate()
    return made


@pytest.fixture
def web(opening: Opening) -> Iterator[Web]:
    yield from web_over(opening)


def page(web: Web, path: str, who: Actor | None, lang: str = "zh") -> str:
    found = web.get(path, who, **HTML, **{"Accept-Language": {"zh": "zh-CN", "en": "en"}[lang]})
    assert found.status_code == 200, found.get_data(as_text=True)[:400]
    text: str = found.get_data(as_text=True)
    return text


def hand_in(web: Web, opening: Opening, content: bytes, **more: Any) -> Any:
    return web.post(web.room("/beacon"), opening.staff, content=content.decode(), **more)


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_desk_says_that_the_draw_waits_and_for_which_round(web: Web, opening: Opening, lang: str) -> None:
    desks = (
        ("", None),
        ("/host", opening.host),
        ("/seat", opening.bidders[0].actor),
        ("/supervise", opening.supervisor),
    )
    for part, who in desks:
        text = page(web, web.room(part), who, lang)
        assert WAITS[lang] in text
        assert str(ROUND) in text
    assert web.post(web.room("/draw"), opening.host).status_code == 409
    assert "/beacon" not in page(web, web.room("/supervise"), opening.supervisor)
    assert web.room("/beacon") in page(web, web.room("/supervise"), opening.staff)


def test_the_file_is_verified_first_and_stored_only_on_the_second_step(web: Web, opening: Opening) -> None:
    assert str(ROUND) in page(web, web.room("/beacon"), opening.staff)
    first = hand_in(web, opening, answer())
    assert (first.status_code, first.json["round"], first.json["is_verified"]) == (200, ROUND, True)
    assert opening.state.beacon_value is None
    second = hand_in(web, opening, answer(), confirm=True)
    assert second.status_code == 200
    assert opening.state.beacon_value is not None
    assert "不用再做什么" in page(web, web.room("/beacon"), opening.staff)
    opening.act(opening.host, acts.draw)
    assert opening.state.phase is Phase.PARAM_DRAWN
    assert QUICKNET["signature"] in opening.state.draws[0].transcript


def test_a_form_shows_what_was_verified_and_asks_for_the_confirmation(web: Web, opening: Opening) -> None:
    token = {"Authorization": f"Bearer {web.found.token(opening.staff)}", **HTML}
    shown = web.client.post(web.room("/beacon"), data={"content": answer().decode()}, headers=token)
    text = shown.get_data(as_text=True)
    assert shown.status_code == 200
    assert "核验通过" in text
    assert 'name="confirm" value="true"' in text
    refused = web.client.post(web.room("/beacon"), data={"content": answer(round=ROUND + 1).decode()}, headers=token)
    assert refused.status_code == 422
    assert "不是公式算出的那一轮" in refused.get_data(as_text=True)


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (answer(round=7), "draws.beacon_false"),
        (answer(signature=QUICKNET["signature"][:-2] + "00", randomness=None), "draws.beacon_false"),
        (b"nonsense", "draws.beacon_malformed"),
    ],
)
def test_what_is_wrong_is_refused_by_name_and_nothing_is_stored(
    web: Web, opening: Opening, content: bytes, code: str
) -> None:
    for more in ({}, {"confirm": True}):
        refused = hand_in(web, opening, content, **more)
        assert (refused.status_code, refused.json["code"]) == (422, code)
    assert opening.state.beacon_value is None


def test_nobody_else_may_hand_one_in(web: Web, opening: Opening) -> None:
    for who in (None, opening.host, opening.supervisor, opening.bidders[0].actor):
        answered = web.post(web.room("/beacon"), who, content=answer().decode(), confirm=True)
        assert answered.status_code in {401, 403, 404}
    assert opening.state.beacon_value is None


def test_the_suspended_room_says_why_and_goes_on_with_the_file(web: Web, opening: Opening) -> None:
    opening.at(GIVEN + timedelta(minutes=30))
    opening.look()
    assert "超过时限仍未取得" in page(web, web.room(), None)
    assert hand_in(web, opening, answer(), confirm=True).status_code == 200
    opening.look()
    assert opening.state.phase is Phase.GATE_RELEASED


def test_the_duty_desk_has_it_on_its_list_until_the_value_is_there(web: Web, opening: Opening) -> None:
    def listed(who: Actor) -> list[str]:
        with opening.world.units.read(who) as unit:
            return [item.url for item in worklist.work(unit, who)]

    assert web.room("/beacon") in listed(opening.staff)
    assert web.room("/beacon") not in listed(opening.supervisor)
    assert hand_in(web, opening, answer(), confirm=True).status_code == 200
    assert web.room("/beacon") not in listed(opening.staff)
