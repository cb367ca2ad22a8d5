"""Pages of drills over HTTP: ordering by one click, progress, report, downloads; and where a drill never shows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

import centre.models
from accounts.sessions import open_session
from bid_opening import drill
from bid_opening.drill.report import failed
from bid_opening.services import schedule
from centre.bootstrap import prepare_folders
from centre.drills import running
from centre.drills.probes import Limits
from centre.web import make_app
from foundation.actor import Actor
from foundation.entropy import SystemEntropy
from tests.support.tender_world import TESTS
from tests.support_opening import Opening, make_opening

assert centre.models
PDF = b"%PDF-1.7 drill"


@dataclass
class Web:
    """One lot's centre, and how its people ask."""

    opening: Opening
    client: FlaskClient

    def ask(
        self, method: str, path: str, who: Actor | None, *, html: bool = False, lang: str = "zh-CN"
    ) -> TestResponse:
        headers = {"Accept": "text/html" if html else "application/json", "Accept-Language": lang}
        if who is not None:
            with self.opening.world.units.begin(TESTS) as unit:
                _, token = open_session(unit, str(who.user_id), source="test", user_agent="test")
            headers["Authorization"] = f"Bearer {token}"
        return self.client.open(path, method=method, headers=headers)

    def page(self, path: str, who: Actor | None, lang: str = "zh-CN") -> str:
        answer = self.ask("GET", path, who, html=True, lang=lang)
        assert answer.status_code == 200, path
        return answer.get_data(as_text=True)

    @property
    def drills(self) -> str:
        return f"/lots/{self.opening.lot.id}/drills"

    def order(self, who: Actor) -> str:
        answer = self.ask("POST", self.drills, who)
        assert answer.status_code == 201
        return str(answer.get_json()["drill_id"])

    def finish(self, drill_id: str, *, silent: str = "") -> None:
        """Bring the drill to its end, with a holder that is silent where one is named."""
        runtime = self.opening.world.runtime
        prepared = running._start(runtime, drill_id, Limits())
        assert prepared is not None
        outcome = drill.play(prepared.terms, drill.cast("web", prepared.terms), SystemEntropy())
        checks = [*outcome.checks, drill.Check("record", drill.CheckState.OK, 1.25, 60, "seconds")]
        checks += [failed("holders", "silent", silent)] if silent else []
        running._finish(runtime, prepared, checks, outcome)
        runtime.objects.put_once(running.record_name(drill_id), PDF)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    opening = make_opening(tmp_path)
    prepare_folders(opening.world.runtime.settings)
    with opening.world.units.begin(TESTS) as unit:
        schedule.schedule_room(unit, opening.lot.id)
    yield Web(opening, make_app(opening.world.runtime).test_client())
    opening.world.engine.dispose()


@pytest.mark.parametrize(
    ("lang", "button", "mark", "running_", "bad"),
    [
        ("zh-CN", "开始演练", "演练", "正在演练", "没有就绪"),
        ("en", "Start the drill", "Drill", "under way", "Not ready"),
    ],
)
def test_one_click_orders_a_drill_and_its_page_follows_it_to_the_report(
    web: Web, lang: str, button: str, mark: str, running_: str, bad: str
) -> None:
    host = web.opening.host
    assert button in web.page(web.drills, host, lang)
    drill_id = web.order(host)
    assert web.order(host) == drill_id, "a second click does not double it"
    text = web.page(f"/drills/{drill_id}", host, lang)
    assert running_ in text
    assert mark in text
    web.finish(drill_id, silent="武进区教育局 启封人乙")
    text = web.page(f"/drills/{drill_id}", host, lang)
    assert bad in text
    assert "武进区教育局 启封人乙" in text
    assert "1.25" in text
    listed = web.page(web.drills, host, lang)
    assert f"/drills/{drill_id}" in listed


def test_the_report_is_downloaded_as_json_and_the_record_as_pdf_and_neither_before_the_end(web: Web) -> None:
    host = web.opening.host
    drill_id = web.order(host)
    early = web.ask("GET", f"/drills/{drill_id}/report.json", host)
    assert (early.status_code, early.get_json()["code"]) == (409, "centre.drill_not_over")
    web.finish(drill_id)
    answer = web.ask("GET", f"/drills/{drill_id}/report.json", host)
    assert "attachment" in answer.headers["Content-Disposition"]
    report = json.loads(answer.get_data())
    assert (report["id"], report["state"], report["mark"]) == (drill_id, "ready", "演练")
    assert {check["code"] for check in report["checks"]} >= {"closed", "opened", "record"}
    record = web.ask("GET", f"/drills/{drill_id}/record.pdf", host)
    assert (record.mimetype, record.get_data()) == ("application/pdf", PDF)


def test_the_host_side_the_centre_and_the_supervisor_see_it_and_nobody_else(web: Web) -> None:
    opening = web.opening
    drill_id = web.order(opening.staff)
    stranger = opening.world.organisation("别的代理", "agency")
    for who in (opening.host, opening.staff, opening.supervisor):
        assert web.ask("GET", f"/drills/{drill_id}", who).status_code == 200
    assert web.ask("GET", f"/drills/{drill_id}", stranger).status_code == 404
    assert web.ask("GET", f"/drills/{drill_id}", opening.bidders[0].actor).status_code == 403
    assert web.ask("POST", web.drills, opening.supervisor).status_code == 403
    assert web.ask("GET", f"/drills/{drill_id}", None).status_code == 401


def test_after_the_deadline_there_is_nothing_to_rehearse_and_the_page_says_so(web: Web) -> None:
    web.opening.at(web.opening.lot.deadline_at)
    answer = web.ask("POST", web.drills, web.opening.host)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "centre.drill_not_possible")
    assert 'aria-disabled="true"' in web.page(web.drills, web.opening.host)


def test_the_centre_lists_the_openings_of_the_next_days_with_their_last_drill(web: Web) -> None:
    opening = web.opening
    assert "还没有演练" in web.page("/drills", opening.staff)
    web.finish(web.order(opening.staff))
    assert "准备就绪" in web.page("/drills", opening.staff)
    assert web.ask("GET", "/drills", opening.host).status_code == 403


def test_a_drill_shows_in_no_hall_portal_log_or_figure(web: Web) -> None:
    before = {path: visible(web.page(path, None)) for path in ("/rooms", "/", "/notices", "/statistics")}
    drill_id = web.order(web.opening.host)
    web.finish(drill_id)
    for path, text in before.items():
        assert visible(web.page(path, None)) == text, path
    for path in ("/log", "/rooms", "/"):
        text = web.page(path, None)
        assert drill_id not in text
        assert "演练投标人" not in text


def visible(text: str) -> str:
    """The page's own part, without head and foot (the request's number, tokens)."""
    return text.partition("<main")[2].partition("</main>")[0]


def test_the_lot_page_leads_those_who_may_to_its_drills(web: Web) -> None:
    link = f'href="{web.drills}"'
    assert link in web.page(f"/lots/{web.opening.lot.id}", web.opening.host)
    assert link in web.page(f"/rooms/{web.opening.lot.id}/host", web.opening.host)
    text = web.page(f"/lots/{web.opening.lot.id}", web.opening.bidders[0].actor)
    assert link not in text
    assert 'href="/practice"' in text.partition("<main")[2].partition("</main>")[0]


@pytest.mark.parametrize(("lang", "title"), [("zh-CN", "开标练习室"), ("en", "Practice room")])
def test_the_practice_room_is_open_to_everybody_and_holds_no_secret_of_the_centre(
    web: Web, lang: str, title: str
) -> None:
    assert title in web.page("/practice", None, lang)
    story: dict[str, Any] = web.ask("GET", "/practice", None).get_json()["story"]
    assert story["tender"] == "PRACTICE"
    assert all(frame["drill"] is True for frame in story["frames"])
    assert len(story["gate"]) == 3
    assert web.opening.lot.keyset.hash != story["keyset_hash"]
    assert {one["public_key"] for one in story["gate"]} <= set(holders_of(story["keyset"]))


def holders_of(keyset: str) -> list[str]:
    return [one["public_key"] for one in json.loads(keyset)["gate"]["holders"]]
