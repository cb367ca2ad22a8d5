from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from foundation.web.access import PUBLIC, SIGNED_IN, RuleMissing, allow, check_complete, safe_next
from foundation.web.kit import WebSettings, complete, create_web

JSON = {"Accept": "application/json"}


def test_an_application_with_a_silent_route_does_not_start():
    app = create_web("tiny", WebSettings(secret_key="k"))
    app.add_url_rule("/open", "open_door", lambda: "in")
    with pytest.raises(RuleMissing, match="open_door"):
        complete(app)
    app.view_functions["open_door"] = allow(PUBLIC)(app.view_functions["open_door"])
    check_complete(app)


def test_a_silent_route_is_closed_even_when_the_start_check_was_skipped():
    app = create_web("tiny", WebSettings(secret_key="k"))
    app.add_url_rule("/open", "open_door", lambda: "in")
    assert app.test_client().get("/open").status_code == 403


def test_navigation_to_nowhere_stops_the_start():
    app = create_web("tiny", WebSettings(secret_key="k"))
    app.extensions["nav"].add("public", "无", "None", "nowhere")
    with pytest.raises(LookupError, match="nowhere"):
        complete(app)


@pytest.mark.parametrize("who", [(), (PUBLIC, SIGNED_IN), (PUBLIC, "bidder")])
def test_a_rule_is_one_kind_only(who):
    with pytest.raises(ValueError, match="allow"):
        allow(*who)


def test_nobody_is_sent_to_sign_in_and_comes_back(visitor: FlaskClient):
    answer = visitor.get("/bids?page=2&q=a")
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/bids%3Fpage%3D2%26q%3Da")


def test_nobody_with_json_gets_401_and_the_code(visitor: FlaskClient):
    answer = visitor.get("/bids", headers=JSON)
    assert answer.status_code == 401
    assert answer.mimetype == "application/problem+json"
    assert answer.json["code"] == "foundation.sign_in_required"


def test_roles_admit_and_refuse(app: Flask, bidder: FlaskClient):
    expert = app.test_client()
    expert.set_cookie("who", "expert")
    assert bidder.get("/bids").status_code == 200
    assert expert.get("/bids").status_code == 403
    assert expert.get("/mine").status_code == 200
    assert "您现在的身份不能做这件事" in expert.get("/bids").text


def test_navigation_shows_the_items_of_the_readers_role(visitor: FlaskClient, bidder: FlaskClient):
    mine = bidder.get("/mine").text
    assert '<a href="/mine" aria-current="page">我的</a>' in mine
    assert '<a href="/bids">我的投标</a>' in mine
    assert "投标人" in mine
    home = visitor.get("/").text
    assert 'href="/bids"' not in home
    assert "开放数据" in home


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "", None, "/a\nb", "bids", "/a\\b"]
)
def test_a_way_back_never_leaves_the_site(target):
    assert safe_next(target) == "/"


def test_a_way_back_on_the_site_is_kept():
    assert safe_next("/bids?page=2") == "/bids?page=2"


def test_readiness_names_each_check(make_app: Callable[..., Flask]):
    app = make_app()
    client = app.test_client()
    assert client.get("/healthz").json == {"status": "ok"}
    app.extensions["readiness"]["database"] = lambda: None
    assert client.get("/readyz").json == {"status": "ready", "checks": {"database": "ok"}}

    def broken() -> None:
        raise OSError

    app.extensions["readiness"]["store"] = broken
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json["checks"] == {"database": "ok", "store": "failed"}
