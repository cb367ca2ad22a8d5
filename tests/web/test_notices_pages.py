"""The page of messages to oneself and the centre's desk, through the forms as people use them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import select

from accounts import passwords
from accounts.inbox import add_to_inbox
from accounts.notices import delivery, rules
from accounts.notices.kinds import Kind
from accounts.notices.models import NoticeAddress, NoticeDelivery
from foundation.actor import system
from foundation.i18n import catalogue
from foundation.notices.message import Channel
from foundation.runtime import Runtime
from foundation.settings import Settings
from tests.integration.support_notices import CODE
from tests.web.support_accounts import QUICK, Centre, make_centre

ADDRESSES, CODES, HOOK = "/account/notices/addresses", "/account/notices/code", "/account/notices/hook"


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_SHARED", QUICK)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    """Its mail goes into a folder."""
    made = make_centre(tmp_path)
    firm = made.organisation("常州澄岳建设有限公司", 1)
    made.person(firm, "zhou", ["bidder"])
    made.person(firm, "li", ["bidder"])
    office = made.organisation("武进区公共资源交易中心", 2)
    made.person(office, "chen", ["centre_staff"])
    configure(made, smtp_url="file:")
    return made


def runtime(centre: Centre) -> Runtime:
    found: Runtime = centre.app.extensions["runtime"]
    return found


def configure(centre: Centre, **settings: object) -> None:
    made = Settings(data_dir=centre.folder, _env_file=None, **settings)  # type: ignore[arg-type]
    centre.app.extensions["runtime"] = replace(runtime(centre), settings=made)


def outbox(centre: Centre) -> list[str]:
    """What was laid into the folder, oldest first."""
    from email import message_from_bytes, policy

    files = sorted((centre.folder / "outbox").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    return [str(message_from_bytes(path.read_bytes(), policy=policy.default).get_content()) for path in files]


def send(centre: Centre) -> int:
    return delivery.send_due(runtime(centre), Channel.EMAIL)


def tell(centre: Centre, code: str = "inbox.second_claim", link: str = "/account") -> None:
    with centre.units.begin(system("test")) as unit:
        org_id = unit.session.scalar(select(NoticeDelivery.org_id)) or ""
        add_to_inbox(unit, org_id, code, {"name": "冒名公司", "uscc": "X", "at": unit.at}, link)


def verified(centre: Centre, login: str = "zhou") -> str:
    """An address of this person, its code entered; returns its id."""
    client = centre.client(login)
    made = client.post(ADDRESSES, json={"email": f"{login}@firm.example"})
    assert made.status_code == 201
    send(centre)
    code = CODE.findall(outbox(centre)[-1])[0]
    answer = client.post(CODES, json={"address_id": made.get_json()["address_id"], "email_code": code})
    assert answer.status_code == 200
    return str(made.get_json()["address_id"])


def html(centre: Centre, login: str, path: str, lang: str = "en") -> str:
    client = centre.client(login)
    answer = client.get(path, headers={"Accept": "text/html", "Accept-Language": lang})
    assert answer.status_code == 200
    return answer.get_data(as_text=True)


def test_an_address_is_added_verified_used_and_removed(centre: Centre) -> None:
    address_id = verified(centre)
    tell(centre)
    assert send(centre) == 1
    assert "冒名公司" in outbox(centre)[-1]
    log = centre.client("zhou").get("/account/notices").get_json()["notices"]["log"]
    assert [(line["purpose"], line["state"]) for line in log] == [("message", "sent"), ("code", "sent")]
    assert centre.client("zhou").post(f"{ADDRESSES}/remove", json={"address_id": address_id}).status_code == 200
    tell(centre)
    assert send(centre) == 0


def test_a_wrong_code_is_refused_at_its_box_and_counted(centre: Centre) -> None:
    client = centre.client("zhou")
    made = client.post(ADDRESSES, json={"email": "zhou@firm.example"}).get_json()
    send(centre)
    right = CODE.findall(outbox(centre)[-1])[0]
    wrong = {"address_id": made["address_id"], "email_code": f"{(int(right) + 1) % 10**6:06d}"}
    answer = client.post(CODES, json=wrong)
    assert answer.status_code == 422
    assert [one["field"] for one in answer.get_json()["objections"]] == ["email_code"]
    with centre.units.read() as unit:
        assert [row.code_tries for row in unit.session.scalars(select(NoticeAddress))] == [1]


@pytest.mark.parametrize("sent", [{}, {"email": "no address"}, {"mobile": "123"}, {"email": "a@b.c", "mobile": "1"}])
def test_a_bad_address_is_refused_politely(centre: Centre, sent: dict[str, str]) -> None:
    answer = centre.client("zhou").post(ADDRESSES, json=sent)
    assert answer.status_code in {409, 422}
    assert answer.get_json()["code"].startswith(("accounts.", "foundation."))


def test_a_channel_that_is_off_takes_no_address(centre: Centre) -> None:
    answer = centre.client("zhou").post(ADDRESSES, json={"mobile": "13812345678"})
    assert (answer.status_code, answer.get_json()["code"]) == (409, "accounts.channel_off")
    assert "This centre does not send this way" in html(centre, "zhou", "/account/notices")


def test_choices_are_kept_and_what_must_stay_stays(centre: Centre) -> None:
    client = centre.client("zhou")
    on = [f"{Kind.ACCOUNT}:email", f"{Kind.OPENING}:inbox"]
    sent = {"on": on, "lang": "en", "quiet_from": "22:00", "quiet_to": "7:30"}
    assert client.post("/account/notices", json=sent).status_code == 200
    kept = client.get("/account/notices").get_json()["notices"]
    assert (kept["lang"], kept["quiet_from"], kept["quiet_to"]) == ("en", "22:00", "07:30")
    is_on = {f"{line['kind']}:{place}" for line in kept["choices"] for place, on, _ in line["cells"] if on}
    always = {f"{kind}:inbox" for kind in ("deadline", "halt", "result", "money")}
    assert is_on == set(on) | always


@pytest.mark.parametrize("sent", [{"quiet_from": "22:00"}, {"quiet_from": "25:00", "quiet_to": "7:00"}, {"lang": "fr"}])
def test_bad_quiet_hours_are_refused_and_nothing_changes(centre: Centre, sent: dict[str, str]) -> None:
    client = centre.client("zhou")
    assert client.post("/account/notices", json=sent).status_code == 422
    assert client.get("/account/notices").get_json()["notices"]["quiet_from"] == ""


def test_the_webhooks_key_is_shown_once(centre: Centre) -> None:
    client = centre.client("zhou")
    answer = client.post(HOOK, json={"url": "https://firm.example/hook"})
    assert answer.status_code == 201
    key = answer.get_json()["hook_key"]
    assert len(key) == 64
    assert key not in json.dumps(client.get("/account/notices").get_json())
    assert key not in html(centre, "zhou", "/account/notices")
    assert client.post(HOOK, json={"url": "http://10.0.0.1/"}).status_code == 422


def test_people_of_one_firm_share_the_webhook_and_not_their_addresses(centre: Centre) -> None:
    verified(centre)
    centre.client("zhou").post(HOOK, json={"url": "https://firm.example/hook"})
    seen = centre.client("li").get("/account/notices").get_json()["notices"]
    assert seen["hook"]["url"] == "https://firm.example/hook"
    assert [line["purpose"] for line in seen["log"]] == ["trial"]
    assert all(channel["addresses"] == [] for channel in seen["channels"])
    assert centre.client("chen").get("/account/notices").get_json()["notices"]["hook"] is None


def test_staff_sees_what_was_given_up_and_sends_it_again(centre: Centre) -> None:
    verified(centre)
    tell(centre)
    configure(centre, smtp_url="smtp://localhost:1")
    with centre.units.begin(system("test")) as unit:
        row = unit.session.scalars(select(NoticeDelivery).where(NoticeDelivery.item_id.is_not(None))).one()
        row.attempts = rules.ATTEMPTS_MAX - 1
        delivery_id = row.id
    assert send(centre) == 0
    page = html(centre, "chen", "/staff/notices")
    assert "常州澄岳建设有限公司" in page
    assert "z***@***" in page
    assert "zhou@firm.example" not in page
    configure(centre, smtp_url="file:")
    staff = centre.client("chen")
    assert staff.post("/staff/notices/again", json={"delivery_id": delivery_id}).status_code == 200
    assert staff.post("/staff/notices/again", json={"delivery_id": delivery_id}).status_code == 409
    assert send(centre) == 1
    assert staff.post("/staff/notices/all-again", json={"channel": "email"}).status_code == 200
    assert centre.client("zhou").get("/staff/notices").status_code == 403


@pytest.mark.parametrize("lang", ["zh-Hans", "en"])
def test_both_pages_speak_both_languages_whatever_is_in_the_log(centre: Centre, lang: str) -> None:
    verified(centre)
    centre.client("zhou").post(ADDRESSES, json={"email": "new@firm.example"})
    centre.client("zhou").post(HOOK, json={"url": "https://firm.example/hook"})
    for state, reason in (("queued", "busy"), ("given_up", "refused"), ("sent", "")):
        tell(centre)
        with centre.units.begin(system("test")) as unit:
            for row in unit.session.scalars(select(NoticeDelivery).where(NoticeDelivery.state == "queued")):
                row.state, row.reason, row.attempts = state, reason, 2  # type: ignore[assignment]
    terms = catalogue().sections["terms"]
    for login, path in (("zhou", "/account/notices"), ("chen", "/staff/notices")):
        page = html(centre, login, path, lang)
        assert not any(f">{code}<" in page for code in terms)
        assert ("How you are told" in page or "Deliveries" in page) is (lang == "en")
