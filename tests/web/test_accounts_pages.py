"""Who may open which page, in both languages; and the flows through them."""

from __future__ import annotations

import hashlib
import hmac
import io
import json
from pathlib import Path

import pytest
from sqlalchemy import select

from accounts import passwords
from accounts.models import Claim, User
from accounts.roles import Role
from foundation.codes import synthetic_uscc
from foundation.journal import JournalEntry
from foundation.web.access import rule_of
from tests.web.support_accounts import PASSWORD, QUICK, Centre, make_centre, token_in

ANY = "00000000-0000-7000-8000-000000000000"
SECRET = b"a secret of more than thirty-two characters"
EVERYBODY = frozenset({"", *(str(role) for role in Role if role is not Role.PUBLIC)})
SIGNED_IN = EVERYBODY - {""}

MATRIX: dict[tuple[str, str], frozenset[str]] = {
    ("GET", "/register"): EVERYBODY,
    ("POST", "/register"): EVERYBODY,
    ("GET", "/sign-in"): EVERYBODY,
    ("POST", "/sign-in"): EVERYBODY,
    ("GET", "/account"): SIGNED_IN,
    ("GET", "/account/keys"): SIGNED_IN,
    ("POST", "/account/keys"): SIGNED_IN,
    ("POST", f"/account/keys/{ANY}/retire"): SIGNED_IN,
    ("GET", "/account/password"): SIGNED_IN,
    ("POST", "/account/password"): SIGNED_IN,
    ("GET", "/account/sessions"): SIGNED_IN,
    ("POST", f"/account/sessions/{ANY}/revoke"): SIGNED_IN,
    ("POST", "/account/sessions/revoke-others"): SIGNED_IN,
    ("GET", "/account/verification"): SIGNED_IN,
    ("POST", "/account/verification"): SIGNED_IN,
    ("GET", "/account/verification/certificate"): SIGNED_IN,
    ("POST", "/account/verification/certificate"): SIGNED_IN,
    ("GET", "/account/verification/documents"): SIGNED_IN,
    ("POST", "/account/verification/documents"): SIGNED_IN,
    ("GET", f"/account/verification/documents/{ANY}"): SIGNED_IN,
    ("GET", "/desk"): SIGNED_IN,
    ("GET", "/inbox"): SIGNED_IN,
    ("POST", "/inbox/read"): SIGNED_IN,
    ("GET", "/staff/verifications"): frozenset({"centre_staff"}),
    ("GET", f"/staff/verifications/{ANY}"): frozenset({"centre_staff"}),
    ("POST", f"/staff/verifications/{ANY}"): frozenset({"centre_staff"}),
    ("GET", f"/staff/verifications/codes/{ANY}"): frozenset({"centre_staff"}),
    ("POST", f"/staff/verifications/codes/{ANY}"): frozenset({"centre_staff"}),
    ("GET", "/admin/people"): frozenset({"administrator"}),
    ("GET", "/admin/people/new"): frozenset({"administrator"}),
    ("POST", "/admin/people/new"): frozenset({"administrator"}),
    ("GET", f"/admin/people/{ANY}"): frozenset({"administrator"}),
    ("POST", f"/admin/people/{ANY}"): frozenset({"administrator"}),
    ("GET", "/credit/bans"): EVERYBODY,
    ("GET", "/credit/bans/new"): frozenset({"supervisor"}),
    ("POST", "/credit/bans/new"): frozenset({"supervisor"}),
    ("GET", f"/credit/bans/{ANY}/annul"): frozenset({"supervisor"}),
    ("POST", f"/credit/bans/{ANY}/annul"): frozenset({"supervisor"}),
    ("POST", "/sign-out"): EVERYBODY,  # last: it ends the session this table asks with
}
"""``POST /bank/notices`` is not here: it asks for a signature, not for a role (tested below)."""


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_SHARED", QUICK)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    made = make_centre(tmp_path)
    firm = made.organisation("常州澄岳建设有限公司", 1)
    made.person(firm, "zhou", ["bidder"])
    office = made.organisation("武进区行政审批局", 2)
    for number, role in enumerate(sorted(SIGNED_IN - {"bidder"})):
        made.person(office if role != "agency" else firm, f"p{number}-{role}", [role])
    made.person(office, "staff-two", ["centre_staff"])
    key = tmp_path / "secrets" / "bank-notices.key"
    key.write_bytes(SECRET)
    key.chmod(0o600)
    return made


def login_of(centre: Centre, role: str) -> str:
    with centre.units.read() as unit:
        ending = {"bidder": "zhou"}.get(role, f"-{role}")
        return str(unit.session.scalar(select(User.login).where(User.login.like(f"%{ending}"))))


def person(centre: Centre, role: str):
    return centre.client(login_of(centre, role) if role else "")


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_each_role_reaches_its_own_routes_and_no_others(centre: Centre, role: str) -> None:
    client = person(centre, role)
    for (method, path), allowed in MATRIX.items():
        status = client.open(path, method=method, json={} if method == "POST" else None).status_code
        refused = 401 if not role else 403
        if role in allowed:
            # An empty form or an id that does not exist comes after the door, never before it.
            # Whoever has no token of its own needs that of the form, even to sign out.
            expected = {400} if not role and path == "/sign-out" else {200, 404, 409, 422}
            assert status in expected, (method, path, status)
        else:
            assert status == refused, (method, path, status)


def test_no_route_of_these_packages_is_missing_from_the_table(centre: Centre) -> None:
    adapter = centre.app.url_map.bind("localhost")
    named = {(method, adapter.match(path, method)[0]) for method, path in MATRIX}
    routes = {
        (method, rule.endpoint)
        for rule in centre.app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in {"accounts", "verification", "people", "credit"}
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routes - named == {("POST", "verification.bank_notice")}
    assert all(rule_of(centre.app, endpoint) for _, endpoint in routes)


@pytest.mark.parametrize("lang", ["zh-Hans", "en"])
def test_every_page_speaks_both_languages(centre: Centre, lang: str) -> None:
    fill(centre)
    ids = {"claim": one_id(centre, Claim), "person": one_id(centre, User)}
    pages = {
        "bidder": [
            "/register",
            "/sign-in",
            "/account",
            "/account/password",
            "/account/sessions",
            "/account/verification",
            "/desk",
            "/inbox",
            "/credit/bans",
        ],
        "centre_staff": ["/staff/verifications", f"/staff/verifications/{ids['claim']}"],
        "administrator": ["/admin/people", "/admin/people/new", f"/admin/people/{ids['person']}"],
        "supervisor": ["/credit/bans/new", "/credit/bans"],
    }
    for role, paths in pages.items():
        client = person(centre, role)
        client.environ_base["HTTP_ACCEPT"] = "text/html"
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = lang
        for path in paths:
            answer = client.get(path)
            html = answer.get_data(as_text=True)
            assert answer.status_code == 200, path
            assert f'<html lang="{lang}"' in html, path
            # A term without a sentence would show its code.
            for prefix in (
                "claim_state.",
                "claim_way.",
                "role.",
                "inbox.",
                "key_purpose.",
                "ban_standing.",
                "verdict.",
            ):
                assert f">{prefix}" not in html, (path, prefix)


def fill(centre: Centre) -> None:
    """A claim with a document, one agreement, a key and a ban, so that every part of the pages is drawn."""
    bidder = person(centre, "bidder")
    bidder.post("/account/verification", json={"way": "documents"})
    upload(bidder)
    staff = person(centre, "centre_staff")
    assert staff.post(f"/staff/verifications/{one_id(centre, Claim)}", json=AGREED).status_code == 200
    assert person(centre, "supervisor").post("/credit/bans/new", json=BAN).status_code == 201


def one_id(centre: Centre, row: type[Claim | User]) -> str:
    """The claim, or the person, of the bidder's organisation."""
    with centre.units.read() as unit:
        user = unit.session.scalars(select(User).where(User.login == "zhou")).one()
        if row is User:
            return user.id
        return str(unit.session.scalar(select(Claim.id).where(Claim.org_id == user.org_id)))


AGREED = {"verdict": "approve", "note": "看过原件"}
BAN = {
    "uscc": synthetic_uscc(1),
    "name": "常州澄岳建设有限公司",
    "authority": "常州市住建局",
    "decision_no": "常建罚〔2026〕12号",
    "clause": "招标投标法第五十三条",
    "starts_at": "2026-11-01 00:00",
    "ends_at": "2027-11-01 00:00",
    "document_reference": "公告 2026-12",
}


def upload(client, content: bytes = b"%PDF-1.7\nx", title: str = "营业执照"):
    return client.post(
        "/account/verification/documents",
        data={"title": title, "document": (io.BytesIO(content), "../../evil.html")},
        content_type="multipart/form-data",
    )


def test_two_officers_verify_documents_through_the_pages(centre: Centre) -> None:
    bidder = person(centre, "bidder")
    bidder.post("/account/verification", json={"way": "documents"})
    refused = upload(bidder, b"<script>")
    assert (refused.status_code, refused.get_json()["code"]) == (422, "accounts.file_refused")
    assert upload(bidder).status_code == 201
    claim = one_id(centre, Claim)
    first, second = person(centre, "centre_staff"), centre.client("staff-two")
    assert first.get("/staff/verifications").get_json()["desk"]["claims"][0]["id"] == claim
    assert first.post(f"/staff/verifications/{claim}", json=AGREED).get_json()["state"] == "pending"
    again = first.post(f"/staff/verifications/{claim}", json=AGREED)
    assert (again.status_code, again.get_json()["code"]) == (409, "accounts.same_officer")
    assert second.post(f"/staff/verifications/{claim}", json=AGREED).get_json()["state"] == "verified"
    assert bidder.get("/account").get_json()["account"]["claim"]["state"] == "verified"


def test_a_document_is_for_its_owner_and_for_staff_and_never_shown_inline(centre: Centre) -> None:
    bidder = person(centre, "bidder")
    bidder.post("/account/verification", json={"way": "documents"})
    path = f"/account/verification/documents/{upload(bidder).get_json()['document_id']}"
    for client in (bidder, person(centre, "centre_staff")):
        answer = client.get(path)
        assert answer.get_data() == b"%PDF-1.7\nx"
        assert answer.headers["Content-Disposition"].startswith("attachment")
        assert "evil" not in answer.headers["Content-Disposition"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    for role in ("supervisor", "administrator", "tenderee"):
        assert person(centre, role).get(path).status_code == 404


def send_notice(centre: Centre, reference: str, secret: bytes = SECRET, **changes: str):
    said = {
        "notice_id": "B1",
        "payer_name": "常州澄岳建设有限公司",
        "payer_account": "320500001234567",
        "reference": reference,
        "amount": "1.00",
        **changes,
    }
    body = json.dumps(said).encode()
    signature = hmac.new(secret, body, hashlib.sha256).hexdigest()
    headers = {"X-Bank-Signature": signature, "Content-Type": "application/json"}
    return centre.client().post("/bank/notices", data=body, headers=headers)


def test_the_bank_verifies_a_claim_over_http_once(centre: Centre) -> None:
    bidder = person(centre, "bidder")
    reference = bidder.post("/account/verification", json={"way": "transfer"}).get_json()["claim"]["reference"]
    forged = send_notice(centre, reference, secret=b"another secret of thirty-two characters")
    assert (forged.status_code, forged.get_json()["code"]) == (403, "accounts.notice_not_signed")
    assert bidder.get("/account").get_json()["account"]["claim"]["state"] == "pending"
    answers = [send_notice(centre, reference).get_json() for _ in range(2)]
    assert answers == [{"notice_id": "B1", "outcome": "verified"}] * 2
    assert bidder.get("/account").get_json()["account"]["claim"]["state"] == "verified"
    told = bidder.get("/inbox", headers={"Accept": "text/html", "Accept-Language": "en"}).get_data(as_text=True)
    assert "you may seal bids" in told
    assert send_notice(centre, reference, payer_name="别人").status_code == 409
    assert send_notice(centre, reference, notice_id="B 2").status_code == 422


def test_without_a_shared_secret_no_notice_is_believed(centre: Centre) -> None:
    (centre.folder / "secrets" / "bank-notices.key").unlink()
    assert send_notice(centre, "X").status_code == 503


def test_a_refused_form_is_shown_again_with_its_reason(centre: Centre) -> None:
    browser = centre.browser()
    token = token_in(browser.get("/register").get_data(as_text=True))
    form = {
        "csrf_token": token,
        "organisation": "新公司",
        "uscc": "91320412MA1W000000",
        "person": "王芳",
        "login": "wang",
        "password": "a secret sentence",
        "password_again": "a secret sentence",
    }
    answer = browser.post("/register", data=form)
    html = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'href="#f-evidence"' in html
    assert 'value="新公司"' in html
    assert "a secret sentence" not in html
    done = browser.post("/register", data={**form, "uscc": synthetic_uscc(70)})
    assert (done.status_code, done.headers["Location"]) == (303, "/account")
    assert browser.get("/account").status_code == 200


def test_a_second_claim_shows_in_the_inbox_of_the_first(centre: Centre) -> None:
    wanted = {
        "organisation": "冒名公司",
        "uscc": synthetic_uscc(1),
        "person": "甲",
        "login": "jia",
        "password": PASSWORD,
    }
    assert centre.client().post("/register", json=wanted).status_code == 201
    first = person(centre, "bidder")
    inbox = first.get("/inbox").get_json()
    assert [line["code"] for line in inbox["paging"]["rows"]] == ["inbox.second_claim"]
    first.environ_base["HTTP_ACCEPT"] = "text/html"
    assert "冒名公司" in first.get("/inbox").get_data(as_text=True)
    first.post("/inbox/read")
    first.environ_base["HTTP_ACCEPT"] = "application/json"
    assert first.get("/inbox").get_json()["unread"] == 0
    assert centre.client("jia").get("/inbox").get_json()["paging"]["rows"] == []


def test_a_changed_role_counts_from_the_next_request(centre: Centre) -> None:
    bidder, boss = person(centre, "bidder"), person(centre, "administrator")
    target = f"/admin/people/{one_id(centre, User)}"
    assert bidder.get("/credit/bans/new").status_code == 403
    clash = boss.post(target, json={"roles": ["bidder", "supervisor"]})
    assert (clash.status_code, clash.get_json()["code"]) == (422, "accounts.roles_conflict")
    assert boss.post(target, json={"roles": ["supervisor"], "reason": "来函"}).status_code == 200
    assert bidder.get("/credit/bans/new").status_code == 200
    assert bidder.get("/account").get_json()["account"]["roles"] == ["supervisor"]
    with centre.units.read() as unit:
        data = unit.session.scalar(select(JournalEntry.data).where(JournalEntry.type == "accounts.roles_changed"))
    assert json.loads(str(data))["before"] == ["bidder"]


def test_the_administrator_adds_a_colleague_who_is_asked_to_change_the_password(centre: Centre) -> None:
    boss = person(centre, "administrator")
    with centre.units.read() as unit:
        org_id = unit.session.scalar(select(User.org_id).where(User.login == "zhou"))
    wanted = {"org_id": org_id, "person": "李强", "login": "liqiang", "password": PASSWORD, "roles": ["witness"]}
    assert boss.post("/admin/people/new", json=wanted).status_code == 201
    assert boss.post("/admin/people/new", json=wanted).status_code == 409
    account = centre.client("liqiang").get("/account").get_json()["account"]
    assert account["is_password_given"] is True
    assert account["roles"] == ["witness"]


def test_people_are_found_and_paged(centre: Centre) -> None:
    boss = person(centre, "administrator")
    found = boss.get("/admin/people?q=zhou").get_json()["paging"]["rows"]
    assert [line["login"] for line in found] == ["zhou"]
    assert boss.get("/admin/people?q=%25").get_json()["paging"]["rows"] == []
    seen, url = [], "/admin/people?limit=5"
    while url:
        paging = boss.get(url).get_json()["paging"]
        seen += [line["login"] for line in paging["rows"]]
        url = paging["next_url"]
    assert len(seen) == len(set(seen)) == 12


def test_a_ban_is_public_at_once(centre: Centre) -> None:
    assert centre.client().get("/credit/bans").get_json()["paging"]["rows"] == []
    assert person(centre, "supervisor").post("/credit/bans/new", json=BAN).status_code == 201
    rows = centre.client().get("/credit/bans").get_json()["paging"]["rows"]
    assert [(row["decision_no"], row["standing"]) for row in rows] == [(BAN["decision_no"], "in_force")]
    assert rows[0]["starts_at"] == "2026-10-31T16:00:00.000Z"
    late = person(centre, "supervisor").post("/credit/bans/new", json={**BAN, "ends_at": "2026-10-01 00:00"})
    assert late.get_json()["objections"][0]["field"] == "ends_at"


def test_who_does_not_bid_is_not_told_that_it_may_seal(centre: Centre) -> None:
    tenderee = person(centre, "tenderee")
    claim = tenderee.post("/account/verification", json={"way": "transfer"}).get_json()["claim"]
    name = tenderee.get("/account").get_json()["account"]["name"]
    assert send_notice(centre, claim["reference"], payer_name=name).get_json()["outcome"] == "verified"
    for path in ("/inbox", "/account", "/account/verification"):
        told = tenderee.get(path, headers={"Accept": "text/html", "Accept-Language": "en"}).get_data(as_text=True)
        assert "verified" in told, path
        assert "you may seal bids" not in told.lower(), path
