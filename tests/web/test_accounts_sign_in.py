from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from accounts import passwords, sessions
from accounts.rules import FAILURES_PER_LOGIN, SESSION_IDLE, SESSION_LIFE
from accounts.services.sign_in import UNKNOWN_STREAM
from foundation.clock import machine_now
from foundation.journal import JournalEntry, read_stream, verify_stream
from tests.web.support_accounts import PASSWORD, QUICK, Centre, make_centre, token_in


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_SHARED", QUICK)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    made = make_centre(tmp_path)
    org = made.organisation("常州澄岳建设有限公司", 1)
    made.person(org, "zhou", ["bidder"])
    return made


def registration(**changes: object) -> dict[str, object]:
    from foundation.codes import synthetic_uscc

    return {
        "organisation": "常州新城建设有限公司",
        "uscc": synthetic_uscc(77),
        "person": "周敏",
        "login": "zhou.min",
        "password": PASSWORD,
        "roles": ["bidder"],
        **changes,
    }


def test_anybody_registers_and_signs_in_without_an_approval(centre: Centre) -> None:
    visitor = centre.client()
    answer = visitor.post("/register", json=registration())
    assert answer.status_code == 201
    signed_in = centre.client("zhou.min").get("/account").get_json()["account"]
    assert signed_in["roles"] == ["bidder"]
    assert signed_in["claim"]["state"] == "unverified"


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"uscc": "91320412MA1W000000"}, "uscc", "foundation.uscc_check_failed"),
        ({"uscc": "9132"}, "", "foundation.uscc_malformed"),
        ({"login": "ZHOU"}, "login", "accounts.login_taken"),
        ({"login": "周"}, "login", "accounts.login_shape"),
        ({"password": "short"}, "password", "foundation.field_too_short"),
        ({"password_again": "another sentence"}, "password_again", "accounts.passwords_differ"),
        ({"roles": ["supervisor"]}, "roles.0", "foundation.field_choice"),
        ({"uscc": "12320412466011756K"}, "uscc", "accounts.operator_may_not_trade"),
    ],
)
def test_a_registration_is_refused_with_its_reason(
    centre: Centre, changes: dict[str, object], field: str, code: str
) -> None:
    answer = centre.client().post("/register", json=registration(**changes))
    body = answer.get_json()
    assert answer.status_code in {409, 422}
    reasons = {(one["field"], one["code"]) for one in body["objections"]} | {("", body["code"])}
    assert (field, code) in reasons


def test_a_code_that_fails_its_check_is_admitted_with_evidence_and_kept_for_review(centre: Centre) -> None:
    wanted = registration(uscc="91350203M0001QAY9B", evidence="营业执照，企业信用信息公示系统可查")
    assert centre.client().post("/register", json=wanted).status_code == 201
    client = centre.client("zhou.min")
    refused = client.post("/account/verification", json={"way": "transfer"})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "accounts.uscc_not_reviewed")
    assert client.post("/account/verification", json={"way": "documents"}).status_code == 201


def test_a_form_needs_its_token_and_gets_a_host_only_cookie(centre: Centre) -> None:
    browser = centre.browser()
    page = browser.get("/sign-in").get_data(as_text=True)
    form = {"login": "zhou", "password": PASSWORD}
    assert browser.post("/sign-in", data=form).status_code == 400
    answer = browser.post("/sign-in", data={**form, "csrf_token": token_in(page), "next": "//evil.example/x"})
    assert (answer.status_code, answer.headers["Location"]) == (303, "/desk")  # everybody begins at its work list
    cookie = next(one for one in answer.headers.getlist("Set-Cookie") if one.startswith(sessions.COOKIE))
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Domain" not in cookie
    assert browser.get("/account").status_code == 200


def test_people_begin_at_the_first_place_of_their_role_or_where_they_were_going(centre: Centre) -> None:
    centre.app.extensions["nav"].add("bidder", "我的投标", "My bids", "credit.bans", order=-5)
    browser = centre.browser()
    form = {
        "login": "zhou",
        "password": PASSWORD,
        "csrf_token": token_in(browser.get("/sign-in").get_data(as_text=True)),
    }
    assert browser.post("/sign-in", data=form).headers["Location"] == "/credit/bans"
    asked = centre.browser()
    page = asked.get("/sign-in?next=/account/keys").get_data(as_text=True)
    form = {"login": "zhou", "password": PASSWORD, "csrf_token": token_in(page), "next": "/account/keys"}
    assert asked.post("/sign-in", data=form).headers["Location"] == "/account/keys"


def test_a_json_sign_in_gives_a_token_and_no_cookie(centre: Centre) -> None:
    answer = centre.client().post("/sign-in", json={"login": "Zhou ", "password": PASSWORD})
    assert len(answer.get_json()["token"]) == 64
    assert not [one for one in answer.headers.getlist("Set-Cookie") if one.startswith(sessions.COOKIE)]


def test_a_bearer_header_is_looked_at_alone(centre: Centre) -> None:
    client = centre.client("zhou")
    good = client.environ_base.pop("HTTP_AUTHORIZATION").split()[1]
    client.set_cookie(sessions.COOKIE, good)
    assert client.get("/account").status_code == 200
    assert client.get("/account", headers={"Authorization": "Bearer " + "0" * 64}).status_code == 401


def test_an_unknown_login_and_a_wrong_password_look_the_same(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str | None] = []
    real = QUICK.matches

    def matches(password_hash: str | None, password: str) -> bool:
        checked.append(password_hash)
        return real(password_hash, password)

    monkeypatch.setattr(QUICK, "matches", matches)
    wrong = centre.client().post("/sign-in", json={"login": "zhou", "password": "not the one"})
    unknown = centre.client().post("/sign-in", json={"login": "nobody", "password": "not the one"})
    assert wrong.status_code == unknown.status_code == 401
    one, other = wrong.get_json(), unknown.get_json()
    one.pop("request_id"), other.pop("request_id")
    assert one == other
    assert len(checked) == 2
    assert checked[0] is not None
    assert checked[1] is None


def test_the_work_for_an_unknown_login_is_a_real_check(monkeypatch: pytest.MonkeyPatch) -> None:
    work: list[str] = []
    real = QUICK._hasher.verify

    class Counting:
        def verify(self, password_hash: str, password: str) -> bool:
            work.append(password_hash)
            return real(password_hash, password)

        def hash(self, password: str) -> str:
            return QUICK._hasher.hash(password)

    counted = passwords.Passwords(Counting())  # type: ignore[arg-type]
    assert not counted.matches(None, "nobody has this password")
    assert len(work) == 1


def test_failures_close_the_door_for_that_login_from_that_address_only(centre: Centre) -> None:
    def attempt(login: str, password: str, address: str) -> int:
        return (
            centre.client()
            .post(
                "/sign-in",
                json={"login": login, "password": password},
                environ_overrides={"REMOTE_ADDR": address},
            )
            .status_code
        )

    statuses = [attempt("zhou", "not the one", "10.0.0.1") for _ in range(FAILURES_PER_LOGIN)]
    assert statuses == [401] * FAILURES_PER_LOGIN
    assert attempt("zhou", PASSWORD, "10.0.0.1") == 429
    assert attempt("zhou", PASSWORD, "10.0.0.2") == 200  # a rival cannot lock a bidder out


def test_every_entry_failure_and_exit_is_in_the_journal_without_a_secret(centre: Centre) -> None:
    client = centre.client("zhou")
    centre.client().post("/sign-in", json={"login": "zhou", "password": "wrong-secret-1"})
    centre.client().post("/sign-in", json={"login": "wrong-secret-2", "password": "wrong-secret-3"})
    client.post("/sign-out")
    with centre.units.read() as unit:
        user = unit.session.scalar(select(JournalEntry.actor_user_id).where(JournalEntry.type == "accounts.signed_in"))
        types = [entry.event.TYPE for entry in read_stream(unit.session, f"user:{user}")]
        unknown = [entry.event.TYPE for entry in read_stream(unit.session, UNKNOWN_STREAM)]
        everything = " ".join(unit.session.scalars(select(JournalEntry.data)))
        assert verify_stream(unit.session, f"user:{user}") == 4
    assert types == [
        "accounts.person_registered",
        "accounts.signed_in",
        "accounts.sign_in_failed",
        "accounts.signed_out",
    ]
    assert unknown == ["accounts.sign_in_failed"]
    assert "wrong-secret" not in everything
    assert PASSWORD not in everything
    assert client.environ_base["HTTP_AUTHORIZATION"].split()[1] not in everything


def test_a_revoked_session_ends_with_its_next_request(centre: Centre) -> None:
    here, there = centre.client("zhou"), centre.client("zhou")
    lines = here.get("/account/sessions").get_json()["sessions"]
    other = next(line["id"] for line in lines if not line["is_this"])
    assert there.get("/account").status_code == 200
    assert here.post(f"/account/sessions/{other}/revoke").status_code == 200
    assert there.get("/account").status_code == 401
    assert here.get("/account").status_code == 200


def test_all_other_sessions_end_together(centre: Centre) -> None:
    here, *others = [centre.client("zhou") for _ in range(3)]
    assert here.post("/account/sessions/revoke-others").get_json()["ended"] == 2
    assert [one.get("/account").status_code for one in others] == [401, 401]


def test_somebody_elses_session_is_not_found(centre: Centre) -> None:
    org = centre.organisation("另一家公司", 2)
    centre.person(org, "other", ["bidder"])
    theirs = centre.client("other").get("/account/sessions").get_json()["sessions"][0]["id"]
    assert centre.client("zhou").post(f"/account/sessions/{theirs}/revoke").status_code == 404


@pytest.mark.parametrize(("later", "status"), [(timedelta(minutes=1), 200), (SESSION_IDLE, 401), (SESSION_LIFE, 401)])
def test_a_session_runs_out_on_the_machine_clock(
    centre: Centre, monkeypatch: pytest.MonkeyPatch, later: timedelta, status: int
) -> None:
    client = centre.client("zhou")
    centre.clock.step(timedelta(days=30))  # the civil clock may jump in a demonstration; nobody is thrown out by it
    monkeypatch.setattr(sessions, "machine_now", lambda: machine_now() + later)
    assert client.get("/account").status_code == status


def test_use_keeps_a_session_alive_until_its_end(centre: Centre, monkeypatch: pytest.MonkeyPatch) -> None:
    client = centre.client("zhou")
    start = machine_now()
    statuses = []
    for hours in range(2, 26, 2):
        monkeypatch.setattr(sessions, "machine_now", lambda hours=hours: start + timedelta(hours=hours))
        statuses.append(client.get("/account").status_code)
    assert statuses == [200] * 11 + [401]


def test_a_changed_password_ends_the_other_sessions(centre: Centre) -> None:
    here, there = centre.client("zhou"), centre.client("zhou")
    wrong = here.post("/account/password", json={"old_password": "not it", "password": "a new long sentence"})
    assert wrong.get_json()["code"] == "accounts.old_password_wrong"
    assert there.get("/account").status_code == 200
    assert here.post("/account/password", json={"old_password": PASSWORD, "password": "a new long sentence"})
    assert there.get("/account").status_code == 401
    assert centre.client().post("/sign-in", json={"login": "zhou", "password": PASSWORD}).status_code == 401
    fresh = centre.client().post("/sign-in", json={"login": "zhou", "password": "a new long sentence"})
    assert fresh.status_code == 200


def test_demo_accounts_are_offered_only_where_the_centre_gives_them(centre: Centre) -> None:
    assert "演示账号" not in centre.browser().get("/sign-in").get_data(as_text=True)
    centre.app.extensions["demo_accounts"] = [{"login": "zhou", "password": PASSWORD, "name": "周敏", "role": "bidder"}]
    assert "演示账号" in centre.browser().get("/sign-in").get_data(as_text=True)
