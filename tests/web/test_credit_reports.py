"""Reports from openings on the desk of credit records: a draft, never a record by itself (R3.33)."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from accounts import passwords
from accounts.facade import vouch_for
from accounts.roles import Role
from foundation.actor import system
from foundation.codes import synthetic_uscc
from foundation.events.bid_opening import FaultAttributed
from foundation.events.tendering import LotPublished
from tests.web.support_accounts import QUICK, Centre, make_centre

NAME, USCC = "常州澄岳建设有限公司", synthetic_uscc(1)
LOT, LOT_CODE = "01a20736-0000-7000-8000-000000000001", "A3204120001000123001001"
WHY = "窗口内没有任何操作"


@pytest.fixture(autouse=True)
def quick_passwords(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_SHARED", QUICK)


@pytest.fixture
def centre(tmp_path: Path) -> Centre:
    """Two openings found a bidder to answer, one found that it was not the bidder."""
    made = make_centre(tmp_path)
    firm, office = made.organisation(NAME, 1), made.organisation("武进区行政审批局", 2)
    with made.units.begin(system("test")) as unit:
        vouch_for(unit, firm, "register")
        published = LotPublished(
            lot=LOT,
            tender="T",
            lot_code=LOT_CODE,
            unified_deal_code="U",
            name="修缮工程（施工）",
            deadline_at=datetime(2026, 11, 20, 1, 30, tzinfo=UTC),
            ceiling="",
            deposit="0.00",
            rulebook="works-mandatory-2022",
            method="jiangsu-1",
            escrow_rule="none",
            keyset="0" * 64,
            documents=(),
        )
        unit.append(f"lot:{LOT}", published)
        for seat, culprit, consequence in ((1, "bidder", "revoked"), (2, "platform", "withdrawn")):
            told = FaultAttributed(LOT, seat, str(firm), "0" * 32, culprit, consequence, f"{WHY}{seat}", "a", "b")
            unit.append(f"room:{LOT}", told)
    made.person(office, "staff", [Role.CENTRE_STAFF])
    made.person(firm, "bidder", [Role.BIDDER])
    return made


def html(centre: Centre, path: str, lang: str = "zh-Hans") -> str:
    answer = centre.client("staff").get(path, headers={"Accept": "text/html", "Accept-Language": lang})
    assert answer.status_code == 200
    text: str = answer.get_data(as_text=True)
    return text


@pytest.mark.parametrize(("lang", "title"), [("zh-Hans", "开标报告：视为撤销"), ("en", "bids that count as revoked")])
def test_only_what_the_bidder_answers_for_is_a_report(centre: Centre, lang: str, title: str) -> None:
    text = html(centre, "/credit/records", lang)
    assert title in text
    assert f"{WHY}1" in text
    assert f"{WHY}2" not in text
    # Nothing is recorded: the standing of the organisation is untouched, and nobody else reads the report.
    assert f"{WHY}1" not in centre.client().get(f"/credit/organisations/{USCC}").get_data(as_text=True)
    assert centre.client("bidder").get("/credit/records").status_code == 403


def test_a_record_is_begun_from_its_report_and_the_report_is_gone_with_it(centre: Centre) -> None:
    (report,) = centre.client("staff").get("/credit/records").get_json()["reports"]
    assert (report["uscc"], report["lot_code"], report["act"]) == (USCC, LOT_CODE, "bid_revoked")
    form = html(centre, f"/credit/records/new?report={report['entry_id']}")
    assert f'value="{USCC}"' in form
    assert f'value="{LOT_CODE}"' in form
    assert "尚无决定" in form
    decision = {
        "uscc": USCC,
        "name": NAME,
        "act": "bid_revoked",
        "authority": "武进区住房和城乡建设局",
        "decision_no": "武住建决〔2026〕40 号",
        "facts": report["facts"],
        "lot_code": LOT_CODE,
        "effective_at": "2026-11-20 00:00",
        "months": "12",
        "document_reference": f"/log/entries/{report['entry_id']}",
    }
    answer = centre.client("staff").post("/credit/records/new", json=decision)
    assert answer.status_code == 201, answer.get_data(as_text=True)
    assert centre.client("staff").get("/credit/records").get_json()["reports"] == []


@pytest.mark.parametrize("entry", ["01a20736-0000-7000-8000-0000000000ff", "platform"])
def test_any_other_entry_is_no_report(centre: Centre, entry: str) -> None:
    assert centre.client("staff").get(f"/credit/records/new?report={entry}").status_code in {404, 422}
