"""The trace of a bid over HTTP: page, paper, JSON and files, in both languages, and who gets none of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from foundation.actor import Actor
from tests.support_opening import NAMES, Opening, make_opening
from tests.web.test_rooms_escrow_pages import web_over
from tests.web.test_rooms_pages import HTML, JSON, Web


@pytest.fixture
def opening(tmp_path: Path) -> Opening:
    return make_opening(tmp_path)


@pytest.fixture
def web(opening: Opening) -> Iterator[Web]:
    yield from web_over(opening)


def path(opening: Opening, part: str = "", bid: str = "") -> str:
    return f"/lots/{opening.lot.id}/bid/trace{part}" + (f"?bid={bid}" if bid else "")


@pytest.mark.parametrize(("lang", "words"), [("zh-CN", "当场签发第 1 版的确认回执"), ("en", "signed at once")])
def test_the_bidder_reads_its_own_trace_and_takes_the_evidence_along(
    web: Web, opening: Opening, lang: str, words: str
) -> None:
    opening.to_list()
    me = opening.bidders[0].actor
    shown = web.get(path(opening), me, **HTML, **{"Accept-Language": lang})
    text = shown.get_data(as_text=True)
    assert shown.status_code == 200
    assert words in text
    assert "trace_evidence." not in text
    told = web.get(path(opening), me, **JSON).get_json()
    assert told["bid"] == opening.sealed[0].bid
    names = [one["name"] for step in told["steps"] for one in step["evidence"] if "name" in one]
    assert {"receipt-1.note", "proof-1.tlog-proof", "record-1.json", "manifest-1.txt"} <= set(names)
    for name in names:
        found = web.get(path(opening, f"/{name}"), me)
        assert found.status_code == 200
        assert name in found.headers["Content-Disposition"]
        assert found.data.decode() in [one.get("text") for step in told["steps"] for one in step["evidence"]]
    assert web.get(path(opening, "/receipt-9.note"), me).status_code == 404
    assert web.get(path(opening, ".json"), me).get_json()["steps"] == told["steps"]
    assert web.get(path(opening, ".pdf"), me).data.startswith(b"%PDF-")


def test_examiners_choose_from_the_published_list_and_see_nothing_before_it(web: Web, opening: Opening) -> None:
    bid = opening.sealed[1].bid
    for who in (opening.supervisor, opening.staff):
        for part in ("", ".json", ".pdf", "/receipt-1.note"):
            assert web.get(path(opening, part), who, **HTML).status_code == 404
            assert web.get(path(opening, part, bid), who, **HTML).status_code == 404
    opening.to_list()
    for who in (opening.supervisor, opening.staff):
        text = web.get(path(opening), who, **HTML).get_data(as_text=True)
        assert all(name in text for name in NAMES[:3])
        shown = web.get(path(opening, "", bid), who, **HTML)
        assert shown.status_code == 200
        assert NAMES[1] in shown.get_data(as_text=True)
        for part in (".json", ".pdf", "/receipt-1.note"):
            assert web.get(path(opening, part, bid), who).status_code == 200
        assert web.get(path(opening, "", "0" * 32), who, **HTML).status_code == 404
    assert "/bid/trace" in web.get(web.room("/supervise"), opening.supervisor, **HTML).get_data(as_text=True)


def test_nobody_else_gets_anything(web: Web, opening: Opening) -> None:
    opening.to_list()
    bid = opening.sealed[0].bid
    strangers: tuple[Actor | None, ...] = (None, opening.host)
    for who in strangers:
        for part in ("", ".json", ".pdf", "/receipt-1.note"):
            assert web.get(path(opening, part, bid), who, **JSON).status_code in {401, 403}
    # A bidder asks with another one's bid and still gets its own.
    told = web.get(path(opening, ".json", bid), opening.bidders[2].actor).get_json()
    assert told["bid"] == opening.sealed[2].bid
    assert bid not in str(told["steps"][:5])
