"""Alerts as supervisors see them, and what everybody may read: detectors and figures."""

from __future__ import annotations

import csv
import io
import re
from datetime import date
from pathlib import Path

import pytest
from flask.testing import FlaskClient

from foundation.money import Money
from oversight.models import Alert
from tendering.facade import record_deal
from tests.support.tender_world import TESTS
from tests.support.whole_centre import PUBLIC, WholeCentre, hold_opening, make_whole_centre

FORM = {"csrf_token": ""}


def make(folder: Path) -> WholeCentre:
    made = make_whole_centre(folder, with_bids=False)
    hold_opening(made)
    made.app.config["WTF_CSRF_ENABLED"] = False
    return made


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> WholeCentre:
    """For tests that change nothing: they share it in any order."""
    return make(tmp_path_factory.mktemp("oversight"))


@pytest.fixture
def own_centre(tmp_path: Path) -> WholeCentre:
    """For a test that changes something."""
    return make(tmp_path)


@pytest.fixture
def json_client(centre: WholeCentre) -> FlaskClient:
    return as_supervisor(centre)


@pytest.fixture
def browser(centre: WholeCentre) -> FlaskClient:
    return centre.browser(centre.people["supervisor1"])


def as_supervisor(centre: WholeCentre) -> FlaskClient:
    return centre.client(centre.people["supervisor1"])


def text_of(client: FlaskClient, path: str, lang: str = "zh-Hans") -> str:
    client.set_cookie("lang", lang)
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.text


def test_the_desk_lists_alerts_of_a_lot_for_programs(centre: WholeCentre, json_client: FlaskClient) -> None:
    lot_id = centre.objects["closed_room"][1]
    said = json_client.get("/oversight/alerts", query_string={"lot": lot_id}).get_json()
    assert {(one["detector"], one["severity"], one["state"]) for one in said["alerts"]} == {
        ("D01", "orange", "new"),
        ("D12", "red", "under_review"),
    }
    assert all(len(one["bidders"]) == 2 for one in said["alerts"])
    assert [3, 4] in [one["image_pages"] for one in said["readings"]]
    other = json_client.get("/oversight/alerts", query_string={"lot": centre.objects["open_lot"][1]}).get_json()
    assert other["alerts"] == []


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"state": "open"}, {"D01", "D12"}),
        ({"state": "new"}, {"D01"}),
        ({"state": "explained"}, set()),
        ({"severity": "red"}, {"D12"}),
        ({"severity": "none of these"}, {"D01", "D12"}),
    ],
)
def test_the_desk_filters(json_client: FlaskClient, asked: dict[str, str], found: set[str]) -> None:
    said = json_client.get("/oversight/alerts", query_string=asked).get_json()
    assert {one["detector"] for one in said["alerts"]} == found


def test_the_desk_pages_and_refuses_a_torn_link(json_client: FlaskClient) -> None:
    first = json_client.get("/oversight/alerts?limit=1").get_json()
    second = json_client.get(first["paging"]["next_url"]).get_json()
    assert first["alerts"][0]["id"] != second["alerts"][0]["id"]
    assert json_client.get("/oversight/alerts?after=torn").status_code == 422


@pytest.mark.parametrize("lang", ["zh-Hans", "en"])
def test_an_alert_shows_evidence_side_by_side_and_says_it_is_no_verdict(
    centre: WholeCentre, browser: FlaskClient, lang: str
) -> None:
    page = text_of(browser, f"/oversight/alerts/{centre.objects['alert'][1]}", lang)
    left, right = (re.findall(rf'<div class="{side}">.*?<mark>(.*?)</mark>', page, re.DOTALL) for side in "lr")
    assert left == right
    assert "覆盖塑料薄膜养护七日" in "".join(left)
    assert ("这是线索，不是认定" if lang == "zh-Hans" else "A lead, not a finding") in page
    assert ("同一编制软件自带的范文" if lang == "zh-Hans" else "Sample text of the same bid software") in page
    assert ("招标文件与澄清原文" if lang == "zh-Hans" else "Text of the tender documents") in page
    account = text_of(browser, f"/oversight/alerts/{centre.objects['account_alert'][1]}", lang)
    assert account.count("**** 0101") == 2
    basis = "《招标投标法实施条例》第40条第（六）项" if lang == "zh-Hans" else "Bidding Regulation, art. 40 (6)"
    assert basis in re.sub(r"<[^>]+>", "", account)


@pytest.mark.parametrize("name", ["bidder1", "agency1", "tenderee1", "expert1", "centre_staff1", "administrator1"])
def test_nobody_but_a_supervisor_sees_an_alert_or_that_there_is_one(centre: WholeCentre, name: str) -> None:
    client = centre.client(centre.people[name])
    for path in ("/oversight/alerts", f"/oversight/alerts/{centre.objects['alert'][1]}"):
        assert client.get(path).status_code == 403
    assert "oversight/alerts" not in centre.browser(centre.people[name]).get("/").text


def test_a_supervisor_deals_with_an_alert_and_nothing_typed_is_lost(own_centre: WholeCentre) -> None:
    centre, browser = own_centre, own_centre.browser(own_centre.people["supervisor1"])
    alert_id = centre.objects["account_alert"][1]
    path = f"/oversight/alerts/{alert_id}"
    refused = browser.post(f"{path}/explain", data={"explanation": "maker_sheet", "reason": "写了很久的理由"})
    assert refused.status_code == 422
    assert "写了很久的理由" in refused.text
    assert "请从列出的合理解释中选择" in refused.text
    unsaid = browser.post(f"{path}/refer", data={"authority": "武进区公安分局", "document_no": ""})
    assert unsaid.status_code == 422
    assert "武进区公安分局" in unsaid.text
    given = {"authority": "武进区公安分局", "document_no": "武住建移〔2026〕7 号", "referral_reason": "同一账户"}
    assert browser.post(f"{path}/refer", data=given).status_code == 303
    page = text_of(browser, path)
    assert "武住建移〔2026〕7 号" in page
    assert "已办结" in page
    again = centre.client(centre.people["supervisor2"]).post(f"{path}/refer", json=given)
    assert (again.status_code, again.get_json()["code"]) == (409, "foundation.wrong_state")


def test_an_alert_nobody_has_taken_up_can_not_be_closed(own_centre: WholeCentre) -> None:
    centre, json_client = own_centre, as_supervisor(own_centre)
    path = f"/oversight/alerts/{centre.objects['alert'][1]}"
    assert json_client.post(f"{path}/explain", json={"explanation": "other", "reason": "理由"}).status_code == 409
    assert json_client.post(f"{path}/take-up").get_json()["state"] == "under_review"
    said = json_client.post(f"{path}/explain", json={"explanation": "other", "reason": "理由"})
    assert (said.status_code, said.get_json()["state"]) == (200, "explained")
    steps = json_client.get(path).get_json()["shown"]["steps"]
    assert [one["trigger"] for one in steps] == [None, "take_up", "explain"]


def test_a_name_with_marks_is_shown_as_text(own_centre: WholeCentre) -> None:
    centre, browser = own_centre, own_centre.browser(own_centre.people["supervisor1"])
    with centre.units.begin(TESTS) as unit:
        row = unit.session.get_one(Alert, centre.objects["alert"][1])
        row.bidders = [{**one, "name": "<script>alert(1)</script>"} for one in row.bidders]
    page = text_of(browser, f"/oversight/alerts/{centre.objects['alert'][1]}")
    assert "<script>alert(1)" not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("lang", ["zh-Hans", "en"])
def test_everybody_may_read_the_thresholds(centre: WholeCentre, lang: str) -> None:
    page = text_of(centre.browser(PUBLIC), "/oversight/detectors", lang)
    for value in ("≥ 300", "≥ 1000", "≥ 25", "80%"):
        assert value in page
    assert ("检测不到的" if lang == "zh-Hans" else "What is not detected") in page


def test_figures_of_a_centre_without_deals_say_so(tmp_path_factory: pytest.TempPathFactory) -> None:
    empty = make_whole_centre(tmp_path_factory.mktemp("no-deals"), with_bids=False)
    assert "没有可统计的成交" in text_of(empty.browser(PUBLIC), "/statistics")
    lines = empty.browser(PUBLIC).get("/statistics.csv").text
    assert len(lines.splitlines()) == 1


def test_figures_come_from_what_was_awarded(own_centre: WholeCentre) -> None:
    centre = own_centre
    lots = [centre.objects["open_lot"][1], centre.objects["open_lot"][2], centre.objects["closed_room"][1]]
    with centre.units.begin(TESTS) as unit:
        for lot_id, amount, saved, on in zip(
            lots,
            (900_00, 2_000_00, 700_00),
            (100_00, 0, 300_00),
            ("2026-03-02", "2026-05-04", "2025-06-01"),
            strict=True,
        ):
            record_deal(unit, lot_id, "中标人", Money(amount), Money(saved), date.fromisoformat(on))
    client = centre.browser(PUBLIC)
    page = text_of(client, "/statistics")
    assert "2026年 1—5月" in page
    assert 'aria-label="工程建设 0.29' in page
    said = centre.client(PUBLIC).get("/statistics").get_json()
    works = next(one for one in said["figures"]["kinds"] if one["kind"] == "works")
    assert (works["count"], works["amount"]["amount"], works["gain"]["part"]["amount"]) == (2, "2900.00", "100.00")
    assert said["years"] == [2026, 2025]
    assert centre.client(PUBLIC).get("/statistics?year=2025").get_json()["figures"]["count"] == 1
    assert centre.client(PUBLIC).get("/statistics?year=20x5").get_json()["figures"]["year"] == 2026
    for lang, head in (("zh-Hans", "成交项目"), ("en", "Deals")):
        client.set_cookie("lang", lang)
        answer = client.get("/statistics.csv")
        assert answer.mimetype == "text/csv"
        rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
        assert rows[0][head] == "2"
        assert len(rows) == 4
