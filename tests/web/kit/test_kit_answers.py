from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from foundation.errors import InvalidInput
from foundation.web.jsonable import jsonable
from foundation.web.paging import decode, encode

JSON = {"Accept": "application/json"}
GOOD = {"title": "校区修缮", "deadline": "2026-12-11 09:30", "deposit": "1,200,000.00"}


def token(client: FlaskClient, path: str = "/lots/a/new") -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    assert found
    return found[1]


def test_one_model_answers_as_json_with_exact_texts(visitor: FlaskClient):
    answer = visitor.get("/lot", headers=JSON)
    assert answer.json == {
        "lot": {
            "title": "校区修缮",
            "deadline": "2026-11-24T01:42:18.000Z",
            "deposit": {"amount": "250000.00", "currency": "CNY"},
            "coefficient": "96.50",
            "kind": "works",
            "digest": "5f1c",
        },
        "left": 180.0,
    }
    assert "Accept" in answer.headers["Vary"]


def test_a_database_row_does_not_leave_as_json():
    with pytest.raises(TypeError, match="read model"):
        jsonable(object())


def test_a_good_form_redirects_and_says_so_once(bidder: FlaskClient):
    answer = bidder.post("/lots/a/new", data={**GOOD, "csrf_token": token(bidder)})
    assert (answer.status_code, answer.location) == (303, "/mine")
    assert "标段已建立" in bidder.get("/mine").text
    assert "标段已建立" not in bidder.get("/mine").text


def test_a_good_json_body_gets_201_and_the_result(bidder: FlaskClient):
    csrf = re.search(r'name="csrf-token" content="([^"]+)"', bidder.get("/mine").text)
    assert csrf
    body = {**GOOD, "deadline": "2026-12-11T01:30:00Z", "rows": [{"price": {"amount": "5.00", "currency": "CNY"}}]}
    answer = bidder.post("/lots/a/new", json=body, headers={"X-CSRFToken": csrf[1]})
    assert answer.status_code == 201
    assert answer.json["wanted"]["deadline"] == "2026-12-11T01:30:00.000Z"
    assert answer.json["wanted"]["deposit"] == {"amount": "1200000.00", "currency": "CNY"}
    assert answer.json["wanted"]["rows"] == [{"price": {"amount": "5.00", "currency": "CNY"}}]
    assert answer.headers["Location"] == "/mine"


def test_a_form_carries_lists_and_rows(bidder: FlaskClient):
    form = {**GOOD, "classes": ["a", "b"], "rows.10.price": "10", "rows.2.price": "2", "csrf_token": token(bidder)}
    answer = bidder.post("/lots/a/new", data=form, headers=JSON)
    assert answer.json["wanted"]["classes"] == ["a", "b"]
    assert [row["price"]["amount"] for row in answer.json["wanted"]["rows"]] == ["2.00", "10.00"]


def test_a_refused_form_comes_back_with_its_values_and_linked_faults(bidder: FlaskClient):
    form = {"title": "  ", "deadline": "soon", "deposit": "1,20", "seats": "99", "csrf_token": token(bidder)}
    answer = bidder.post("/lots/a/new?lang=zh-Hans", data=form)
    assert answer.status_code == 422
    text = answer.text
    assert 'value="soon"' in text
    assert 'value="1,20"' in text
    for name, sentence in {
        "title": "请填写这一项",
        "deadline": "请填北京时间，例如 2026-12-11 09:30",
        "deposit": "请填金额（元），最多两位小数，例如 250,000.00",
        "seats": "不能大于 40",
    }.items():
        assert f'<a href="#f-{name}">{sentence}</a>' in text
    assert 'aria-describedby="h-deadline e-deadline-1" aria-invalid="true"' in text


def test_a_refusal_by_law_comes_back_with_clause_and_status(bidder: FlaskClient):
    form = {**GOOD, "seats": "13", "csrf_token": token(bidder)}
    answer = bidder.post("/lots/a/new?lang=en", data=form)
    assert answer.status_code == 409
    assert "This step is not possible in the present state" in answer.text
    assert "Not less than 14" in answer.text
    assert "ZTB 24" in answer.text


def test_the_same_refusal_as_problem_json(bidder: FlaskClient):
    form = {**GOOD, "seats": "13", "csrf_token": token(bidder)}
    answer = bidder.post("/lots/a/new?lang=en", data=form, headers=JSON)
    assert answer.mimetype == "application/problem+json"
    assert answer.json["code"] == "foundation.wrong_state"
    assert answer.json["status"] == 409
    assert answer.json["fields"] == {"state": "open"}
    assert answer.json["objections"] == [
        {"code": "foundation.field_min", "field": "seats", "detail": "Not less than 14", "clause": "ZTB 24"}
    ]
    assert answer.json["request_id"] == answer.headers["X-Request-Id"]


def test_a_form_that_is_hidden_itself_does_not_hide_the_refusal(bidder: FlaskClient):
    answer = bidder.post("/lots/hidden/new", data={"csrf_token": token(bidder)})
    assert answer.status_code == 422
    assert "填写的内容有需要改的地方" in answer.text


def test_a_validator_may_name_a_sentence_of_the_catalogue(bidder: FlaskClient):
    answer = bidder.post("/lots/a/new", data={**GOOD, "title": "custom", "csrf_token": token(bidder)}, headers=JSON)
    assert answer.json["objections"][0]["detail"] == "不能大于 3"


@pytest.mark.parametrize("body", ["[]", "nope", '"text"'])
def test_a_json_body_that_is_no_object_is_refused(bidder: FlaskClient, body: str):
    headers = {"X-CSRFToken": token(bidder), "Content-Type": "application/json"}
    answer = bidder.post("/lots/a/new", data=body, headers=headers)
    assert answer.status_code == 422
    assert answer.json["objections"][0]["code"] == "foundation.body_not_json"


def test_a_list_is_walked_by_key_to_its_end(visitor: FlaskClient):
    seen, url = [], "/list"
    while url:
        answer = visitor.get(url, headers=JSON)
        seen += answer.json["rows"]
        url = answer.json["next_url"]
    assert seen == ["1", "2", "3", "4", "5"]


@pytest.mark.parametrize("query", ["after=%21%21", "after=W10x", "after=eyJhIjoxfQ", "limit=0", "limit=201", "limit=x"])
def test_a_forged_page_address_is_refused(visitor: FlaskClient, query: str):
    assert visitor.get(f"/list?{query}", headers=JSON).status_code == 422


def test_a_page_key_survives_its_address():
    assert decode(encode(("2026-11-24", "甲"))) == ("2026-11-24", "甲")
    with pytest.raises(InvalidInput):
        decode("x" * 601)
