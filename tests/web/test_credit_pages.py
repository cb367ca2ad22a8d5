"""Standing and records through the pages: who opens what, in both languages, and the whole way of one record."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from accounts import passwords
from accounts.facade import vouch_for
from accounts.roles import Role
from credit.acts import decidable
from foundation.actor import system
from foundation.codes import synthetic_uscc
from foundation.web.access import rule_of
from tests.web.support_accounts import QUICK, Centre, make_centre, token_in

ANY = "00000000-0000-7000-8000-000000000000"
NAME, USCC = "常州澄岳建设有限公司", synthetic_uscc(1)
DECISION = {
    "uscc": USCC,
    "name": NAME,
    "act": "contract_refused",
    "authority": "武进区住房和城乡建设局",
    "decision_no": "武住建决〔2026〕31 号",
    "facts": "未在三十日内签订合同。",
    "effective_at": "2026-11-20 00:00",
    "months": "12",
    "document_reference": "公告 2026-31",
}
RULING = {"authority": "常州市中级人民法院", "decision_no": "9 号", "ground": "撤销", "document_reference": "判决书"}
PEOPLE = {role: f"p-{role}" for role in Role if role is not Role.PUBLIC}


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_SHARED", QUICK)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    made = make_centre(tmp_path)
    firm, office = made.organisation(NAME, 1), made.organisation("武进区行政审批局", 2)
    with made.units.begin(system("test")) as unit:
        vouch_for(unit, firm, "register")
    for role, login in PEOPLE.items():
        made.person(firm if role is Role.BIDDER else office, login, [role])
    made.person(made.organisation("无关公司", 3), "stranger", ["bidder"])
    return made


def enter(centre: Centre, **changes: str) -> str:
    answer = centre.client(PEOPLE[Role.CENTRE_STAFF]).post("/credit/records/new", json=DECISION | changes)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    return str(answer.get_json()["record_id"])


def publish(centre: Centre, record_id: str) -> str:
    answer = centre.client(PEOPLE[Role.SUPERVISOR]).post(f"/credit/records/{record_id}", json={})
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return record_id


def html(client: FlaskClient, path: str, lang: str = "zh-Hans") -> str:
    answer = client.get(path, headers={"Accept": "text/html", "Accept-Language": lang})
    assert answer.status_code == 200, path
    text = answer.get_data(as_text=True)
    assert f'<html lang="{lang}"' in text
    return text


def standing(centre: Centre) -> Any:
    return centre.client().get(f"/credit/organisations/{USCC}").get_json()["organisation"]


# --- doors ---------------------------------------------------------------------------

DESK, SUPERVISOR, BIDDER = {"centre_staff", "supervisor"}, {"supervisor"}, {"bidder"}
DOORS: dict[tuple[str, str], set[str] | None] = {
    ("GET", "/credit"): None,
    ("GET", f"/credit/organisations/{ANY}"): None,
    ("GET", "/credit/mine"): BIDDER,
    ("GET", f"/credit/mine/{ANY}"): BIDDER,
    ("POST", f"/credit/mine/{ANY}"): BIDDER,
    ("GET", "/credit/records"): DESK,
    ("GET", "/credit/records/new"): DESK,
    ("POST", "/credit/records/new"): DESK,
    ("GET", f"/credit/records/{ANY}"): DESK,
    ("POST", f"/credit/records/{ANY}"): SUPERVISOR,
    **{
        (method, f"/credit/records/{ANY}/{act}"): SUPERVISOR
        for method in ("GET", "POST")
        for act in ("drop", "answer", "annul", "repair")
    },
}


def test_each_role_reaches_its_own_pages_and_no_others(centre: Centre) -> None:
    for role in (None, *PEOPLE):
        client = centre.client(PEOPLE[role] if role else "")
        for (method, path), allowed in DOORS.items():
            status = client.open(path, method=method, json={} if method == "POST" else None).status_code
            if allowed is None or (role is not None and role in allowed):
                assert status in {200, 404, 422}, (role, method, path, status)
            else:
                assert status == (403 if role else 401), (role, method, path, status)


def test_no_route_is_missing_from_the_doors(centre: Centre) -> None:
    adapter = centre.app.url_map.bind("localhost")
    named = {(method, adapter.match(path, method)[0]) for method, path in DOORS}
    routes = {
        (method, rule.endpoint)
        for rule in centre.app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in {"credit_standing", "credit_records"}
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes == named
    assert all(rule_of(centre.app, endpoint) for _, endpoint in routes)


# --- both languages ------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh-Hans", "en"])
def test_every_page_speaks_both_languages_in_every_state(centre: Centre, lang: str) -> None:
    supervisor, bidder = centre.client(PEOPLE[Role.SUPERVISOR]), centre.client(PEOPLE[Role.BIDDER])
    waiting = enter(centre, decision_no="1 号")
    dropped = enter(centre, decision_no="2 号")
    published = publish(centre, enter(centre, decision_no="3 号", effective_at="2027-01-01 00:00"))
    objected = publish(centre, enter(centre, decision_no="4 号"))
    annulled = publish(centre, enter(centre, decision_no="5 号", act="contract_performed"))
    assert supervisor.post(f"/credit/records/{dropped}/drop", json={"reason": "误登"}).status_code == 200
    assert bidder.post(f"/credit/mine/{objected}", json={"text": "有异议"}).status_code == 201
    assert supervisor.post(f"/credit/records/{annulled}/annul", json=RULING).status_code == 200
    every = (waiting, dropped, published, objected, annulled)
    pages = [(supervisor, f"/credit/records/{one}") for one in every]
    pages += [(supervisor, f"/credit/records/{one}/{act}") for one in every for act in ("drop", "answer", "annul")]
    pages += [(supervisor, f"/credit/records/{published}/repair"), (supervisor, "/credit/records/new")]
    pages += [(bidder, f"/credit/mine/{one}") for one in (published, objected, annulled)]
    pages += [(supervisor, "/credit/records"), (bidder, "/credit/mine"), (bidder, "/inbox")]
    pages += [(centre.client(), path) for path in ("/credit", "/credit?q=澄岳", f"/credit/organisations/{USCC}")]
    for client, path in pages:
        text = html(client, path, lang)
        for prefix in ("credit_act.", "credit_level", "credit_weight.", "record_phase.", "credit_ruling.", "inbox."):
            assert f">{prefix}" not in text, (path, prefix)


def test_the_form_offers_every_act_that_may_be_entered(centre: Centre) -> None:
    text = html(centre.client(PEOPLE[Role.CENTRE_STAFF]), "/credit/records/new")
    assert all(f'<option value="{act}"' in text for act in decidable())
    assert 'value="contract_signed_in_time"' not in text


# --- the way of a record -------------------------------------------------------------


def test_from_the_decision_to_the_annulled_record(centre: Centre) -> None:
    record_id = enter(centre)
    assert standing(centre)["standing"]["level"] == "good"
    assert record_id not in html(centre.client(PEOPLE[Role.BIDDER]), "/credit/mine")
    publish(centre, record_id)
    seen = standing(centre)
    assert seen["standing"]["level"] == "noted"
    (reason,) = seen["standing"]["reasons"]
    assert (reason["decision_no"], reason["clause"]) == (DECISION["decision_no"], "招标投标法实施条例第七十四条")
    assert reason["until_at"] == "2027-11-19T16:00:00.000Z"
    assert seen["standing"]["changes"] == [{"at": "2027-11-19T16:00:00.000Z", "level": "good"}]
    bidder = centre.client(PEOPLE[Role.BIDDER])
    assert f"/credit/mine/{record_id}" in html(bidder, "/credit/mine")
    assert DECISION["decision_no"] in html(bidder, "/inbox")
    assert bidder.post(f"/credit/mine/{record_id}", json={"text": "合同已经签订"}).status_code == 201
    text = html(centre.client(PEOPLE[Role.SUPERVISOR]), f"/credit/records/{record_id}")
    assert "合同已经签订" in text
    assert "合同已经签订" not in html(centre.client(), f"/credit/organisations/{USCC}")
    answer = {"outcome": "annulled", "answer": "经核对合同已在期限内签订"}
    supervisor = centre.client(PEOPLE[Role.SUPERVISOR])
    assert supervisor.post(f"/credit/records/{record_id}/answer", json=answer).status_code == 200
    assert standing(centre)["standing"]["level"] == "good"
    assert answer["answer"] in html(bidder, f"/credit/mine/{record_id}")
    assert DECISION["decision_no"] not in html(centre.client(), "/credit")


def test_a_record_of_another_is_not_found_and_says_nothing(centre: Centre) -> None:
    record_id = publish(centre, enter(centre))
    stranger = centre.client("stranger")
    assert stranger.get(f"/credit/mine/{record_id}").status_code == 404
    assert stranger.post(f"/credit/mine/{record_id}", json={"text": "x"}).status_code == 404
    assert centre.client(PEOPLE[Role.BIDDER]).get(f"/credit/mine/{record_id}").status_code == 200


def test_a_refused_entry_keeps_what_was_typed_and_names_the_fields(centre: Centre) -> None:
    browser = centre.browser()
    sign_in = {"login": PEOPLE[Role.CENTRE_STAFF], "password": "a sentence nobody guesses"}
    browser.post("/sign-in", data=sign_in | {"csrf_token": token_in(browser.get("/sign-in").get_data(as_text=True))})
    form = DECISION | {"months": "40", "lot_code": "没有这个标段"}
    form["csrf_token"] = token_in(browser.get("/credit/records/new").get_data(as_text=True))
    answer = browser.post("/credit/records/new", data=form)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'href="#f-months"' in text
    assert DECISION["facts"] in text
    answer = browser.post("/credit/records/new", data=form | {"months": "12"})
    assert answer.status_code == 422
    assert 'href="#f-lot_code"' in answer.get_data(as_text=True)


def test_the_term_is_over_to_the_instant_and_then_only_its_own_organisation_sees_it(centre: Centre) -> None:
    record_id = publish(centre, enter(centre, months="3"))
    end = centre.clock.now().replace(year=2027, month=2, day=19, hour=16, minute=0, second=0, microsecond=0)
    centre.clock.set(end - timedelta(microseconds=1))
    assert standing(centre)["standing"]["level"] == "noted"
    centre.clock.set(end)
    assert standing(centre)["standing"]["level"] == "good"
    assert standing(centre)["records"] == []
    assert record_id in html(centre.client(PEOPLE[Role.BIDDER]), "/credit/mine")


def test_a_search_finds_the_verified_and_the_recorded(centre: Centre) -> None:
    publish(centre, enter(centre, uscc=synthetic_uscc(44), name="未注册澄岳公司"))
    found = centre.client().get("/credit?q=澄岳").get_json()["found"]
    assert [(one["name"], one["level"]) for one in found] == [(NAME, "good"), ("未注册澄岳公司", "noted")]
    assert centre.client().get(f"/credit?q={synthetic_uscc(3)}").get_json()["found"] == []
    assert centre.client().get(f"/credit/organisations/{synthetic_uscc(3)}").status_code == 404
