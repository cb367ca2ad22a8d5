"""The pages of evaluation: the whole way by JSON, both languages, every route for every role, what stays hidden."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Request
from flask.testing import FlaskClient

import bid_opening.web
import evaluation.tasks
import evaluation.web
import tendering.web
from evaluation.services import award, committee, seats
from evaluation.states import CaseState, SeatState
from foundation.actor import Actor
from foundation.draws import replay
from foundation.web.access import rule_of
from foundation.web.kit import WebSettings, complete, create_web
from tests.support_evaluation import Evaluation, make_evaluation

CHINESE = re.compile(r"[一-鿿]")
CODE = re.compile(
    r"\b(evaluation_state|seat_state|sheet_state|draw_state|draw_contributor|rubric|rubric_item|item_kind|verdict|finding"
    r"|recusal|rejection|score_step|evaluation_paper|evaluation)\.(?!css)[a-z_]+\b"
)
MISSING = "00000000-0000-7000-8000-000000000000"


@dataclass
class Web:
    """Clients of one evaluation's people; the header ``X-Test-User`` says who asks."""

    told: Evaluation
    app: Flask

    @property
    def people(self) -> dict[str, Actor | None]:
        told = self.told
        found: dict[str, Actor | None] = {
            "public": None,
            "agency": told.host,
            "tenderee": told.tenderee,
            "supervisor": told.supervisor,
            "centre_staff": told.opening.staff,
            "bidder": told.opening.bidders[0].actor,
        }
        return found

    def client(self, who: Actor | None, *, json: bool = True, lang: str = "zh") -> FlaskClient:
        client = self.app.test_client()
        client.environ_base["HTTP_ACCEPT"] = "application/json" if json else "text/html"
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = lang
        client.environ_base["HTTP_AUTHORIZATION"] = "Bearer test"
        if who is not None:
            client.environ_base["HTTP_X_TEST_USER"] = str(who.user_id)
        return client

    def get(self, who: Actor | None, url: str, **how: Any) -> str:
        answer = self.client(who, **how).get(url)
        assert answer.status_code == 200, (url, answer.status_code, answer.get_data(as_text=True)[:400])
        text: str = answer.get_data(as_text=True)
        return text

    def post(self, who: Actor | None, url: str, body: dict[str, Any] | None = None) -> Any:
        answer = self.client(who).post(url, json=body or {})
        assert answer.status_code in {200, 201}, (url, answer.status_code, answer.get_data(as_text=True)[:600])
        return answer.get_json()


def make_web(told: Evaluation) -> Web:
    app = create_web("evaluation-test", WebSettings(secret_key="k" * 32, rates_on=False))
    app.extensions["runtime"] = told.world.runtime
    app.extensions["civil_now"] = told.world.clock.now
    everybody = [told.host, told.tenderee, told.supervisor, told.opening.staff, *told.experts.values()]
    everybody += [bidder.actor for bidder in told.opening.bidders]
    known = {str(actor.user_id): actor for actor in everybody}

    def identify(request: Request) -> Actor | None:
        return known.get(request.headers.get("X-Test-User", ""))

    app.extensions["identify"] = identify
    for package in (tendering, bid_opening, evaluation):
        package.web.register(app)
    return Web(told, complete(app))


@pytest.fixture
def web(tmp_path: Path) -> Iterator[Web]:
    made = make_web(make_evaluation(tmp_path))
    yield made
    made.told.world.engine.dispose()


def sheet_body(codes: list[str], act: str = "submit") -> dict[str, Any]:
    items = ("qualification", "compliance", "technical")
    return {"act": act, "marks": {code: {item: {"verdict": "pass"} for item in items} for code in codes}}


def test_the_whole_way_by_json(web: Web) -> None:
    told, lot = web.told, web.told.lot_id
    web.post(told.host, f"/lots/{lot}/committee", {"size": 5})
    web.post(told.tenderee, f"/lots/{lot}/committee/draw", {"words": "春眠不觉晓"})
    salt = web.post(told.supervisor, f"/lots/{lot}/committee/draw", {"words": "处处闻啼鸟"})["salt"]
    told.opening.publish()
    evaluation.tasks.look(told.world.runtime)
    draw = web.client(None).get(f"/lots/{lot}/committee/draw").get_json()["draw_page"]["draws"][0]
    assert draw["is_verified"] is True
    own = next(one for one in draw["contributions"] if one["contributor"] == "supervisor")
    assert committee.contribution_of(draw["draw_id"], "supervisor", "处处闻啼鸟", salt) == own["value"]
    assert committee.commitment_to(own["value"]) == own["commitment"]
    ranking = replay(draw["transcript"], draw["pool"])
    assert [one["blinded"] for one in draw["tickets"]][:5] == list(ranking.drawn)
    for seat in told.seats(SeatState.INVITED):
        expert = told.experts[seat.user_id]
        rows = web.client(expert).get("/reviews").get_json()["rows"]
        assert [row["next_act"] for row in rows] == ["answer"]
        web.post(expert, f"/reviews/{lot}", {"answer": "accept", "oath": True, "free": True})
    web.post(told.host, f"/lots/{lot}/evaluation")
    assert told.run_jobs() == []
    orders = set()
    for member in told.members():
        sheet = web.client(member).get(f"/reviews/{lot}").get_json()["review"]["sheet"]
        assert sorted(sheet["codes"]) == ["A", "B", "C"]
        assert sheet["files"] == sheet["codes"]
        file = web.client(member).get(f"/reviews/{lot}/files/A.pdf")
        assert file.get_data().startswith(b"%PDF-1.7 technical")
        orders.add(tuple(sheet["codes"]))
        web.post(member, f"/reviews/{lot}/sheet", sheet_body(sheet["codes"][:1], act="save"))
        web.post(member, f"/reviews/{lot}/sheet", sheet_body(sheet["codes"]))
    for member in told.members():
        web.post(member, f"/reviews/{lot}/signature")
    assert told.run_jobs() == []
    web.post(told.host, f"/lots/{lot}/candidates")
    assert told.run_jobs() == []
    bidder = told.opening.bidders[0].actor
    own_page = web.client(bidder).get(f"/lots/{lot}/my-result").get_json()["own"]
    assert own_page["own_steps"]
    assert own_page["steps"]
    objection = web.post(bidder, f"/lots/{lot}/objections", {"text": "对第一名的业绩有异议。"})["objection"]
    told.pass_publicity()
    refused = web.client(told.tenderee).post(f"/lots/{lot}/award", json={})
    assert (refused.status_code, refused.get_json()["code"]) == (409, "tendering.lot_stayed")
    web.post(told.host, f"/lots/{lot}/objections/{objection}/answer", {"text": "业绩属实。"})
    web.post(told.tenderee, f"/lots/{lot}/award")
    assert told.run_jobs() == []
    winner = told.winner()
    contract = web.client(winner).get(f"/lots/{lot}/contract").get_json()["contract"]
    assert web.post(winner, f"/lots/{lot}/contract", {"sha256": contract["sha256"]})["is_concluded"] is False
    assert web.post(told.tenderee, f"/lots/{lot}/contract", {"sha256": contract["sha256"]})["is_concluded"] is True
    for who, url in (
        (winner, f"/lots/{lot}/my-result/notice.pdf"),
        (winner, f"/lots/{lot}/contract.pdf"),
        (told.host, f"/lots/{lot}/evaluation/report.pdf"),
        (None, f"/lots/{lot}/candidates.pdf"),
    ):
        assert web.client(who).get(url).get_data().startswith(b"%PDF"), url


def stages(told: Evaluation) -> Iterator[str]:
    """The evaluation, step by step, for pages that are looked at on the way."""
    yield "nothing"
    told.act(told.host, committee.request_committee, 5)
    yield "collecting"
    told.act(told.tenderee, committee.contribute, "一")
    told.act(told.supervisor, committee.contribute, "二")
    told.opening.publish()
    evaluation.tasks.look(told.world.runtime)
    yield "invited"
    told.accept_all()
    from evaluation.services import report, review, sheets

    told.act(told.host, review.start_review)
    assert told.run_jobs() == []
    yield "review"
    for member in told.members():
        told.act(member, sheets.submit, told.passes())
    yield "signing"
    for member in told.members():
        told.act(member, report.sign, "")
    assert told.run_jobs() == []
    yield "reported"
    told.act(told.host, award.publish_candidates)
    assert told.run_jobs() == []
    yield "publicity"
    objection = told.act(told.opening.bidders[0].actor, award.raise_objection, "Objection one")
    yield "objected"
    told.act(told.host, award.answer_objection, objection, "Answer one")
    told.pass_publicity()
    told.act(told.tenderee, award.award)
    assert told.run_jobs() == []
    yield "awarded"
    for actor in (told.tenderee, told.winner()):
        told.act(actor, award.sign_contract, told.contract_digest())
    yield "contracted"


def pages_of(web: Web) -> Iterator[tuple[Actor | None, str]]:
    """Every page that somebody may open now."""
    told, lot = web.told, web.told.lot_id
    yield told.opening.staff, "/experts"
    yield told.supervisor, "/draws"
    yield None, "/results"
    yield told.host, f"/lots/{lot}/evaluation"
    yield told.tenderee, f"/lots/{lot}/evaluation"
    seated = told.seats(SeatState.INVITED, SeatState.ACCEPTED) if told.case() is not None else []
    for seat in seated[:1]:
        yield told.experts[seat.user_id], "/reviews"
        yield told.experts[seat.user_id], f"/reviews/{lot}"
    state = told.case().state
    with told.world.units.read() as unit:
        has_draw = committee.last_draw(unit, lot) is not None
    if has_draw:
        yield told.supervisor, f"/lots/{lot}/committee/draw"
        yield None, f"/lots/{lot}/committee/draw"
    if state in {CaseState.PUBLICITY, CaseState.AWARDED, CaseState.CONTRACTED}:
        yield None, f"/lots/{lot}/candidates"
        for bidder in told.opening.bidders:
            yield bidder.actor, f"/lots/{lot}/my-result"
    if state in {CaseState.AWARDED, CaseState.CONTRACTED}:
        yield None, f"/lots/{lot}/award"
        yield told.tenderee, f"/lots/{lot}/contract"
        yield told.winner(), f"/lots/{lot}/contract"


def test_every_page_speaks_both_languages_at_every_stage(web: Web) -> None:
    own = ("武进", "常州", "江苏", "设计院", "人expert", "人p")
    for stage in stages(web.told):
        for who, url in pages_of(web):
            zh, en = (web.get(who, url, json=False, lang=lang) for lang in ("zh", "en"))
            assert 'lang="zh-Hans"' in zh
            assert '<html lang="en"' in en
            for text in (zh, en):
                found = CODE.search(re.sub(r'(href|action|src|name|id|for|data-\w+)="[^"]*"', "", text))
                assert not found, (stage, url, found.group())
            for heading in re.findall(r"<h[123][^>]*>(.*?)</h[123]>", en, re.DOTALL):
                assert not CHINESE.search(heading) or any(name in heading for name in own), (stage, url, heading)


def test_who_sits_and_which_code_is_whose_is_told_to_nobody_before_its_time(web: Web) -> None:
    """Invariant 12, over every page and JSON answer of everybody but the member itself."""
    told, lot = web.told, web.told.lot_id
    for stage in stages(told):
        readers = list(web.people.values()) + [bidder.actor for bidder in told.opening.bidders]
        urls = [
            f"/lots/{lot}/evaluation",
            f"/lots/{lot}/committee/draw",
            f"/lots/{lot}/candidates",
            f"/lots/{lot}/my-result",
            f"/lots/{lot}",
            "/draws",
            "/results",
            f"/reviews/{lot}",
        ]
        names = {told.experts[seat.user_id].display_name for seat in told.seats()} if stage != "nothing" else set()
        logins = {told.experts[seat.user_id].org_name for seat in told.seats()} if stage != "nothing" else set()
        salts = {told.case().expert_salt, told.case().code_salt} - {""}
        if stage in {"awarded", "contracted"}:
            break
        for who in readers:
            for url in urls:
                for json in (True, False):
                    text = web.client(who, json=json).get(url).get_data(as_text=True)
                    assert not any(name in text for name in names | logins), (stage, url)
                    assert told.case().expert_salt not in text, (stage, url)
                    if stage == "review":
                        assert not any(salt in text for salt in salts)
        if stage == "review":
            member = told.members()[0]
            text = web.client(member).get(f"/reviews/{lot}").get_data(as_text=True)
            assert not any(bid in text for bid in told.codes())
            shown = text.split('"sheet"', 1)[1]
            assert not any(bidder.actor.org_name in shown for bidder in told.opening.bidders)
            assert not any(total in text for total in told.totals)
    award_page = web.get(None, f"/lots/{lot}/award", json=False)
    assert all(member.display_name in award_page for member in told.members())


ROUTES: dict[str, dict[str, int]] = {
    # endpoint → status by role at the stage of publicity; "member" sits, "expert" does not. POST bodies are empty.
    "reviews.my_reviews": {"member": 200, "expert": 200},
    "reviews.show_review": {"member": 200, "expert": 404},
    "reviews.answer": {"member": 422, "expert": 422},
    "reviews.write_sheet": {"member": 409, "expert": 404},
    "reviews.sign": {"member": 409, "expert": 404},
    "reviews.bid_file": {"member": 200, "expert": 404},
    "evaluation.show_desk": {"agency": 200, "tenderee": 200},
    "evaluation.request_committee": {"agency": 409, "tenderee": 403},
    "evaluation.rerun_recusal": {"agency": 200, "tenderee": 403},
    "evaluation.start_review": {"agency": 409, "tenderee": 403},
    "evaluation.decide_tie": {"agency": 422, "tenderee": 422},
    "evaluation.publish_candidates": {"agency": 409, "tenderee": 403},
    "evaluation.declare_failed": {"agency": 409, "tenderee": 403},
    "evaluation.answer_objection": {"agency": 422, "tenderee": 422},
    "evaluation.decide_award": {"agency": 403, "tenderee": 409},
    "evaluation.report_pdf": {"agency": 200, "tenderee": 200, "supervisor": 200, "member": 200, "expert": 404},
    "results.list_results": {"*": 200},
    "results.show_candidates": {"*": 200},
    "results.candidates_pdf": {"*": 200},
    "results.show_award": {"*": 404},
    "results.my_result": {"bidder": 200, "rival": 404},
    "results.raise_objection": {"bidder": 422, "rival": 422},
    "results.notice_pdf": {"bidder": 404, "rival": 404},
    "results.show_contract": {"tenderee": 404, "bidder": 404, "rival": 404},
    "results.sign_contract": {"tenderee": 422, "bidder": 422, "rival": 422},
    "results.contract_pdf": {"tenderee": 404, "bidder": 404, "rival": 404, "agency": 404},
    "expert_draws.list_draws": {"supervisor": 200},
    "expert_draws.show_draw": {"*": 200},
    "expert_draws.contribute": {"tenderee": 422, "supervisor": 422},
    "experts.list_experts": {"centre_staff": 200},
    "experts.enter_expert": {"centre_staff": 422},
    "experts.suspend": {"centre_staff": 422},
}
OURS = ("reviews.", "evaluation.", "results.", "expert_draws.", "experts.")


def test_every_route_answers_every_role_as_the_table_says(web: Web) -> None:
    told = web.told
    told.to_publicity()
    rival = told.world.organisation("无锡未投标公司", "bidder", login="rival")
    member = told.members()[0]
    outsider = next(one for one in told.experts.values() if one not in told.members())
    people = {**web.people, "member": member, "expert": outsider, "rival": rival}
    web = make_web_with(told, rival)
    values = {"lot_id": told.lot_id, "objection_id": MISSING, "expert_id": MISSING, "code": "A"}
    adapter = web.app.url_map.bind("localhost")
    mine = [rule for rule in web.app.url_map.iter_rules() if rule.endpoint.startswith(OURS)]
    assert {rule.endpoint for rule in mine} == set(ROUTES)
    wrong = []
    for rule in mine:
        row = ROUTES[rule.endpoint]
        given = {name: values[name] for name in rule.arguments}
        url = adapter.build(
            rule.endpoint, given, append_unknown=False, method=next(iter(rule.methods - {"HEAD", "OPTIONS"}))
        )
        for name, who in people.items():
            expected = row.get(name, row.get("*", 401 if who is None else 403))
            if "POST" in (rule.methods or set()):
                got = web.client(who).post(url, json={}).status_code
            else:
                got = web.client(who).get(url, buffered=True).status_code
            if got != expected:
                wrong.append(f"{rule.endpoint} as {name}: {got}, not {expected}")
    assert not wrong, "\n".join(wrong)


def make_web_with(told: Evaluation, rival: Actor) -> Web:
    web = make_web(told)
    known = web.app.extensions["identify"]

    def identify(request: Request) -> Actor | None:
        found: Actor | None = known(request)
        return found or (rival if request.headers.get("X-Test-User") == str(rival.user_id) else None)

    web.app.extensions["identify"] = identify
    return web


def test_other_peoples_lots_and_missing_ones_are_told_alike(web: Web) -> None:
    told = web.told
    told.to_publicity()
    stranger = told.world.organisation("别的代理公司", "agency", login="stranger")
    other = make_web_with(told, stranger)
    for lot in (told.lot_id, MISSING):
        for url in (f"/lots/{lot}/evaluation", f"/lots/{lot}/evaluation/report.pdf"):
            answer = other.client(stranger).get(url)
            assert (answer.status_code, answer.get_json()["code"]) == (404, "foundation.not_found"), url
        assert other.client(stranger).post(f"/lots/{lot}/candidates", json={}).status_code == 404


def test_a_refused_sheet_comes_back_with_what_was_typed(web: Web) -> None:
    told, lot = web.told, web.told.lot_id
    told.to_review()
    member = told.members()[0]
    form = {"act": "save", "marks.A.compliance.verdict": "fail", "marks.A.compliance.reason": "工期太长"}
    answer = web.client(member, json=False).post(f"/reviews/{lot}/sheet", data=form)
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'href="#f-marks.A.compliance.clause"' in text
    assert 'id="f-marks.A.compliance.clause"' in text
    assert 'value="工期太长"' in text
    assert "否决投标必须引用招标文件条款" in text


def test_every_route_has_its_rule(web: Web) -> None:
    for rule in web.app.url_map.iter_rules():
        assert rule_of(web.app, rule.endpoint) is not None


def test_an_expert_who_recuses_itself_is_gone_from_the_committee(web: Web) -> None:
    told, lot = web.told, web.told.lot_id
    told.to_drawn()
    seat = told.seats(SeatState.INVITED)[0]
    expert = told.experts[seat.user_id]
    web.post(expert, f"/reviews/{lot}", {"answer": "recuse", "reason": "配偶在投标人单位"})
    assert web.client(expert).get(f"/reviews/{lot}").status_code == 404
    assert len(told.seats(SeatState.INVITED)) == 5
    page = web.get(None, f"/lots/{lot}/committee/draw")
    assert "配偶" not in page
    told.act(told.experts[told.seats(SeatState.INVITED)[0].user_id], seats.decline, "出差")
    assert len(told.seats(SeatState.INVITED)) == 5
