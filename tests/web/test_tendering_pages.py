"""Tendering's pages: in both languages, by JSON alone, and silent about who is interested in a lot."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event

from foundation.actor import system
from foundation.money import Money
from tendering.queries import notices, preparation, statistics
from tendering.services.imports import PastLot, import_lot
from tests.support.tender_office import CODES, DEADLINE, DRAFT, Office

CHINESE = re.compile(r"[\u4e00-\u9fff]")


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.units.engine.dispose()


@pytest.fixture
def app(office: Office) -> Flask:
    return office.app()


def get(office: Office, app: Flask, url: str, login: str = "", **how: Any) -> Any:
    answer = office.client(app, login, **how).get(url)
    assert answer.status_code == 200, (login, url, answer.get_data(as_text=True)[:300])
    return answer.get_data(as_text=True)


def post(office: Office, app: Flask, login: str, url: str, body: dict[str, Any] | None = None) -> Any:
    return office.client(app, login).post(url, json=body or {})


def import_some(office: Office, count: int) -> list[str]:
    kinds = notices.TRADE_KINDS
    with office.units.begin(system("import")) as unit:
        return [
            import_lot(
                unit,
                PastLot(
                    name=f"历史项目 {number}",
                    location="武进区",
                    fund_source="财政资金",
                    trade_kind=kinds[number % 4],
                    tenderee_org_id=str(office.tenderee.org_id),
                    base=Money(100_000_000),
                    amount=Money(96_000_000 if number % 4 < 2 else 101_000_000),
                    awardee_name="某公司",
                    deal_on=date(2026, 1 + number % 10, 10),
                ),
                CODES,
            )
            for number in range(count)
        ]


# --- both languages ---


def test_every_page_speaks_both_languages(office: Office, app: Flask) -> None:
    lot_id, draft = office.published(), office.drafted(replace(DRAFT, name="Lot B"))
    import_some(office, 8)
    project_id = office.lot(lot_id).project_id
    office.ask(lot_id, "Which drawing counts?")
    pages = [
        ("", "/"),
        ("", "/notices?q=%E6%AD%A6%E8%BF%9B"),
        ("", f"/lots/{lot_id}"),
        ("bidder", f"/lots/{lot_id}/questions"),
        ("agency", f"/lots/{lot_id}/questions"),
        ("", "/timetable?bid_deadline=2026-11-07+09:07&published_at=never"),
        ("agency", "/projects"),
        ("agency", f"/projects/{project_id}"),
        ("agency", "/projects/new"),
        ("tenderee", "/projects/new"),
        ("agency", f"/projects/{project_id}/lots/new"),
        ("agency", f"/lots/{draft}/edit"),
        ("agency", f"/lots/{draft}/method?method=jiangsu-5"),
        ("agency", f"/lots/{draft}/timetable"),
        ("agency", f"/lots/{draft}/preparation"),
        ("tenderee", "/approvals"),
        ("centre_staff", "/publications"),
    ]
    for login, url in pages:
        zh, en = (get(office, app, url, login, json=False, lang=lang) for lang in ("zh", "en"))
        assert 'lang="zh-Hans"' in zh
        assert '<html lang="en"' in en
        for page in (zh, en):
            # A term that no catalogue holds shows its code.
            assert not re.search(
                r"\b(lot_state|lot_step\w*|lot_stage\w*|trade_kind|step_\w+|tendering)\.(?!css)[a-z_]+\b", page
            )
        headings = re.findall(r"<h[123][^>]*>(.*?)</h[123]>", en, re.DOTALL)
        own = ("武进", "常州", "修缮", "历史项目")
        assert not [one for one in headings if CHINESE.search(one) and not any(name in one for name in own)], url


def test_the_same_address_gives_the_model_as_json(office: Office, app: Flask) -> None:
    lot_id = office.published()
    lot = office.client(app).get(f"/lots/{lot_id}").get_json()["lot"]
    assert lot["state"] == "open"
    assert lot["ceiling"] == {"amount": "12860000.00", "currency": "CNY"}
    assert lot["deadline_at"] == "2026-11-24T01:30:00.000Z"
    assert [one["url"] for one in lot["documents"]] == [f"/lots/{lot_id}/notice.pdf", f"/lots/{lot_id}/document.pdf"]
    assert (lot["keyset"]["t"], lot["keyset"]["m"], len(lot["keyset"]["seats"])) == (2, 3, 6)
    assert [one["state"] for one in lot["stages"]][:3] == ["done", "now", ""]


# --- the whole way over HTTP ---


def test_the_whole_way_by_json(office: Office, app: Flask) -> None:
    project = {
        "name": "武进高级中学新校区修缮工程",
        "location": "湖塘镇",
        "fund_source": "财政资金",
        "approval": "武行审投〔2026〕118 号",
        "is_state_funded": True,
        "tenderee_uscc": office._uscc(office.tenderee),
    }
    made = post(office, app, "agency", "/projects/new", project)
    assert made.status_code == 201
    lot = {
        "name": DRAFT.name,
        "scope": DRAFT.scope,
        "qualification": DRAFT.qualification,
        "quality": "合格",
        "contract_estimate": {"amount": "13000000.00"},
        "ceiling_price": "12,860,000.00",
        "bid_deposit": "250000",
        "duration_days": 180,
        "method_id": "jiangsu-1",
        "params": {"K": ["0.96", "0.97"]},
        "bid_deadline": "2026-11-20 09:30",
    }
    url = f"/projects/{made.get_json()['project_id']}/lots/new"
    early = post(office, app, "agency", url, lot)
    assert early.status_code == 422
    (objection,) = early.get_json()["objections"]
    assert objection["code"] == "tendering.deadline_too_early_min_prep"
    assert "2026-11-23 08:30:00" in objection["detail"]
    added = post(office, app, "agency", url, lot | {"bid_deadline": "2026-11-24T01:30:00Z"})
    lot_id = added.get_json()["lot_id"]
    assert post(office, app, "agency", f"/lots/{lot_id}/keyset").get_json()["state"] == "keyset"
    assert post(office, app, "agency", f"/lots/{lot_id}/rehearsal").status_code == 409
    office.make_keys(lot_id)
    office.rehearse(lot_id)
    office.work()
    assert post(office, app, "agency", f"/lots/{lot_id}/submit-for-approval").get_json()["state"] == "submitted"
    assert post(office, app, "agency", f"/lots/{lot_id}/approve").status_code == 403
    assert post(office, app, "tenderee", f"/lots/{lot_id}/approve").get_json()["state"] == "approved"
    assert office.client(app).get(f"/lots/{lot_id}").status_code == 404
    assert post(office, app, "centre_staff", f"/lots/{lot_id}/publish").get_json()["state"] == "issuing"
    waiting = office.client(app, "centre_staff").get(f"/lots/{lot_id}/preparation").get_json()["lot"]
    assert waiting["order"]["state"] == "ordered"
    office.work()
    shown = office.client(app).get(f"/lots/{lot_id}").get_json()["lot"]
    assert (shown["state"], shown["deadline_at"]) == ("open", "2026-11-24T01:30:00.000Z")
    pdf = office.client(app).get(f"/lots/{lot_id}/document.pdf")
    assert pdf.data.startswith(b"%PDF")
    assert pdf.headers["ETag"].strip('"') == shown["documents"][1]["sha256"]


def test_a_form_that_is_refused_comes_back_with_values_and_reasons(office: Office, app: Flask) -> None:
    project_id = office.project()
    answer = office.client(app, "agency", json=False).post(
        f"/projects/{project_id}/lots/new",
        data={"name": "一标段", "contract_estimate": "1,000,000", "bid_deposit": "20,000.01", "quality": "合格"},
    )
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'href="#f-bid_deposit"' in text
    assert "最多 20,000.00 元" in text
    assert 'value="20,000.01"' in text


def test_the_failed_paper_is_shown_in_both_languages(office: Office, app: Flask) -> None:
    lot_id = office.approved(replace(DRAFT, name="嘉泽镇𠮷祥路改造工程"))
    assert post(office, app, "centre_staff", f"/lots/{lot_id}/publish").status_code == 200
    office.work()
    for lang, word in (("zh", "没有可用的字形"), ("en", "no font can print")):
        page = get(office, app, f"/lots/{lot_id}/preparation", "centre_staff", json=False, lang=lang)
        assert word in page
        assert "U+20BB7" in page


# --- what stays hidden ---


def everything(office: Office, app: Flask, lot_id: str) -> dict[tuple[str, str, bool], str]:
    """Every page of the lot that anybody may open, by role, as HTML and JSON."""
    urls = ("/", "/notices", f"/lots/{lot_id}", f"/lots/{lot_id}/questions", f"/lots/{lot_id}/preparation", "/projects")
    found = {}
    for login in office.everybody():
        for url in urls:
            for json in (True, False):
                client = office.client(app, "" if login == "public" else login, json=json)
                answer = client.get(url)
                text = answer.get_data(as_text=True)
                found[login, url, json] = re.sub(r'name="csrf_token" value="[^"]*"|[0-9a-f]{8} [0-9a-f ]{8,}', "", text)
    return found


def test_downloads_and_subscriptions_change_no_page_of_anybody_else(office: Office, app: Flask) -> None:
    lot_id = office.published()
    before = everything(office, app, lot_id)
    for _ in range(3):
        assert office.client(app, "bidder").get(f"/lots/{lot_id}/document.pdf").status_code == 200
    on = post(office, app, "bidder", f"/lots/{lot_id}/subscription", {"on": True})
    assert on.get_json()["is_subscribed"] is True
    after = everything(office, app, lot_id)
    changed = {key for key in before if _plain(before[key]) != _plain(after[key])}
    assert changed == {("bidder", f"/lots/{lot_id}", True), ("bidder", f"/lots/{lot_id}", False)}


def _plain(text: str) -> str:
    """Without what differs from one request to the next."""
    return re.sub(r"<p class=\"print-foot.*?</p>|\b[0-9a-f]{12}\b|([0-9a-f]{4} ){2}[0-9a-f]{4}", "", text)


def test_the_asker_is_named_on_no_page(office: Office, app: Flask) -> None:
    lot_id = office.published()
    asked = post(office, app, "bidder", f"/lots/{lot_id}/questions", {"text": "外墙真石漆以哪个为准？"})
    assert asked.status_code == 201
    names = {str(office.bidder.org_id), str(office.bidder.user_id), office.bidder.org_name, "人bidder"}

    def check() -> None:
        for (login, url, _), text in everything(office, app, lot_id).items():
            if login != "bidder":
                assert not [name for name in names if name in text], (login, url)

    check()
    hosts = office.client(app, "agency").get(f"/lots/{lot_id}/questions").get_json()["lot"]
    assert [set(one) for one in hosts["waiting"]] == [{"question_id", "text"}]
    for login in ("", "rival", "tenderee", "centre_staff", "supervisor", "administrator"):
        seen = office.client(app, login).get(f"/lots/{lot_id}/questions").get_json()["lot"]
        assert (seen["waiting"], seen["own"]) == ([], [])
    own = office.client(app, "bidder").get(f"/lots/{lot_id}/questions").get_json()["lot"]["own"]
    assert [one["text"] for one in own] == ["外墙真石漆以哪个为准？"]
    body = {"answers": {asked.get_json()["question_id"]: "以图纸为准。"}, "affects_bids": "no"}
    assert post(office, app, "agency", f"/lots/{lot_id}/clarifications/new", body).status_code == 201
    office.work()
    check()
    public = office.client(app).get(f"/lots/{lot_id}").get_json()["lot"]["clarifications"]
    assert public[0]["answers"] == [{"text": "外墙真石漆以哪个为准？", "answer": "以图纸为准。"}]
    assert office.client(app).get(public[0]["url"]).data.startswith(b"%PDF")


def test_a_refused_deadline_comes_back_beside_its_field(office: Office, app: Flask) -> None:
    lot_id = office.published()
    office.step(days=8)
    answer = office.client(app, "agency", json=False).post(
        f"/lots/{lot_id}/clarifications/new", data={"changes": "第 38 项改为真石漆。", "affects_bids": "yes"}
    )
    text = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert 'href="#f-new_deadline"' in text
    assert "最早可定 2026-11-26 09:00:00" in text
    assert "第 38 项改为真石漆。" in text


@pytest.mark.parametrize(
    "text", ["019a0000-0000-7000-8000-000000000000", "1", "../x", "019A0000-0000-7000-8000-00000000000A"]
)
def test_ids_that_are_not_ours_are_not_found(office: Office, app: Flask, text: str) -> None:
    for url in (f"/lots/{text}", f"/lots/{text}/questions", f"/lots/{text}/document.pdf"):
        assert office.client(app).get(url).status_code == 404
    for url in (f"/projects/{text}", f"/lots/{text}/edit", f"/lots/{text}/preparation"):
        assert office.client(app, "agency").get(url).status_code == 404


def test_another_agency_finds_nothing(office: Office, app: Flask) -> None:
    lot_id = office.drafted()
    project_id = office.lot(lot_id).project_id
    stranger = office.client(app, "tenderee")
    assert stranger.get(f"/lots/{lot_id}/preparation").status_code == 200
    app.extensions["identify"] = lambda _request: office.world.organisation("另一家代理", "agency", login="")
    for url in (f"/projects/{project_id}", f"/lots/{lot_id}/preparation", f"/lots/{lot_id}/edit"):
        assert office.client(app, "agency").get(url).status_code == 404


# --- lists ---


def test_the_list_pages_by_keyset_without_gaps(office: Office, app: Flask) -> None:
    wanted = set(import_some(office, 25)) | {office.published()}
    seen: list[str] = []
    url = "/notices?limit=10"
    while url:
        answer = office.client(app).get(url).get_json()["paging"]
        seen += [row["lot_id"] for row in answer["rows"]]
        url = answer["next_url"]
    assert len(seen) == len(set(seen)) == 26
    assert set(seen) == wanted
    assert office.client(app).get("/notices?after=!!").status_code == 422


@pytest.mark.parametrize(
    ("query", "count"),
    [("q=修缮", 1), ("q=教育局", 9), ("q=E320412", 9), ("kind=works", 3), ("state=open", 1), ("q=100%", 0), ("q=_", 0)],
)
def test_search_and_filters(office: Office, app: Flask, query: str, count: int) -> None:
    import_some(office, 8)
    office.published()
    assert len(office.client(app).get(f"/notices?{query}").get_json()["paging"]["rows"]) == count


def test_lists_ask_the_same_number_of_questions_however_long(office: Office) -> None:
    import_some(office, 2)
    for _ in range(2):
        office.drafted()

    def statements() -> tuple[int, int]:
        counts = []
        for read in (
            lambda unit: notices.notices(unit, notices.NoticeFilter(), None, 50),
            lambda unit: preparation.my_projects(unit, None, 50),
        ):
            seen: list[str] = []

            def note(_c: object, _cursor: object, statement: str, *_rest: object, into: list[str] = seen) -> None:
                into.append(statement)

            event.listen(office.units.engine, "before_cursor_execute", note)
            with office.units.read(office.agency) as unit:
                read(unit)
            event.remove(office.units.engine, "before_cursor_execute", note)
            counts.append(sum("SELECT" in one for one in seen))
        return counts[0], counts[1]

    few = statements()
    import_some(office, 20)
    for _ in range(6):
        office.drafted()
    assert statements() == few == (1, 2)


def test_figures_carry_both_numbers_of_every_rate(office: Office) -> None:
    import_some(office, 40)
    with office.units.read() as unit:
        found = statistics.figures(unit)
    assert found is not None
    assert (found.year, found.count, found.failed, found.ended) == (2026, 40, 0, 40)
    assert found.saving.part == Money(20 * 4_000_000)
    assert found.saving.whole == Money(20 * 100_000_000)
    assert str(found.saving.percent) == "4.00"
    assert (found.uplift.part, found.uplift.whole) == (Money(20 * 1_000_000), Money(20 * 100_000_000))
    assert Money.sum(found.kinds[0].months) == found.kinds[0].amount
    assert [one.count for one in found.kinds] == [10, 10, 10, 10]


def test_an_imported_lot_says_that_it_has_no_proofs(office: Office, app: Flask) -> None:
    (lot_id,) = import_some(office, 1)
    assert "历史数据导入，无存证" in get(office, app, f"/lots/{lot_id}", json=False)
    assert "Imported, without proofs" in get(office, app, f"/lots/{lot_id}", json=False, lang="en")
    lot = office.client(app).get(f"/lots/{lot_id}").get_json()["lot"]
    assert (lot["keyset"], lot["room_url"], lot["documents"]) == (None, "", [])
    assert office.client(app).get(f"/lots/{lot_id}/document.pdf").status_code == 404


def test_the_home_page_counts_down_to_the_opening(office: Office, app: Flask) -> None:
    lot_id = office.published()
    assert office.client(app).get("/").get_json()["today"] == []
    office.clock.set(DEADLINE - timedelta(minutes=30))
    model = office.client(app).get("/").get_json()
    assert model["today"] == [lot_id]
    page = get(office, app, "/", json=False)
    assert 'data-until="2026-11-24T01:30:00.000Z"' in page
    assert "今天有 1 场开标" in page


# --- the timetable ---


def test_the_timetable_names_laws_and_its_rulebook(office: Office, app: Flask) -> None:
    html = {"Accept": "text/html", "Accept-Language": "zh-CN"}
    page = office.client(app).get("/timetable?published_at=2026-11-03+09:00", headers=html).get_data(as_text=True)
    assert "《招标投标法》第24条" in page
    assert "工程·公开招标（2022 年 9 月起）" in page
    assert not re.search(r"\bR\d\.\d\d\b", page)


def test_a_timetable_is_simulated_before_anything_is_saved(office: Office, app: Flask) -> None:
    plan = office.client(app).get("/timetable?published_at=2026-11-03+09:00").get_json()["plan"]
    assert (plan["is_earliest"], plan["bid_deadline"]) == (True, "2026-11-23T00:30:00.000Z")
    assert plan["objections"] == []
    rows = {row["moment"]["key"]: row for row in plan["rows"]}
    assert "十日前" in rows["objection_until"]["clause_zh"]
    assert rows["bid_validity_until"]["moment"]["is_provisional"] is True
    early = office.client(app).get("/timetable?published_at=2026-11-03+09:00&bid_deadline=2026-11-20+09:07").get_json()
    assert [one["code"] for one in early["plan"]["objections"]] == [
        "tendering.deadline_too_early_min_prep",
        "tendering.deadline_off_slot",
    ]
    assert office.client(app).get("/timetable?published_at=9999-99-99+99:99&kind=nonsense").status_code == 200
    assert office.client(app).get("/timetable?published_at=1999-01-01+00:00").status_code == 200


def test_simulated_dates_are_taken_over(office: Office, app: Flask) -> None:
    lot_id = office.drafted(replace(DRAFT, bid_deadline=None))
    early = post(office, app, "agency", f"/lots/{lot_id}/timetable", {"bid_deadline": "2026-11-20 09:00"})
    assert early.status_code == 422
    assert (
        post(office, app, "agency", f"/lots/{lot_id}/timetable", {"bid_deadline": "2026-11-24 09:30"}).status_code
        == 200
    )
    assert office.lot(lot_id).deadline_at == DEADLINE


def test_a_cancelled_lot_stays_readable(office: Office, app: Flask) -> None:
    lot_id = office.published()
    assert post(office, app, "agency", f"/lots/{lot_id}/cancel", {}).status_code == 422
    answer = post(office, app, "agency", f"/lots/{lot_id}/cancel", {"reason": "规划调整"})
    assert answer.get_json()["state"] == "cancelled"
    page = get(office, app, f"/lots/{lot_id}", json=False)
    assert "招标已终止" in page
