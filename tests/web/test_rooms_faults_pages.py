"""The fault ledger over HTTP: what a failing page says, who sees the evidence, and how two people decide."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import centre.models  # noqa: F401 - every table of the product
from bid_opening.services import faults
from foundation.actor import Actor
from foundation.hints import UnixHints
from tests.rooms.room_world import RoomWorld
from tests.support_opening import Opening, make_opening
from tests.web.test_rooms_pages import HTML, Web, web_of

WHY = "窗口内没有任何操作，电话无人接听"
REASON = "办公楼整层停电"


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    """The window is open; the last bidder's page has failed."""
    made = make_opening(tmp_path, bids=4, escrow_rule="none")
    made.to_window()
    return made


@pytest.fixture
def web(opening: Opening) -> Iterator[Web]:
    hints = UnixHints(opening.world.runtime.settings.run_dir)
    people = tuple(bidder.actor for bidder in opening.bidders)
    yield from web_of(RoomWorld(opening.world, opening.lot, opening.host, opening.supervisor, people, hints))


def page(web: Web, part: str, who: Actor | None, lang: str = "zh") -> str:
    answer = web.get(web.room(part), who, **HTML, **{"Accept-Language": lang})
    assert answer.status_code == 200
    text: str = answer.get_data(as_text=True)
    return text


def close(opening: Opening) -> int:
    """Everybody else releases; the number of the seat that stays closed."""
    for index in range(3):
        opening.release(index)
    opening.pass_window()
    return int(opening.seat(3).number)


def test_a_failing_page_is_told_what_to_try_and_the_desks_when_and_why(web: Web, opening: Opening) -> None:
    bidder = opening.bidders[3].actor
    assert web.post(web.room("/client-report"), bidder, code="fetched").status_code == 200
    assert web.post(web.room("/client-report"), bidder, code="network").status_code == 200
    assert web.post(web.room("/client-report"), bidder, code="my secret words").status_code == 422
    assert web.post(web.room("/client-report"), opening.host, code="network").status_code == 403
    assert "换网络（手机热点）" in page(web, "/seat", bidder)
    assert "phone hotspot" in page(web, "/seat", bidder, "en")
    assert "换网络（手机热点）" not in page(web, "/seat", opening.bidders[0].actor)
    for part, who in (("/host", opening.host), ("/supervise", opening.supervisor)):
        text = page(web, part, who)
        assert "1 家报告解密失败" in text
        assert "连不上平台" in text.split("data-words")[0] + text.split("part-failing")[1]
        assert re.search(r"失败 \d\d:\d\d:\d\d：连不上平台", text)  # on the board, in the row of the seat
    assert "报告解密失败" not in page(web, "", None)
    assert not re.search(r"失败 \d\d:\d\d:\d\d：", page(web, "", None))


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_ledger_shows_evidence_and_two_people_decide(web: Web, opening: Opening, lang: str) -> None:
    opening.act(opening.bidders[3].actor, faults.report, "fetched")
    opening.act(opening.bidders[3].actor, faults.report, "no_key")
    number = close(opening)
    said = {"zh": "未开启的投标：归因", "en": "Bids not opened: who answers"}[lang]
    assert said in page(web, "/host", opening.host, lang)
    assert said in page(web, "/supervise", opening.supervisor, lang)
    assert said not in page(web, "", None, lang)
    host = page(web, "/host", opening.host, lang)
    assert {"zh": "齐备而未完成", "en": "everything was there and it was not finished"}[lang] in host
    assert 'value="bidder"' in host
    assert 'value="bidder"' not in page(web, "/supervise", opening.supervisor, lang)
    assert (
        web.post(web.room("/propose-fault"), opening.supervisor, seat=number, culprit="bidder", why=WHY).status_code
        == 403
    )
    refused = web.post(web.room("/propose-fault"), opening.host, seat=number, culprit="bidder", why=" ")
    assert refused.status_code == 422
    assert web.post(web.room("/propose-fault"), opening.host, seat=number, culprit="bidder", why=WHY).status_code == 200
    assert WHY not in page(web, "", None, lang)  # a proposal is not public
    assert WHY in page(web, "/seat", opening.bidders[3].actor, lang)
    assert web.post(web.room("/confirm-fault"), opening.host, seat=number).status_code == 403
    assert f'id="confirm-fault-{number}"' in page(web, "/supervise", opening.supervisor, lang)
    assert web.post(web.room("/confirm-fault"), opening.supervisor, seat=number).status_code == 200
    decided = {"zh": "视为撤销投标文件", "en": "the bid counts as revoked"}[lang]
    for part, who in (("/host", opening.host), ("/seat", opening.bidders[3].actor)):
        assert decided in page(web, part, who, lang)
    assert WHY in page(web, "", None, lang)


def test_the_bidder_says_its_reason_once_and_only_staff_read_it(web: Web, opening: Opening) -> None:
    number = close(opening)
    bidder = opening.bidders[3].actor
    assert "您的投标文件没有开启" in page(web, "/seat", bidder)
    assert "您的投标文件没有开启" not in page(web, "/seat", opening.bidders[0].actor)
    assert web.post(web.room("/fault-reason"), bidder, reason=REASON).status_code == 200
    assert web.post(web.room("/fault-reason"), bidder, reason="另一个").status_code == 429
    assert web.post(web.room("/fault-reason"), opening.bidders[0].actor, reason=REASON).status_code == 422
    assert REASON in page(web, "/supervise", opening.supervisor)
    assert REASON in page(web, "/seat", bidder)
    assert REASON not in page(web, "/seat", opening.bidders[0].actor)
    assert REASON not in page(web, "", None)
    assert (
        web.post(
            web.room("/propose-fault"), opening.supervisor, seat=number, culprit="platform", why="停电通报"
        ).status_code
        == 200
    )
    assert web.post(web.room("/withdraw-fault"), opening.supervisor, seat=number).status_code == 200
    assert web.get(web.room("/confirm-fault"), opening.supervisor, **HTML).status_code == 303


def test_a_stopped_clock_says_so_and_that_the_time_is_given_back(web: Web, opening: Opening) -> None:
    for index in (2, 3):
        web.post(web.room("/client-report"), opening.bidders[index].actor, code="platform")
    opening.look()
    text = page(web, "", None)
    assert "多家投标人在同几分钟内报告解密失败" in text
    assert "另加故障时长" in text
