"""Pages that exist in a demonstration only, and what they may do."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest
from sqlalchemy import select, update

from accounts.models import Claim, User
from accounts.states import ClaimState
from centre import demo_moments
from centre.errors import NothingToWaitFor, SomethingRuns
from centre.web import make_app
from foundation.actor import system
from foundation.clock import parse_iso
from foundation.store.unit import Unit
from sandbox import cast
from sandbox.clients import bank as bank_client
from tendering.models import Lot, Upload
from tendering.states import LotState
from tests.support.demo_centre import DemoCentre, make_demo, make_runtime

TESTER = system("test")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "data"
    make_demo(folder).runtime.units.engine.dispose()
    return folder


@pytest.fixture
def demo(tmp_path: Path, template: Path) -> DemoCentre:
    return make_demo(tmp_path / "data", template)


def guided(unit: Unit) -> Lot:
    return unit.session.scalars(select(Lot).where(Lot.is_guided)).one()


def publish(demo: DemoCentre, *, deadline: datetime | None = None) -> datetime:
    """Put the guided lot into the state it has once published; returns its deadline."""
    with demo.runtime.units.begin(TESTER) as unit:
        lot = guided(unit)
        at = deadline or lot.deadline_at
        unit.session.execute(
            update(Lot)
            .where(Lot.id == lot.id)
            .values(state=LotState.OPEN, published_at=unit.at, deadline_at=at, rulebook_id="works-mandatory-2022")
        )
    assert at is not None
    return at


def test_a_real_centre_has_no_demonstration_pages(tmp_path: Path) -> None:
    app = make_app(make_runtime(tmp_path / "real", demo=False))
    client = app.test_client()
    assert client.get("/demo").status_code == 404
    posts = ("/demo/clock/next", "/demo/sign-in-as/bidder1", "/demo/sample-company", "/demo/check")
    for path in posts:
        assert client.post(path, headers={"Authorization": "Bearer x"}).status_code == 404
    assert "demo_accounts" not in app.extensions


@pytest.mark.parametrize("language", ["zh-Hans", "en"])
def test_the_guide_shows_accounts_agents_and_the_next_moment(demo: DemoCentre, language: str) -> None:
    page = demo.app.test_client().get("/demo", headers={"Accept-Language": language}).get_data(as_text=True)
    for account in ("bidder1", "agency", "supervisor"):
        assert account in page
    assert "http://bidder.localhost/demo?as=bidder1#enter" in page
    assert cast.PASSWORD in page
    assert "骆成章" in page
    assert "demo_moment." not in page
    assert "demo_side." not in page


def test_under_a_name_where_roles_have_no_hosts_the_links_stay_here(demo: DemoCentre) -> None:
    page = demo.app.test_client().get("/demo", headers={"Host": "127.0.0.1:8000"}).get_data(as_text=True)
    assert "bidder.localhost:8000" not in page
    assert "/demo?as=bidder1#enter" in page


def test_the_strip_with_the_clock_stands_on_other_pages_too(demo: DemoCentre) -> None:
    page = demo.app.test_client().get("/notices").get_data(as_text=True)
    assert 'action="/demo/clock/run"' in page
    assert 'action="/demo/clock/next"' in page


def test_one_button_signs_in_as_a_printed_account_and_as_nobody_else(demo: DemoCentre) -> None:
    answer = demo.client("administrator").post("/demo/sign-in-as/bidder1", json={})
    token = answer.get_json()["token"]
    own = demo.client()
    own.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    assert own.get("/account").get_json()["account"]["login"] == "bidder1"
    with demo.runtime.units.begin(TESTER) as unit:
        unit.session.execute(update(User).where(User.login == "observer").values(login="somebody"))
    assert demo.client("administrator").post("/demo/sign-in-as/somebody", json={}).status_code == 404


@pytest.mark.parametrize("login", ["agency", "tenderee", "bidder1", "supervisor", "centre", "administrator"])
def test_every_role_begins_at_its_work_list(demo: DemoCentre, login: str) -> None:
    assert demo.client("administrator").post(f"/demo/sign-in-as/{login}", json={}).get_json()["location"] == "/desk"


def test_the_steps_follow_the_guided_lot_and_name_people_as_the_table_does(demo: DemoCentre) -> None:
    html = {"Accept": "text/html", "Accept-Language": "en"}

    def states() -> list[str]:
        page = demo.app.test_client().get("/demo", headers=html).get_data(as_text=True)
        assert '<span lang="zh-Hans">陆之恒</span>: ask the holders' in page
        return re.findall(r'<li class="(done|next|todo)"><span class="no">', page)

    assert states() == ["next", *["todo"] * 8]
    publish(demo)
    assert states() == ["done", "done", "next", *["todo"] * 6]


def test_without_agents_the_page_says_so(demo: DemoCentre) -> None:
    for one in (demo.runtime.settings.data_dir / "demo" / "agents").glob("*"):
        one.unlink()
    page = demo.app.test_client().get("/demo", headers={"Accept": "text/html"}).get_data(as_text=True)
    assert "现在没有代理程序" in page


def test_a_sample_company_is_its_visitors_own_and_not_verified(demo: DemoCentre) -> None:
    made = demo.client("administrator").post("/demo/sample-company", json={}).get_json()
    own = demo.client()
    own.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {made['token']}"
    account = own.get("/account").get_json()["account"]
    assert (account["name"], account["claim"]["state"]) == (made["company"]["name"], "unverified")


class Notary:
    """Stands in for the bank's address and keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []

    def post(self, url: str, *, json: dict[str, str], **_: object) -> httpx.Response:
        self.asked.append((url, json))
        answer = {"number": "111122223333"} if url.endswith("/accounts") else {"serial": "DB0000000001"}
        return httpx.Response(201, json=answer, request=httpx.Request("POST", url))


def test_the_verification_transfer_is_paid_from_the_own_account_with_the_own_reference(
    demo: DemoCentre, monkeypatch: pytest.MonkeyPatch
) -> None:
    bank = Notary()
    monkeypatch.setattr(demo.runtime.settings, "bank_url", "http://bank.invalid")
    monkeypatch.setattr(bank_client.httpx, "post", bank.post)
    client = demo.client("newcomer")
    assert client.post("/demo/bank/verification-transfer", json={}).status_code == 409
    assert bank.asked == []
    client.post("/account/verification", json={"way": "transfer"})
    assert client.post("/demo/bank/verification-transfer", json={}).get_json()["serial"] == "DB0000000001"
    with demo.runtime.units.read() as unit:
        claim = unit.session.scalars(select(Claim).where(Claim.state == ClaimState.PENDING)).one()
    (_, opened), (_, paid) = bank.asked
    assert opened == {"holder": cast.NEWCOMER.zh}
    assert (paid["debit"], paid["reference"], paid["amount"]) == ("111122223333", claim.reference, "1.00")


def test_an_agent_can_be_let_rest_and_act_again(demo: DemoCentre) -> None:
    client = demo.client("administrator")
    client.post("/demo/agents/audit/rest", json={})
    assert [one["name"] for one in client.get("/demo").get_json()["agents"] if one["is_resting"]] == ["audit"]
    client.post("/demo/agents/audit/act", json={})
    assert not any(one["is_resting"] for one in client.get("/demo").get_json()["agents"])
    assert client.post("/demo/agents/..%2f..%2fx/rest", json={}).status_code == 404
    assert client.post("/demo/agents/nobody/rest", json={}).status_code == 404


def test_the_clock_is_paused_run_and_never_turned_back(demo: DemoCentre) -> None:
    client = demo.client("administrator")
    assert client.post("/demo/clock/run", json={}).get_json()["is_running"] is True
    assert client.get("/time").get_json()["is_paused"] is False
    assert client.post("/demo/clock/pause", json={}).get_json()["is_running"] is False
    assert client.get("/time").get_json()["is_paused"] is True
    first = client.get("/time").get_json()["now"]
    client.post("/demo/clock/next", json={})
    assert client.get("/time").get_json()["now"] > first


def test_a_draft_waits_for_its_planned_publication_and_then_for_people(demo: DemoCentre) -> None:
    client = demo.client("administrator")
    moment = client.post("/demo/clock/next", json={}).get_json()["moment"]
    assert (moment["key"], moment["rule_id"]) == ("publication", "R1.03")
    assert client.get("/time").get_json()["now"] == moment["at"]
    refused = client.post("/demo/clock/next", json={})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "centre.nothing_to_wait_for")


def test_next_moment_goes_through_every_legal_instant_to_the_deadline_and_names_the_rule(demo: DemoCentre) -> None:
    deadline = publish(demo)
    client = demo.client("administrator")
    seen = []
    for _ in range(6):
        moment = client.post("/demo/clock/next", json={}).get_json()["moment"]
        assert moment["clause_zh"]
        assert moment["clause_en"]
        seen.append((moment["key"], moment["rule_id"]))
    assert seen[-3:] == [("checkin_from", "R3.04"), ("emergency_checkin_from", "R3.04"), ("bid_deadline", "R1.31")]
    assert {key for key, _ in seen} == set(demo_moments.TIMETABLE_KEYS)
    assert parse_iso(client.get("/time").get_json()["now"]) == deadline
    again = client.post("/demo/clock/next", json={}).get_json()
    assert (again["code"], again["fields"]["what"]) == ("centre.something_runs", "closing")


def test_the_clock_does_not_jump_over_an_upload(demo: DemoCentre) -> None:
    publish(demo)
    with demo.runtime.units.begin(TESTER) as unit:
        lot = guided(unit)
        user = unit.session.scalars(select(User).where(User.login == "bidder1")).one()
        upload = Upload(id=unit.new_id(), lot_id=lot.id, org_id=user.org_id, parts=[], created_at=unit.at)
        unit.session.add(upload)
    with demo.runtime.units.read() as unit, pytest.raises(SomethingRuns) as refused:
        demo_moments.refuse_while_running(unit, guided(unit))
    assert refused.value.fields == {"what": "upload"}
    answer = demo.client("administrator").post("/demo/clock/next", json={})
    assert answer.get_json()["code"] == "centre.something_runs"
    with demo.runtime.units.begin(TESTER) as unit:
        long_ago = unit.at - demo_moments.CALM - timedelta(seconds=1)
        unit.session.execute(update(Upload).values(created_at=long_ago))
    assert demo.client("administrator").post("/demo/clock/next", json={}).status_code == 200


def test_an_imported_lot_has_no_next_moment(demo: DemoCentre) -> None:
    with demo.runtime.units.read() as unit:
        imported = unit.session.scalars(select(Lot).where(Lot.is_imported)).first()
        assert imported is not None
        with pytest.raises(NothingToWaitFor):
            demo_moments.next_moment(unit, imported)
        lot_id = imported.id
    assert demo.client("administrator").post("/demo/clock/next", json={"lot_id": lot_id}).status_code == 404


def test_the_way_back_stays_on_this_site(demo: DemoCentre) -> None:
    client = demo.client("administrator")
    answer = client.post("/demo/clock/run", json={"back": "https://elsewhere.example/"})
    assert answer.get_json()["location"] == "/demo"
    assert client.post("/demo/clock/run", json={"back": "/notices"}).get_json()["location"] == "/notices"


def test_everything_is_recomputed_on_request(demo: DemoCentre) -> None:
    found = demo.client("administrator").post("/demo/check", json={}).get_json()
    assert (found["journal_ok"], found["log_ok"], found["rooms_ok"], found["faults"]) == (True, True, True, [])
    assert found["entries"] > 50
