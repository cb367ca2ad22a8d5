"""The guided run over HTTP: choosing a role, the bar on every page, what it tells to whom, holding and going on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update

from accounts.sessions import COOKIE
from centre import demo_facts, demo_guide, demo_run, demo_view
from centre.demo_guide import Facts
from centre.demo_run import Run
from centre.seed_people import user_of
from centre.web import make_app
from evaluation.models import CommitteeDraw, CommitteeSeat, Expert
from evaluation.services import cases
from evaluation.states import DrawState, SeatState
from foundation.actor import Actor, system
from foundation.clock import machine_now
from foundation.money import Money
from foundation.web.access import rule_of
from sandbox.autopilot import doing
from sandbox.autopilot.stages import Part, Stage
from tendering.models import Lot
from tendering.states import LotState
from tests.support.demo_centre import DemoCentre, make_demo, make_runtime

TESTER = system("test")
HTML = {"Accept": "text/html"}
ROLES = {Part.TENDEREE: "tenderee", Part.BIDDER: "bidder", Part.EXPERT: "expert", Part.SUPERVISOR: "supervisor"}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "data"
    make_demo(folder).runtime.units.engine.dispose()
    return folder


@pytest.fixture
def demo(tmp_path: Path, template: Path) -> Iterator[DemoCentre]:
    made = make_demo(tmp_path / "data", template)
    made.app.config["WTF_CSRF_ENABLED"] = False  # browsers' forms here bring no token; test_forgery.py holds that gate
    for limiter in made.app.extensions["limiter"]:
        limiter.enabled = False
    yield made
    made.runtime.units.engine.dispose()


def folder_of(demo: DemoCentre) -> Path:
    return demo.runtime.settings.data_dir


def browser(demo: DemoCentre) -> FlaskClient:
    return demo.app.test_client()


def started(demo: DemoCentre, part: Part, pace: float = 0) -> FlaskClient:
    """A browser that has chosen this role."""
    client = browser(demo)
    answer = client.post("/demo/run", data={"part": str(part), "pace": str(pace)}, headers=HTML)
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return client


def guide_of(client: FlaskClient) -> dict[str, object]:
    guide: dict[str, object] = client.get("/demo/guide", headers={"Accept": "application/json"}).get_json()["guide"]
    return guide


def at_state(demo: DemoCentre, state: LotState) -> None:
    """Put the newest guided lot into a state; the way there is walked by the integration tests."""
    with demo.runtime.units.begin(TESTER) as unit:
        run = demo_run.read(folder_of(demo))
        assert run is not None
        unit.session.execute(update(Lot).where(Lot.id == run.lot_id).values(state=state))


def test_a_real_centre_has_no_runs(tmp_path: Path) -> None:
    client = make_app(make_runtime(tmp_path / "real", demo=False)).test_client()
    assert client.get("/demo/guide").status_code == 404
    for path in ("/demo/run", "/demo/run/enter", "/demo/run/hold", "/demo/run/go-on", "/demo/run/end"):
        assert client.post(path, headers={"Authorization": "Bearer x"}).status_code == 404


def test_before_anybody_has_chosen_there_is_no_bar_and_five_roles_to_choose(demo: DemoCentre) -> None:
    page = browser(demo).get("/demo", headers=HTML).get_data(as_text=True)
    assert 'id="guide"' not in page
    assert re.findall(r'name="part" value="(\w+)"', page) == list(Part)
    told = guide_of(browser(demo))
    assert (told["run"], told["stage"], told["turn"]) == (None, "keys", None)


@pytest.mark.parametrize(("part", "login"), [(part, demo_run.LOGINS.get(part, "")) for part in Part])
def test_choosing_signs_in_as_that_role_and_the_bar_is_on_every_page(demo: DemoCentre, part: Part, login: str) -> None:
    client = started(demo, part)
    cookie = client.get_cookie(COOKIE)
    assert (cookie is not None) == bool(login)
    if login:
        assert client.get("/account", headers={"Accept": "application/json"}).get_json()["account"]["login"] == login
    for path in ("/", "/notices", "/demo", "/demo/guide", "/no-such-page"):
        assert 'id="guide"' in client.get(path, headers=HTML).get_data(as_text=True)


def test_who_watches_as_the_public_is_signed_out(demo: DemoCentre) -> None:
    client = started(demo, Part.BIDDER)
    client.post("/demo/run", data={"part": "public"}, headers=HTML)
    assert client.get("/account", headers={"Accept": "application/json"}).status_code == 401


def test_a_run_begins_with_a_lot_nobody_has_touched(demo: DemoCentre) -> None:
    first = guide_of(started(demo, Part.BIDDER))["lot_id"]
    assert guide_of(started(demo, Part.TENDEREE))["lot_id"] == first
    at_state(demo, LotState.OPEN)
    second = guide_of(started(demo, Part.BIDDER))
    assert second["lot_id"] != first
    assert second["stage"] == "keys"
    with demo.runtime.units.read() as unit:
        assert len(unit.session.scalars(select(Lot).where(Lot.is_guided)).all()) == 2


@pytest.mark.parametrize(
    "body", [{}, {"part": "agency"}, {"part": "bidder", "pace": -1}, {"part": "bidder", "pace": 31}]
)
def test_an_unknown_role_or_pace_is_refused_and_nothing_starts(demo: DemoCentre, body: dict[str, object]) -> None:
    assert demo.client("administrator").post("/demo/run", json=body).status_code == 422
    assert demo_run.read(folder_of(demo)) is None


def test_holding_going_on_and_ending(demo: DemoCentre) -> None:
    client = demo.client("administrator")
    for path in ("/demo/run/hold", "/demo/run/go-on", "/demo/run/enter"):
        assert client.post(path, json={}).get_json()["code"] == "centre.demo_nobody_plays"
    started(demo, Part.BIDDER)
    assert client.post("/demo/run/hold", json={"back": "/notices"}).get_json() == {
        "is_held": True,
        "location": "/notices",
    }
    assert guide_of(browser(demo))["run"] == {**guide_of(browser(demo))["run"], "is_held": True}  # type: ignore[dict-item]
    assert client.post("/demo/run/go-on", json={"back": "//elsewhere"}).get_json()["location"] == "/demo"
    client.post("/demo/run/end", json={})
    assert guide_of(browser(demo))["run"] is None
    assert 'id="guide"' not in browser(demo).get("/notices", headers=HTML).get_data(as_text=True)


def test_whose_turn_it_is_is_told_to_the_visitor_alone(demo: DemoCentre) -> None:
    visitor = started(demo, Part.TENDEREE)
    at_state(demo, LotState.SUBMITTED)
    own, others = guide_of(visitor), guide_of(browser(demo))
    assert (own["turn"], own["is_yours"], own["url"]) == ("approve", True, f"/lots/{own['lot_id']}/preparation")
    assert (others["turn"], others["is_yours"], others["may_enter"]) == (None, False, True)
    assert "轮到您" in visitor.get("/notices", headers=HTML).get_data(as_text=True)
    elsewhere = browser(demo).get("/notices", headers=HTML).get_data(as_text=True)
    assert "轮到您" not in elsewhere
    assert 'action="/demo/run/enter"' in elsewhere


def test_another_browser_can_go_on_as_the_chosen_role(demo: DemoCentre) -> None:
    started(demo, Part.TENDEREE)
    other = browser(demo)
    assert other.post("/demo/run/enter", headers=HTML).status_code == 303
    assert guide_of(other)["is_yours"] is True


def test_what_others_do_and_when_the_clock_jumps_is_told(demo: DemoCentre) -> None:
    visitor = started(demo, Part.BIDDER)
    path = demo_run.doing_file(folder_of(demo))
    assert guide_of(visitor)["is_silent"] is False  # it has only just begun
    now = machine_now()
    demo_run.change(folder_of(demo), lambda run: replace(run, started_at=now - timedelta(minutes=1)))
    assert guide_of(visitor)["is_silent"] is True
    doing.write(path, doing.Doing(now, "ask_for_keys", "agency"))
    told = guide_of(visitor)
    assert (told["doing"], told["is_silent"]) == ({"what": "ask_for_keys", "who": "陆之恒"}, False)
    doing.write(path, doing.Doing(now, jump_at=now + timedelta(seconds=10)))
    jumping = guide_of(visitor)
    assert 8 <= int(str(jumping["jump_in"])) <= 10
    assert jumping["version"] != told["version"]
    assert "data-jump-left" in visitor.get("/notices", headers=HTML).get_data(as_text=True)
    doing.write(path, doing.Doing(now - timedelta(minutes=1), jump_at=now - timedelta(seconds=50)))
    late = guide_of(visitor)
    assert (late["jump_in"], late["is_silent"]) == (-1, True)


def test_a_run_survives_in_its_file_and_an_unreadable_one_is_none(demo: DemoCentre) -> None:
    started(demo, Part.SUPERVISOR, pace=2.5)
    run = demo_run.read(folder_of(demo))
    assert run is not None
    assert (run.part, run.login, run.pace_seconds, run.is_held) == (Part.SUPERVISOR, "supervisor", 2.5, False)
    file = demo_run.folder_of(folder_of(demo)) / "run.json"
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text("{", encoding="utf-8")
    assert demo_run.read(folder_of(demo)) is None
    assert browser(demo).get("/demo", headers=HTML).status_code == 200


# The expert -----------------------------------------------------------------------------------------------------


def seat(demo: DemoCentre, *logins: str) -> None:
    """A draw that offered seats to these experts, in this order."""
    run = demo_run.read(folder_of(demo))
    assert run is not None
    with demo.runtime.units.begin(TESTER) as unit:
        cases.open_case(unit, run.lot_id)
        draw = CommitteeDraw(
            id=unit.new_id(),
            lot_id=run.lot_id,
            number=1,
            draw_id="draw/1",
            state=DrawState.DRAWN,
            seats=len(logins),
            pool=[],
            passed=[],
            pool_entry_id=unit.new_id(),
            last_entry_id=unit.new_id(),
            asked_at=unit.at,
            drawn_at=unit.at,
        )
        unit.session.add(draw)
        unit.session.flush()
        for login in logins:
            user = user_of(unit, login)
            assert user is not None
            expert = unit.session.scalars(select(Expert).where(Expert.user_id == user.id)).one()
            unit.session.add(
                CommitteeSeat(
                    id=unit.new_id(),
                    lot_id=run.lot_id,
                    draw_row_id=draw.id,
                    expert_id=expert.id,
                    user_id=user.id,
                    blinded=login,
                    state=SeatState.INVITED,
                    invited_at=unit.at,
                    answer_until=unit.at + timedelta(hours=1),
                    answered_at=None,
                    signed_at=None,
                )
            )


def vacate(demo: DemoCentre, login: str, state: SeatState) -> None:
    with demo.runtime.units.begin(TESTER) as unit:
        unit.session.execute(update(CommitteeSeat).where(CommitteeSeat.blinded == login).values(state=state))


def enter(demo: DemoCentre) -> str:
    return str(demo.client("administrator").post("/demo/run/enter", json={}).get_json()["login"])


def test_an_expert_is_whoever_the_draw_seats_and_nobody_before_it(demo: DemoCentre) -> None:
    visitor = started(demo, Part.EXPERT)
    refused = demo.client("administrator").post("/demo/run/enter", json={})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "centre.demo_nobody_drawn")
    assert guide_of(visitor)["may_enter"] is False
    seat(demo, "expert4", "expert9")
    assert guide_of(visitor)["may_enter"] is True
    assert "expert4" not in visitor.get("/demo/guide", headers={"Accept": "application/json"}).get_data(as_text=True)
    assert visitor.post("/demo/run/enter", headers=HTML).status_code == 303
    own = guide_of(visitor)
    assert (own["turn"], own["url"]) == ("take_seat", f"/reviews/{own['lot_id']}")


def test_the_visitor_stays_the_same_expert_and_becomes_another_only_when_the_seat_is_lost(demo: DemoCentre) -> None:
    started(demo, Part.EXPERT)
    seat(demo, "expert4", "expert9")
    first = enter(demo)
    (other,) = {"expert4", "expert9"} - {first}
    vacate(demo, first, SeatState.ACCEPTED)
    assert enter(demo) == first
    vacate(demo, first, SeatState.DECLINED)
    assert enter(demo) == other


# Every stage ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", list(Part))
def test_every_place_the_guide_leads_to_admits_that_role(demo: DemoCentre, part: Part) -> None:
    role = ROLES.get(part, "")
    actor = Actor(user_id="u", roles=frozenset({role}), role=role) if role else Actor()  # type: ignore[arg-type]
    acts = {turn for stage in Stage for own in owns() if (turn := demo_guide.turn_of(part, stage, own))}
    places = {demo_guide.place_of(part, stage, None, own) for stage in Stage for own in owns()}
    places |= {demo_guide.place_of(part, Stage.BIDDING, act) for act in acts}
    for place in places:
        rule = rule_of(demo.app, place)
        assert rule is not None
        assert rule.admits(actor), (part, place)


def owns() -> list[demo_guide.Own]:
    seated = demo_guide.Own(has_seat=True, has_deposit=True, is_sealed=True, has_result=True, may_sign=True)
    experts = [replace(seated, expert_act=act) for act in ("answer", "score", "sign")]
    return [demo_guide.Own(), demo_guide.Own(has_deposit=True), seated, *experts]


@pytest.mark.parametrize("lang", ["zh-Hans", "en"])
@pytest.mark.parametrize("part", list(Part))
def test_the_bar_speaks_at_every_stage_and_turn(
    demo: DemoCentre, monkeypatch: pytest.MonkeyPatch, part: Part, lang: str
) -> None:
    """Rendered for every stage, with and without a turn; no code of the catalogue may show."""
    visitor = started(demo, part if part is not Part.EXPERT else Part.TENDEREE)
    run = demo_run.read(folder_of(demo))
    assert run is not None
    for stage in Stage:
        monkeypatch.setattr(demo_guide, "stage_of", lambda _facts, stage=stage: stage)
        for turn in {demo_guide.turn_of(part, stage, own) for own in owns()}:
            monkeypatch.setattr(demo_guide, "turn_of", lambda *_about, turn=turn: turn)
            page = visitor.get("/demo/guide", headers={**HTML, "Accept-Language": lang})
            assert page.status_code == 200
            text = page.get_data(as_text=True)
            assert not re.findall(r"(?:guide_\w+|demo_\w+)\.\w+", text), (stage, turn)
        monkeypatch.undo()


def test_refunds_are_summed_in_the_bar_when_all_is_done(demo: DemoCentre, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = started(demo, Part.PUBLIC)
    found = demo_facts.RefundSum(8, Money.yuan("2000000.00"), Money.yuan("525.04"))
    monkeypatch.setattr(demo_facts, "refunds_of", lambda *_about: found)
    assert guide_of(visitor)["refund"] is None  # before the award nobody learns who paid
    monkeypatch.setattr(demo_guide, "stage_of", lambda _facts: Stage.DONE)
    page = visitor.get("/demo/guide", headers=HTML).get_data(as_text=True)
    assert "2,000,525.04" in page
    assert "开标记录" in page


def test_the_facts_of_a_draft_are_read_from_its_rows(demo: DemoCentre) -> None:
    with demo.runtime.units.read() as unit:
        lot = unit.session.scalars(select(Lot).where(Lot.is_guided)).one()
        assert demo_facts.facts_of(unit, lot) == Facts(LotState.DRAFT)
        run = Run(Part.BIDDER, lot.id, 0, machine_now(), "bidder1")
        user = demo_facts.visitor_of(unit, run)
        assert user is not None
        assert demo_facts.own_of(unit, run, user) == demo_guide.Own()
        assert demo_view.account_of(unit, replace(run, login="nobody-such")) == ""
