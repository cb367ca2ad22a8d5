"""Requests another site can make somebody's browser send: none of them has an effect, at any unsafe route."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from accounts.models import UserSession
from accounts.sessions import COOKIE
from foundation.jobs.models import Job
from foundation.journal import JournalEntry
from foundation.web.access import rule_of
from tests.support.whole_centre import Person, WholeCentre, hold_opening, make_whole_centre
from tests.support.whole_deals import hold_evaluations

ROWS = tomllib.loads(Path(__file__).with_name("matrix.toml").read_text(encoding="utf-8"))
OTHER_SITE = "https://evil.example"

SIGNED_BODY = {"verification.bank_notice", "deposit_desk.bank_arrival", "deposit_desk.bank_order"}
"""Signed over the body by the bank; no cookie is looked at."""
JSON_WITHOUT_COOKIE = {"accounts.enter", "accounts.register_organisation"}
"""A JSON body is taken without a token: no other site can send one, and the answer sets no cookie."""


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> WholeCentre:
    made = make_whole_centre(tmp_path_factory.mktemp("forgery"))
    hold_opening(made)
    hold_evaluations(made)
    return made


def unsafe(app: Flask) -> Iterator[tuple[Rule, str]]:
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}):
            if rule.endpoint not in SIGNED_BODY:
                yield rule, method


def victims(app: Flask, centre: WholeCentre, rule: Rule) -> Person:
    """Somebody the route would let in: the first person of a role it admits."""
    access = rule_of(app, rule.endpoint)
    assert access is not None
    role = min((str(role) for role in access.roles), default="bidder")
    return centre.people[f"{role}1"]


def address(app: Flask, centre: WholeCentre, rule: Rule) -> str:
    row = ROWS[rule.endpoint]
    return centre.address(app, rule, row.get("object", ""), row.get("values", {}))


def written(centre: WholeCentre) -> tuple[int, ...]:
    """How much there is of everything a forged request could leave behind."""
    with centre.units.read() as unit:
        return tuple(
            unit.session.scalar(select(func.count()).select_from(table)) or 0
            for table in (JournalEntry, Job, UserSession)
        )


def token_of(client: FlaskClient) -> str:
    page = client.get("/").get_data(as_text=True)
    return page.split('name="csrf_token" value="', 1)[1].split('"', 1)[0]


def assert_no_effect(centre: WholeCentre, answers: dict[str, TestResponse], before: tuple[int, ...]) -> None:
    through = {where: answer.status for where, answer in answers.items() if answer.status_code < 400}
    assert not through
    assert written(centre) == before
    assert len(answers) > 60


def test_a_form_without_a_token_is_refused_and_nothing_is_recorded(centre: WholeCentre) -> None:
    before, answers = written(centre), {}
    for rule, method in unsafe(centre.app):
        client = centre.browser(victims(centre.app, centre, rule))
        url = address(centre.app, centre, rule)
        answers[f"{method} {url}"] = client.open(url, method=method, data={"text": "x"}, buffered=True)
    assert_no_effect(centre, answers, before)
    assert {answer.status_code for answer in answers.values()} == {400}


def test_json_with_a_cookie_needs_the_token_too(centre: WholeCentre) -> None:
    before, answers = written(centre), {}
    for rule, method in unsafe(centre.app):
        if rule.endpoint in JSON_WITHOUT_COOKIE:
            continue
        client = centre.browser(victims(centre.app, centre, rule))
        url, body = address(centre.app, centre, rule), ROWS[rule.endpoint].get("json", {})
        answers[f"{method} {url}"] = client.open(url, method=method, json=body, buffered=True)
    assert_no_effect(centre, answers, before)
    assert {answer.status_code for answer in answers.values()} == {400}


@pytest.mark.parametrize("origin", [OTHER_SITE, "null", "http://localhost.evil.example"])
def test_another_sites_origin_is_refused_with_whatever_token_it_guesses(centre: WholeCentre, origin: str) -> None:
    before, answers = written(centre), {}
    for rule, method in unsafe(centre.app):
        client = centre.browser(victims(centre.app, centre, rule))
        url = address(centre.app, centre, rule)
        answers[f"{method} {url}"] = client.open(
            url,
            method=method,
            data={"csrf_token": "guessed", "text": "x"},
            headers={"Origin": origin, "Referer": f"{OTHER_SITE}/page", "Sec-Fetch-Site": "cross-site"},
            buffered=True,
        )
    assert_no_effect(centre, answers, before)


def test_the_token_of_one_browser_is_worth_nothing_in_another(centre: WholeCentre) -> None:
    """Cookie tossing: the attacker's own token with the victim's session cookie."""
    stolen = token_of(centre.browser(centre.people["observer2"]))
    before, answers = written(centre), {}
    for rule, method in unsafe(centre.app):
        client = centre.browser(victims(centre.app, centre, rule))
        client.get("/sign-in")
        url = address(centre.app, centre, rule)
        answers[f"{method} {url}"] = client.open(url, method=method, data={"csrf_token": stolen}, buffered=True)
    assert_no_effect(centre, answers, before)


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
def test_a_method_override_changes_nothing(centre: WholeCentre, header: str) -> None:
    """A link is a GET whatever it claims to be: it answers as without the header, and nothing is recorded."""
    before = written(centre)
    compared = 0
    for rule, method in unsafe(centre.app):
        client = centre.browser(victims(centre.app, centre, rule))
        url = address(centre.app, centre, rule)
        plain = client.get(url, query_string={"_method": method}, buffered=True)
        forged = client.get(url, query_string={"_method": method}, headers={header: method}, buffered=True)
        assert plain.status_code == forged.status_code, url
        compared += 1
    assert written(centre) == before
    assert compared > 60


def test_signing_in_somebody_by_force_is_refused(centre: WholeCentre) -> None:
    """Login forgery: a form of another site cannot make this browser somebody else's; JSON sets no cookie."""
    client = centre.app.test_client()
    answer = client.post("/sign-in", data={"login": "test-bidder1", "password": "x"}, headers={"Origin": OTHER_SITE})
    assert answer.status_code == 400
    answer = client.post("/sign-in", json={"login": "test-bidder1", "password": "x"})
    assert answer.status_code in {401, 403, 409, 422}
    assert client.get_cookie(COOKIE) is None


def test_the_same_request_with_the_pages_own_token_has_its_effect(centre: WholeCentre) -> None:
    """The twin of the refusals above: what they refuse is the missing token, not the request."""
    client = centre.browser(centre.people["bidder1"])
    url = f"/lots/{centre.objects['open_lot'][1]}/subscription"
    before = written(centre)
    answer = client.post(url, data={"csrf_token": token_of(client), "on": "yes"})
    assert answer.status_code == 303
    assert written(centre)[0] == before[0] + 1


def test_a_bearer_token_carries_no_authority_of_the_cookie_beside_it(centre: WholeCentre) -> None:
    """A bearer request needs no form token, so it must not act as the person of the cookie."""
    client = centre.browser(centre.people["bidder1"])
    url = f"/lots/{centre.objects['open_lot'][1]}/subscription"
    before = written(centre)
    answer = client.post(url, json={"on": "no"}, headers={"Authorization": "Bearer nobody"})
    assert answer.status_code == 401
    assert written(centre) == before
