from __future__ import annotations

import logging
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from foundation.settings import Settings
from foundation.web.security import allowed_host

JSON = {"Accept": "application/json"}


@pytest.mark.parametrize(
    ("path", "status", "zh", "en"),
    [
        ("/nowhere", 404, "没有这个页面", "There is no such page"),
        ("/upload", 405, "这个网址不接受这种操作", "This address does not accept that kind of request"),
        ("/tampered", 422, "证据核对不上，已停止处理", "The evidence does not verify; processing has stopped"),
        ("/away", 503, "平台的一部分暂时不可用", "A part of the platform is not available right now"),
    ],
)
def test_each_failure_speaks_both_languages_and_both_formats(visitor: FlaskClient, path, status, zh, en):
    for lang, sentence in (("zh-Hans", zh), ("en", en)):
        html = visitor.get(f"{path}?lang={lang}")
        assert (html.status_code, html.headers["Content-Language"]) == (status, lang)
        assert sentence in html.text
        json = visitor.get(f"{path}?lang={lang}", headers=JSON)
        assert (json.status_code, json.json["title"]) == (status, sentence)


def test_tampering_reaches_whoever_must_be_woken(app: Flask, visitor: FlaskClient):
    woken: list[tuple[str, str]] = []
    app.extensions["on_tampering"] = lambda error, number: woken.append((str(error), number))
    answer = visitor.get("/tampered")
    assert woken == [("foundation.tampering(leaf=7)", answer.headers["X-Request-Id"])]


def test_an_outage_says_when_to_come_back(visitor: FlaskClient):
    answer = visitor.get("/away?lang=en")
    assert answer.headers["Retry-After"] == "30"
    assert "Wait 30 seconds" in answer.text


def test_a_bug_shows_a_number_and_no_trace(visitor: FlaskClient, caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.ERROR):
        answer = visitor.get("/bug", headers=JSON)
    assert answer.status_code == 500
    assert "ZeroDivision" not in answer.text
    assert answer.json["request_id"] in caplog.text
    assert "ZeroDivisionError" in caplog.text


def test_a_form_without_its_token_is_refused(bidder: FlaskClient):
    answer = bidder.post("/lots/a/new", data={"title": "x"}, headers=JSON)
    assert (answer.status_code, answer.json["code"]) == (400, "foundation.stale_form")


def test_a_bearer_token_needs_no_csrf_token(bidder: FlaskClient):
    answer = bidder.post("/lots/a/new", json={}, headers={"Authorization": "Bearer abc", **JSON})
    assert answer.json["code"] == "foundation.invalid_input"


def test_a_body_over_the_routes_limit_is_refused_and_one_within_is_not(visitor: FlaskClient):
    headers = {"Authorization": "Bearer abc", **JSON}
    assert visitor.post("/upload", data=b"0123456789", headers=headers).json == {"size": 10}
    answer = visitor.post("/upload", data=b"0123456789a", headers=headers)
    assert (answer.status_code, answer.json["fields"]) == (413, {"limit": 10})


def test_the_third_request_over_a_rate_of_two_is_refused(visitor: FlaskClient):
    assert [visitor.get("/rare").status_code for _ in range(3)] == [200, 200, 429]
    answer = visitor.get("/rare", headers=JSON)
    assert answer.json["code"] == "foundation.too_many"
    assert int(answer.headers["Retry-After"]) > 0


def test_the_policy_names_the_room_on_the_readers_own_host(visitor: FlaskClient):
    policy = visitor.get("/", base_url="http://bidder.localhost:8000").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert (
        "connect-src 'self' ws://bidder.localhost:8000 ws://bidder.localhost:8001 http://bidder.localhost:8001;"
        in policy
    )
    secure = visitor.get("/", base_url="https://localhost").headers
    assert "wss://localhost:8001 https://localhost:8001" in secure["Content-Security-Policy"]
    assert "Strict-Transport-Security" in secure


def test_only_a_marked_page_may_run_wasm(visitor: FlaskClient):
    assert "wasm-unsafe-eval" not in visitor.get("/").headers["Content-Security-Policy"]
    assert "wasm-unsafe-eval" in visitor.get("/lot", headers=JSON).headers["Content-Security-Policy"]


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "a b"])
def test_a_foreign_host_name_is_refused(visitor: FlaskClient, host: str):
    answer = visitor.get("/", headers={"Host": host})
    assert answer.status_code == 400
    assert "evil" not in answer.headers["Content-Security-Policy"]


def test_a_configured_host_name_is_admitted(make_app: Callable[..., Flask]):
    client = make_app(hosts=("centre.example",)).test_client()
    assert client.get("/", headers={"Host": "centre.example"}).status_code == 200


@pytest.mark.parametrize(
    ("host", "is_ours"),
    [
        ("localhost", True),
        ("bidder.localhost:8000", True),
        ("centre.example", True),
        ("evil.example", False),
        ("", False),
    ],
)
def test_the_room_asks_the_same_list_of_hosts(host: str, is_ours: bool):
    assert allowed_host(host, Settings(public_hosts=" centre.example, ")) is is_ours


def test_pages_of_signed_in_people_are_not_stored(visitor: FlaskClient, bidder: FlaskClient):
    assert bidder.get("/mine").headers["Cache-Control"] == "no-store"
    assert visitor.get("/").headers["Cache-Control"] == "no-cache, private"
    for name in ("X-Content-Type-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy", "Permissions-Policy"):
        assert name in visitor.get("/").headers


def test_the_language_is_switched_and_remembered(visitor: FlaskClient):
    assert '<html lang="zh-Hans"' in visitor.get("/").text
    assert '<html lang="en"' in visitor.get("/", headers={"Accept-Language": "fr, en-GB;q=0.8, zh;q=0.3"}).text
    assert '<html lang="en"' in visitor.get("/?lang=en").text
    english = visitor.get("/").text
    assert "Five things to do" in english
    assert "30 minutes" in english
    assert 'href="/?lang=zh-Hans"' in english


def test_large_text_is_remembered(visitor: FlaskClient):
    assert 'data-text="large"' not in visitor.get("/").text
    visitor.get("/?text=large")
    assert 'data-text="large"' in visitor.get("/").text


def test_the_time_endpoint_gives_civil_time(visitor: FlaskClient):
    answer = visitor.get("/time")
    assert answer.json == {"now": "2026-11-24T01:42:18.000Z", "is_demo": False, "is_paused": False}
    assert answer.headers["Cache-Control"] == "no-store"


def test_versioned_files_are_kept_and_plain_ones_asked_again(app: Flask, visitor: FlaskClient):
    url = app.jinja_env.globals["static_url"]("css/tokens.css")
    with visitor.get(url) as kept, visitor.get("/static/css/tokens.css") as plain:
        assert kept.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert "no-cache" in plain.headers["Cache-Control"]
        assert kept.data == plain.data
    with visitor.get("/static/v-000000000000/css/tokens.css") as old:
        assert old.headers["Cache-Control"] == "no-cache"
    assert visitor.get("/static/../pyproject.toml").status_code == 404
